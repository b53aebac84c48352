/* SPDX-License-Identifier: MIT */
/**
 * What is wrong with a script: all of it, each with its place, its line and a caret.
 *
 *	tick.bt:3:9: error: unknown function 'cuont'; did you mean 'count'? [unknown-function]
 *	  3 |   @x = cuont();
 *	    |        ^~~~~
 */
#ifndef LANG_DIAG_H
#define LANG_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "base/strbuf.h"
#include "lang/syntax/ast.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING };

/** All zero but @name and @text is one without words. */
struct diag {
	const char *name; /* the script's, for messages; borrowed */
	const char *text; /* the script; borrowed */
	size_t text_len;
	/** What the lines of messages are taken from, where @text was made of it; NULL: @text. */
	const char *shown;
	struct strbuf out; /* the messages so far */
	unsigned n_errors, n_warnings;
	/** Points that are not there only warn: there are others beside. */
	bool lenient;
	bool misses_files;    /* also where there is no such file, no such kind of probe */
	bool ignores_missing; /* and not even warn */
	/** Another front end's own way to say it: may change the words (of @cap bytes), gives the
	 * tag. NULL: as it is. */
	const char *(*adapt)(const char *tag, char *words, size_t cap);
};

enum { DIAG_MOST = 50 }; /* further ones are only counted */

void diag_fini(struct diag *d);

/**
 * Adds a message. @tag is stable and short ("unknown-function"), for tests and for searching.
 * Words: lower case, no full stop, names in single quotes. Returns -EINVAL for errors,
 * also for those that only warn, else 0.
 */
int diag_add(struct diag *d, enum diag_level level, struct pos pos, const char *tag,
	     const char *fmt, ...) SONDE_PRINTF(5, 6);
#define diag_error(d, pos, tag, ...) diag_add((d), DIAG_ERROR, (pos), (tag), __VA_ARGS__)
#define diag_warn(d, pos, tag, ...)  diag_add((d), DIAG_WARNING, (pos), (tag), __VA_ARGS__)

#endif
