/* SPDX-License-Identifier: MIT */
/** Short-lived variables around each instruction that works on a spilled one. */
#include "bpf/fn_spill.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "bpf/fn_ins.h"

struct rewrite {
	struct fn *f;
	struct var_kinds *k;
	struct val *again; /* per variable: what a VAR_AGAIN is */
	struct ins *out;   /* owned */
	size_t n, cap;
};

int var_kinds_grow(struct var_kinds *k, const struct fn *f, enum var_kind fresh)
{
	size_t n = (size_t)f->n_vars;

	int r = mem_grow(&k->all, &k->cap, n + 1);
	if (r < 0)
		return r;
	if (n > k->n)
		memset(k->all + k->n, fresh, n - k->n);
	k->n = n;
	return 0;
}

static int put(struct rewrite *w, const struct ins *in)
{
	int r = mem_grow(&w->out, &w->cap, w->n + 1);

	if (r == 0)
		w->out[w->n++] = *in;
	return r;
}

static int put_mov(struct rewrite *w, const struct ins *at, int dst, struct val a)
{
	return put(w,
		   &(struct ins){
			   .kind = INS_MOV, .dst = dst, .a = a, .line = at->line, .col = at->col });
}

static int tiny(struct rewrite *w, int *ret)
{
	*ret = w->f->n_vars++;
	return var_kinds_grow(w->k, w->f, VAR_TINY);
}

static bool is_kind(const struct rewrite *w, int var, enum var_kind kind)
{
	return var >= 0 && w->k->all[var] == kind;
}

static struct val reg_val(int var)
{
	return (struct val){ VAL_REG, var, 0 };
}

/* Whether the instruction itself can read from the stack, or make constants. */
static bool takes_all(const struct rewrite *w, const struct ins *in)
{
	if (in->kind == INS_MOV)
		return !is_kind(w, in->dst, VAR_STACK);
	return in->kind == INS_CALL || in->kind == INS_EXIT;
}

static int rewrite_use(struct rewrite *w, const struct ins *in, struct val *use)
{
	bool is_again = is_kind(w, use->id, VAR_AGAIN);
	struct val from = is_again ? w->again[use->id] : reg_val(use->id);

	if (!is_again && !is_kind(w, use->id, VAR_STACK))
		return 0;
	if (takes_all(w, in)) {
		*use = from;
		return 0;
	}
	int t;
	int r = tiny(w, &t);
	if (r < 0)
		return r;
	use->id = t;
	return put_mov(w, in, t, from);
}

static int rewrite_uses(struct rewrite *w, struct ins *in)
{
	struct val *uses[FN_USES_MOST];
	int old[FN_USES_MOST];
	unsigned n = ins_uses(w->f, in, uses);

	for (unsigned i = 0; i < n; i++)
		old[i] = uses[i]->id;
	for (unsigned i = 0; i < n; i++) {
		unsigned same = 0;
		while (old[same] != old[i])
			same++;
		int r = 0;
		if (same < i && uses[same]->kind == VAL_REG)
			uses[i]->id = uses[same]->id;
		else
			r = rewrite_use(w, in, uses[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int rewrite_ins(struct rewrite *w, struct ins in)
{
	if (in.kind == INS_NONE || is_kind(w, in.dst, VAR_AGAIN))
		return 0;
	int r = rewrite_uses(w, &in);
	if (r < 0)
		return r;
	bool is_plain_mov = in.kind == INS_MOV && in.a.kind == VAL_REG;
	if (!is_kind(w, in.dst, VAR_STACK) || is_plain_mov)
		return put(w, &in);

	int var = in.dst, t;
	r = tiny(w, &t);
	if (r < 0)
		return r;
	in.dst = t;
	r = put(w, &in);
	return r < 0 ? r : put_mov(w, &in, var, reg_val(t));
}

/* Spilled variables that are set once, to what can be had again at any time. */
static int find_again(struct rewrite *w, struct arena *arena)
{
	struct fn *f = w->f;
	uint32_t *sets = arena_array(arena, (size_t)f->n_vars + 1, sizeof(*sets));
	w->again = arena_array(arena, (size_t)f->n_vars + 1, sizeof(*w->again));
	if (!sets || !w->again)
		return -ENOMEM;

	for (unsigned i = 0; i < f->n_args; i++)
		sets[i]++;
	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (in->dst < 0 || in->kind == INS_NONE)
			continue;
		sets[in->dst]++;
		if (in->kind == INS_MOV)
			w->again[in->dst] = in->a;
	}
	for (int v = 0; v < f->n_vars; v++) {
		if (w->k->all[v] != VAR_SPILL)
			continue;
		bool is_const = w->again[v].kind != VAL_NONE && w->again[v].kind != VAL_REG;
		w->k->all[v] = sets[v] == 1 && is_const ? VAR_AGAIN : VAR_STACK;
	}
	return 0;
}

static void replace(struct rewrite *w)
{
	free(w->f->ins);
	w->f->ins = sonde_take(w->out);
	w->f->n = w->n;
	w->f->cap = w->cap;
}

int fn_spill(struct fn *f, struct var_kinds *k)
{
	struct rewrite w = { .f = f, .k = k };
	struct arena arena = { 0 };
	int r = find_again(&w, &arena);

	for (size_t i = 0; i < f->n && r == 0; i++)
		r = rewrite_ins(&w, f->ins[i]);
	if (r == 0)
		replace(&w);
	arena_fini(&arena);
	free(w.out);
	return r;
}

int fn_set_unset(struct fn *f, const int *vars, size_t n)
{
	struct rewrite w = { .f = f };
	int r = put(&w, &f->ins[0]);

	for (size_t i = 0; i < n && r == 0; i++)
		r = put_mov(&w, &f->ins[0], vars[i], val_imm(0));
	for (size_t i = 1; i < f->n && r == 0; i++)
		r = put(&w, &f->ins[i]);
	if (r == 0)
		replace(&w);
	free(w.out);
	return r;
}
