/* SPDX-License-Identifier: MIT */
/** Text that grows. */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

void strbuf_fini(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf){ 0 };
}

static bool strbuf_room(struct strbuf *b, size_t len)
{
	size_t want;

	if (b->failed || !mem_add(b->len, len, &want) || !mem_add(want, 1, &want) ||
	    mem_grow(&b->data, &b->cap, want) < 0)
		b->failed = true;
	return !b->failed;
}

void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	if (!strbuf_room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void strbuf_str(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_fmt(struct strbuf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && strbuf_room(b, (size_t)n)) {
		(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
}

int strbuf_ok(const struct strbuf *b)
{
	return b->failed ? sonde_fail(-ENOMEM, "out of memory for text") : 0;
}

const char *strbuf_text(const struct strbuf *b)
{
	return b->data ? b->data : "";
}
