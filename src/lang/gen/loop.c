/* SPDX-License-Identifier: MIT */
/**
 * Loops: the kernel calls their body back (bpf_loop, bpf_for_each_map_elem), so that they may be of
 * any length and the verifier looks at the body once.
 */
#include <linux/bpf.h>
#include <string.h>

#include "lang/gen/gen.h"

enum { LOOPS_MOST = 1 << 23 }; /* BPF_MAX_LOOPS of the kernel */

struct outer gen_enter(struct gen *g, unsigned n_args, unsigned frame_arg, struct loop *loop)
{
	const struct outer o = { g->f, g->loop, g->frame, g->in_callback };

	g->f = unit_fn(g->unit, n_args);
	g->frame = fn_arg(g->f, frame_arg);
	g->in_callback = true;
	*loop = (struct loop){ fn_label(g->f), fn_label(g->f), true };
	g->loop = loop;
	g->flipped = NULL;
	return o;
}

int gen_return(struct gen *g, const struct outer *o, struct loop *loop)
{
	const int fn = fn_index(g->f);

	fn_place(g->f, loop->l_continue);
	fn_exit(g->f, val_imm(0));
	fn_place(g->f, loop->l_break);
	fn_exit(g->f, val_imm(1));
	g->f = o->f;
	g->loop = o->loop;
	g->frame = o->frame;
	g->in_callback = o->in_callback;
	g->flipped = NULL;
	return fn;
}

/* After a loop: did its body leave the whole program? */
static void leave_too(struct gen *g)
{
	int l_fine = fn_label(g->f);

	fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, gen_frame(g), FRAME_LEAVE), val_imm(0), l_fine);
	gen_leave(g);
	fn_place(g->f, l_fine);
}

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

static struct var *find_var(struct gen *g, const struct ast *s, const char *name)
{
	for (struct var *v = g->check->vars; v; v = v->next)
		if (v->used && v->declared && v->pos.line == s->pos.line &&
		    v->pos.col == s->pos.col && !strcmp(v->name, name))
			return v;
	return NULL;
}

void gen_while(struct gen *g, struct ast *s)
{
	struct loop loop;
	int l_end = fn_label(g->f);

	(void)gen_frame(g);
	struct outer o = gen_enter(g, 2, 1, &loop);
	gen_branch(g, s->u.loop.cond, loop.l_break);
	gen_stmt(g, s->u.loop.body);
	const int fn = gen_return(g, &o, &loop);
	struct val n = FN_CALL(g->f, BPF_FUNC_loop, val_imm(LOOPS_MOST), val_fn(fn), gen_frame(g),
			       val_imm(0));
	fn_if(g->f, FN_NE, n, val_imm(LOOPS_MOST), l_end);
	gen_count(g, offsetof(struct script_globals, loops));
	fn_place(g->f, l_end);
	leave_too(g);
}

static void range(struct gen *g, struct ast *s)
{
	struct var *v = find_var(g, s, s->u.foreach.var);
	struct loop loop;
	int l_none = fn_label(g->f);

	if (!v)
		return;
	struct val begin = own(g, gen_scalar(g, s->u.foreach.begin));
	struct val end = own(g, gen_scalar(g, s->u.foreach.end));
	(void)gen_frame(g);
	const struct home from = gen_shared(g); // where the range begins, for the body
	gen_home_store(g, &from, begin);
	fn_if(g->f, FN_SGE, begin, end, l_none);
	struct outer o = gen_enter(g, 2, 1, &loop);
	gen_home_store(g, gen_home(g, v),
		       fn_op(g->f, FN_ADD, fn_arg(g->f, 0), gen_home_load(g, &from)));
	gen_stmt(g, s->u.foreach.body);
	const int fn = gen_return(g, &o, &loop);
	struct val n = own(g, fn_op(g->f, FN_SUB, end, begin));
	int l_fine = fn_label(g->f);
	fn_if(g->f, FN_LE, n, val_imm(LOOPS_MOST), l_fine);
	fn_mov(g->f, n, val_imm(LOOPS_MOST));
	gen_count(g, offsetof(struct script_globals, loops));
	fn_place(g->f, l_fine);
	FN_CALL(g->f, BPF_FUNC_loop, n, val_fn(fn), gen_frame(g), val_imm(0));
	leave_too(g);
	fn_place(g->f, l_none);
}

