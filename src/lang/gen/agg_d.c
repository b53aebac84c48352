/* SPDX-License-Identifier: MIT */
/** Aggregations of D alone: quantize() with negative numbers, llquantize(), stddev(). */
#include <linux/bpf.h>

#include "lang/gen/gen.h"

static struct val copy(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

void gen_quantize(struct gen *g, const struct type *t, struct val p, struct val v, struct val by)
{
	struct val i = fn_reg(g->f);
	int l_negative = fn_label(g->f), l_end = fn_label(g->f);

	// 0 is bucket 1, [2^k, 2^(k + 1)) is 2 + k; (-2^(k + 1), -2^k] is k behind all these.
	fn_if(g->f, FN_SLT, v, val_imm(0), l_negative);
	fn_mov(g->f, i, val_imm(1));
	fn_if(g->f, FN_EQ, v, val_imm(0), l_end);
	fn_mov(g->f, i, fn_op(g->f, FN_ADD, gen_log2(g, v), val_imm(2)));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_negative);
	struct val size = fn_neg(g->f, v);
	fn_mov(g->f, i, fn_op(g->f, FN_ADD, gen_log2(g, size), val_imm(hist_len(0))));
	fn_place(g->f, l_end);
	gen_bucket(g, p, i, t->size / 8, by);
}

static uint64_t power(uint64_t of, uint32_t n)
{
	uint64_t r = 1;

	while (n--)
		r *= of;
	return r;
}

/* How many buckets from the middle one @size lies, into @at: range by range. */
static void ll_place(struct gen *g, const struct type *t, struct val size, struct val at)
{
	const uint32_t first = t->ll_steps / t->ll_factor, each = t->ll_steps - first;
	int l_end = fn_label(g->f);

	fn_mov(g->f, at, val_imm(0));
	fn_if(g->f, FN_LT, size, val_imm((int64_t)power(t->ll_factor, t->ll_low)), l_end);
	for (uint32_t i = 0; i <= t->ll_high - t->ll_low; i++) {
		const uint64_t top = power(t->ll_factor, t->ll_low + i + 1);
		int l_next = fn_label(g->f);

		fn_if(g->f, FN_GE, size, val_imm((int64_t)top), l_next);
		// The step within the range; ranges narrower than their steps leave some out.
		struct val step =
			top % t->ll_steps == 0
				? fn_op(g->f, FN_DIV, size, val_imm((int64_t)(top / t->ll_steps)))
				: fn_op(g->f, FN_DIV,
					fn_op(g->f, FN_MUL, size, val_imm(t->ll_steps)),
					val_imm((int64_t)top));
		const int64_t from = 1 + (int64_t)i * each - (int64_t)first;
		fn_mov(g->f, at, fn_op(g->f, FN_ADD, step, val_imm(from)));
		fn_jump(g->f, l_end);
		fn_place(g->f, l_next);
	}
	fn_mov(g->f, at, val_imm(llhist_half(t)));
	fn_place(g->f, l_end);
}

void gen_llquantize(struct gen *g, const struct type *t, struct val p, struct val v, struct val by)
{
	struct val size = copy(g, v), at = fn_reg(g->f), i = fn_reg(g->f);
	int l_positive = fn_label(g->f), l_end = fn_label(g->f);
	const int64_t middle = llhist_half(t);

	fn_if(g->f, FN_SGE, v, val_imm(0), l_positive);
	fn_mov(g->f, size, fn_neg(g->f, v));
	fn_place(g->f, l_positive);
	ll_place(g, t, size, at);
	fn_mov(g->f, i, fn_op(g->f, FN_ADD, at, val_imm(middle)));
	fn_if(g->f, FN_SGE, v, val_imm(0), l_end);
	fn_mov(g->f, i, fn_op(g->f, FN_SUB, val_imm(middle), at));
	fn_place(g->f, l_end);
	gen_bucket(g, p, i, t->size / 8, by);
}

static void add_to(struct gen *g, struct val p, size_t off, struct val v)
{
	(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, (int64_t)off, v, false);
}

/* The square of 64 bits has 128: it is put together of products of 32. */
void gen_stddev(struct gen *g, struct val p, struct val v)
{
	struct val size = copy(g, v);
	int l_positive = fn_label(g->f);

	fn_if(g->f, FN_SGE, v, val_imm(0), l_positive);
	fn_mov(g->f, size, fn_neg(g->f, v));
	fn_place(g->f, l_positive);
	add_to(g, p, offsetof(struct deviation_value, total), v);
	add_to(g, p, offsetof(struct deviation_value, count), val_imm(1));
	struct val high = fn_op(g->f, FN_RSH, size, val_imm(32));
	struct val low = fn_extend(g->f, size, 4, false);
	struct val ll = fn_op(g->f, FN_MUL, low, low);
	// high is below 2^31, so that twice the product in the middle fits.
	struct val hl = fn_op(g->f, FN_LSH, fn_op(g->f, FN_MUL, high, low), val_imm(1));
	struct val hh = fn_op(g->f, FN_MUL, high, high);
	add_to(g, p, offsetof(struct deviation_value, low), fn_extend(g->f, ll, 4, false));
	struct val middle = fn_op(g->f, FN_ADD, fn_op(g->f, FN_RSH, ll, val_imm(32)),
				  fn_extend(g->f, hl, 4, false));
	add_to(g, p, offsetof(struct deviation_value, middle), middle);
	add_to(g, p, offsetof(struct deviation_value, high),
	       fn_op(g->f, FN_ADD, hh, fn_op(g->f, FN_RSH, hl, val_imm(32))));
}
