/* SPDX-License-Identifier: MIT */
/** Rows: the tree in order of time, without what is too small to matter. */
#include "analysis/boot/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/ns.h"

void boot_rows_fini(struct boot_rows *r)
{
	free(r->all);
	free(r->of);
	*r = (struct boot_rows){ .n = 0 };
}

struct weight {
	int64_t path_ns, busy_ns, life_ns;
	uint32_t process;
};

/* The heaviest first: what the whole waited for, what kept a CPU or disk busy, what lived long. */
static int by_weight(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	if (x->path_ns != y->path_ns)
		return x->path_ns > y->path_ns ? -1 : 1;
	if (x->busy_ns != y->busy_ns)
		return x->busy_ns > y->busy_ns ? -1 : 1;
	if (x->life_ns != y->life_ns)
		return x->life_ns > y->life_ns ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

static bool is_wanted(const struct boot_process *p)
{
	return p->begin_ns <= p->end_ns && (p->inside || p->path_ns);
}

static size_t weigh(const struct boot_tree *t, struct weight *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct boot_process *p = &t->all[i];

		if (!is_wanted(p))
			continue;
		ret[n++] = (struct weight){
			.path_ns = p->path_ns,
			.busy_ns = ns_after(ns_after(p->ns[BOOT_RUN], p->ns[BOOT_WAIT]),
					    p->ns[BOOT_DISK]),
			.life_ns = ns_between(p->begin_ns, p->end_ns),
			.process = i,
		};
	}
	qsort(ret, n, sizeof(*ret), by_weight);
	return n;
}

/* Marks in @kept the heaviest with all that they are below, as long as there is room. */
static void keep_heaviest(const struct boot_tree *t, const struct weight *order, size_t n,
			  size_t most, uint8_t *kept)
{
	size_t left = most;

	for (size_t i = 0; i < n && left; i++) {
		size_t need = 0;
		uint32_t up = order[i].process;

		for (; up != BOOT_NONE && !kept[up] && need <= left; up = t->all[up].parent)
			need++;
		if (need > left)
			continue;
		left -= need;
		for (up = order[i].process; up != BOOT_NONE && !kept[up]; up = t->all[up].parent)
			kept[up] = true;
	}
}

/* A row for one alone that is hidden below another may as well show it. */
static void keep_lonely(const struct boot_tree *t, uint8_t *kept, uint32_t *n_below)
{
	memset(n_below, 0, (t->n + 1) * sizeof(*n_below));
	for (uint32_t i = 0; i < t->n; i++) {
		const uint32_t up = t->all[i].parent;

		// What is deeper than just below makes it more than one.
		if (!kept[i] && is_wanted(&t->all[i]) && up != BOOT_NONE)
			n_below[up]++;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		const uint32_t up = t->all[i].parent;

		if (!kept[i] && is_wanted(&t->all[i]) && up != BOOT_NONE && kept[up] == 1 &&
		    n_below[up] == 1 && !n_below[i])
			kept[i] = 2;
	}
}

static void add_row(struct boot_rows *r, struct boot_row row, uint32_t *ret)
{
	*ret = (uint32_t)r->n;
	r->all[r->n++] = row;
}

static void add_process(struct boot_row *row, const struct boot_process *p)
{
	row->begin_ns = p->begin_ns < row->begin_ns ? p->begin_ns : row->begin_ns;
	row->end_ns = p->end_ns > row->end_ns ? p->end_ns : row->end_ns;
	row->path_ns = ns_after(row->path_ns, p->path_ns);
	for (int i = 0; i < BOOT_N_SHADES; i++)
		row->ns[i] = ns_after(row->ns[i], p->ns[i]);
}

static const struct boot_row empty = {
	.process = BOOT_NONE,
	.parent = BOOT_NONE,
	.begin_ns = INT64_MAX,
	.end_ns = INT64_MIN,
};

/* The nearest one above that has a row of its own. */
static uint32_t row_above(const struct boot_tree *t, const struct boot_rows *r, uint32_t process)
{
	uint32_t up = t->all[process].parent;

	while (up != BOOT_NONE && r->of[up] == BOOT_NONE)
		up = t->all[up].parent;
	return up == BOOT_NONE ? BOOT_NONE : r->of[up];
}

/*
 * Rows of what is kept. What is hidden below a row follows behind it and all that is below it; so
 * the rows of the hidden are made first in their order, and sorted in at the end.
 */
