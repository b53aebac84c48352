/* SPDX-License-Identifier: MIT */
/** What a person names as a script, and as a command, on the command line. */
#ifndef CMD_SCRIPT_ARG_H
#define CMD_SCRIPT_ARG_H

#include <stddef.h>

#include <sonde/def.h>

/** All zero is none. */
struct script_arg {
	const char *name; /* for messages: the file's, without folders */
	char *path;	  /* owned; NULL: none */
	char *text;	  /* owned; with a 0 behind */
	size_t len;
};

void script_arg_fini(struct script_arg *a);

/**
 * Reads the script @what: a file, "-" for standard input, or the name of a ready script.
 * -ENOENT and others, with words; -E2BIG: longer than scripts may be.
 */
SONDE_MUST_CHECK int script_arg_read(struct script_arg *a, const char *what);

/** The words of a command, as a shell splits them: blanks, quotes, backslashes; nothing else. */
struct command_words {
	char **argv; /* owned; ends with NULL; the text lies in @text */
	char *text;  /* owned */
	size_t n;
};

void command_words_fini(struct command_words *w);
/** -EINVAL: a quote is open, or there is no word. */
SONDE_MUST_CHECK int command_words_split(struct command_words *w, const char *text);

#endif
