/* SPDX-License-Identifier: MIT */
/** Distributions as D shows them: quantize(), lquantize(), llquantize(). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lang/out/printer.h"
#include "lang/out/value.h"

enum { BAR = 40, LABEL = 24, NEGATIVES = HIST_NEGATIVES };

/** Buckets in the order of their values. */
struct dist {
	const struct type *t;
	const uint8_t *bytes;
	size_t n;
};

/* quantize(): the negative ones, largest first, lie behind the others. */
static int64_t count_at(const struct dist *d, size_t i)
{
	size_t at = i;

	if (d->t->kind == TYPE_HIST) {
		const size_t zero = hist_len(0);
		at = i < NEGATIVES ? zero + (NEGATIVES - 1 - i) : i - NEGATIVES + 1;
	}
	return (int64_t)load_u64(d->bytes + 8 * at);
}

static size_t n_buckets(const struct type *t)
{
	const size_t room = t->size / 8;
	size_t n;

	switch (t->kind) {
	case TYPE_HIST: return room >= hist_len(0) + NEGATIVES ? hist_len(0) - 1 + NEGATIVES : 0;
	case TYPE_LHIST: n = (size_t)lhist_len(t); break;
	default: n = llhist_len(t);
	}
	return n <= room ? n : 0;
}

static uint64_t power(uint64_t of, uint32_t n)
{
	uint64_t r = 1;

	while (n--)
		r *= of;
	return r;
}

/* The least value of bucket @i behind the middle one, of i = 1 ...; *ret_same: as the one before,
 * which holds all of its values. */
static uint64_t ll_value(const struct type *t, uint32_t i, bool *ret_same)
{
	const uint32_t each = t->ll_steps - t->ll_steps / t->ll_factor;
	const uint32_t range = (i - 1) / each, step = (i - 1) % each + t->ll_steps / t->ll_factor;
	const uint64_t top = power(t->ll_factor, t->ll_low + range + 1);

	*ret_same = false;
	if (i == llhist_half(t))
		return power(t->ll_factor, t->ll_high + 1);
	if (top % t->ll_steps == 0)
		return step * (top / t->ll_steps);
	// More steps than numbers: those in between are never met.
	*ret_same = step * top % t->ll_steps != 0;
	return step * top / t->ll_steps;
}

static bool ll_label(const struct type *t, size_t i, bool has_negative, char label[LABEL])
{
	const uint32_t half = llhist_half(t);
	const uint64_t scale = power(t->ll_factor, t->ll_low);
	bool same = false;

	if (i == half) {
		if (scale == 1)
			(void)snprintf(label, LABEL, "0");
		else
			(void)snprintf(label, LABEL,
				       has_negative ? "abs() < %" PRIu64 : "< %" PRIu64, scale);
		return true;
	}
	const bool negative = i < half;
	const uint32_t at = negative ? half - (uint32_t)i : (uint32_t)i - half;
	const uint64_t v = ll_value(t, at, &same);
	const char *before = at == half ? (negative ? "<= -" : ">= ") : negative ? "-" : "";

	(void)snprintf(label, LABEL, "%s%" PRIu64, before, v);
	return !same;
}

/* False: the bucket is never shown. */
static bool label_of(const struct dist *d, size_t i, bool has_negative, char label[LABEL])
{
	const struct type *t = d->t;

	if (t->kind == TYPE_LLHIST)
		return ll_label(t, i, has_negative, label);
	if (t->kind == TYPE_LHIST) {
		const int64_t end = t->lhist_min + (int64_t)(d->n - 2) * t->lhist_step;
		if (i == 0)
			(void)snprintf(label, LABEL, "< %" PRId64, t->lhist_min);
		else if (i == d->n - 1)
			(void)snprintf(label, LABEL, ">= %" PRId64, end);
		else
			(void)snprintf(label, LABEL, "%" PRId64,
				       t->lhist_min + (int64_t)(i - 1) * t->lhist_step);
		return true;
	}
	int64_t v = 0;
	if (i < NEGATIVES)
		v = (int64_t)(0 - (1ULL << (NEGATIVES - 1 - i)));
	else if (i > NEGATIVES)
		v = (int64_t)(1ULL << (i - NEGATIVES - 1));
	(void)snprintf(label, LABEL, "%" PRId64, v);
	return true;
}