static void add_kept(const struct boot_tree *t, const uint8_t *kept, struct boot_rows *r)
{
	for (uint32_t i = t->root; i != BOOT_NONE; i = boot_tree_next(t, i, true)) {
		// Parents that did nothing themselves show nothing.
		if (!kept[i] || t->all[i].begin_ns > t->all[i].end_ns)
			continue;
		struct boot_row row = empty;
		row.process = i;
		row.parent = row_above(t, r, i);
		row.depth = row.parent == BOOT_NONE ? 0 : r->all[row.parent].depth + 1;
		add_process(&row, &t->all[i]);
		add_row(r, row, &r->of[i]);
	}
}

/* Which row the hidden below row @i (or, last, below none) share. */
static int add_hidden(const struct boot_tree *t, const uint8_t *kept, struct boot_rows *r)
{
	const size_t n = r->n;
	sonde_auto(mem_freep) uint32_t *shared = malloc((n + 1) * sizeof(*shared));

	if (!shared)
		return sonde_fail(-ENOMEM, "out of memory for the rows");
	memset(shared, 0xff, (n + 1) * sizeof(*shared));
	for (uint32_t i = t->root; i != BOOT_NONE; i = boot_tree_next(t, i, true)) {
		if (kept[i] || !is_wanted(&t->all[i]))
			continue;
		uint32_t up = t->all[i].parent;
		// Where that one is hidden in a row already, so is this one.
		while (up != BOOT_NONE && r->of[up] == BOOT_NONE)
			up = t->all[up].parent;
		const uint32_t above = up == BOOT_NONE ? BOOT_NONE
				       : r->of[up] < n ? r->of[up]
						       : r->all[r->of[up]].parent;
		uint32_t *at = &shared[above == BOOT_NONE ? n : above];
		if (*at == BOOT_NONE) {
			struct boot_row row = empty;
			row.parent = above;
			row.depth = above == BOOT_NONE ? 0 : r->all[above].depth + 1;
			add_row(r, row, at);
		}
		r->of[i] = *at;
		r->all[*at].n_hidden++;
		r->n_hidden++;
		add_process(&r->all[*at], &t->all[i]);
	}
	return 0;
}

/* Puts each row of hidden ones behind all that is below the same row. */
static int sort_in(struct boot_rows *r, size_t n_kept, size_t n_processes)
{
	struct boot_row *sorted = calloc(r->n + 1, sizeof(*sorted));
	sonde_auto(mem_freep) uint32_t *hidden = malloc((n_kept + 1) * sizeof(*hidden));
	sonde_auto(mem_freep) uint32_t *to = malloc((r->n + 1) * sizeof(*to));
	size_t n = 0;

	if (!sorted || !hidden || !to) {
		free(sorted);
		return sonde_fail(-ENOMEM, "out of memory for the rows");
	}
	memset(hidden, 0xff, (n_kept + 1) * sizeof(*hidden));
	for (uint32_t i = (uint32_t)n_kept; i < r->n; i++)
		hidden[r->all[i].parent == BOOT_NONE ? n_kept : r->all[i].parent] = i;
	for (uint32_t i = 0; i < n_kept; i++) {
		to[i] = (uint32_t)n;
		sorted[n++] = r->all[i];
		// Whatever ends here: this row, and those that it is the last one below of.
		const uint32_t depth = i + 1 < n_kept ? r->all[i + 1].depth : 0;
		for (uint32_t up = i; up != BOOT_NONE; up = r->all[up].parent) {
			if (i + 1 < n_kept && r->all[up].depth < depth)
				break;
			if (hidden[up] == BOOT_NONE)
				continue;
			to[hidden[up]] = (uint32_t)n;
			sorted[n++] = r->all[hidden[up]];
		}
	}
	if (hidden[n_kept] != BOOT_NONE) {
		to[hidden[n_kept]] = (uint32_t)n;
		sorted[n++] = r->all[hidden[n_kept]];
	}
	for (size_t i = 0; i < n; i++) {
		if (sorted[i].parent != BOOT_NONE)
			sorted[i].parent = to[sorted[i].parent];
	}
	for (size_t i = 0; i < n_processes; i++) {
		if (r->of[i] != BOOT_NONE)
			r->of[i] = to[r->of[i]];
	}
	free(r->all);
	r->all = sorted;
	return 0;
}

