/* SPDX-License-Identifier: MIT */
/** The words of a line. */
#include "crash/verbs/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

void crash_words_fini(struct crash_words *w)
{
	free(w->all);
	free(w->text);
	*w = (struct crash_words){ 0 };
}

/* Copies one word from *@at to *@to, which follows it; both are moved behind it. */
static int take_word(const char **at, char **to)
{
	char quote = 0;

	for (; **at && (quote || !isspace((unsigned char)**at)); (*at)++) {
		if (quote ? **at == quote : **at == '\'' || **at == '"')
			quote = quote ? 0 : **at;
		else if (**at == '\\' && quote != '\'' && (*at)[1])
			*(*to)++ = *++*at;
		else
			*(*to)++ = **at;
	}
	*(*to)++ = '\0';
	return quote ? sonde_fail(-EINVAL, "the quote %c has no end", quote) : 0;
}

int crash_words_split(const char *line, struct crash_words *ret)
{
	const size_t len = strlen(line);
	struct crash_words w = { .all = calloc(len / 2 + 2, sizeof(char *)),
				 .text = malloc(len + 2) };
	char *to = w.text;
	int r = w.all && w.text ? 0 : sonde_fail(-ENOMEM, "out of memory");

	while (!r) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			break;
		w.all[w.n++] = to;
		r = take_word(&line, &to);
	}
	if (r < 0) {
		crash_words_fini(&w);
		return r;
	}
	*ret = w;
	return 0;
}
