/* SPDX-License-Identifier: MIT */
/** Messages with the line that they are about and a caret below. */
#include "lang/syntax/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	WORDS_MOST = 1024, /* longest message */
	LINE_MOST = 160,   /* bytes shown of a line */
	LINE_BEFORE = 60,  /* of these, before the place, in a longer line */
};

void diag_fini(struct diag *d)
{
	strbuf_fini(&d->out);
}

/* What a script holds must not steer a terminal. */
static void add_clean(struct strbuf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		strbuf_add(b, (c < ' ' && c != '\t') || c == 0x7f ? "?" : &s[i], 1);
	}
}

/* The bytes of line number @line; false: the text has fewer. */
static bool find_line(const struct diag *d, uint32_t line, const char **ret, size_t *ret_len)
{
	const char *at = d->shown ? d->shown : d->text;

	if (!at || line == 0)
		return false;
	const char *end = d->shown ? at + strlen(at) : at + d->text_len;

	for (uint32_t n = 1; n < line; n++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return false;
		at++;
	}
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	*ret = at;
	*ret_len = (size_t)((stop ? stop : end) - at);
	return true;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The line, or a window of it around the place, and the caret. */
static void add_source(struct diag *d, struct pos pos)
{
	const char *line;
	size_t len, from = 0;

	if (!find_line(d, pos.line, &line, &len) || pos.col == 0 || pos.col - 1 > len)
		return;
	size_t at = pos.col - 1;
	if (len > LINE_MOST && at > LINE_BEFORE)
		from = at - LINE_BEFORE;
	while (from && from < at && is_continuation(line[from]))
		from++;
	size_t to = len - from > LINE_MOST ? from + LINE_MOST : len;
	while (to < len && to > at && is_continuation(line[to]))
		to--;

	strbuf_fmt(&d->out, "%5u | ", pos.line);
	add_clean(&d->out, line + from, to - from);
	strbuf_str(&d->out, "\n      | ");
	// A tab stays one, so that the caret stands below its place whatever tabs are wide.
	for (size_t i = from; i < at; i++) {
		if (!is_continuation(line[i]))
			strbuf_str(&d->out, line[i] == '\t' ? "\t" : " ");
	}
	strbuf_str(&d->out, "^");
	for (size_t i = at + 1; i < to && i - at < pos.len; i++) {
		if (!is_continuation(line[i]))
			strbuf_str(&d->out, "~");
	}
	strbuf_str(&d->out, "\n");
}

/* Whether the tag says that a point is not there, not that it makes no sense. */
static bool is_missing(const struct diag *d, const char *tag)
{
	static const char *const tags[] = {
		"unknown-function", "unknown-event",	  "unknown-marker",
		"no-match",	    "no-function-probes", "no-file",
	};
	const size_t n = sizeof(tags) / sizeof(tags[0]) - (d->misses_files ? 0 : 2);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(tag, tags[i]))
			return d->lenient;
	return false;
}

int diag_add(struct diag *d, enum diag_level level, struct pos pos, const char *tag,
	     const char *fmt, ...)
{
	const int r = level == DIAG_ERROR ? -EINVAL : 0;
	char words[WORDS_MOST];
	va_list ap;

	const bool missing = is_missing(d, tag);
	if (missing)
		level = DIAG_WARNING;
	unsigned *n = level == DIAG_ERROR ? &d->n_errors : &d->n_warnings;
	if ((*n)++ >= DIAG_MOST || (missing && d->ignores_missing))
		return r;

	va_start(ap, fmt);
	if (vsnprintf(words, sizeof(words), fmt, ap) < 0)
		words[0] = '\0';
	va_end(ap);
	if (d->adapt)
		tag = d->adapt(tag, words, sizeof(words));
	add_clean(&d->out, d->name ? d->name : "", d->name ? strlen(d->name) : 0);
	if (pos.line)
		strbuf_fmt(&d->out, ":%u:%u", pos.line, pos.col);
	strbuf_str(&d->out, level == DIAG_ERROR ? ": error: " : ": warning: ");
	add_clean(&d->out, words, strlen(words));
	strbuf_fmt(&d->out, " [%s]\n", tag);
	add_source(d, pos);
	return r;
}
