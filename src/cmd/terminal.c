/* SPDX-License-Identifier: MIT */
/** The terminal that a command writes to. */
#include "cmd/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

unsigned terminal_width(int fd)
{
	struct winsize w;

	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}
