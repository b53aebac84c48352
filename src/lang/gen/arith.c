/* SPDX-License-Identifier: MIT */
/**
 * Arithmetic and comparisons as values, without branches: the verifier follows each way through a
 * program, and 20 comparisons whose results it knew would be a million ways.
 *
 * The formulas are those of H. Warren, Hacker's Delight, chapter 2.
 */
#include "lang/gen/arith.h"

#include "lang/gen/gen.h"

/* All ones where @v is negative, else 0. */
static struct val sign_of(struct gen *g, struct val v)
{
	return fn_op(g->f, FN_ARSH, v, val_imm(63));
}

/* -@v where @sign is all ones. */
static struct val negated_if(struct gen *g, struct val v, struct val sign)
{
	return fn_op(g->f, FN_SUB, fn_op(g->f, FN_XOR, v, sign), sign);
}

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

/* The instruction set divides unsigned numbers only: of their absolute values then. */
static struct val signed_division(struct gen *g, enum op op, struct val a, struct val b)
{
	struct val x = own(g, a), x_sign = sign_of(g, x), sign = x_sign, y = b;

	if (b.kind != VAL_IMM || b.n < 0) {
		y = own(g, b);
		struct val y_sign = sign_of(g, y);
		y = negated_if(g, y, y_sign);
		// A quotient is negative where the signs differ, a remainder where the dividend is.
		if (op == OP_DIV)
			sign = fn_op(g->f, FN_XOR, x_sign, y_sign);
	}
	x = negated_if(g, x, x_sign);
	return negated_if(g, fn_op(g->f, op == OP_DIV ? FN_DIV : FN_MOD, x, y), sign);
}

static enum fn_op fn_op_of(enum op op, bool is_signed)
{
	switch (op) {
	case OP_ADD: return FN_ADD;
	case OP_SUB: return FN_SUB;
	case OP_MUL: return FN_MUL;
	case OP_DIV: return FN_DIV;
	case OP_MOD: return FN_MOD;
	case OP_AND: return FN_AND;
	case OP_OR: return FN_OR;
	case OP_XOR: return FN_XOR;
	case OP_SHL: return FN_LSH;
	default: return is_signed ? FN_ARSH : FN_RSH;
	}
}

struct val gen_arith(struct gen *g, enum op op, struct val a, struct val b, bool is_signed)
{
	if ((op == OP_DIV || op == OP_MOD) && is_signed)
		return signed_division(g, op, a, b);
	return fn_op(g->f, fn_op_of(op, is_signed), a, b);
}

struct val gen_not_zero(struct gen *g, struct val v)
{
	return fn_op(g->f, FN_RSH, fn_op(g->f, FN_OR, v, fn_neg(g->f, v)), val_imm(63));
}

static struct val negated(struct gen *g, struct val truth)
{
	return fn_op(g->f, FN_XOR, truth, val_imm(1));
}

/* Whether a < b: where the signs are alike, the difference tells it, else one of the signs. */
static struct val less(struct gen *g, struct val a, struct val b, bool is_signed)
{
	struct val alike = fn_not(g->f, fn_op(g->f, FN_XOR, a, b));
	struct val first = is_signed ? fn_op(g->f, FN_AND, a, fn_not(g->f, b))
				     : fn_op(g->f, FN_AND, fn_not(g->f, a), b);
	struct val second = fn_op(g->f, FN_AND, alike, fn_op(g->f, FN_SUB, a, b));

	return fn_op(g->f, FN_RSH, fn_op(g->f, FN_OR, first, second), val_imm(63));
}

struct val gen_compare(struct gen *g, enum op op, struct val a, struct val b, bool is_signed)
{
	switch (op) {
	case OP_EQ: return negated(g, gen_not_zero(g, fn_op(g->f, FN_XOR, a, b)));
	case OP_NE: return gen_not_zero(g, fn_op(g->f, FN_XOR, a, b));
	case OP_LT: return less(g, a, b, is_signed);
	case OP_LE: return negated(g, less(g, b, a, is_signed));
	case OP_GT: return less(g, b, a, is_signed);
	default: return negated(g, less(g, a, b, is_signed));
	}
}
