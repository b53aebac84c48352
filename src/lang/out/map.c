/* SPDX-License-Identifier: MIT */
/** Whole maps, in bpftrace's order: by value, of equal values by key. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/out/printer.h"
#include "lang/out/quote.h"
#include "lang/out/value.h"

/* What is sorted instead of the rows themselves. */
struct ranked {
	uint64_t rank; /* compared as unsigned */
	uint32_t row;
};

struct order {
	const struct rows *rows;
	const struct type *key;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Negative numbers come last, as in bpftrace, which compares them as unsigned ones. */
static int compare_key(const struct type *t, const uint8_t *a, const uint8_t *b, unsigned depth)
{
	uint64_t va, vb;

	if (t->kind == TYPE_STR)
		return strncmp((const char *)a, (const char *)b, t->size);
	if (t->kind == TYPE_TUPLE && depth < VALUE_DEPTH_MOST) {
		for (uint32_t i = 0; i < t->n; i++) {
			const struct type_field *f = &t->fields[i];
			const int r = compare_key(f->type, a + f->off, b + f->off, depth + 1);

			if (r)
				return r;
		}
		return 0;
	}
	if (value_number(t, a, &va) && value_number(t, b, &vb))
		return compare_u64(va, vb);
	return memcmp(a, b, t->size);
}

static int compare_ranked(const void *a, const void *b, void *arg)
{
	const struct ranked *const ra = a, *const rb = b;
	const struct order *const o = arg;
	const size_t len = o->rows->key_len;

	if (ra->rank != rb->rank)
		return compare_u64(ra->rank, rb->rank);
	const int r = compare_key(o->key, o->rows->keys + ra->row * len,
				  o->rows->keys + rb->row * len, 0);
	return r ? r : compare_u64(ra->row, rb->row);
}

/*
 * Where a value stands among the others; those without an order are all alike. Of stats() the
 * average counts, as bpftrace has it, but the total where the most are asked for: it does not do
 * that.
 */
static uint64_t rank_of(const struct type *t, const uint8_t *val, bool by_total)
{
	const uint64_t sign = t->is_signed ? 1ULL << 63 : 0;
	uint64_t v = 0;

	switch (t->kind) {
	case TYPE_HIST:
	case TYPE_LHIST: return hist_total(t, val);
	case TYPE_STATS: return (by_total ? load_u64(val) : average_of(t, val)) ^ sign;
	case TYPE_INT:
	case TYPE_COUNT:
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
		(void)value_number(t, val, &v); // these are numbers
		return v ^ sign;
	default: return 0;
	}
}

static int rank_rows(const struct script_map *m, const struct rows *rows, bool by_total,
		     struct ranked **ret)
{
	struct order o = { rows, m->key };

