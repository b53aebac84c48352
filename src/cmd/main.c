/* SPDX-License-Identifier: MIT */
/** sonde VERB [options] ...: finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

#include "cmd/all.h"

static void print_usage(FILE *f)
{
	fprintf(f, "Usage: sonde VERB [options] ...\n\n"
		   "Tells where the time of a Linux system goes, and why.\n\nVerbs:\n");
	for (const struct command *const *c = cmd_all; *c; c++)
		fprintf(f, "  %-10s %s\n", (*c)->name, (*c)->summary);
	fprintf(f, "\n'sonde VERB --help' tells more about each.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return CMD_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("sonde %s\n", SONDE_VERSION);
		return CMD_OK;
	}
	for (const struct command *const *c = cmd_all; *c; c++) {
		if (!strcmp((*c)->name, argv[1]))
			return cmd_run(*c, argc - 1, argv + 1);
	}
	fprintf(stderr, "sonde: unknown verb '%s'\nTry 'sonde --help'.\n", argv[1]);
	return CMD_USAGE;
}
