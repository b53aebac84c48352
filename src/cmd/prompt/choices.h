/* SPDX-License-Identifier: MIT */
/** Words that may follow what was typed: how far they are the same, and the first of them. */
#ifndef CMD_PROMPT_CHOICES_H
#define CMD_PROMPT_CHOICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

enum { CHOICES_KEPT = 200 };

/** Zero but for @typed. */
struct choices {
	const char *typed;	  /* borrowed: what all begin with */
	char *kept[CHOICES_KEPT]; /* owned */
	size_t n_kept, n;
	struct strbuf common; /* what all have in front */
	bool part;	      /* one more part of the word may follow: no blank behind it */
};

void choices_fini(struct choices *c);
/** Adds @word where it begins with what was typed. */
void choices_add(struct choices *c, const char *word);

#endif
