/* SPDX-License-Identifier: MIT */
/**
 * Liveness, variable by variable: from each block that reads a variable which it did not set, a
 * walk over the blocks before it up to those that set it.
 *
 * Most variables never leave their block and cost nothing here; the others cost what the length of
 * their lives is. That beats bit sets of all variables for each block.
 */
#include "bpf/fn/live.h"

#include <string.h>

#include "bpf/fn/ins.h"

/* A block and a variable. */
struct pair {
	int block, var;
};
struct pairs {
	struct pair *all; /* owned */
	size_t n, cap;
};

/* What lives behind a block, in walk.by_block. */
struct outs {
	uint32_t first, n;
};

struct walk {
	struct fn *f;
	struct live *l;
	struct block *blocks; /* live.blocks.all */
	int n_blocks;
	struct outs *outs_of;		/* per block */
	struct pairs reads, sets, outs; /* reads: of what the block did not set itself */
	int *by_block;			/* outs, sorted */
	int *mark_read, *mark_set;	/* per variable: the last block that did, plus 1 */
};

static int pairs_add(struct pairs *p, int block, int var)
{
	int r = mem_grow(&p->all, &p->cap, p->n + 1);

	if (r == 0)
		p->all[p->n++] = (struct pair){ block, var };
	return r;
}

/* Loops by where jumps go back to; good enough to weigh variables. */
static int find_depths(struct walk *w)
{
	struct fn *f = w->f;
	int *change = arena_array(&w->l->arena, f->n + 1, sizeof(*change));
	w->l->depth = arena_array(&w->l->arena, f->n, sizeof(*w->l->depth));
	if (!change || !w->l->depth)
		return -ENOMEM;

	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (in->kind != INS_JUMP && in->kind != INS_IF)
			continue;
		size_t target = w->blocks[w->l->blocks.of_label[in->to]].first;
		if (target <= i) {
			change[target]++;
			change[i + 1]--;
		}
	}
	int depth = 0;
	for (size_t i = 0; i < f->n; i++) {
		depth += change[i];
		w->l->depth[i] = (uint8_t)(depth > 4 ? 4 : depth);
	}
	return 0;
}

static int note_read(struct walk *w, int block, int var)
{
	if (w->mark_set[var] == block + 1 || w->mark_read[var] == block + 1)
		return 0;
	w->mark_read[var] = block + 1;
	return pairs_add(&w->reads, block, var);
}

static int note_set(struct walk *w, int block, int var)
{
	if (w->mark_set[var] == block + 1)
		return 0;
	w->mark_set[var] = block + 1;
	return pairs_add(&w->sets, block, var);
}

static int note_ins(struct walk *w, int block, struct ins *in)
{
	struct val *uses[FN_USES_MOST];
	unsigned n = ins_uses(w->f, in, uses);
	int r = 0;

	for (unsigned k = 0; k < n && r == 0; k++)
		r = note_read(w, block, uses[k]->id);
	if (r == 0 && in->kind == INS_ENTRY) {
		for (unsigned k = 0; k < w->f->n_args && r == 0; k++)
			r = note_set(w, block, (int)k);
	}
	if (r == 0 && in->dst >= 0)
		r = note_set(w, block, in->dst);
	return r;
}

