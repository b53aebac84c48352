/* SPDX-License-Identifier: MIT */
/**
 * Stack objects are needed from where they are first spoken of to where they are last, on any way
 * through the function: wherever a mention may lie behind and another one ahead. An object whose
 * address goes anywhere but into a call or an access is needed everywhere.
 */
#include "bpf/fn/frame.h"

#include <stdbool.h>
#include <string.h>

#include <sonde/err.h>

#include "bpf/fn/alloc.h"
#include "bpf/fn/ins.h"
#include "bpf/fn/live.h"

enum { UNIT = 8, UNITS = FN_STACK_MOST / UNIT };

/* An instruction that speaks of a slot. */
struct mention {
	int slot;
	uint32_t ins;
};

/* What needs room. */
struct item {
	uint32_t from; /* step of its first need */
	int head;      /* of its ranges */
	const struct live_range *ranges;
	size_t units;
	int32_t *ret;
};

struct walk {
	const struct fn *f;
	const struct live *l;
	struct arena arena;
	struct mention *mentions; /* sorted */
	size_t n_mentions, cap_mentions;
	bool *escapes; /* per slot */
	int *block_of; /* per instruction */
	int *behind;   /* per block: the last slot, plus 1, that is spoken of before it */
	int *ahead;    /* likewise, after it */
	int *todo;
	struct live_range *ranges; /* of all slots */
	size_t n_ranges, cap_ranges;
	int *head; /* per slot: its first range */
};

void frame_fini(struct frame *fr)
{
	free(fr->slots);
	free(fr->vars);
	*fr = (struct frame){ 0 };
}

static int mention(struct walk *w, const struct val *v, size_t ins, bool escapes)
{
	if (v->kind != VAL_SLOT)
		return 0;
	w->escapes[v->id] |= escapes;
	int r = mem_grow(&w->mentions, &w->cap_mentions, w->n_mentions + 1);
	if (r == 0)
		w->mentions[w->n_mentions++] = (struct mention){ v->id, (uint32_t)ins };
	return r;
}

static int mention_all(struct walk *w, size_t i)
{
	const struct ins *in = &w->f->ins[i];
	int r = 0;

	if (in->kind == INS_CALL) {
		for (unsigned k = 0; k < in->len && r == 0; k++)
			r = mention(w, &w->f->vals[in->args + k], i, /* escapes= */ false);
		return r;
	}
	bool is_access = in->kind == INS_LOAD || in->kind == INS_STORE || in->kind == INS_ATOMIC ||
			 in->kind == INS_CMPXCHG;
	r = mention(w, &in->a, i, !is_access);
	if (r == 0)
		r = mention(w, &in->b, i, /* escapes= */ true);
	return r == 0 ? mention(w, &in->c, i, /* escapes= */ true) : r;
}

static int by_slot(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->ins < y->ins ? -1 : x->ins > y->ins;
}

static int find_mentions(struct walk *w)
{
	size_t n_blocks = (size_t)w->l->blocks.n;

	w->escapes = arena_array(&w->arena, w->f->n_slots + 1, sizeof(*w->escapes));
	w->head = arena_array(&w->arena, w->f->n_slots + 1, sizeof(*w->head));
	w->block_of = arena_array(&w->arena, w->f->n, sizeof(*w->block_of));
	w->behind = arena_array(&w->arena, n_blocks, sizeof(*w->behind));
	w->ahead = arena_array(&w->arena, n_blocks, sizeof(*w->ahead));
	w->todo = arena_array(&w->arena, n_blocks, sizeof(*w->todo));
	if (!w->escapes || !w->head || !w->block_of || !w->behind || !w->ahead || !w->todo)
		return -ENOMEM;
	for (int b = 0; b < w->l->blocks.n; b++) {
		const struct block *block = &w->l->blocks.all[b];
		for (size_t i = block->first; i < block->end; i++) {
			w->block_of[i] = b;
			int r = mention_all(w, i);
			if (r < 0)
				return r;
		}
	}
	if (w->n_mentions)
		qsort(w->mentions, w->n_mentions, sizeof(*w->mentions), by_slot);
	return 0;
}

static void mark(struct walk *w, int *marks, int slot, int block, int *n_todo)
{
	if (block < 0 || marks[block] == slot + 1)
		return;
	marks[block] = slot + 1;
	w->todo[(*n_todo)++] = block;
}

static void mark_succs(struct walk *w, int slot, int block, int *n_todo)
{
	for (unsigned k = 0; k < 2; k++)
		mark(w, w->behind, slot, w->l->blocks.all[block].succ[k], n_todo);
}

static void mark_preds(struct walk *w, int slot, int block, int *n_todo)
{
	const struct block *b = &w->l->blocks.all[block];

	for (uint32_t k = 0; k < b->n_preds; k++)
		mark(w, w->ahead, slot, w->l->blocks.preds[b->preds + k], n_todo);
}

/* Blocks that the mentions m[0] ... m[n - 1] of one slot lead to, and that lead to them. */
static void spread(struct walk *w, const struct mention *m, size_t n)
{
	int n_todo = 0, last = -1;

	for (size_t i = 0; i < n; i++) {
		if (w->block_of[m[i].ins] != last)
			mark_succs(w, m->slot, last = w->block_of[m[i].ins], &n_todo);
		while (n_todo > 0)
			mark_succs(w, m->slot, w->todo[--n_todo], &n_todo);
	}
	last = -1;
	for (size_t i = 0; i < n; i++) {
		if (w->block_of[m[i].ins] != last)
			mark_preds(w, m->slot, last = w->block_of[m[i].ins], &n_todo);
		while (n_todo > 0)
			mark_preds(w, m->slot, w->todo[--n_todo], &n_todo);
	}
}

