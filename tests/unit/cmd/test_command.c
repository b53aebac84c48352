/* SPDX-License-Identifier: MIT */
/** Tests how options are parsed, on a command table of its own. */
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "cmd/help.h"
#include "test.h"

enum { KEY_GMT = 256 };

struct state {
	char keys[16], values[16];
	size_t n;
};

static char seen[64]; /* "keys|values|arguments" of the last run */

static int set(void *state, int key, const char *value)
{
	struct state *s = state;

	if (value && !strcmp(value, "bad"))
		return sonde_fail(-EINVAL, "bad value");
	s->keys[s->n] = key == KEY_GMT ? 'G' : (char)key;
	s->values[s->n++] = value ? *value : '-';
	return 0;
}

static int run(void *state, int argc, char **argv)
{
	const struct state *s = state;
	int n = snprintf(seen, sizeof(seen), "%s|%s|", s->keys, s->values);

	for (int i = 0; i < argc; i++)
		n += snprintf(seen + n, sizeof(seen) - (size_t)n, "%s ", argv[i]);
	return CMD_OK;
}

static const struct cmd_option options[] = {
	{ 'n', "names", "KINDS", "Names." },
	{ 'q', "quiet", NULL, "Nothing." },
	{ KEY_GMT, "clock-gmt", NULL, "UTC." },
	{ 0 },
};

static const struct command cmd_look = {
	.name = "look",
	.args = "[TRACE]...",
	.summary = "Look",
	.options = options,
	.state_size = sizeof(struct state),
	.set = set,
	.run = run,
};

static const struct command cmd_join = {
	.name = "join",
	.args = "FILE",
	.summary = "Join",
	.options = options,
	.state_size = sizeof(struct state),
	.folders_key = 'n',
	.set = set,
	.run = run,
};

static const struct command cmd_wrap = {
	.name = "wrap",
	.args = "CMD",
	.summary = "Wrap",
	.options = options,
	.state_size = sizeof(struct state),
	.wraps_command = true,
	.set = set,
	.run = run,
};

const struct command *const cmd_all[] = { &cmd_look, &cmd_join, &cmd_wrap, NULL };

TEST(options_and_arguments)
{
	static const struct {
		const struct command *cmd;
		const char *args[7];
		int status;
		const char *seen;
		const char *words; /* of the failure */
	} cases[] = {
		{ &cmd_look, { "look" }, CMD_OK, "||", NULL },
		{ &cmd_look, { "look", "-q", "a" }, CMD_OK, "q|-|a ", NULL },
		{ &cmd_look, { "look", "a", "-nx", "b" }, CMD_OK, "n|x|a b ", NULL },
		{ &cmd_look, { "look", "--names=x", "-q" }, CMD_OK, "nq|x-|", NULL },
		{ &cmd_look, { "look", "--clock-gmt", "--", "-q" }, CMD_OK, "G|-|-q ", NULL },
		{ &cmd_wrap, { "wrap", "-q", "ls", "-l" }, CMD_OK, "q|-|ls -l ", NULL },
		{ &cmd_wrap, { "wrap", "--", "ls", "-q" }, CMD_OK, "||ls -q ", NULL },
		{ &cmd_join, { "join", "-n", "x", "/", ".", "a" }, CMD_OK, "nnn|x/.|a ", NULL },
		{ &cmd_join, { "join", "a", "-q", "-n", "x", "/" }, CMD_OK, "qnn|-x/|a ", NULL },
		{ &cmd_join, { "join", "-n", "x", "a", "/" }, CMD_OK, "n|x|a / ", NULL },
		{ &cmd_join, { "join", "a", "/", "-nx", "." }, CMD_OK, "nn|x.|a / ", NULL },
		{ &cmd_join, { "join", "-nx", "--", "/" }, CMD_OK, "n|x|/ ", NULL },
		{ &cmd_look, { "look", "-nx", "/" }, CMD_OK, "n|x|/ ", NULL },
		{ &cmd_look, { "look", "-z" }, CMD_USAGE, NULL, "unknown option '-z'" },
		{ &cmd_look, { "look", "-qz" }, CMD_USAGE, NULL, "unknown option '-z'" },
		{ &cmd_look, { "look", "-n" }, CMD_USAGE, NULL, "option '-n' wants a value" },
		{ &cmd_look,
		  { "look", "--quiet=1" },
		  CMD_USAGE,
		  NULL,
		  "option '--quiet' takes no value" },
		{ &cmd_look,
		  { "look", "--nmaes=1" },
		  CMD_USAGE,
		  NULL,
		  "unknown option '--nmaes=1'; did you mean '--names'?" },
		{ &cmd_look, { "look", "--zzz" }, CMD_USAGE, NULL, "unknown option '--zzz'" },
		{ &cmd_look, { "look", "-n", "bad" }, CMD_USAGE, NULL, "bad value" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[8] = { 0 };
		int argc = 0;

		for (; cases[i].args[argc]; argc++)
			argv[argc] = (char *)cases[i].args[argc];
		seen[0] = '\0';
		EXPECT_EQ(cmd_run(cases[i].cmd, argc, argv), cases[i].status);
		if (cases[i].seen)
			EXPECT_STR(seen, cases[i].seen);
		if (cases[i].words)
			EXPECT_STR(sonde_err_str(), cases[i].words);
	}
}

TEST(finds_verbs)
{
	EXPECT(help_find("wrap") == &cmd_wrap);
	EXPECT(!help_find("wra"));
	EXPECT_EQ(help_unknown("loko"), CMD_USAGE);
}
