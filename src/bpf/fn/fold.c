/* SPDX-License-Identifier: MIT */
/** Arithmetic on constants, as the kernel does it at run time. */
#include "bpf/fn/fold.h"

#include "base/check.h"

int64_t fold(enum fn_op op, int64_t a, int64_t b)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;
	unsigned count = (unsigned)(y & 63);

	switch (op) {
	case FN_ADD: return (int64_t)(x + y);
	case FN_SUB: return (int64_t)(x - y);
	case FN_MUL: return (int64_t)(x * y);
	case FN_DIV: return y ? (int64_t)(x / y) : 0;
	case FN_MOD: return y ? (int64_t)(x % y) : a;
	case FN_AND: return (int64_t)(x & y);
	case FN_OR: return (int64_t)(x | y);
	case FN_XOR: return (int64_t)(x ^ y);
	case FN_LSH: return (int64_t)(x << count);
	case FN_RSH: return (int64_t)(x >> count);
	case FN_ARSH: return a >> count;
	}
	sonde_check(false);
	return 0;
}

int64_t fold_extend(int64_t a, unsigned len, bool is_signed)
{
	unsigned count = 64 - 8 * len;
	uint64_t up = (uint64_t)a << count;

	return is_signed ? (int64_t)up >> count : (int64_t)(up >> count);
}

int64_t fold_swap(int64_t a, unsigned len)
{
	return (int64_t)(__builtin_bswap64((uint64_t)a) >> (64 - 8 * len));
}

bool fold_cond(enum fn_cond cond, int64_t a, int64_t b)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;

	switch (cond) {
	case FN_EQ: return a == b;
	case FN_NE: return a != b;
	case FN_LT: return x < y;
	case FN_LE: return x <= y;
	case FN_GT: return x > y;
	case FN_GE: return x >= y;
	case FN_SLT: return a < b;
	case FN_SLE: return a <= b;
	case FN_SGT: return a > b;
	case FN_SGE: return a >= b;
	case FN_SET: return (a & b) != 0;
	}
	sonde_check(false);
	return false;
}

enum fn_cond fold_mirror(enum fn_cond cond)
{
	static const enum fn_cond mirror[] = {
		[FN_EQ] = FN_EQ,   [FN_NE] = FN_NE,   [FN_LT] = FN_GT,	 [FN_LE] = FN_GE,
		[FN_GT] = FN_LT,   [FN_GE] = FN_LE,   [FN_SLT] = FN_SGT, [FN_SLE] = FN_SGE,
		[FN_SGT] = FN_SLT, [FN_SGE] = FN_SLE, [FN_SET] = FN_SET,
	};
	return mirror[cond];
}

bool fold_invert(enum fn_cond cond, enum fn_cond *ret)
{
	static const enum fn_cond inverse[] = {
		[FN_EQ] = FN_NE,   [FN_NE] = FN_EQ,   [FN_LT] = FN_GE,	 [FN_LE] = FN_GT,
		[FN_GT] = FN_LE,   [FN_GE] = FN_LT,   [FN_SLT] = FN_SGE, [FN_SLE] = FN_SGT,
		[FN_SGT] = FN_SLE, [FN_SGE] = FN_SLT,
	};
	if (cond == FN_SET)
		return false;
	*ret = inverse[cond];
	return true;
}

static bool is(struct fold_op *ret, int kind, enum fn_op op, int64_t n)
{
	ret->kind = kind;
	ret->op = op;
	ret->n = n;
	return true;
}

/* Products and quotients: by powers of two they are shifts. */
static bool simpler_product(enum fn_op op, int64_t n, struct fold_op *ret)
{
	uint64_t u = (uint64_t)n;

	if (n == 0)
		return is(ret, op == FN_MOD ? FOLD_SAME : FOLD_IMM, op, 0);
	if (n == 1)
		return is(ret, op == FN_MOD ? FOLD_IMM : FOLD_SAME, op, 0);
	if (n == -1 && op == FN_MUL)
		return is(ret, FOLD_NEG, op, 0);
	if (u & (u - 1))
		return false;
	if (op == FN_MOD)
		return n == 1ll << 32 ? is(ret, FOLD_LOW32, op, 0)
				      : is(ret, FOLD_OP, FN_AND, (int64_t)(u - 1));
	return is(ret, FOLD_OP, op == FN_MUL ? FN_LSH : FN_RSH, __builtin_ctzll(u));
}

static bool simpler_bits(enum fn_op op, int64_t n, struct fold_op *ret)
{
	if (n == 0)
		return is(ret, op == FN_AND ? FOLD_IMM : FOLD_SAME, op, 0);
	if (n == -1 && op != FN_XOR)
		return is(ret, op == FN_AND ? FOLD_SAME : FOLD_IMM, op, -1);
	if (n == 0xffffffff && op == FN_AND)
		return is(ret, FOLD_LOW32, op, 0);
	return false;
}

bool fold_simpler(enum fn_op op, int64_t n, struct fold_op *ret)
{
	switch (op) {
	case FN_ADD: return n == 0 && is(ret, FOLD_SAME, op, 0);
	case FN_SUB:
		if (n == 0)
			return is(ret, FOLD_SAME, op, 0);
		// The verifier follows sums better than differences.
		return n > INT32_MIN && n <= INT32_MAX && is(ret, FOLD_OP, FN_ADD, -n);
	case FN_MUL:
	case FN_DIV:
	case FN_MOD: return simpler_product(op, n, ret);
	case FN_AND:
	case FN_OR:
	case FN_XOR: return simpler_bits(op, n, ret);
	case FN_LSH:
	case FN_RSH:
	case FN_ARSH: n &= 63; return n ? is(ret, FOLD_OP, op, n) : is(ret, FOLD_SAME, op, 0);
	}
	return false;
}
