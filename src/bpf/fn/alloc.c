/* SPDX-License-Identifier: MIT */
/**
 * Register allocation by priority: the variables that are used most for the length of their lives
 * choose first, each among the registers that are free all its life; the others are spilled, which
 * makes them into several short ones, and all choose again.
 *
 * A register's lives are a set of bits, one for each step of the function (bpf/fn/live.h), so that
 * holes in a life are used, and a variable is tested against a register 64 steps at a time.
 */
#include "bpf/fn/alloc.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "bpf/fn/ins.h"
#include "bpf/fn/live.h"
#include "bpf/fn/spill.h"

enum { N_REGS = 10, N_CLOBBERED = 6, FORESEEN_MOST = 4, ROUNDS_MOST = 64, PART_ROUNDS = 6 };

/* It would save an instruction if the variable were in @reg, or where @other is. */
struct hint {
	int other; /* or -1 */
	int reg;
	float weight;
	int next; /* of the same variable, or -1 */
};

struct choice {
	float weight;
	int var;
};

struct alloc {
	struct fn *f;
	struct live *live;
	struct arena arena; /* of one round */
	struct vars vars;
	struct places places;
	size_t cap_reg;
	uint64_t *busy[N_REGS];
	size_t n_words;
	float *weight; /* per variable */
	int *hint;     /* per variable: its first, or -1 */
	struct hint *hints;
	size_t n_hints;
	bool has_spilled;
};

void places_fini(struct places *p)
{
	free(p->reg);
	frame_fini(&p->frame);
	*p = (struct places){ 0 };
}

static bool is_free(const struct alloc *a, int reg, int var)
{
	return live_is_free(a->busy[reg], a->live->ranges, a->live->head[var]);
}

static void add_hint(struct alloc *a, int var, int other, int reg, float weight)
{
	a->hints[a->n_hints] = (struct hint){ other, reg, weight, a->hint[var] };
	a->hint[var] = (int)a->n_hints++;
}

static void hint_pair(struct alloc *a, int dst, const struct val *v, float weight)
{
	if (v->kind != VAL_REG || v->id == dst)
		return;
	add_hint(a, dst, v->id, -1, weight);
	add_hint(a, v->id, dst, -1, weight);
}

static void hint_reg(struct alloc *a, const struct val *v, int reg, float weight)
{
	if (v->kind == VAL_REG)
		add_hint(a, v->id, -1, reg, weight);
}

/* At most HINTS_MOST of one instruction. */
enum { HINTS_MOST = 6 };

static void find_hints(struct alloc *a, const struct ins *in, bool a_dies, float w)
{
	switch ((enum ins_kind)in->kind) {
	case INS_ENTRY:
		for (unsigned i = 0; i < a->f->n_args; i++)
			add_hint(a, (int)i, -1, (int)i + 1, w);
		break;
	case INS_OP:
		hint_pair(a, in->dst, a_dies || !op_commutes(in->op) ? &in->a : &in->b, w);
		break;
	case INS_MOV:
	case INS_NEG:
	case INS_EXTEND:
	case INS_SWAP: hint_pair(a, in->dst, &in->a, w); break;
	case INS_ATOMIC:
		if (in->flag)
			hint_pair(a, in->dst, &in->b, w);
		break;
	case INS_CMPXCHG:
		add_hint(a, in->dst, -1, 0, w);
		hint_reg(a, &in->b, 0, w);
		break;
	case INS_CALL:
		for (unsigned i = 0; i < in->len; i++)
			hint_reg(a, &a->f->vals[in->args + i], (int)i + 1, w);
		add_hint(a, in->dst, -1, 0, w);
		break;
	case INS_EXIT: hint_reg(a, &in->a, 0, w); break;
	default: break;
	}
}

static void clobber(struct alloc *a, const struct ins *in, size_t i)
{
	size_t at = i * LIVE_STEPS + LIVE_CLOBBER;
	int n = in->kind == INS_CALL ? N_CLOBBERED : in->kind == INS_CMPXCHG ? 1 : 0;

	for (int reg = 0; reg < n; reg++)
		a->busy[reg][at / 64] |= 1ull << (at % 64);
}

static void weigh(struct alloc *a)
{
	static const float of_depth[] = { 1, 8, 64, 512, 4096 };
	struct fn *f = a->f;

	for (size_t i = 0; i < f->n; i++) {
		struct ins *in = &f->ins[i];
		float w = of_depth[a->live->depth[i]];
		struct val *uses[FN_USES_MOST];
		unsigned n = ins_uses(f, in, uses);
		if (in->kind == INS_NONE)
			continue;
		for (unsigned k = 0; k < n; k++)
			a->weight[uses[k]->id] += w;
		if (in->dst >= 0)
			a->weight[in->dst] += w;
		find_hints(a, in, a->live->a_dies[i], w);
		clobber(a, in, i);
	}
}

