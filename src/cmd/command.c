/* SPDX-License-Identifier: MIT */
/** Parses a command's options from its table, runs it. */
#include "cmd/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/near.h"
#include "base/utf8.h"
#include "cmd/help.h"

enum { MOST_OPTIONS = 64, KEY_HELP = 1000 };

/* Words may quote what a trace or a dump has: nothing of that is an order to the terminal. */
static void put_safe(const char *text)
{
	while (*text) {
		size_t n = utf8_shown_len(text);

		if (n || *text == '\n' || *text == '\t')
			fwrite(text, 1, n ? n : 1, stderr);
		else
			fputc('?', stderr);
		n = n ? n : utf8_len(text);
		text += n ? n : 1;
	}
}

static void put_failure(const struct command *cmd)
{
	fprintf(stderr, "sonde %s: ", cmd->name);
	put_safe(sonde_err_str());
	fputc('\n', stderr);
}

int cmd_failed(const struct command *cmd)
{
	put_failure(cmd);
	return CMD_FAILED;
}

int cmd_usage(const struct command *cmd)
{
	put_failure(cmd);
	fprintf(stderr, "Try 'sonde %s --help'.\n", cmd->name);
	return CMD_USAGE;
}

void cmd_note(void *arg, const char *line)
{
	(void)arg;
	fputs("sonde: ", stderr);
	put_safe(line);
	fputc('\n', stderr);
}

/* Makes getopt's two tables. */
static void make_getopt(const struct command *cmd, struct option *ret_long, char *ret_short)
{
	size_t n = 0;

	if (cmd->wraps_command)
		*ret_short++ = '+';
	*ret_short++ = ':';
	*ret_short++ = 'h';
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

/* The option whose long name is nearest to @word ("--nmae" or "--nmae=x"), or NULL. */
static const char *find_near(const struct command *cmd, const char *word)
{
	char name[64];
	const char *best = NULL;
	unsigned least = NEAR_NOT;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	for (const struct cmd_option *o = cmd->options; o && o->name; o++) {
		unsigned distance = near_distance(name, o->name);

		if (distance < least) {
			least = distance;
			best = o->name;
		}
	}
	return best;
}

/* getopt found an option that it does not know, or that takes no value and was given one. */
static int unknown_option(const struct command *cmd, const char *word)
{
	bool is_long = !strncmp(word, "--", 2);

	if (!is_long)
		return sonde_fail(-EINVAL, "unknown option '-%c'", optopt);
	if (optopt)
		return sonde_fail(-EINVAL, "option '%.*s' takes no value", (int)strcspn(word, "="),
				  word);

	const char *near = find_near(cmd, word);
	if (near)
		return sonde_fail(-EINVAL, "unknown option '%s'; did you mean '--%s'?", word, near);
	return sonde_fail(-EINVAL, "unknown option '%s'", word);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Takes the folders behind an option's value, as a shell makes them of *; getopt skips them. */
static int set_folders(const struct command *cmd, void *state, int argc, char **argv)
{
	int r = 0;

	while (r >= 0 && optind < argc && is_folder(argv[optind]))
		r = cmd->set(state, cmd->folders_key, argv[optind++]);
	return r;
}

int cmd_parse(const struct command *cmd, void *state, int argc, char **argv, int *ret_first)
{
	struct option longs[MOST_OPTIONS + 2];
	char shorts[2 * MOST_OPTIONS + 5];
	int key;

	make_getopt(cmd, longs, shorts);
	optind = 0; // glibc: start anew, with the order of these shorts
	opterr = 0;
	while ((key = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (key == KEY_HELP || key == 'h')
			return 1;
		if (key == ':')
			return sonde_fail(-EINVAL, "option '%s' wants a value", argv[optind - 1]);
		if (key == '?')
			return unknown_option(cmd, argv[optind - 1]);
		int r = cmd->set(state, key, optarg);
		if (r >= 0 && key == cmd->folders_key)
			r = set_folders(cmd, state, argc, argv);
		if (r < 0)
			return r;
	}
	*ret_first = optind;
	return 0;
}

static int show_help(const struct command *cmd)
{
	help_command(cmd);
	return CMD_OK;
}

int cmd_run(const struct command *cmd, int argc, char **argv)
{
	sonde_auto(mem_freep) void *state = calloc(1, cmd->state_size ? cmd->state_size : 1);
	if (!state) {
		(void)sonde_fail(-ENOMEM, "out of memory");
		return cmd_failed(cmd);
	}

	int first = 0, status;
	int r = cmd_parse(cmd, state, argc, argv, &first);
	if (r < 0)
		status = cmd_usage(cmd);
	else if (r > 0)
		status = show_help(cmd);
	else
		status = cmd->run(state, argc - first, argv + first);
	if (cmd->fini)
		cmd->fini(state);
	return status;
}
