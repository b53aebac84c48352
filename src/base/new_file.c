/* SPDX-License-Identifier: MIT */
/** A file that is there when it is whole, and not before. */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

enum { TRIES = 100 };

/* A new file beside @f->path, of a name that nobody has. */
static int open_beside(struct new_file *f)
{
	for (int i = 0; i < TRIES; i++) {
		if (asprintf(&f->temp, "%s.%d-%d.part", f->path, (int)getpid(), i) < 0) {
			f->temp = NULL;
			errno = ENOMEM;
			return -1;
		}
		const int fd = open(f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0)
			return fd;
		free(f->temp);
		f->temp = NULL;
		if (errno != EEXIST)
			break;
	}
	return -1;
}

int new_file_open(struct new_file *f, const char *path)
{
	struct stat st;
	const bool is_there = stat(path, &st) == 0, is_plain = !is_there || S_ISREG(st.st_mode);

	*f = (struct new_file){ .fd = -1 };
	// A pipe behind /dev/stdout has no path of its own.
	f->path = is_there && is_plain ? realpath(path, NULL) : strdup(path);
	if (f->path && is_plain) {
		f->fd = open_beside(f);
		if (f->fd >= 0 && is_there)
			(void)fchmod(f->fd, st.st_mode & 07777); // else it is as new ones are
	}
	// Of a folder in which nothing may be made, the file itself may be writable.
	if (f->path && f->fd < 0 && is_there && (!is_plain || errno == EACCES || errno == EPERM))
		f->fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	const int err = errno;
	new_file_fini(f);
	return sonde_fail_errno(-err, "cannot write '%s'", path);
}

int new_file_keep(struct new_file *f)
{
	if (f->temp && rename(f->temp, f->path) != 0)
		return sonde_fail_errno(-errno, "cannot write '%s'", f->path);
	free(f->temp);
	f->temp = NULL;
	return 0;
}

void new_file_fini(struct new_file *f)
{
	if (f->temp)
		(void)unlink(f->temp); // it is of no use; the failure is told already
	if (f->fd >= 0)
		close(f->fd);
	free(f->temp);
	free(f->path);
	*f = (struct new_file){ .fd = -1 };
}