/* What each block reads from before it, and sets. */
static int note_blocks(struct walk *w)
{
	size_t n_vars = (size_t)w->f->n_vars + 1;

	w->mark_read = arena_array(&w->l->arena, n_vars, sizeof(int));
	w->mark_set = arena_array(&w->l->arena, n_vars, sizeof(int));
	if (!w->mark_read || !w->mark_set)
		return -ENOMEM;
	for (int i = 0; i < w->n_blocks; i++) {
		for (size_t k = w->blocks[i].first; k < w->blocks[i].end; k++) {
			int r = note_ins(w, i, &w->f->ins[k]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Blocks of @p by variable: those of v are ret[at[v]] ... ret[at[v + 1] - 1]. */
static int sort_by_var(struct walk *w, const struct pairs *p, uint32_t **ret_at, int **ret)
{
	size_t n_vars = (size_t)w->f->n_vars;
	uint32_t *at = arena_array(&w->l->arena, n_vars + 2, sizeof(*at));
	int *blocks = arena_array(&w->l->arena, p->n + 1, sizeof(*blocks));
	if (!at || !blocks)
		return -ENOMEM;

	for (size_t i = 0; i < p->n; i++)
		at[p->all[i].var + 2]++;
	for (size_t v = 2; v < n_vars + 2; v++)
		at[v] += at[v - 1];
	for (size_t i = 0; i < p->n; i++)
		blocks[at[p->all[i].var + 1]++] = p->all[i].block;
	*ret_at = at;
	*ret = blocks;
	return 0;
}

struct spread {
	int *todo, n_todo;
	int *set, *out; /* per block: the last variable that it sets, that lives behind it; + 1 */
};

/* @var is live where @block begins. */
static void enter_before(struct walk *w, struct spread *s, int block, int var)
{
	const struct block *b = &w->blocks[block];

	if (block == 0)
		w->l->unset[w->l->n_unset++] = var;
	for (uint32_t k = 0; k < b->n_preds; k++) {
		int pred = w->l->blocks.preds[b->preds + k];
		if (s->out[pred] == var + 1)
			continue;
		s->out[pred] = var + 1;
		s->todo[s->n_todo++] = pred;
	}
}

static int spread_var(struct walk *w, struct spread *s, int var)
{
	while (s->n_todo > 0) {
		int block = s->todo[--s->n_todo];
		int r = pairs_add(&w->outs, block, var);
		if (r < 0)
			return r;
		if (s->set[block] != var + 1)
			enter_before(w, s, block, var);
	}
	return 0;
}

static int find_outs(struct walk *w)
{
	uint32_t *read_at, *set_at;
	int *reads, *sets;
	size_t n_blocks = (size_t)w->n_blocks, n_vars = (size_t)w->f->n_vars;
	struct spread s = {
		.todo = arena_array(&w->l->arena, n_blocks, sizeof(int)),
		.set = arena_array(&w->l->arena, n_blocks, sizeof(int)),
		.out = arena_array(&w->l->arena, n_blocks, sizeof(int)),
	};

	// Only the first block reads without end, once by its own reads and once by being reached.
	w->l->unset = arena_array(&w->l->arena, 2 * n_vars + 1, sizeof(int));
	if (!s.todo || !s.set || !s.out || !w->l->unset)
		return -ENOMEM;
	if (sort_by_var(w, &w->reads, &read_at, &reads) < 0 ||
	    sort_by_var(w, &w->sets, &set_at, &sets) < 0)
		return -ENOMEM;
	for (size_t v = 0; v < n_vars; v++) {
		for (uint32_t k = set_at[v]; k < set_at[v + 1]; k++)
			s.set[sets[k]] = (int)v + 1;
		for (uint32_t k = read_at[v]; k < read_at[v + 1]; k++)
			enter_before(w, &s, reads[k], (int)v);
		int r = spread_var(w, &s, (int)v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int sort_outs(struct walk *w)
{
	uint32_t n = 0;

	w->by_block = arena_array(&w->l->arena, w->outs.n + 1, sizeof(int));
	w->outs_of = arena_array(&w->l->arena, (size_t)w->n_blocks, sizeof(*w->outs_of));
	if (!w->by_block || !w->outs_of)
		return -ENOMEM;
	for (size_t i = 0; i < w->outs.n; i++)
		w->outs_of[w->outs.all[i].block].n++;
	for (int i = 0; i < w->n_blocks; i++) {
		w->outs_of[i].first = n;
		n += w->outs_of[i].n;
		w->outs_of[i].n = 0;
	}
	for (size_t i = 0; i < w->outs.n; i++) {
		struct outs *o = &w->outs_of[w->outs.all[i].block];
		w->by_block[o->first + o->n++] = w->outs.all[i].var;
	}
	return 0;
}

/* Puts a range before those of @var, which all begin behind @from. */
static int add_range(struct live *l, int var, uint32_t from, uint32_t to)
{
	int head = l->head[var];

	if (head >= 0 && l->ranges[head].from <= to + 1) {
		l->ranges[head].from = from;
		if (l->ranges[head].to < to)
			l->ranges[head].to = to;
		return 0;
	}
	int r = mem_grow(&l->ranges, &l->cap_ranges, l->n_ranges + 1);
	if (r < 0)
		return r;
	l->ranges[l->n_ranges] = (struct live_range){ from, to, head };
	l->head[var] = (int)l->n_ranges++;
	return 0;
}

/* The instruction writes @var: its life begins here. */
static int begin_life(struct walk *w, int block, int var, uint32_t at)
{
	bool is_live = w->mark_read[var] == block + 1;

	w->mark_read[var] = 0;
	if (!is_live)
		return add_range(w->l, var, at, at);
	w->l->ranges[w->l->head[var]].from = at;
	return 0;
}

static int range_ins(struct walk *w, int block, size_t i)
{
	struct ins *in = &w->f->ins[i];
	uint32_t pos = (uint32_t)i * LIVE_STEPS;
	uint32_t begin = (uint32_t)w->blocks[block].first * LIVE_STEPS;
	int r = 0;

	if (in->kind == INS_ENTRY) {
		for (unsigned k = 0; k < w->f->n_args && r == 0; k++)
			r = begin_life(w, block, (int)k, pos + LIVE_WRITE);
	}
	if (ins_is_pure(in) && w->mark_read[in->dst] != block + 1) {
		in->kind = INS_NONE;
		return r;
	}
	if (r == 0 && in->dst >= 0)
		r = begin_life(w, block, in->dst, pos + LIVE_WRITE);

	struct val *uses[FN_USES_MOST];
	unsigned n = ins_uses(w->f, in, uses);
	w->l->a_dies[i] = in->a.kind == VAL_REG && w->mark_read[in->a.id] != block + 1;
	for (unsigned k = 0; k < n && r == 0; k++) {
		uint32_t end = pos + (ins_reads_late(in, uses[k]) ? LIVE_WRITE : LIVE_READ);
		w->mark_read[uses[k]->id] = block + 1;
		r = add_range(w->l, uses[k]->id, begin, end);
	}
	return r;
}

static int find_ranges(struct walk *w)
{
	size_t n_vars = (size_t)w->f->n_vars;

	w->l->head = arena_array(&w->l->arena, n_vars + 1, sizeof(int));
	w->l->a_dies = arena_array(&w->l->arena, w->f->n, sizeof(bool));
	if (!w->l->head || !w->l->a_dies)
		return -ENOMEM;
	for (size_t v = 0; v < n_vars; v++) {
		w->l->head[v] = -1;
		w->mark_read[v] = 0; // from now on: the block in which it is live, plus 1
	}
	for (int i = w->n_blocks; i-- > 0;) {
		const struct block *b = &w->blocks[i];
		uint32_t from = (uint32_t)b->first * LIVE_STEPS;
		uint32_t to = (uint32_t)b->end * LIVE_STEPS - 1;
		const int *outs = w->by_block + w->outs_of[i].first;
		int r = 0;
		for (uint32_t k = 0; k < w->outs_of[i].n && r == 0; k++) {
			w->mark_read[outs[k]] = i + 1;
			r = add_range(w->l, outs[k], from, to);
		}
		for (size_t k = b->end; k-- > b->first && r == 0;)
			r = range_ins(w, i, k);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run(struct walk *w)
{
	int r = blocks_find(w->f, &w->l->arena, &w->l->blocks);
	if (r < 0)
		return r;
	w->blocks = w->l->blocks.all;
	w->n_blocks = w->l->blocks.n;
	r = find_depths(w);
	if (r == 0)
		r = note_blocks(w);
	if (r == 0)
		r = find_outs(w);
	if (r == 0)
		r = sort_outs(w);
	return r == 0 ? find_ranges(w) : r;
}

int live_init(struct live *l, struct fn *f)
{
	struct walk w = { .f = f, .l = l };

	memset(l, 0, sizeof(*l));
	int r = run(&w);
	free(w.reads.all);
	free(w.sets.all);
	free(w.outs.all);
	return r;
}

void live_fini(struct live *l)
{
	arena_fini(&l->arena);
	free(l->ranges);
	l->ranges = NULL;
}

static uint64_t mask_of(const struct live_range *r, size_t word)
{
	uint64_t mask = UINT64_MAX;

	if (word == r->from / 64)
		mask &= UINT64_MAX << (r->from % 64);
	if (word == r->to / 64)
		mask &= UINT64_MAX >> (63 - r->to % 64);
	return mask;
}

bool live_is_free(const uint64_t *busy, const struct live_range *ranges, int head)
{
	for (int i = head; i >= 0; i = ranges[i].next) {
		const struct live_range *r = &ranges[i];
		for (size_t w = r->from / 64; w <= r->to / 64; w++) {
			if (busy[w] & mask_of(r, w))
				return false;
		}
	}
	return true;
}

void live_occupy(uint64_t *busy, const struct live_range *ranges, int head)
{
	for (int i = head; i >= 0; i = ranges[i].next) {
		const struct live_range *r = &ranges[i];
		for (size_t w = r->from / 64; w <= r->to / 64; w++)
			busy[w] |= mask_of(r, w);
	}
}
