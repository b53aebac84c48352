/* SPDX-License-Identifier: MIT */
/** Unreachable code, jumps to jumps and to what comes next, values that nobody reads. */
#include "bpf/fn/tidy.h"

#include "base/arena.h"
#include "base/check.h"
#include "bpf/fn/fold.h"
#include "bpf/fn/ins.h"
#include "bpf/fn/layout.h"

enum { THREAD_MOST = 64 }; /* jumps to jumps that are followed: they may go round */

struct tidy {
	struct fn *f;
	struct arena arena;
	size_t *at;	/* where each label is; SIZE_MAX: nowhere */
	size_t *next;	/* the first instruction from here on, neither removed nor a label */
	uint32_t *refs; /* jumps to each label */
	uint32_t *uses; /* of each variable */
	uint32_t *sets; /* likewise: instructions that set it */
	bool *reached;
	size_t *todo;
};

static int init(struct tidy *t)
{
	struct fn *f = t->f;
	size_t n_labels = (size_t)f->n_labels + 1, n_vars = (size_t)f->n_vars + 1;

	t->at = arena_array(&t->arena, n_labels, sizeof(*t->at));
	t->refs = arena_array(&t->arena, n_labels, sizeof(*t->refs));
	t->next = arena_array(&t->arena, f->n + 2, sizeof(*t->next));
	t->reached = arena_array(&t->arena, f->n + 1, sizeof(*t->reached));
	t->todo = arena_array(&t->arena, f->n + 1, sizeof(*t->todo));
	t->uses = arena_array(&t->arena, n_vars, sizeof(*t->uses));
	t->sets = arena_array(&t->arena, n_vars, sizeof(*t->sets));
	if (!t->at || !t->refs || !t->next || !t->reached || !t->todo || !t->uses || !t->sets)
		return -ENOMEM;
	return 0;
}

static size_t next_at(const struct tidy *t, size_t i)
{
	const struct ins *in = &t->f->ins[i];

	return in->kind == INS_NONE || in->kind == INS_LABEL ? t->next[i + 1] : i;
}

static void find_labels(struct tidy *t)
{
	struct fn *f = t->f;

	t->next[f->n] = t->next[f->n + 1] = f->n;
	for (int i = 0; i < f->n_labels; i++)
		t->at[i] = SIZE_MAX;
	for (size_t i = f->n; i-- > 0;) {
		struct ins *in = &f->ins[i];
		t->next[i] = next_at(t, i);
		if (in->kind != INS_LABEL)
			continue;
		sonde_check(in->to < f->n_labels && t->at[in->to] == SIZE_MAX);
		t->at[in->to] = i;
	}
}

/* Sends jumps to jumps to where they end. */
static void thread_jumps(struct tidy *t)
{
	struct fn *f = t->f;

	for (size_t i = 0; i < f->n; i++) {
		struct ins *in = &f->ins[i];
		if (in->kind != INS_JUMP && in->kind != INS_IF)
			continue;
		for (unsigned steps = 0; steps < THREAD_MOST; steps++) {
			sonde_check(in->to < f->n_labels && t->at[in->to] != SIZE_MAX);
			size_t target = t->next[t->at[in->to]];
			if (target == f->n || f->ins[target].kind != INS_JUMP)
				break;
			in->to = f->ins[target].to;
		}
	}
}

static void reach_from(struct tidy *t, size_t i, size_t *n_todo)
{
	struct fn *f = t->f;

	while (!t->reached[i]) {
		struct ins *in = &f->ins[i];
		t->reached[i] = true;
		if (in->kind == INS_EXIT)
			return;
		if (in->kind == INS_IF)
			t->todo[(*n_todo)++] = t->at[in->to];
		i = in->kind == INS_JUMP ? t->at[in->to] : i + 1;
		sonde_check(i < f->n); // each way ends with fn_exit()
	}
}

static void drop_unreached(struct tidy *t)
{
	struct fn *f = t->f;
	size_t n_todo = 1;

	t->todo[0] = 0;
	while (n_todo > 0) {
		size_t i = t->todo[--n_todo];
		reach_from(t, i, &n_todo);
	}
	for (size_t i = 0; i < f->n; i++) {
		struct ins *in = &f->ins[i];
		if (!t->reached[i])
			in->kind = INS_NONE;
		else if (in->kind == INS_JUMP || in->kind == INS_IF)
			t->refs[in->to]++;
	}
}

static void drop_jump(struct tidy *t, struct ins *in)
{
	t->refs[in->to]--;
	in->kind = INS_NONE;
}

static bool has_label_between(const struct tidy *t, size_t i, size_t end)
{
	for (; i < end; i++) {
		const struct ins *in = &t->f->ins[i];
		if (in->kind == INS_LABEL && t->refs[in->to])
			return true;
	}
	return false;
}