static int begin_round(struct alloc *a)
{
	size_t n_vars = (size_t)a->f->n_vars;

	int r = vars_grow(&a->vars, a->f);
	if (r == 0)
		r = mem_grow(&a->places.reg, &a->cap_reg, n_vars + 1);
	if (r < 0)
		return r;

	a->n_words = a->f->n * LIVE_STEPS / 64 + 1;
	a->n_hints = 0;
	a->has_spilled = false;
	a->weight = arena_array(&a->arena, n_vars + 1, sizeof(*a->weight));
	a->hint = arena_array(&a->arena, n_vars + 1, sizeof(*a->hint));
	a->hints = arena_array(&a->arena, a->f->n + 1, HINTS_MOST * sizeof(*a->hints));
	if (!a->weight || !a->hint || !a->hints)
		return -ENOMEM;
	for (unsigned i = 0; i < N_REGS; i++) {
		a->busy[i] = arena_array(&a->arena, a->n_words, sizeof(uint64_t));
		if (!a->busy[i])
			return -ENOMEM;
	}
	for (size_t v = 0; v < n_vars; v++) {
		a->places.reg[v] = PLACE_NONE;
		a->hint[v] = -1;
	}
	return 0;
}

static float priority(const struct alloc *a, int var)
{
	uint32_t len = 0, n = 0;

	if (a->vars.all[var].kind == VAR_TINY)
		return INFINITY;
	for (int i = a->live->head[var]; i >= 0; i = a->live->ranges[i].next, n++)
		len += a->live->ranges[i].to - a->live->ranges[i].from + 1;
	// From one instruction to the next: spilling it would make the same again.
	if (n == 1 && len <= LIVE_STEPS + 1)
		return INFINITY;
	// A part that finds no room costs a few loads, another variable room on the stack, too.
	float of_kind = a->vars.all[var].kind == VAR_PART ? 0.1f : 1;
	return of_kind * a->weight[var] / (float)(len + 2 * LIVE_STEPS);
}

static int by_weight(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->var < y->var ? -1 : 1;
}

/* What @var would like that is where @other will be, from where @other wants to be. */
static void foresee(const struct alloc *a, int other, float weight, float *score)
{
	unsigned n = 0;

	for (int i = a->hint[other]; i >= 0 && n < FORESEEN_MOST; i = a->hints[i].next, n++) {
		const struct hint *h = &a->hints[i];
		int reg = h->other >= 0 ? a->places.reg[h->other] : h->reg;
		if (reg >= 0 && is_free(a, reg, other))
			score[reg] += weight / 2;
	}
}

/* The register that saves most among those that are free; PLACE_NONE. */
static int choose(const struct alloc *a, int var)
{
	// From behind, as calls want their first arguments in the first ones.
	static const int order[N_REGS] = { 5, 4, 3, 2, 1, 0, 6, 7, 8, 9 };
	float score[N_REGS] = { 0 };

	for (int i = a->hint[var]; i >= 0; i = a->hints[i].next) {
		const struct hint *h = &a->hints[i];
		int reg = h->other >= 0 ? a->places.reg[h->other] : h->reg;
		if (reg >= 0)
			score[reg] += h->weight;
		else if (h->other >= 0 && reg == PLACE_NONE)
			foresee(a, h->other, h->weight, score);
	}
	for (unsigned n = 0; n < N_REGS; n++) {
		int best = PLACE_NONE;
		for (unsigned i = 0; i < N_REGS; i++) {
			int reg = order[i];
			if (score[reg] >= 0 && (best < 0 || score[reg] > score[best]))
				best = reg;
		}
		if (is_free(a, best, var))
			return best;
		score[best] = -1;
	}
	return PLACE_NONE;
}

static int choose_all(struct alloc *a)
{
	size_t n = 0;
	struct choice *all = arena_array(&a->arena, (size_t)a->f->n_vars + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;

	for (int v = 0; v < a->f->n_vars; v++) {
		if (a->live->head[v] >= 0 && a->vars.all[v].kind <= VAR_TINY)
			all[n++] = (struct choice){ priority(a, v), v };
		if (a->vars.all[v].kind == VAR_STACK)
			a->places.reg[v] = PLACE_STACK;
	}
	qsort(all, n, sizeof(*all), by_weight);
	for (size_t i = 0; i < n; i++) {
		int v = all[i].var;
		int reg = choose(a, v);
		if (reg >= 0) {
			a->places.reg[v] = reg;
			live_occupy(a->busy[reg], a->live->ranges, a->live->head[v]);
			continue;
		}
		if (a->vars.all[v].kind == VAR_TINY)
			return sonde_fail(-E2BIG, "too many values at once");
		a->vars.all[v].kind = VAR_SPILL;
		a->has_spilled = true;
	}
	return 0;
}

/* Returns 1 if the function was rewritten and must be placed anew. */
static int run_round(struct alloc *a, unsigned round)
{
	int r = live_init(a->live, a->f);
	if (r < 0)
		return r;
	if (a->live->n_unset > 0) {
		r = fn_set_unset(a->f, a->live->unset, a->live->n_unset);
		return r < 0 ? r : 1;
	}
	r = begin_round(a);
	if (r < 0)
		return r;
	weigh(a);
	r = choose_all(a);
	if (r < 0)
		return r;
	if (!a->has_spilled)
		return frame_init(&a->places.frame, a->f, a->live, a->places.reg);
	r = fn_spill(a->f, &a->vars, round < PART_ROUNDS);
	return r < 0 ? r : 1;
}

int fn_alloc(struct fn *f, struct places *ret)
{
	struct live live;
	struct alloc a = { .f = f, .live = &live };
	int r = 1;

	for (unsigned i = 0; i < ROUNDS_MOST && r == 1; i++) {
		r = run_round(&a, i);
		live_fini(&live);
		arena_fini(&a.arena);
	}
	free(a.vars.all);
	if (r == 0) {
		*ret = a.places;
		return 0;
	}
	places_fini(&a.places);
	return r < 0 ? r : sonde_fail(-E2BIG, "too many values at once");
}