	if (rows->n >= UINT32_MAX)
		return sonde_fail(-ENOMEM, "a map has too many entries");
	struct ranked *ranked = malloc((rows->n + 1) * sizeof(*ranked));
	if (!ranked)
		return sonde_fail(-ENOMEM, "out of memory for the order of a map");
	for (size_t i = 0; i < rows->n; i++)
		ranked[i] =
			(struct ranked){ rank_of(m->val, rows->vals + i * rows->val_len, by_total),
					 (uint32_t)i };
	qsort_r(ranked, rows->n, sizeof(*ranked), compare_ranked, &o);
	*ret = ranked;
	return 0;
}

static bool is_hist(const struct type *t)
{
	return t->kind == TYPE_HIST || t->kind == TYPE_LHIST;
}

static bool is_average(const struct type *t)
{
	return t->kind == TYPE_AVG || t->kind == TYPE_STATS;
}

/* bpftrace puts no line's end between stacks, which have one, and some others, which have none. */
static bool runs_on(const struct type *t)
{
	return t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK || t->kind == TYPE_KSYM ||
	       t->kind == TYPE_USYM || t->kind == TYPE_INET;
}

struct map_print {
	struct printer *p;
	const struct script_map *m;
	struct value_how how;
};

static void add_name(const struct map_print *mp, struct strbuf *ret)
{
	strbuf_add(ret, "@", 1);
	strbuf_str(ret, mp->m->name);
}

static void add_text_row(const struct map_print *mp, const uint8_t *key, const uint8_t *val,
			 struct strbuf *ret)
{
	add_name(mp, ret);
	value_add_key(mp->p, false, mp->m->key, key, ret);
	strbuf_str(ret, is_hist(mp->m->val) ? ": \n" : ": ");
	value_add(&mp->how, mp->m->val, val, ret);
}

static void add_json_row(const struct map_print *mp, const uint8_t *key, const uint8_t *val,
			 struct strbuf *ret)
{
	value_add_key(mp->p, true, mp->m->key, key, ret);
	if (mp->m->key->kind != TYPE_NONE)
		strbuf_add(ret, ": ", 2);
	value_add(&mp->how, mp->m->val, val, ret);
}

/* Text leaves in pieces, so that a large map takes no room. */
static int hand_over(struct printer *p, struct strbuf *text)
{
	int r = strbuf_ok(text);
	if (r < 0)
		return r;
	out_add(p->out, strbuf_text(text), text->len);
	text->len = 0;
	return 0;
}

static int print_rows(const struct map_print *mp, const struct rows *rows,
		      const struct ranked *ranked, size_t n)
{
	struct printer *const p = mp->p;
	struct strbuf *const text = &p->tmp;
	const bool json = mp->how.json;
	const char *between = json ? ", " : runs_on(mp->m->val) ? "" : "\n";

	for (size_t i = 0; i < n; i++) {
		const uint8_t *key = rows->keys + (size_t)ranked[i].row * rows->key_len;
		const uint8_t *val = rows->vals + (size_t)ranked[i].row * rows->val_len;

		if (i)
			strbuf_str(text, between);
		if (json)
			add_json_row(mp, key, val, text);
		else
			add_text_row(mp, key, val, text);
		int r = text->failed || text->len > 1U << 14 ? hand_over(p, text) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_json_map(const struct map_print *mp, const struct rows *rows,
			  const struct ranked *ranked, size_t n)
{
	const struct type *val = mp->m->val;
	struct strbuf *const text = &mp->p->tmp;
	const bool has_keys = mp->m->key->kind != TYPE_NONE;

	strbuf_fmt(text, "{\"type\": \"%s\", \"data\": {\"@",
		   is_hist(val)	     ? "hist"
		   : is_average(val) ? "stats"
				     : "map");
	strbuf_str(text, mp->m->name);
	strbuf_str(text, has_keys ? "\": {" : "\": ");
	int r = print_rows(mp, rows, ranked, n);
	if (r < 0)
		return r;
	strbuf_str(text, has_keys ? "}}}\n" : "}}\n");
	return hand_over(mp->p, text);
}

static int print_text_map(const struct map_print *mp, const struct rows *rows,
			  const struct ranked *ranked, size_t n)
{
	int r = print_rows(mp, rows, ranked, n);
	if (r < 0)
		return r;
	strbuf_str(&mp->p->tmp, is_average(mp->m->val) ? "\n\n" : "\n");
	return hand_over(mp->p, &mp->p->tmp);
}

int print_map(struct printer *p, const struct script_map *m, struct rows *rows, int64_t top,
	      int64_t div)
{
	const bool json = p->format == PRINT_JSON;
	const bool is_stats = m->val->kind == TYPE_STATS; // of three numbers: no div
	struct map_print mp = { p, m, { .p = p, .json = json, .div = 1 } };
	const uint8_t zero[8] = { 0 };
	struct rows one = { .n = 1, .keys = (uint8_t *)zero, .vals = (uint8_t *)zero };

	// A count without keys is 0 from the begin on.
	if (!rows->n && m->val->kind == TYPE_COUNT && m->key->kind == TYPE_NONE)
		rows = &one;
	if (json && !rows->n)
		return 0;
	if (div > 1 && !is_stats)
		mp.how.div = div;
	p->tmp.len = 0;
	p->tmp.failed = p->quoted.failed = false;

	sonde_auto(mem_freep) struct ranked *ranked = NULL;
	int r = rank_rows(m, rows, top > 0, &ranked);
	if (r < 0)
		return sonde_wrap(r, "map '@%s'", m->name);
	size_t skip = 0;
	if (top > 0 && (uint64_t)top < rows->n)
		skip = rows->n - (size_t)top;
	if (json)
		return print_json_map(&mp, rows, ranked + skip, rows->n - skip);
	return print_text_map(&mp, rows, ranked + skip, rows->n - skip);
}
