/* SPDX-License-Identifier: MIT */
/** Aggregations: count(), sum(), hist() and so on, one value for each CPU. */
#include <linux/bpf.h>
#include <unistd.h>

#include "lang/check/builtin.h"
#include "lang/gen/arith.h"
#include "lang/gen/gen.h"

/* 1 where @v (below 2^63) is not 0. */
static struct val not_zero(struct gen *g, struct val v)
{
	return fn_op(g->f, FN_RSH, fn_neg(g->f, v), val_imm(63));
}

/*
 * The number of @v's highest bit, without a branch: six branches would be 64 ways for the verifier.
 * Halves the range: is there a bit in the upper half? Then goes on with that.
 */
struct val gen_log2(struct gen *g, struct val v)
{
	struct val x = fn_reg(g->f), r = fn_reg(g->f);

	fn_mov(g->f, x, v);
	fn_mov(g->f, r, val_imm(0));
	for (int half = 5; half >= 0; half--) {
		struct val upper = fn_op(g->f, FN_RSH, x, val_imm(1LL << half));
		struct val by = fn_op(g->f, FN_LSH, not_zero(g, upper), val_imm(half));
		fn_op_to(g->f, FN_RSH, x, by);
		fn_op_to(g->f, FN_OR, r, by);
	}
	return r;
}

void gen_bucket(struct gen *g, struct val p, struct val i, uint32_t n, struct val by)
{
	struct val at = fn_reg(g->f);
	int l_fine = fn_label(g->f);

	fn_mov(g->f, at, i);
	fn_if(g->f, FN_LT, at, val_imm(n), l_fine); // always so; the verifier wants to see it
	fn_mov(g->f, at, val_imm(0));
	fn_place(g->f, l_fine);
	fn_op_to(g->f, FN_LSH, at, val_imm(3));
	struct val bucket = fn_reg(g->f);
	fn_mov(g->f, bucket, p);
	fn_op_to(g->f, FN_ADD, bucket, at);
	(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, bucket, 0, by, false);
}

static void add_hist(struct gen *g, const struct type *t, struct val p, struct val v,
		     bool is_signed)
{
	const struct val by = val_imm(1);
	const uint32_t bits = t->hist_bits;
	struct val i = fn_reg(g->f);
	int l_end = fn_label(g->f), l_small = fn_label(g->f);

	fn_mov(g->f, i, val_imm(0));
	if (is_signed)
		fn_if(g->f, FN_SLT, v, val_imm(0), l_end);
	fn_if(g->f, FN_LT, v, val_imm(1LL << bits), l_small);
	struct val e = gen_log2(g, v);
	if (!bits) {
		fn_mov(g->f, i, fn_op(g->f, FN_ADD, e, val_imm(2)));
	} else {
		struct val above = fn_op(g->f, FN_SUB, e, val_imm(bits));
		struct val low = fn_op(g->f, FN_AND, fn_op(g->f, FN_RSH, v, above),
				       val_imm((1LL << bits) - 1));
		struct val group =
			fn_op(g->f, FN_LSH, fn_op(g->f, FN_ADD, above, val_imm(1)), val_imm(bits));
		fn_mov(g->f, i, fn_op(g->f, FN_ADD, fn_op(g->f, FN_ADD, group, low), val_imm(1)));
	}
	fn_jump(g->f, l_end);
	fn_place(g->f, l_small);
	fn_mov(g->f, i, fn_op(g->f, FN_ADD, v, val_imm(1)));
	fn_place(g->f, l_end);
	gen_bucket(g, p, i, t->size / 8, by);
}

static void add_lhist(struct gen *g, const struct type *t, struct val p, struct val v,
		      bool is_signed, struct val by)
{
	struct val i = fn_reg(g->f);
	int l_end = fn_label(g->f);
	const uint32_t n = t->size / 8;

	fn_mov(g->f, i, val_imm(0));
	fn_if(g->f, is_signed ? FN_SLT : FN_LT, v, val_imm(t->lhist_min), l_end);
	fn_mov(g->f, i, val_imm(n - 1));
	// A last bucket that would be cut by the end belongs to what is above.
	const int64_t end = t->lhist_min + (int64_t)(n - 2) * t->lhist_step;
	fn_if(g->f, is_signed ? FN_SGE : FN_GE, v, val_imm(end), l_end);
	struct val from = fn_op(g->f, FN_SUB, v, val_imm(t->lhist_min));
	fn_mov(g->f, i,
	       fn_op(g->f, FN_ADD, fn_op(g->f, FN_DIV, from, val_imm(t->lhist_step)), val_imm(1)));
	fn_place(g->f, l_end);
	gen_bucket(g, p, i, n, by);
}

static void add_extreme(struct gen *g, const struct type *t, struct val p, struct val v)
{
	int l_take = fn_label(g->f), l_end = fn_label(g->f);
	const bool is_max = t->kind == TYPE_MAX;
	const enum fn_cond keep =
		t->is_signed ? (is_max ? FN_SLE : FN_SGE) : (is_max ? FN_LE : FN_GE);

	fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, p, 8), val_imm(0), l_take);
	fn_if(g->f, keep, v, fn_load(g->f, 8, false, p, 0), l_end);
	fn_place(g->f, l_take);
	fn_store(g->f, 8, p, 0, v);
	fn_store(g->f, 8, p, 8, val_imm(1));
	fn_place(g->f, l_end);
}

