/* SPDX-License-Identifier: MIT */
/** Text that grows. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

/**
 * All zero is an empty one. A failed allocation sets @failed and drops what follows, so that a
 * whole text may be built and checked once, by strbuf_ok().
 */
struct strbuf {
	char *data; /* owned, 0 behind the text; NULL while empty */
	size_t len, cap;
	bool failed;
};

void strbuf_fini(struct strbuf *b);
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_str(struct strbuf *b, const char *s);
void strbuf_fmt(struct strbuf *b, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** 0, or -ENOMEM (sonde_fail()) if anything was dropped. */
SONDE_MUST_CHECK int strbuf_ok(const struct strbuf *b);

/** The text, "" where there is none; lent until the next change. */
const char *strbuf_text(const struct strbuf *b);

#endif