/* "if a goto x; goto y; x:" becomes "if !a goto y; x:". */
static void invert_if(struct tidy *t, size_t i)
{
	struct fn *f = t->f;
	struct ins *in = &f->ins[i];
	size_t j = t->next[i + 1];
	enum fn_cond inverse;

	if (j == f->n || f->ins[j].kind != INS_JUMP || has_label_between(t, i + 1, j) ||
	    t->next[j + 1] != t->next[t->at[in->to]] || !fold_invert(in->op, &inverse))
		return;
	in->op = (uint8_t)inverse;
	t->refs[in->to]--;
	in->to = f->ins[j].to;
	f->ins[j].kind = INS_NONE; // its reference is @in's now
	for (size_t k = j; k > i; k--)
		t->next[k] = next_at(t, k);
}

static void drop_jumps(struct tidy *t)
{
	struct fn *f = t->f;

	for (size_t i = f->n; i-- > 0;) {
		struct ins *in = &f->ins[i];
		if (in->kind == INS_IF)
			invert_if(t, i);
		if ((in->kind == INS_IF || in->kind == INS_JUMP) &&
		    t->next[i + 1] == t->next[t->at[in->to]])
			drop_jump(t, in);
		t->next[i] = next_at(t, i);
	}
}

static void count_uses(struct tidy *t, struct ins *in, int by)
{
	struct val *uses[FN_USES_MOST];
	unsigned n = ins_uses(t->f, in, uses);

	for (unsigned k = 0; k < n; k++)
		t->uses[uses[k]->id] += (uint32_t)by;
}

/* Values come before their uses but in loops: one walk backward finds nearly all. */
static void drop_dead(struct tidy *t)
{
	struct fn *f = t->f;

	for (size_t i = 0; i < f->n; i++)
		count_uses(t, &f->ins[i], 1);
	for (size_t i = f->n; i-- > 0;) {
		struct ins *in = &f->ins[i];
		if (!ins_is_pure(in) || t->uses[in->dst])
			continue;
		count_uses(t, in, -1);
		in->kind = INS_NONE;
	}
}

static bool reads_late(struct tidy *t, struct ins *in, int var)
{
	struct val *uses[FN_USES_MOST];
	unsigned n = ins_uses(t->f, in, uses);

	for (unsigned k = 0; k < n; k++) {
		if (uses[k]->id == var && ins_reads_late(in, uses[k]))
			return true;
	}
	return false;
}

/* Whether nobody but one instruction reads what @in sets, and nobody else sets it. */
static bool is_handed_on(const struct tidy *t, const struct ins *in)
{
	return in->dst >= (int)t->f->n_args && t->sets[in->dst] == 1 && t->uses[in->dst] == 1;
}

/* @in comes right behind @last, which sets a value for one instruction. True: @in is gone. */
static bool join(struct tidy *t, struct ins *last, struct ins *in)
{
	// "t = a + b; v = t" is "v = a + b".
	if (in->kind == INS_MOV && in->a.kind == VAL_REG && in->a.id == last->dst &&
	    !reads_late(t, last, in->dst)) {
		last->dst = in->dst;
		in->kind = INS_NONE;
		return true;
	}
	// What only extends a value is lost where less of it is stored.
	if (in->kind == INS_STORE && in->b.kind == VAL_REG && in->b.id == last->dst &&
	    in->len <= last->len) {
		if (last->kind == INS_LOAD)
			last->flag = false;
		if (last->kind == INS_EXTEND) {
			in->b = last->a;
			last->kind = INS_NONE;
		}
	}
	return false;
}

/* Pairs of instructions that can be one. */
static void join_pairs(struct tidy *t)
{
	struct fn *f = t->f;
	struct ins *last = NULL;

	for (size_t i = 0; i < f->n; i++) {
		if (f->ins[i].dst >= 0 && f->ins[i].kind != INS_NONE)
			t->sets[f->ins[i].dst]++;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct ins *in = &f->ins[i];
		if (in->kind == INS_NONE)
			continue;
		if (!last || !is_handed_on(t, last) || !join(t, last, in))
			last = in;
	}
}

static void compress(struct tidy *t)
{
	struct fn *f = t->f;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct ins *in = &f->ins[i];
		if (in->kind == INS_NONE || (in->kind == INS_LABEL && !t->refs[in->to]))
			continue;
		f->ins[n++] = *in;
	}
	f->n = n;
}

int fn_tidy(struct fn *f)
{
	struct tidy t = { .f = f };
	int r = init(&t);

	if (r == 0) {
		find_labels(&t);
		thread_jumps(&t);
		drop_unreached(&t);
		r = fn_straighten(f, &t.arena);
	}
	if (r == 0) {
		find_labels(&t);
		drop_jumps(&t);
		drop_dead(&t);
		join_pairs(&t);
		compress(&t);
	}
	arena_fini(&t.arena);
	return r;
}
