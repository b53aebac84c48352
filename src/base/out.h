/* SPDX-License-Identifier: MIT */
/** Results on their way to a file descriptor, in large writes. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sonde/def.h>

/**
 * A buffer before a descriptor. A failed write is kept and told by out_flush(); what comes after
 * it is dropped, so that a printer need not look at each step.
 */
struct sonde_out {
	char *buf; /* owned */
	size_t len, cap;
	int fd;		/* borrowed; -1: nothing is written, bytes are only counted */
	int err;	/* first failure, a negative errno; 0 none */
	uint64_t total; /* bytes that left the buffer */
};

enum { OUT_CAP = 1 << 18, OUT_RESERVE_MOST = 1 << 16 };

/** Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int out_init(struct sonde_out *o, int fd);
/** Frees the buffer; what was not flushed is lost. */
void out_fini(struct sonde_out *o);

/** Writes what is buffered. Returns 0, or the first failure since out_init() (sonde_fail()). */
int out_flush(struct sonde_out *o);

/** For out_reserve(), when the buffer is too full. */
void out_make_room(struct sonde_out *o);

/** Lends room for @len <= OUT_RESERVE_MOST bytes, to be followed by out_commit(). Never fails. */
static inline char *out_reserve(struct sonde_out *o, size_t len)
{
	if (__builtin_expect(o->cap - o->len < len, 0))
		out_make_room(o);
	return o->buf + o->len;
}

/** Keeps what was written from the reserved room's begin up to @end. */
static inline void out_commit(struct sonde_out *o, const char *end)
{
	o->len = (size_t)(end - o->buf);
}

void out_add(struct sonde_out *o, const void *data, size_t len);
void out_str(struct sonde_out *o, const char *s);
/** Text from elsewhere, of which a terminal must take nothing for an order: that is shown as '?', a
 * tab or an end of line as a blank. */
void out_safe(struct sonde_out *o, const char *s);
void out_fmt(struct sonde_out *o, const char *fmt, ...) SONDE_PRINTF(2, 3);

#endif
