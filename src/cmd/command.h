/* SPDX-License-Identifier: MIT */
/**
 * Commands and their options as tables: parsing, --help, man pages and completion come from them.
 *
 * Adding a command: one file with a const struct command, and its two lines in all.c.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CMD_OK = 0,	/* done */
	CMD_FAILED = 1, /* the work failed */
	CMD_USAGE = 2,	/* the arguments are wrong */
};

/** One option; an array of them ends with .name == NULL. */
struct cmd_option {
	int key; /* what command.set gets; a letter is the short option too, above 255: none */
	const char *name; /* long option without the dashes */
	const char *arg;  /* what its value is called, or NULL: it takes none */
	const char *help; /* one or two sentences */
};

/** An example in help and man page; it is run as a test where @test is true. */
struct cmd_example {
	const char *line; /* what to type */
	const char *what; /* what it does */
	bool test;
};

struct command {
	const char *name;
	const char *args;    /* what stands behind the options, as "[TRACE]..." */
	const char *words;   /* what the first argument may be, for completion; or NULL */
	const char *summary; /* one sentence, no full stop */
	const char *about;   /* paragraphs for --help and the man page */
	const struct cmd_option *options;
	const struct cmd_example *examples; /* ends with .line == NULL */
	size_t state_size;		    /* zeroed memory for @set and @run */
	int folders_key;    /* an option that folders right behind its value are values of, too */
	bool wraps_command; /* options end at the first argument: a command to run follows */

	/** Takes an option's value. 0, or -EINVAL with sonde_fail(). NULL where there are none. */
	int (*set)(void *state, int key, const char *value);
	/** Does the work; @argv holds what is behind the options. Returns the exit status. */
	int (*run)(void *state, int argc, char **argv);
	/** Frees what the state owns; may be NULL. */
	void (*fini)(void *state);
};

/** All commands, in the order of the help; ends with NULL. */
extern const struct command *const cmd_all[];

/** Parses and runs `sonde NAME ...`: @argv[0] is the command's name. Returns the exit status. */
int cmd_run(const struct command *cmd, int argc, char **argv);

/**
 * The options in @argv, whose first word is no option, go to @state; what is left begins at
 * *@ret_first. 0; 1: help was asked for; -EINVAL (sonde_fail()).
 */
int cmd_parse(const struct command *cmd, void *state, int argc, char **argv, int *ret_first);

/** Prints the failure chain as "sonde NAME: words" and returns CMD_FAILED. */
int cmd_failed(const struct command *cmd);

/** The same for wrong arguments, with a hint at --help; returns CMD_USAGE. */
int cmd_usage(const struct command *cmd);

/** For sonde_setup.note: prints "sonde: line" to standard error; @arg is ignored. */
void cmd_note(void *arg, const char *line);

#endif