/* The value that a body sees: of aggregations the sum over all CPUs. */
static void take_value(struct gen *g, const struct map_info *info, struct val key, struct val val,
		       struct val dst, int64_t off, const struct type *t)
{
	const struct script_map *m = gen_map(g, info);
	const struct place p = { .space = SP_BPF, .base = val };

	if (!type_is_agg(info->val)) {
		gen_convert(g, &p, info->val, dst, off, t);
		return;
	}
	struct val copy = gen_temp(g, m->key->size);
	fn_copy(g->f, copy, 0, key, 0, m->key->size, 8);
	int l_none = fn_label(g->f);
	fn_store(g->f, 8, dst, off, val_imm(0));
	struct val map = gen_map_now(g, m, l_none);
	fn_store(g->f, 8, dst, off, gen_agg_sum(g, m, map, copy));
	fn_place(g->f, l_none);
}

/* @from holds a @is, which may be smaller than what the variable also gets elsewhere. */
static void set_from(struct gen *g, struct var *v, struct val from, const struct type *is)
{
	const struct home *h = gen_home(g, v);
	const struct place p = { .space = SP_BPF, .base = from };

	if (!type_in_memory(v->type)) {
		gen_home_store(g, h, gen_load_place(g, &p, is));
		return;
	}
	struct val base = h->kind == HOME_SLOT ? h->val : gen_scratch_at(g, h->off);
	gen_convert(g, &p, is, base, 0, v->type);
}

static void set_pair(struct gen *g, struct ast *s, const struct map_info *m)
{
	struct val key = fn_arg(g->f, 1), val = fn_arg(g->f, 2);
	struct var *a = find_var(g, s, s->u.foreach.var);

	if (!a)
		return;
	if (!s->u.foreach.var2) {
		struct home *h = gen_home(g, a);
		struct val base = h->kind == HOME_SLOT ? h->val : gen_scratch_at(g, h->off);
		const struct type_field *f = a->type->fields;
		const struct place p = { .space = SP_BPF, .base = key };
		fn_zero(g->f, base, 0, a->type->size, 8);
		gen_convert(g, &p, m->key, base, f[0].off, f[0].type);
		take_value(g, m, key, val, base, f[1].off, f[1].type);
		return;
	}
	struct var *b = find_var(g, s, s->u.foreach.var2);
	if (!b)
		return;
	set_from(g, a, key, m->key);
	if (!type_is_agg(m->val)) {
		set_from(g, b, val, m->val);
		return;
	}
	struct val temp = gen_temp(g, 8);
	take_value(g, m, key, val, temp, 0, &type_i64);
	set_from(g, b, temp, &type_i64);
}

static void over_map(struct gen *g, struct ast *s)
{
	const struct map_info *m = s->u.foreach.map->note;
	struct loop loop;
	int l_none = fn_label(g->f);

	(void)gen_frame(g);
	struct outer o = gen_enter(g, 4, 3, &loop);
	set_pair(g, s, m);
	gen_stmt(g, s->u.foreach.body);
	const int fn = gen_return(g, &o, &loop);
	struct val map = gen_map_now(g, gen_map(g, m), l_none);
	FN_CALL(g->f, BPF_FUNC_for_each_map_elem, map, val_fn(fn), gen_frame(g), val_imm(0));
	leave_too(g);
	fn_place(g->f, l_none);
}

void gen_for(struct gen *g, struct ast *s)
{
	if (s->u.foreach.map)
		over_map(g, s);
	else
		range(g, s);
}

/* len(@x): the kernel counts while it calls back something that does nothing. */
struct val gen_map_len(struct gen *g, const struct map_info *info)
{
	const struct script_map *m = gen_map(g, info);
	struct val r = fn_reg(g->f);
	struct loop loop;
	int l_none = fn_label(g->f);

	if (m->key->kind == TYPE_NONE)
		return val_imm(1);
	(void)gen_frame(g);
	struct outer o = gen_enter(g, 4, 3, &loop);
	const int fn = gen_return(g, &o, &loop);
	fn_mov(g->f, r, val_imm(0));
	struct val map = gen_map_now(g, m, l_none);
	fn_mov(g->f, r,
	       FN_CALL(g->f, BPF_FUNC_for_each_map_elem, map, val_fn(fn), gen_frame(g),
		       val_imm(0)));
	fn_place(g->f, l_none);
	return r;
}
