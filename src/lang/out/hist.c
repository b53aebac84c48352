/* SPDX-License-Identifier: MIT */
/** Histograms as bars, and as JSON's list of buckets. */
#include <string.h>

#include "base/check.h"
#include "base/fmt.h"
#include "lang/out/printer.h"
#include "lang/out/value.h"

enum { BAR_WIDTH = 52, LABEL_WIDTH = 16, COUNT_WIDTH = 8 };

/* One bucket: from @low to @high - 1. */
struct bucket {
	uint64_t low, high; /* as their signed or unsigned bits; @high 0 of hist(): 2^64 */
	bool no_low, no_high;
};

static size_t n_buckets(const struct type *t)
{
	const uint64_t n = t->kind == TYPE_HIST ? hist_len(t->hist_bits) : lhist_len(t);

	return n < t->size / 8 ? (size_t)n : t->size / 8;
}

static struct bucket bucket_at(const struct type *t, size_t n, size_t i)
{
	struct bucket b = { .no_low = i == 0 };

	if (t->kind == TYPE_HIST) {
		if (i)
			hist_bounds(t->hist_bits, (uint32_t)i, &b.low, &b.high);
		return b;
	}
	const uint64_t min = (uint64_t)t->lhist_min, step = (uint64_t)t->lhist_step;

	b.no_high = i == n - 1;
	b.low = b.no_high ? (uint64_t)t->lhist_max : min + (i - 1) * step;
	b.high = min + i * step;
	return b;
}

/*
 * A bound of hist(): in the unit (K, M, ...) that the smallest step behind it has. @bits as in
 * struct type; 0 is 2^64.
 */
static char *put_bound(char *p, uint64_t v, uint32_t bits)
{
	const unsigned exp = v ? 63 - (unsigned)__builtin_clzll(v) : 64;
	const unsigned unit = exp > bits ? (exp - bits) / 10 : 0;

	sonde_dcheck(v || unit); // at 2^64 it is E, or P
	p = v ? fmt_u64(p, v >> 10 * unit) : fmt_u64(p, 2ULL << (63 - 10 * unit));
	if (unit)
		*p++ = " KMGTPE"[unit];
	return p;
}

/* A bound of lhist(): with K and M only where nothing is lost. */
static char *put_linear_bound(char *p, int64_t v)
{
	if (v && v % 1048576 == 0) {
		p = fmt_i64(p, v / 1048576);
		*p++ = 'M';
	} else if (v && v % 1024 == 0) {
		p = fmt_i64(p, v / 1024);
		*p++ = 'K';
	} else {
		p = fmt_i64(p, v);
	}
	return p;
}

static char *put_either_bound(char *p, const struct type *t, uint64_t v)
{
	return t->kind == TYPE_HIST ? put_bound(p, v, t->hist_bits)
				    : put_linear_bound(p, (int64_t)v);
}

static char *put_word(char *p, const char *word)
{
	const size_t len = strlen(word);

	memcpy(p, word, len);
	return p + len;
}

/* "[4K, 8K)", "[1]", "(..., 0)", "[100, ...)". */
static char *put_label(char *p, const struct type *t, const struct bucket *b)
{
	if (b->no_low) {
		p = put_word(p, "(..., ");
		p = t->kind == TYPE_HIST ? put_word(p, "0") : put_linear_bound(p, (int64_t)b->high);
		return put_word(p, ")");
	}
	p = put_word(p, "[");
	if (t->kind == TYPE_HIST && b->high - b->low == 1)
		return put_word(fmt_u64(p, b->low), "]");
	p = put_either_bound(p, t, b->low);
	p = put_word(p, ", ");
	if (b->no_high)
		return put_word(p, "...)");
	p = put_either_bound(p, t, b->high);
	return put_word(p, ")");
}

static char *put_blanks(char *p, const char *to)
{
	while (p < to)
		*p++ = ' ';
	return p;
}

static void add_bar(const struct type *t, const struct bucket *b, uint64_t count, unsigned width,
		    struct strbuf *ret)
{
	char line[4 * FMT_MOST + BAR_WIDTH], number[FMT_MOST];
	char *p = put_label(line, t, b);

	p = put_blanks(p, line + LABEL_WIDTH);

	const long len = fmt_u64(number, count) - number;
	p = put_blanks(p, p + COUNT_WIDTH - len);
	memcpy(p, number, (size_t)len);
	p = put_word(p + len, " |");
	memset(p, '@', width);
	p = put_blanks(p + width, p + BAR_WIDTH);
	p = put_word(p, "|\n");
	strbuf_add(ret, line, (size_t)(p - line));
}

static void add_json_bound(struct strbuf *ret, const struct type *t, const char *key, uint64_t v)
{
	strbuf_str(ret, key);
	if (t->kind == TYPE_HIST)
		value_add_u64(ret, v);
	else
		value_add_i64(ret, (int64_t)v);
	strbuf_add(ret, ", ", 2);
}

static void add_json_bucket(const struct type *t, const struct bucket *b, uint64_t count,
			    struct strbuf *ret)
{
	strbuf_add(ret, "{", 1);
	if (b->no_low && t->kind == TYPE_HIST)
		strbuf_str(ret, "\"max\": -1, ");
	if (!b->no_low)
		add_json_bound(ret, t, "\"min\": ", b->low);
	if (!b->no_high && !(b->no_low && t->kind == TYPE_HIST))
		add_json_bound(ret, t, "\"max\": ", b->high - 1);
	strbuf_str(ret, "\"count\": ");
	value_add_u64(ret, count);
	strbuf_add(ret, "}", 1);
}

void hist_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
	      struct strbuf *ret)
{
	const size_t n = n_buckets(t);
	// lhist() does not know a divisor, in bpftrace.
	const uint64_t div = t->kind == TYPE_HIST && how->div > 1 ? (uint64_t)how->div : 1;
	size_t first = n, last = 0;
	uint64_t most = 0;

	if (how->p->script && how->p->script->d && !how->json) {
		d_hist_add(t, bytes, how->div > 1 ? (uint64_t)how->div : 1, ret);
		return;
	}

	for (size_t i = 0; i < n; i++) {
		const uint64_t count = load_u64(bytes + 8 * i);

		if (count && first == n)
			first = i;
		if (count)
			last = i;
		if (count > most)
			most = count;
	}
	if (how->json)
		strbuf_add(ret, "[", 1);
	for (size_t i = first; i < n && i <= last; i++) {
		const struct bucket b = bucket_at(t, n, i);
		const uint64_t count = load_u64(bytes + 8 * i);
		// In floats, as bpftrace does.
		const float part = (float)count / (float)most * BAR_WIDTH;

		if (how->json && i > first)
			strbuf_add(ret, ", ", 2);
		if (how->json)
			add_json_bucket(t, &b, count / div, ret);
		else
			add_bar(t, &b, count / div, part < BAR_WIDTH ? (unsigned)part : BAR_WIDTH,
				ret);
	}
	if (how->json)
		strbuf_add(ret, "]", 1);
}

uint64_t hist_total(const struct type *t, const uint8_t *bytes)
{
	const size_t n = n_buckets(t);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += load_u64(bytes + 8 * i);
	return sum;
}
