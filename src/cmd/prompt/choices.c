/* SPDX-License-Identifier: MIT */
/** Words that may follow what was typed. */
#include "cmd/prompt/choices.h"

#include <stdlib.h>
#include <string.h>

void choices_fini(struct choices *c)
{
	for (size_t i = 0; i < c->n_kept; i++)
		free(c->kept[i]);
	strbuf_fini(&c->common);
	*c = (struct choices){ 0 };
}

void choices_add(struct choices *c, const char *word)
{
	size_t same = 0;

	if (strncmp(word, c->typed, strlen(c->typed)) != 0)
		return;
	// Symbols of the same name are one choice.
	for (size_t i = 0; i < c->n_kept; i++) {
		if (!strcmp(c->kept[i], word))
			return;
	}
	if (!c->n++) {
		strbuf_str(&c->common, word);
	} else if (c->common.data) {
		while (word[same] && word[same] == c->common.data[same])
			same++;
		c->common.data[same] = '\0';
		c->common.len = same;
	}
	if (c->n_kept == CHOICES_KEPT)
		return;
	c->kept[c->n_kept] = strdup(word);
	c->n_kept += c->kept[c->n_kept] != NULL; // without memory there is one less to see
}
