/* SPDX-License-Identifier: MIT */
/** A critical path by program and state, and the tree of programs. */
#include "analysis/path/sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/u64map.h"

void sums_fini(struct sums *s)
{
	free(s->parts);
	spill_fini(&s->steps_mem);
	free(s->last);
	*s = (struct sums){ 0 };
}

/* The name that the maker of a thread had then. */
static const char *maker_name(const struct exec_build *b, uint32_t worker,
			      const struct kernel_thread *t)
{
	const struct exec_graph *g = exec_build_graph(b);
	const uint32_t maker = exec_build_worker(b, t->parent), first = g->workers[worker].first;
	int64_t until;

	if (maker == EXEC_NONE || first == EXEC_NONE)
		return t->parent->name;
	return exec_build_name(b, maker, g->vertices[first].ts_ns, &until);
}

/*
 * The name of a worker at a time. What a new process does before it begins its program counts to
 * that program: until then it has its parent's name.
 */
static const char *name_at(const struct exec_build *b, uint32_t worker, int64_t ts_ns,
			   int64_t *ret_until_ns)
{
	const struct kernel_thread *t = exec_build_who(b, worker).thread;
	const char *name = exec_build_name(b, worker, ts_ns, ret_until_ns);
	int64_t first_ns, end_ns;

	if (!t || !t->parent || *ret_until_ns == INT64_MAX)
		return name;
	const char *first = exec_build_name(b, worker, INT64_MIN, &first_ns);
	if (first != name || strcmp(first, maker_name(b, worker, t)) != 0)
		return name;
	*ret_until_ns = first_ns;
	name = exec_build_name(b, worker, first_ns, &end_ns);
	*ret_until_ns = end_ns;
	return name;
}

/* The name that a worker had before it got @name, behind @begin_ns; NULL: it had it from then on.
 */
static const char *name_before(const struct exec_build *b, uint32_t worker, const char *name,
			       int64_t begin_ns)
{
	int64_t until;
	const char *at = name_at(b, worker, begin_ns, &until), *before = NULL;

	while (strcmp(at, name) != 0 && until != INT64_MAX) {
		before = at;
		at = name_at(b, worker, until, &until);
	}
	return strcmp(at, name) ? NULL : before;
}

/* The part of a worker under a name. */
static int part_of(struct sums *s, uint32_t worker, const char *name, int64_t ts_ns, uint32_t *ret)
{
	const uint32_t last = s->last[worker] - 1; // EXEC_NONE where there is none

	for (uint32_t i = s->parts ? last : EXEC_NONE; i != EXEC_NONE; i = s->parts[i].same) {
		if (!strcmp(s->parts[i].name, name)) {
			*ret = i;
			return 0;
		}
	}
	int r = mem_grow(&s->parts, &s->cap, s->n + 1);
	if (r < 0)
		return r;
	s->parts[s->n] = (struct sums_part){
		.worker = worker,
		.name = name,
		.parent = EXEC_NONE,
		.first = EXEC_NONE,
		.next = EXEC_NONE,
		.same = last,
		.above = (uint32_t)s->n,
		.from_ns = ts_ns,
		.runs = 1,
	};
	*ret = (uint32_t)s->n++;
	s->last[worker] = (uint32_t)s->n;
	return 0;
}

/* Segments that differ in nothing are shown as one. */
static bool continues(const struct sums *s, const struct sums_step *step)
{
	if (!s->n_steps || step->from_part != EXEC_NONE)
		return false;
	const struct sums_step *last = &s->steps[s->n_steps - 1];
	return last->from_part == EXEC_NONE && last->part == step->part &&
	       last->step.type == step->step.type && last->step.label == step->step.label &&
	       last->step.call == step->step.call;
}

static int add_step(struct sums *s, struct sums_step step)
{
	if (continues(s, &step)) {
		s->steps[s->n_steps - 1].step.end_ns = step.step.end_ns;
		return 0;
	}
	int r = spill_room(&s->steps_mem, &s->steps, s->n_steps + 1);

	if (r >= 0)
		s->steps[s->n_steps++] = step;
	return r;
}

static int add_segment(const struct exec_build *b, struct sums *s, struct path_step step)
{
	const int64_t end_ns = step.end_ns;
	int r = 0;

	while (step.begin_ns < end_ns && r >= 0) {
		int64_t until;
		const char *name = name_at(b, step.worker, step.begin_ns, &until);
		uint32_t part;

		step.end_ns = until < end_ns && until > step.begin_ns ? until : end_ns;
		r = part_of(s, step.worker, name, step.begin_ns, &part);
		if (r < 0)
			break;
		const int64_t ns = step.end_ns - step.begin_ns;
		s->parts[part].ns[step.type] += ns;
		s->parts[part].self_ns += ns;
		s->by_type[step.type] += ns;
		r = add_step(s, (struct sums_step){ step, part, EXEC_NONE });
		step.begin_ns = step.end_ns;
	}
	return r;
}

