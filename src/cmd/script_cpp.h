/* SPDX-License-Identifier: MIT */
/** The C preprocessor over a script in D: -C, -D, -U, -I, -H. */
#ifndef CMD_SCRIPT_CPP_H
#define CMD_SCRIPT_CPP_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

enum { SCRIPT_CPP_ARGS = 64 };

/** All zero: the script is as it is. */
struct script_cpp {
	bool is_wanted; /* -C: by the program 'cpp' */
	struct {
		char key; /* 'D' 'U' 'I' 'H' */
		const char *value;
	} args[SCRIPT_CPP_ARGS];
	size_t n_args;
};

/** Takes an option: 'C' 'D' 'U' 'I' 'H'. */
SONDE_MUST_CHECK int script_cpp_set(struct script_cpp *c, char key, const char *value);

/**
 * What comes of the text @text of the script @name, in the folder @dir (NULL: none): *@ret is for
 * the caller to free, NULL where it stays as it is. Lines beginning with # tell where they came
 * from.
 */
SONDE_MUST_CHECK int script_cpp_run(const struct script_cpp *c, const char *text, const char *name,
				    const char *dir, char **ret);

#endif
