/* SPDX-License-Identifier: MIT */
/** Ranges of numbers hold all that arithmetic and conditions can give; seeded. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bpf/machine/verify/range.h"
#include "fn_random.h"
#include "test.h"

enum { ROUNDS = 200000 };

static uint64_t number(uint64_t *state)
{
	static const uint64_t known[] = { 0,
					  1,
					  2,
					  8,
					  63,
					  64,
					  255,
					  INT32_MAX,
					  UINT32_MAX,
					  1ULL << 31,
					  1ULL << 32,
					  INT64_MAX,
					  1ULL << 63,
					  UINT64_MAX,
					  (uint64_t)-5,
					  4096,
					  1000,
					  (uint64_t)INT32_MIN,
					  UINT64_MAX - 7 };
	const uint64_t r = random_next(state);

	if (r & 1)
		return known[(r >> 1) % MEM_LEN(known)] + (r >> 20) % 3 - 1;
	return random_next(state) >> (r >> 1 & 63);
}

/* A range, and a number in it. */
static struct range make(uint64_t *state, uint64_t *ret)
{
	struct range r = range_const(number(state));

	*ret = r.umin;
	for (uint64_t n = random_next(state) % 4; n > 0; n--) {
		const uint64_t other = number(state);
		const struct range o = range_const(other);

		r = range_join(&r, &o);
		if (random_next(state) & 1)
			*ret = other;
	}
	if (random_next(state) % 8 == 0) {
		r = range_bits(8U << random_next(state) % 4, random_next(state) & 1);
		const uint64_t inside = number(state);
		*ret = range_has(&r, inside) ? inside : 0;
	}
	return r;
}

static void print(const char *name, const struct range *r, uint64_t n)
{
	printf("# %s: %llx in [%lld, %lld] [%llx, %llx] zeros %u\n", name, (unsigned long long)n,
	       (long long)r->smin, (long long)r->smax, (unsigned long long)r->umin,
	       (unsigned long long)r->umax, r->zeros);
}

TEST(results_are_in_their_range)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
				       BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR, BPF_ARSH };
	uint64_t state = 1, x, y;
	unsigned bad = 0;

	for (unsigned i = 0; i < ROUNDS && bad < 5; i++) {
		const struct range a = make(&state, &x), b = make(&state, &y);
		const struct alu how = { .op = ops[random_next(&state) % MEM_LEN(ops)],
					 .is64 = random_next(&state) & 1,
					 .is_signed = random_next(&state) & 1 };
		const struct range r = range_op(how, &a, &b);
		const uint64_t n = alu_do(how, x, y);

		EXPECT(range_has(&a, x) && range_has(&b, y));
		if (range_has(&r, n))
			continue;
		bad++;
		print("a", &a, x);
		print("b", &b, y);
		print("result", &r, n);
		test_failed(__FILE__, __LINE__, "op 0x%x, %d bits%s: not in its range", how.op,
			    how.is64 ? 64 : 32, how.is_signed ? ", signed" : "");
	}
}

TEST(conditions_leave_what_fulfils_them)
{
	static const uint8_t ops[] = { BPF_JEQ,	 BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				       BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };
	uint64_t state = 2, x, y;
	unsigned bad = 0;

	for (unsigned i = 0; i < ROUNDS && bad < 5; i++) {
		const struct range was_a = make(&state, &x), was_b = make(&state, &y);
		struct range a = was_a, b = was_b;
		const uint8_t op = ops[random_next(&state) % MEM_LEN(ops)];
		const bool is64 = random_next(&state) & 1, yes = alu_cond(op, is64, x, y);
		const bool can = range_refine(op, is64, yes, &a, &b);

		if (can && range_has(&a, x) && range_has(&b, y))
			continue;
		bad++;
		print("a", &was_a, x);
		print("b", &was_b, y);
		test_failed(__FILE__, __LINE__, "condition 0x%x, %d bits: %s", op, is64 ? 64 : 32,
			    can ? "leaves it out" : "is thought impossible");
	}
}

TEST(wider_ranges_hold_the_others)
{
	static const uint64_t stops[] = { 0, 7, 8, 100, 4095, 4096, (uint64_t)-1, 1ULL << 40 };
	const struct range_stops some = { stops, MEM_LEN(stops) }, none = { 0 };
	uint64_t state = 3, x, y;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct range a = make(&state, &x), b = make(&state, &y);
		const struct range both = range_join(&a, &b);
		const struct range wide =
			range_widen(&a, &both, random_next(&state) & 1 ? &some : &none);

		if (!range_has(&both, x) || !range_has(&both, y) || !range_has(&wide, x) ||
		    !range_has(&wide, y)) {
			print("a", &a, x);
			print("b", &b, y);
			print("wide", &wide, y);
			test_failed(__FILE__, __LINE__, "round %u", i);
			return;
		}
	}
}

TEST(bounds_are_as_narrow_as_loops_need)
{
	const struct alu add = { .op = BPF_ADD, .is64 = true },
			 lsh = { .op = BPF_LSH, .is64 = true };
	struct range i = range_bits(32, false), n = range_const(66), three = range_const(3);

	EXPECT(range_refine(BPF_JLT, true, true, &i, &n));
	EXPECT_EQ(i.umax, 65);
	const struct range bytes = range_op(lsh, &i, &three);
	EXPECT_EQ(bytes.smax, 65 * 8);
	EXPECT_EQ(bytes.zeros, 3);

	// i = 0, 8, 16 ... while i < 20: the last is 16, not 19
	struct range at = range_const(0), step = range_const(8), end = range_const(20);
	at = range_op(add, &at, &step);
	struct range zero = range_const(0), most = range_const(64);
	at = range_join(&zero, &most);
	EXPECT_EQ(at.zeros, 6);
	at = range_join(&at, &step);
	EXPECT(range_refine(BPF_JLT, true, true, &at, &end));
	EXPECT_EQ(at.umax, 16);
	EXPECT_EQ(at.smin, 0);
}