static int add_hop(const struct exec_build *b, struct sums *s, struct path_step step)
{
	int64_t until;
	uint32_t from, to;
	int r = part_of(s, step.from, name_at(b, step.from, step.begin_ns, &until), step.begin_ns,
			&from);

	if (r >= 0)
		r = part_of(s, step.worker, name_at(b, step.worker, step.end_ns, &until),
			    step.end_ns, &to);
	return r < 0 ? r : add_step(s, (struct sums_step){ step, to, from });
}

/* The part that made @part's thread; EXEC_NONE: none is known. */
static int find_maker(const struct exec_build *b, struct sums *s, const struct sums_part *p,
		      uint32_t *ret)
{
	const struct kernel_thread *t = exec_build_who(b, p->worker).thread;
	const uint32_t first = exec_build_graph(b)->workers[p->worker].first;
	int64_t until;

	*ret = EXEC_NONE;
	if (!t || !t->parent || first == EXEC_NONE)
		return 0;
	const int64_t born_ns = exec_build_graph(b)->vertices[first].ts_ns;
	const uint32_t maker = exec_build_worker(b, t->parent);
	if (maker == EXEC_NONE || maker == p->worker)
		return 0;
	return part_of(s, maker, name_at(b, maker, born_ns, &until), born_ns, ret);
}

/* The uppermost part above @part. Ways up are shortened as they are gone. */
static uint32_t top_of(struct sums *s, uint32_t part)
{
	while (s->parts[part].above != part) {
		struct sums_part *p = &s->parts[part];

		p->above = s->parts[p->above].above;
		part = p->above;
	}
	return part;
}

/* The part that started @part: what its thread ran before, or who made that thread. */
static int find_parent(const struct exec_build *b, struct sums *s, uint32_t part, int64_t begin_ns)
{
	const struct sums_part p = s->parts[part];
	const char *before = name_before(b, p.worker, p.name, begin_ns);
	uint32_t parent;
	int r = before ? part_of(s, p.worker, before, p.from_ns, &parent)
		       : find_maker(b, s, &p, &parent);

	if (r < 0)
		return r;
	// Numbers are used again: no part is below itself.
	if (parent == EXEC_NONE || top_of(s, parent) == part)
		return 0;
	s->parts[part].parent = s->parts[part].above = parent;
	return 0;
}

/* With all that is below it. @order: room for all parts. */
static void add_totals(struct sums *s, uint32_t *order)
{
	unsigned depth = 0;
	size_t n = 0;

	for (uint32_t i = s->root; i != EXEC_NONE; i = sums_next(s, i, &depth)) {
		s->parts[i].total_ns = s->parts[i].self_ns;
		order[n++] = i;
	}
	while (n--) {
		const struct sums_part *p = &s->parts[order[n]];

		if (p->parent != EXEC_NONE)
			s->parts[p->parent].total_ns += p->total_ns;
	}
}

/* Puts each part into its parent's list, in order of time. */
static int make_lists(struct sums *s)
{
	// By parent, or s->n for none: the list's last part so far. Most parts come in order.
	sonde_auto(mem_freep) uint32_t *last = malloc((s->n + 1) * sizeof(*last));

	if (!last)
		return sonde_fail(-ENOMEM, "out of memory for the path's sums");
	memset(last, 0xff, (s->n + 1) * sizeof(*last));
	s->root = EXEC_NONE;
	for (uint32_t i = 0; i < s->n; i++) {
		struct sums_part *p = &s->parts[i];
		uint32_t *at = p->parent == EXEC_NONE ? &s->root : &s->parts[p->parent].first;
		uint32_t *tail = &last[p->parent == EXEC_NONE ? s->n : p->parent];

		if (*tail != EXEC_NONE && s->parts[*tail].from_ns <= p->from_ns)
			at = &s->parts[*tail].next;
		while (*at != EXEC_NONE && s->parts[*at].from_ns <= p->from_ns)
			at = &s->parts[*at].next;
		p->next = *at;
		*at = i;
		if (p->next == EXEC_NONE)
			*tail = i;
	}
	add_totals(s, last);
	return 0;
}

int sums_of(const struct exec_build *b, const struct path *p, struct sums *ret)
{
	enum { AT_ONCE = 1 << 16 };
	struct sums s = { .root = EXEC_NONE };
	int r = 0;

	s.last = calloc(exec_build_graph(b)->n_workers + 1, sizeof(*s.last));
	if (!s.last)
		return sonde_fail(-ENOMEM, "out of memory for the path's sums");
	for (size_t i = 0; i < p->n && r >= 0; i++) {
		r = p->steps[i].from == EXEC_NONE ? add_segment(b, &s, p->steps[i])
						  : add_hop(b, &s, p->steps[i]);
		if (i % AT_ONCE == AT_ONCE - 1) {
			spill_trim(&p->steps_mem);
			spill_trim(&s.steps_mem);
		}
	}
	// Parents that did nothing on the path join at the end, and have parents of their own.
	for (uint32_t i = 0; i < s.n && r >= 0; i++)
		r = find_parent(b, &s, i, p->begin_ns);
	if (r < 0) {
		sums_fini(&s);
		return r;
	}
	r = make_lists(&s);
	if (r < 0) {
		sums_fini(&s);
		return r;
	}
	*ret = s;
	return 0;
}