int boot_rows_make(const struct boot_tree *t, size_t most, struct boot_rows *ret)
{
	struct boot_rows r = { .of = malloc((t->n + 1) * sizeof(*r.of)) };
	sonde_auto(mem_freep) struct weight *order = calloc(t->n + 1, sizeof(*order));
	sonde_auto(mem_freep) uint8_t *kept = calloc(t->n + 1, 1);
	sonde_auto(mem_freep) uint32_t *n_below = calloc(t->n + 1, sizeof(*n_below));

	if (!r.of || !order || !kept || !n_below) {
		boot_rows_fini(&r);
		return sonde_fail(-ENOMEM, "out of memory for the rows");
	}
	memset(r.of, 0xff, (t->n + 1) * sizeof(*r.of));
	const size_t n = weigh(t, order);
	keep_heaviest(t, order, n, most && most < n ? most : t->n, kept);
	keep_lonely(t, kept, n_below);
	size_t n_kept = 0;
	for (size_t i = 0; i < t->n; i++)
		n_kept += kept[i] && t->all[i].begin_ns <= t->all[i].end_ns;
	// Each may have a row of hidden ones below it, and one more there is below none.
	r.all = calloc(2 * n_kept + 1, sizeof(*r.all));
	if (!r.all) {
		boot_rows_fini(&r);
		return sonde_fail(-ENOMEM, "out of memory for the rows");
	}
	add_kept(t, kept, &r);
	int err = add_hidden(t, kept, &r);
	if (err >= 0)
		err = sort_in(&r, n_kept, t->n);
	if (err < 0)
		boot_rows_fini(&r);
	else
		*ret = r;
	return err;
}

/* Columns. */

int64_t boot_column(int64_t begin_ns, int64_t end_ns, size_t i, size_t n)
{
	const __int128 len = (__int128)end_ns - begin_ns;

	return (int64_t)(begin_ns + len * (__int128)i / (n ? (__int128)n : 1));
}

/* The column that @at_ns is in. */
static size_t column_of(int64_t begin_ns, int64_t end_ns, int64_t at_ns, size_t n)
{
	const __int128 len = (__int128)end_ns - begin_ns;
	size_t i = len > 0 ? (size_t)(((__int128)at_ns - begin_ns) * (__int128)n / len) : 0;

	i = i >= n ? n - 1 : i;
	while (i + 1 < n && boot_column(begin_ns, end_ns, i + 1, n) <= at_ns)
		i++;
	return i;
}

void boot_spread(int64_t begin_ns, int64_t end_ns, int64_t from_ns, int64_t to_ns,
		 enum boot_shade shade, struct boot_cell *cells, size_t n)
{
	from_ns = from_ns < begin_ns ? begin_ns : from_ns;
	to_ns = to_ns > end_ns ? end_ns : to_ns;
	if (from_ns >= to_ns)
		return;
	for (size_t i = column_of(begin_ns, end_ns, from_ns, n); i < n && from_ns < to_ns; i++) {
		const int64_t stop = i + 1 < n ? boot_column(begin_ns, end_ns, i + 1, n) : end_ns;
		const int64_t until = stop < to_ns ? stop : to_ns;

		if (until <= from_ns)
			continue;
		cells[i].ns[shade] = ns_after(cells[i].ns[shade], ns_between(from_ns, until));
		from_ns = until;
	}
}

static void add_chain(const struct boot_tree *t, uint32_t thread, int64_t begin_ns, int64_t end_ns,
		      struct boot_cell *cells, size_t n)
{
	struct kernel_thread *const *threads;
	const struct exec_graph *g = exec_build_graph(t->build);

	(void)kernel_threads(exec_build_kernel(t->build), &threads);
	const uint32_t w = exec_build_worker(t->build, threads[thread]);
	if (w == EXEC_NONE || g->workers[w].first == EXEC_NONE)
		return;
	for (uint32_t v = g->vertices[g->workers[w].first].next; v != EXEC_NONE;
	     v = g->vertices[v].next) {
		const struct exec_vertex *x = &g->vertices[v];

		boot_spread(begin_ns, end_ns, g->vertices[x->prev].ts_ns, x->ts_ns,
			    boot_shade_of((enum exec_type)x->type), cells, n);
	}
}

void boot_cells(const struct boot_tree *t, const struct boot_rows *rows, uint32_t row,
		int64_t begin_ns, int64_t end_ns, struct boot_cell *cells, size_t n)
{
	const uint32_t only = rows->all[row].process;

	memset(cells, 0, n * sizeof(*cells));
	for (uint32_t i = only == BOOT_NONE ? 0 : only; i < t->n; i++) {
		for (uint32_t th = rows->of[i] == row ? t->all[i].threads : BOOT_NONE;
		     th != BOOT_NONE; th = t->next_thread[th])
			add_chain(t, th, begin_ns, end_ns, cells, n);
		if (only != BOOT_NONE)
			break;
	}
}
