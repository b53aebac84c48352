/* SPDX-License-Identifier: MIT */
/** Values by their types, as text or JSON, behind a text. */
#ifndef LANG_VALUE_H
#define LANG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/strbuf.h"
#include "lang/check/type.h"

struct printer;

/** How values are shown. */
struct value_how {
	struct printer *p;
	bool json;
	bool is_key;  /* between the brackets of a map's line */
	int64_t div;  /* numbers are divided by it; 1: as they are */
	size_t depth; /* of values in values, so far */
};

/** Deeper values are cut off. */
enum { VALUE_DEPTH_MOST = 16 };

static inline uint64_t load_u64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/** An integer of @size bytes, extended by its sign or by zeros. */
static inline uint64_t load_int(const void *p, size_t size, bool is_signed)
{
	uint64_t v = 0;

	if (size == 0 || size > sizeof(v))
		return 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy((char *)&v + sizeof(v) - size, p, size);
#else
	memcpy(&v, p, size);
#endif
	const unsigned up = 64 - 8 * (unsigned)size;
	return is_signed ? (uint64_t)((int64_t)(v << up) >> up) : v;
}

/** Appends @bytes, which are at least @t->size many. */
void value_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
	       struct strbuf *ret);

/** The same for a number. */
void value_add_u64(struct strbuf *ret, uint64_t v);
void value_add_i64(struct strbuf *ret, int64_t v);
void value_add_hex(struct strbuf *ret, uint64_t v);

/** Appends a map's key: "[1, foo]", in JSON "\"1,foo\""; nothing for TYPE_NONE. */
void value_add_key(struct printer *p, bool json, const struct type *t, const uint8_t *bytes,
		   struct strbuf *ret);

/** The number that a value is; false: it is none. */
bool value_number(const struct type *t, const uint8_t *bytes, uint64_t *ret);

/** As %s shows a value: enumerators by name, bool as a word, all else as value_add(). */
void value_add_word(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		    struct strbuf *ret);

/** Appends a raw value of a C type, of which @len bytes are there (src/lang/out/c_value.c). */
void c_value_add(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		 size_t len, struct strbuf *ret);
/** The enumerator's name, NULL: there is none. */
const char *c_value_enumerator(const struct ctype *c, int64_t v);

/** Appends bytes as %r has them: printable ones, and "\x01". */
void value_add_buf(struct strbuf *ret, const uint8_t *bytes, size_t len);
/** Length and begin of a TYPE_BUF's bytes. */
size_t value_buf(const struct type *t, const uint8_t *bytes, const uint8_t **ret);

struct line_frame;
/** What debug files tell of a frame of a kernel's stack, as lines_at(); 0: nothing. */
size_t stack_lines(const struct printer *p, const struct type *t, uint64_t addr,
		   const struct line_frame **ret);
/** " (file.c:12)". */
void stack_add_source(const struct line_frame *l, struct strbuf *ret);
/** A line: what was put inline into the next frame. */
void stack_add_inlined(const struct line_frame *l, struct strbuf *ret);
/** Appends a stack's frames, a line each, @indent blanks before it (src/lang/out/stack.c). */
void stack_add(struct printer *p, const struct type *t, const uint8_t *bytes, unsigned indent,
	       struct strbuf *ret);

/** Appends the wall clock time of @mono_ns as strftime() and %f (microseconds) have it. */
void time_add(struct printer *p, const char *fmt, uint64_t mono_ns, struct strbuf *ret);

/** Appends the bars or, in JSON, the buckets of a TYPE_HIST or TYPE_LHIST (src/lang/out/hist.c). */
void hist_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
	      struct strbuf *ret);
/** Sum of all its buckets. */
uint64_t hist_total(const struct type *t, const uint8_t *bytes);

/* d_*.c: how D shows values. */

/** As trace() and rows of aggregations do: numbers in columns, texts at least @width wide. */
void d_value_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		 unsigned width, bool quiet, struct strbuf *ret);
/** The distribution of a TYPE_HIST, TYPE_LHIST or TYPE_LLHIST. */
void d_hist_add(const struct type *t, const uint8_t *bytes, uint64_t normal, struct strbuf *ret);
/** The standard deviation of a TYPE_STDDEV. */
uint64_t d_deviation_of(const uint8_t *bytes, uint64_t normal);
void d_stack_add(struct printer *p, const struct type *t, const uint8_t *bytes, struct strbuf *ret);
/** Bytes in hexadecimal and as text, 16 a line. */
void d_dump_add(const uint8_t *bytes, size_t len, struct strbuf *ret);
/** "vmlinux`schedule+0x12" */
/** What a TYPE_KSYM or TYPE_USYM names: "libc.so.6`malloc+0x10", or its module alone. */
void d_symbol_add(struct printer *p, const struct type *t, const uint8_t *bytes, bool with_offset,
		  struct strbuf *ret);
void d_ksym_add(struct printer *p, uint64_t addr, bool with_offset, struct strbuf *ret);
void d_usym_add(struct printer *p, uint32_t pid, uint64_t addr, bool with_offset,
		struct strbuf *ret);
/** Where a value stands among others, as D sorts them. */
int d_value_compare(const struct type *t, const uint8_t *a, const uint8_t *b);

/** The average of a TYPE_AVG or TYPE_STATS, as a number with its sign where it has one. */
uint64_t average_of(const struct type *t, const uint8_t *bytes);

#endif
