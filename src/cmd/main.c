/* SPDX-License-Identifier: MIT */
/** sonde VERB [options] ...: finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	if (argc < 2) {
		help_overview(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--version"))
		return print_version();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help_run(argc - 1, argv + 1);

	const struct command *cmd = help_find(argv[1]);
	if (cmd)
		return cmd_run(cmd, argc - 1, argv + 1);
	return help_unknown(argv[1]);
}