/* Appends to the ranges of one slot, of which @last is the last or -1. */
static int add_range(struct walk *w, int slot, int *last, uint32_t from, uint32_t to)
{
	if (*last >= 0 && w->ranges[*last].to + 1 == from) {
		w->ranges[*last].to = to;
		return 0;
	}
	int r = mem_grow(&w->ranges, &w->cap_ranges, w->n_ranges + 1);
	if (r < 0)
		return r;
	int i = (int)w->n_ranges++;
	w->ranges[i] = (struct live_range){ from, to, -1 };
	if (*last >= 0)
		w->ranges[*last].next = i;
	else
		w->head[slot] = i;
	*last = i;
	return 0;
}

/* The ranges of the slot of m[0] ... m[n - 1]. */
static int find_ranges(struct walk *w, const struct mention *m, size_t n)
{
	int slot = m->slot, last = -1, r = 0;
	size_t k = 0;

	if (w->escapes[slot])
		return add_range(w, slot, &last, 0, (uint32_t)w->f->n * LIVE_STEPS - 1);
	spread(w, m, n);
	for (int i = 0; i < w->l->blocks.n && r == 0; i++) {
		const struct block *b = &w->l->blocks.all[i];
		bool behind = w->behind[i] == slot + 1, ahead = w->ahead[i] == slot + 1;
		size_t first = k;
		while (k < n && m[k].ins < b->end)
			k++;
		if (k == first && (!behind || !ahead))
			continue;
		size_t from = behind ? b->first : m[first].ins;
		size_t to = ahead ? b->end : m[k - 1].ins + 1;
		r = add_range(w, slot, &last, (uint32_t)from * LIVE_STEPS,
			      (uint32_t)to * LIVE_STEPS - 1);
	}
	return r;
}

static int find_all_ranges(struct walk *w)
{
	for (size_t s = 0; s < w->f->n_slots; s++)
		w->head[s] = -1;
	for (size_t i = 0, n; i < w->n_mentions; i += n) {
		n = 1;
		while (i + n < w->n_mentions && w->mentions[i + n].slot == w->mentions[i].slot)
			n++;
		int r = find_ranges(w, w->mentions + i, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int by_begin(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->units != y->units)
		return x->units > y->units ? -1 : 1;
	return x->ret < y->ret ? -1 : x->ret > y->ret;
}

static size_t add_item(struct item *items, size_t n, const struct live_range *ranges, int head,
		       size_t len, int32_t *ret)
{
	if (head >= 0)
		items[n++] = (struct item){ .from = ranges[head].from,
					    .head = head,
					    .ranges = ranges,
					    .units = (len + UNIT - 1) / UNIT,
					    .ret = ret };
	return n;
}

static bool fits(uint64_t *const *busy, const struct item *it, size_t at)
{
	for (size_t u = at; u < at + it->units; u++) {
		if (!live_is_free(busy[u], it->ranges, it->head))
			return false;
	}
	return true;
}

/* The nearest room to the frame pointer. */
static int place(struct walk *w, uint64_t **busy, const struct item *it, size_t *n_used)
{
	size_t n_words = w->f->n * LIVE_STEPS / 64 + 1, at = 0;

	for (; at + it->units <= UNITS; at++) {
		for (; *n_used < at + it->units; ++*n_used) {
			busy[*n_used] = arena_array(&w->arena, n_words, sizeof(uint64_t));
			if (!busy[*n_used])
				return -ENOMEM;
		}
		if (fits(busy, it, at))
			break;
	}
	if (at + it->units > UNITS)
		return sonde_fail(-E2BIG, "more than %d bytes of stack", FN_STACK_MOST);
	for (size_t u = at; u < at + it->units; u++)
		live_occupy(busy[u], it->ranges, it->head);
	*it->ret = -(int32_t)(UNIT * (at + it->units));
	return 0;
}

static int place_all(struct walk *w, const int *regs, struct frame *fr)
{
	uint64_t *busy[UNITS] = { 0 };
	size_t n = 0, n_used = 0, n_vars = (size_t)w->f->n_vars;
	struct item *items = arena_array(&w->arena, n_vars + w->f->n_slots + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;

	for (size_t s = 0; s < w->f->n_slots; s++)
		n = add_item(items, n, w->ranges, w->head[s], w->f->slots[s], &fr->slots[s]);
	for (size_t v = 0; v < n_vars; v++) {
		if (regs[v] == PLACE_STACK)
			n = add_item(items, n, w->l->ranges, w->l->head[v], UNIT, &fr->vars[v]);
	}
	qsort(items, n, sizeof(*items), by_begin);
	for (size_t i = 0; i < n; i++) {
		int r = place(w, busy, &items[i], &n_used);
		if (r < 0)
			return r;
		size_t end = (size_t) - *items[i].ret;
		fr->len = end > fr->len ? end : fr->len;
	}
	return 0;
}

int frame_init(struct frame *fr, const struct fn *f, const struct live *l, const int *regs)
{
	struct walk w = { .f = f, .l = l };
	struct frame made = {
		.slots = calloc(f->n_slots + 1, sizeof(*made.slots)),
		.vars = calloc((size_t)f->n_vars + 1, sizeof(*made.vars)),
	};
	int r = made.slots && made.vars ? 0 : sonde_fail(-ENOMEM, "out of memory");

	if (r == 0)
		r = find_mentions(&w);
	if (r == 0)
		r = find_all_ranges(&w);
	if (r == 0)
		r = place_all(&w, regs, &made);
	free(w.mentions);
	free(w.ranges);
	arena_fini(&w.arena);
	if (r == 0)
		*fr = made;
	else
		frame_fini(&made);
	return r;
}