static void add(struct gen *g, const struct type *t, struct val p, struct val v, bool is_signed,
		struct val by)
{
	switch (t->kind) {
	case TYPE_COUNT: (void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, gen_times(g), false); break;
	case TYPE_SUM:
		(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, v, false);
		fn_store(g->f, 8, p, 8, val_imm(1)); // a sum of 0 is shown, too
		break;
	case TYPE_AVG:
	case TYPE_STATS:
		(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, v, false);
		(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 8, val_imm(1), false);
		break;
	case TYPE_MIN:
	case TYPE_MAX: add_extreme(g, t, p, v); break;
	case TYPE_HIST:
		if (t->hist_negative)
			gen_quantize(g, t, p, v, by);
		else
			add_hist(g, t, p, v, is_signed);
		break;
	case TYPE_STDDEV: gen_stddev(g, p, v); break;
	case TYPE_LLHIST: gen_llquantize(g, t, p, v, by); break;
	default: add_lhist(g, t, p, v, is_signed || g->script->d, by);
	}
}

/* D: what counts for how many, the argument behind the buckets. */
static struct val weight(struct gen *g, const struct type *t, struct ast *call)
{
	const size_t at = t->kind == TYPE_HIST ? 1 : t->kind == TYPE_LHIST ? 4 : 5;
	struct ast *a = g->script->d ? call->u.call.args : NULL;

	for (size_t i = 0; a && i < at; i++)
		a = a->next;
	if (!a)
		return val_imm(1);
	struct val own = fn_reg(g->f);
	fn_mov(g->f, own, gen_scalar(g, a));
	return own;
}

void gen_agg(struct gen *g, const struct map_info *m, struct ast *keys, struct ast *call)
{
	struct ast *arg = call->u.call.args;
	struct val v = val_imm(0);
	int l_full = fn_label(g->f), l_end = fn_label(g->f);

	if (arg) {
		v = gen_scalar(g, arg);
		if (v.kind != VAL_IMM || m->val->size > 16) {
			struct val own = fn_reg(g->f);
			fn_mov(g->f, own, v);
			v = own;
		}
	}
	const struct val by = weight(g, m->val, call);
	struct val p = gen_lookup_make(g, m, keys, l_full);
	add(g, m->val, p, v, arg && arg->type->is_signed, by);
	fn_jump(g->f, l_end);
	fn_place(g->f, l_full);
	gen_count_lost(g, gen_map(g, m)->site);
	fn_place(g->f, l_end);
}

/* What one CPU has into the sums @a and @b. */
static void take_one(struct gen *g, const struct type *t, struct val p, struct val a, struct val b)
{
	struct val x = fn_load(g->f, 8, false, p, 0);

	if (t->kind == TYPE_MIN || t->kind == TYPE_MAX) {
		const bool is_max = t->kind == TYPE_MAX;
		const enum fn_cond keep =
			t->is_signed ? (is_max ? FN_SLE : FN_SGE) : (is_max ? FN_LE : FN_GE);
		int l_end = fn_label(g->f), l_take = fn_label(g->f);
		fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, p, 8), val_imm(0), l_end);
		fn_if(g->f, FN_EQ, b, val_imm(0), l_take);
		fn_if(g->f, keep, x, a, l_end);
		fn_place(g->f, l_take);
		fn_mov(g->f, a, x);
		fn_mov(g->f, b, val_imm(1));
		fn_place(g->f, l_end);
		return;
	}
	fn_op_to(g->f, FN_ADD, a, x);
	if (t->kind == TYPE_AVG)
		fn_op_to(g->f, FN_ADD, b, fn_load(g->f, 8, false, p, 8));
}

struct val gen_agg_sum(struct gen *g, const struct script_map *m, struct val map, struct val key)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct val a = fn_reg(g->f), b = fn_reg(g->f), i = fn_reg(g->f);
	int l_next = fn_label(g->f), l_end = fn_label(g->f), l_again = fn_label(g->f);

	fn_mov(g->f, a, val_imm(0));
	fn_mov(g->f, b, val_imm(0));
	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_again);
	struct val p = FN_CALL(g->f, BPF_FUNC_map_lookup_percpu_elem, map, key, i);
	fn_if(g->f, FN_EQ, p, val_imm(0), l_next);
	take_one(g, m->val, p, a, b);
	fn_place(g->f, l_next);
	fn_op_to(g->f, FN_ADD, i, val_imm(1));
	fn_if(g->f, FN_LT, i, val_imm(cpus > 0 ? cpus : 1), l_again);
	fn_place(g->f, l_end);
	if (m->val->kind == TYPE_AVG)
		return gen_arith(g, OP_DIV, a, b, m->val->is_signed);
	return a;
}

struct val gen_agg_read(struct gen *g, const struct map_info *info, struct ast *keys)
{
	const struct script_map *m = gen_map(g, info);
	struct val r = fn_reg(g->f), key = gen_key(g, m, keys);
	int l_none = fn_label(g->f);

	fn_mov(g->f, r, val_imm(0));
	struct val map = gen_map_now(g, m, l_none);
	fn_mov(g->f, r, gen_agg_sum(g, m, map, key));
	fn_place(g->f, l_none);
	return r;
}