uint32_t sums_next(const struct sums *s, uint32_t at, unsigned *depth)
{
	if (s->parts[at].first != EXEC_NONE) {
		++*depth;
		return s->parts[at].first;
	}
	while (at != EXEC_NONE && s->parts[at].next == EXEC_NONE) {
		at = s->parts[at].parent;
		*depth -= at != EXEC_NONE;
	}
	return at == EXEC_NONE ? EXEC_NONE : s->parts[at].next;
}

/* Parts that are put together. */
struct fold {
	const struct exec_build *b;
	struct sums sums;     /* .same: the last one below a part, or EXEC_NONE */
	struct u64map by_key; /* owned: the part that was made last of a key */
	uint32_t *older;      /* owned, by part: one before it of its key, or EXEC_NONE */
	size_t cap_older;
	uint32_t last; /* of those without a parent */
};

static void fold_fini(struct fold *f)
{
	sums_fini(&f->sums);
	u64map_fini(&f->by_key);
	free(f->older);
}

static const struct kernel_host *host_of(const struct fold *f, const struct sums_part *p)
{
	return exec_build_who(f->b, p->worker).host;
}

/* What parts that are put together have in common, and few others have. */
static uint64_t key_of(const struct fold *f, const struct sums_part *p, uint32_t parent)
{
	return hash_text((uint64_t)(uintptr_t)host_of(f, p) ^ (uint64_t)parent << 32, p->name);
}

/* Makes a part like @p the last one below @parent. */
static int add_folded(struct fold *f, const struct sums_part *p, uint32_t parent, uint64_t key,
		      uint32_t older)
{
	struct sums *s = &f->sums;
	const uint32_t at = (uint32_t)s->n;
	int r = mem_grow(&s->parts, &s->cap, s->n + 1);

	if (r >= 0)
		r = mem_grow(&f->older, &f->cap_older, s->n + 1);
	if (r >= 0 && older == EXEC_NONE)
		r = u64map_put(&f->by_key, key, at);
	if (r < 0)
		return r;
	if (older != EXEC_NONE)
		(void)u64map_replace(&f->by_key, key, at);
	f->older[at] = older;
	s->parts[s->n++] = *p;
	s->parts[at].parent = parent;
	s->parts[at].first = s->parts[at].next = s->parts[at].same = EXEC_NONE;
	uint32_t *last = parent == EXEC_NONE ? &f->last : &s->parts[parent].same;
	if (*last != EXEC_NONE)
		s->parts[*last].next = at;
	else if (parent != EXEC_NONE)
		s->parts[parent].first = at;
	else
		s->root = at;
	*last = at;
	return 0;
}

/* Adds @p below @parent to what is of its name and host there; *@ret is that. */
static int fold_part(struct fold *f, const struct sums_part *p, uint32_t parent, uint32_t *ret)
{
	const struct sums_part *parts = f->sums.parts;
	const uint64_t key = key_of(f, p, parent);
	uint32_t newest = EXEC_NONE;

	(void)u64map_get(&f->by_key, key, &newest);
	uint32_t at = parts ? newest : EXEC_NONE;
	while (at != EXEC_NONE &&
	       (strcmp(parts[at].name, p->name) != 0 || parts[at].parent != parent ||
		host_of(f, &parts[at]) != host_of(f, p)))
		at = f->older[at];
	*ret = at == EXEC_NONE ? (uint32_t)f->sums.n : at;
	if (at == EXEC_NONE)
		return add_folded(f, p, parent, key, newest);
	struct sums_part *q = &f->sums.parts[at];
	for (size_t i = 0; i < EXEC_N_TYPES; i++)
		q->ns[i] += p->ns[i];
	q->self_ns += p->self_ns;
	q->total_ns += p->total_ns;
	q->runs += p->runs;
	return 0;
}

int sums_fold(const struct exec_build *b, const struct sums *s, bool flat, struct sums *ret)
{
	sonde_auto(mem_freep) uint32_t *folded = calloc(s->n + 1, sizeof(*folded));
	sonde_auto(fold_fini) struct fold f = { .b = b, .sums.root = EXEC_NONE, .last = EXEC_NONE };
	unsigned depth = 0;
	int r = folded ? 0 : sonde_fail(-ENOMEM, "out of memory for the path's sums");

	for (uint32_t i = s->root; i != EXEC_NONE && r >= 0; i = sums_next(s, i, &depth)) {
		const uint32_t parent = s->parts[i].parent;

		if (s->parts[i].total_ns && (!flat || s->parts[i].self_ns))
			r = fold_part(&f, &s->parts[i],
				      flat || parent == EXEC_NONE ? EXEC_NONE : folded[parent],
				      &folded[i]);
	}
	if (r < 0)
		return r;
	*ret = f.sums;
	f.sums = (struct sums){ 0 };
	return 0;
}
