/* SPDX-License-Identifier: MIT */
/** Sorted disjoint ranges of names, searched by halving. */
#include "sym/symtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

/* While the table is filled: the function has no length, and @end is its limit. */
enum { NO_LEN = 0x80000000, RANK_MOST = 0xff };

void symtab_fini(struct symtab *t)
{
	free(t->syms);
	strbuf_fini(&t->names);
	*t = (struct symtab){ 0 };
}

int symtab_add(struct symtab *t, uint64_t start, uint64_t len, uint64_t limit, const char *name,
	       size_t name_len, unsigned rank)
{
	uint64_t end;

	if (__builtin_add_overflow(start, len, &end))
		end = UINT64_MAX;
	if (!len)
		end = limit;
	if (end <= start || !name_len)
		return 0;
	if (name_len > SYM_NAME_MOST)
		name_len = SYM_NAME_MOST;
	if (t->n >= SYMTAB_MOST || t->names.len + name_len >= UINT32_MAX / 2)
		return sonde_fail(-E2BIG, "more than %d functions", SYMTAB_MOST);
	int r = mem_grow(&t->syms, &t->cap, t->n + 1);
	if (r < 0)
		return r;
	t->syms[t->n++] = (struct sym){
		.start = start,
		.end = end,
		.name = (uint32_t)t->names.len,
		.rank = (rank > RANK_MOST ? RANK_MOST : rank) | (len ? 0 : (uint32_t)NO_LEN),
	};
	strbuf_add(&t->names, name, name_len);
	strbuf_add(&t->names, "", 1);
	return strbuf_ok(&t->names);
}

static size_t underscores(const char *s)
{
	return strspn(s, "_.");
}

/* Which of two names of one address is better: a total order, so that results never vary. */
static int by_name(const char *a, const char *b)
{
	size_t ua = underscores(a), ub = underscores(b);

	if (ua != ub)
		return ua < ub ? -1 : 1;
	size_t la = strlen(a), lb = strlen(b);
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a, b);
}

static int by_start(const void *pa, const void *pb, void *arg)
{
	const struct sym *a = pa, *b = pb;
	const struct symtab *t = arg;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return by_name(symtab_name(t, a), symtab_name(t, b));
}

/* The ranges that are settled, in order, and the functions that are open around the place. */
struct sweep {
	struct sym *out; /* owned */
	size_t n, cap;
	const struct sym **open; /* owned: the innermost last */
	size_t n_open, cap_open;
	uint64_t at; /* all before is settled */
};

static int emit(struct sweep *w, const struct sym *s, uint64_t to)
{
	if (to <= w->at)
		return 0;
	int r = mem_grow(&w->out, &w->cap, w->n + 1);
	if (r < 0)
		return r;
	w->out[w->n++] = (struct sym){ w->at, to, s->name, s->rank & ~(uint32_t)NO_LEN };
	w->at = to;
	return 0;
}

/* Settles all up to @to: functions that end before are closed. */
static int advance(struct sweep *w, uint64_t to)
{
	int r = 0;

	while (!r && w->n_open && w->open[w->n_open - 1]->end <= to) {
		const struct sym *s = w->open[--w->n_open];

		r = emit(w, s, s->end);
	}
	if (!r && w->n_open)
		r = emit(w, w->open[w->n_open - 1], to);
	if (w->at < to)
		w->at = to;
	return r;
}

static int open_one(struct sweep *w, struct sym *s, uint64_t next_start)
{
	int r = advance(w, s->start);

	if (r < 0)
		return r;
	if (s->rank & NO_LEN) {
		if (w->n_open)
			return 0; // a label inside of a function
		if (s->end > next_start)
			s->end = next_start;
	}
	r = mem_grow(&w->open, &w->cap_open, w->n_open + 1);
	if (r < 0)
		return r;
	w->open[w->n_open++] = s;
	return 0;
}

static int sweep_all(struct sweep *w, struct symtab *t)
{
	for (size_t i = 0, next; i < t->n; i = next) {
		// Of several names of one address the best stands first.
		for (next = i + 1; next < t->n && t->syms[next].start == t->syms[i].start; next++)
			;
		int r = open_one(w, &t->syms[i], next < t->n ? t->syms[next].start : UINT64_MAX);
		if (r < 0)
			return r;
	}
	return advance(w, UINT64_MAX);
}

int symtab_finish(struct symtab *t)
{
	struct sweep w = { 0 };

	if (t->n)
		qsort_r(t->syms, t->n, sizeof(*t->syms), by_start, t);
	int r = sweep_all(&w, t);
	free(w.open);
	if (r < 0) {
		free(w.out);
		return r;
	}
	free(t->syms);
	t->syms = w.out;
	t->n = w.n;
	t->cap = w.cap;
	return 0;
}

const struct sym *symtab_find(const struct symtab *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->syms[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < t->syms[lo - 1].end ? &t->syms[lo - 1] : NULL;
}
