/* SPDX-License-Identifier: MIT */
/** Speculations of D: numbers of them are given away, what clauses print is marked with one. */
#include <linux/bpf.h>

#include "lang/gen/gen.h"

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

static struct val specs(const struct gen *g)
{
	return val_map_value(GLOBALS_MAP, g->script->specs_off);
}

/* The address of the spec with that index, a variable that is known to be in bounds. */
static struct val spec_at(struct gen *g, struct val index)
{
	struct val p = own(g, specs(g));

	fn_op_to(g->f, FN_ADD, p, fn_op(g->f, FN_LSH, index, val_imm(2)));
	return p;
}

struct val gen_speculation(struct gen *g)
{
	const int l_look = fn_label(g->f), l_next = fn_label(g->f), l_none = fn_label(g->f);
	const int l_end = fn_label(g->f);
	struct val i = own(g, val_imm(0));

	fn_place(g->f, l_look);
	struct val p = spec_at(g, i);
	struct val state = fn_load(g->f, 4, false, p, 0);
	fn_op_to(g->f, FN_ADD, i, val_imm(1));
	fn_if(g->f, FN_SET, state, val_imm(1), l_next);
	struct val taken = fn_extend(g->f, fn_op(g->f, FN_ADD, state, val_imm(1)), 4, false);
	struct val was = fn_cmpxchg(g->f, 4, p, 0, state, taken);
	fn_if(g->f, FN_EQ, was, state, l_end);
	fn_place(g->f, l_next);
	fn_if(g->f, FN_GE, i, val_imm(g->script->n_specs), l_none);
	fn_jump(g->f, l_look);
	fn_place(g->f, l_none);
	gen_count(g, offsetof(struct script_globals, no_spec));
	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_end);
	return i;
}

/* The speculation that @x is: its address and its state; goes to @l_none where it is not in use. */
static struct val find(struct gen *g, struct ast *x, int l_none, struct val *ret_number,
		       struct val *ret_state)
{
	struct val n = own(g, gen_scalar(g, x));
	struct val i = own(g, fn_op(g->f, FN_SUB, n, val_imm(1)));

	// Of 0, too. Older verifiers know the bounds of what was compared itself, and of nothing
	// else.
	fn_if(g->f, FN_GE, i, val_imm(g->script->n_specs), l_none);
	struct val p = spec_at(g, i);
	struct val state = fn_load(g->f, 4, false, p, 0);
	fn_if(g->f, FN_EQ, fn_op(g->f, FN_AND, state, val_imm(1)), val_imm(0), l_none);
	*ret_number = n;
	*ret_state = state;
	return p;
}

static struct val mark_of(struct gen *g, struct val number, struct val state)
{
	return fn_op(g->f, FN_OR, fn_op(g->f, FN_LSH, state, val_imm(32)), number);
}

void gen_speculate(struct gen *g, struct ast *x)
{
	struct clause *c = g->clause;
	struct val n, state;

	(void)find(g, x->u.call.args, c->l_none, &n, &state);
	fn_mov(g->f, c->spec, mark_of(g, n, state));
}

void gen_spec_end(struct gen *g, struct ast *x, enum site_kind kind)
{
	static const struct type *const types[] = { &type_u64 };
	const int l_none = fn_label(g->f), l_lost = fn_label(g->f);
	const int site = gen_site(g, kind, x);
	struct val n, state;

	gen_lay_out(g, site, 0, types, 1);
	if (site < 0 || g->failed)
		return;
	struct val p = find(g, x->u.call.args, l_none, &n, &state);
	struct val next = fn_extend(g->f, fn_op(g->f, FN_ADD, state, val_imm(1)), 4, false);
	struct val was = fn_cmpxchg(g->f, 4, p, 0, state, next);
	fn_if(g->f, FN_NE, was, state, l_none); // another CPU was first
	struct val mark = mark_of(g, n, state);
	struct val r = FN_CALL(g->f, BPF_FUNC_ringbuf_reserve, val_map(RING_MAP),
			       val_imm((int64_t)sizeof(struct record_head) + 8), val_imm(0));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_lost);
	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, r, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), val_imm(0));
	fn_store(g->f, 8, r, sizeof(struct record_head), mark);
	FN_CALL(g->f, BPF_FUNC_ringbuf_submit, r, val_imm(0));
	fn_jump(g->f, l_none);
	fn_place(g->f, l_lost);
	gen_count_lost(g, site);
	fn_place(g->f, l_none);
}