static long double size_of(int64_t v)
{
	return v < 0 ? -(long double)v : (long double)v;
}

static void repeat(struct strbuf *ret, char c, size_t n)
{
	char line[BAR];

	memset(line, c, sizeof(line));
	strbuf_add(ret, line, n < BAR ? n : BAR);
}

/* Bars to the right; to the left of a line where weights are negative; half of both. */
static void add_bar(int64_t v, long double total, bool positives, bool negatives,
		    struct strbuf *ret)
{
	const size_t len = positives && negatives ? BAR / 2 : BAR;
	const size_t depth = total > 0 ? (size_t)(size_of(v) * (long double)len / total + 0.5L) : 0;

	if (negatives) {
		repeat(ret, ' ', v <= 0 ? len - depth : len);
		repeat(ret, '@', v <= 0 ? depth : 0);
	}
	strbuf_str(ret, "|");
	if (!negatives || positives) {
		repeat(ret, '@', v > 0 || !negatives ? depth : 0);
		repeat(ret, ' ', v > 0 || !negatives ? len - depth : len);
	}
}

/* From the bucket before the first that has something to the one behind the last. */
static void find_range(const struct dist *d, size_t *ret_first, size_t *ret_last)
{
	size_t first = 0, last = d->n - 1;
	const size_t middle = d->t->kind == TYPE_HIST	  ? NEGATIVES
			      : d->t->kind == TYPE_LLHIST ? llhist_half(d->t) + 1
							  : 1;

	while (first < d->n && !count_at(d, first))
		first++;
	while (last > 0 && !count_at(d, last))
		last--;
	if (first == d->n)
		first = last = middle < d->n ? middle : 0;
	*ret_first = first ? first - 1 : 0;
	*ret_last = last < d->n - 1 ? last + 1 : last;
}

void d_hist_add(const struct type *t, const uint8_t *bytes, uint64_t normal, struct strbuf *ret)
{
	const struct dist d = { t, bytes, n_buckets(t) };
	bool positives = false, negatives = false;
	long double total = 0;
	size_t first, last;

	if (!d.n)
		return;
	find_range(&d, &first, &last);
	for (size_t i = first; i <= last; i++) {
		positives |= count_at(&d, i) > 0;
		negatives |= count_at(&d, i) < 0;
		total += size_of(count_at(&d, i));
	}
	strbuf_fmt(ret, "\n%16s %41s %-9s\n", "value", "------------- Distribution -------------",
		   "count");
	const bool below = t->kind == TYPE_LLHIST && first < llhist_half(t);
	for (size_t i = first; i <= last; i++) {
		char label[LABEL];

		if (!label_of(&d, i, below, label))
			continue;
		strbuf_fmt(ret, "%16s ", label);
		add_bar(count_at(&d, i), total, positives, negatives, ret);
		strbuf_fmt(ret, " %-9" PRId64 "\n",
			   count_at(&d, i) / (int64_t)(normal ? normal : 1));
	}
}

/* The sum of what a distribution counted, as far as its buckets tell. */
static long double weight(const struct type *t, const uint8_t *bytes)
{
	const struct dist d = { t, bytes, n_buckets(t) };
	long double sum = 0;

	for (size_t i = 0; i < d.n; i++) {
		char label[LABEL];
		long double v = 0;

		if (!count_at(&d, i))
			continue;
		(void)label_of(&d, i, true, label); // a number, with words before it at most
		const char *digits = label + strcspn(label, "-0123456789");
		(void)sscanf(digits, "%Lf", &v);
		sum += v * (long double)count_at(&d, i);
	}
	return sum;
}

static int compare_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

int d_value_compare(const struct type *t, const uint8_t *a, const uint8_t *b)
{
	uint64_t x = 0, y = 0;

	if (t->kind == TYPE_HIST || t->kind == TYPE_LHIST || t->kind == TYPE_LLHIST) {
		const long double u = weight(t, a), v = weight(t, b);
		return (u > v) - (u < v);
	}
	if (!value_number(t, a, &x) || !value_number(t, b, &y))
		return 0;
	return compare_i64((int64_t)x, (int64_t)y);
}
