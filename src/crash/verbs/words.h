/* SPDX-License-Identifier: MIT */
/** The words of a line, as a shell would take them apart. */
#ifndef CRASH_VERBS_WORDS_H
#define CRASH_VERBS_WORDS_H

#include <stddef.h>

#include <sonde/def.h>

struct crash_words {
	char **all; /* owned; ends with NULL */
	size_t n;
	char *text; /* owned: what they point into */
};

void crash_words_fini(struct crash_words *w);

/**
 * Blanks part words; quotes and backslashes keep them together, as in a shell. -EINVAL with words:
 * a quote has no end.
 */
SONDE_MUST_CHECK int crash_words_split(const char *line, struct crash_words *ret);

#endif
