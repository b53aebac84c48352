/* SPDX-License-Identifier: MIT */
/** sonde VERB [options] ...: finds the verb and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "cmd/all.h"
#include "cmd/help.h"

/* The libraries and features that meson.build found: "name version" each. */
static const char *const built_in[] = { SONDE_BUILT_IN };

static int print_version(void)
{
	printf("sonde %s\nbuilt with:\n", SONDE_VERSION);
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		printf("  %s\n", built_in[i]);
	return CMD_OK;
}

/* What is opened in place of a closed output would get what is meant for people. */
static void hold_outputs(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		// Nobody can write there: as before, that is told.
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			return;
	}
}

/* Help and lists are written by stdio, which keeps its failures for itself. */
static int end(int status)
{
	if (fflush(stdout) == 0 || errno == EPIPE)
		return status;
	(void)sonde_fail_errno(-errno, "cannot write the output");
	fprintf(stderr, "sonde: %s\n", sonde_err_str());
	return status == CMD_OK ? CMD_FAILED : status;
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		help_overview(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_version();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help_run(argc - 1, argv + 1);

	const struct command *cmd = help_find(argv[1]);
	if (cmd)
		return cmd_run(cmd, argc - 1, argv + 1);
	return help_unknown(argv[1]);
}

int main(int argc, char **argv)
{
	hold_outputs();
	return end(run(argc, argv));
}
