/* SPDX-License-Identifier: MIT */
/** Parses a command's options from its table, prints its help, runs it. */
#include "cmd/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { MOST_OPTIONS = 64, KEY_HELP = 1000 };

int cmd_failed(const struct command *cmd)
{
	fprintf(stderr, "sonde %s: %s\n", cmd->name, sonde_err_str());
	return CMD_FAILED;
}

int cmd_usage(const struct command *cmd)
{
	fprintf(stderr, "sonde %s: %s\nTry 'sonde %s --help'.\n", cmd->name, sonde_err_str(),
		cmd->name);
	return CMD_USAGE;
}

void cmd_note(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "sonde: %s\n", line);
}

static void print_option(const struct cmd_option *o)
{
	char left[80];
	int n = snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->key < 256 ? '-' : ' ',
			 o->key < 256 ? o->key : ' ', o->key < 256 ? ", " : "  ", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");

	printf("  %-28s%s %s\n", left, n > 28 ? "\n                              " : "", o->help);
}

static int print_help(const struct command *cmd)
{
	printf("Usage: sonde %s [options] %s\n\n%s.\n", cmd->name, cmd->args, cmd->summary);
	if (cmd->about)
		printf("\n%s\n", cmd->about);
	printf("\nOptions:\n");
	for (const struct cmd_option *o = cmd->options; o && o->name; o++)
		print_option(o);
	printf("      --help                   show this\n");
	if (cmd->examples)
		printf("\nExamples:\n");
	for (const struct cmd_example *e = cmd->examples; e && e->line; e++)
		printf("  %s\n      %s\n", e->line, e->what);
	return CMD_OK;
}

/* Makes getopt's two tables; the options end at the first argument that is none. */
static void make_getopt(const struct command *cmd, struct option *ret_long, char *ret_short)
{
	size_t n = 0;

	*ret_short++ = '+';
	*ret_short++ = ':';
	for (const struct cmd_option *o = cmd->options; o && o->name && n < MOST_OPTIONS; o++) {
		ret_long[n++] = (struct option){ o->name, o->arg != NULL, NULL, o->key };
		if (o->key > 255)
			continue;
		*ret_short++ = (char)o->key;
		if (o->arg)
			*ret_short++ = ':';
	}
	*ret_short = '\0';
	ret_long[n++] = (struct option){ "help", no_argument, NULL, KEY_HELP };
	ret_long[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* 0: go on; 1: help was asked for; else a negative errno. */
static int parse(const struct command *cmd, void *state, int argc, char **argv)
{
	struct option longs[MOST_OPTIONS + 2];
	char shorts[2 * MOST_OPTIONS + 4];
	int key;

	make_getopt(cmd, longs, shorts);
	optind = 1;
	opterr = 0;
	while ((key = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (key == KEY_HELP)
			return 1;
		if (key == ':')
			return sonde_fail(-EINVAL, "option '%s' wants a value", argv[optind - 1]);
		if (key == '?')
			return sonde_fail(-EINVAL, "unknown option '%s'", argv[optind - 1]);
		int r = cmd->set(state, key, optarg);
		if (r < 0)
			return r;
	}
	return 0;
}

int cmd_run(const struct command *cmd, int argc, char **argv)
{
	sonde_auto(mem_freep) void *state = calloc(1, cmd->state_size ? cmd->state_size : 1);
	if (!state) {
		(void)sonde_fail(-ENOMEM, "out of memory");
		return cmd_failed(cmd);
	}

	int r = parse(cmd, state, argc, argv);
	int status;
	if (r < 0)
		status = cmd_usage(cmd);
	else if (r > 0)
		status = print_help(cmd);
	else
		status = cmd->run(state, argc - optind, argv + optind);
	if (cmd->fini)
		cmd->fini(state);
	return status;
}
