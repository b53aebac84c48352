/* SPDX-License-Identifier: MIT */
/** Types of scripts: layouts, equality, histogram buckets. */
#include "test.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "lang/check/type.h"

TEST(tuples_are_laid_out_as_c_does)
{
	struct arena a = { 0 };
	const struct type *elems[] = { type_int(1, false), type_int(4, true), type_str(&a, 5),
				       type_int(2, false), type_int(8, true), type_int(1, false) };
	struct laid {
		uint8_t a;
		int32_t b;
		char c[5];
		uint16_t d;
		int64_t e;
		uint8_t f;
	};
	const struct type *t = type_tuple(&a, elems, MEM_LEN(elems));

	EXPECT(t);
	EXPECT_EQ(t->n, MEM_LEN(elems));
	EXPECT_EQ(t->fields[0].off, 0);
	EXPECT_EQ(t->fields[1].off, offsetof(struct laid, b));
	EXPECT_EQ(t->fields[2].off, offsetof(struct laid, c));
	EXPECT_EQ(t->fields[3].off, offsetof(struct laid, d));
	EXPECT_EQ(t->fields[4].off, offsetof(struct laid, e));
	EXPECT_EQ(t->fields[5].off, offsetof(struct laid, f));
	EXPECT_EQ(t->size, sizeof(struct laid));
	EXPECT_EQ(t->size % 8, 0);
	EXPECT_EQ(type_tuple(&a, elems, 1)->size, 8);
	EXPECT_EQ(type_tuple(&a, NULL, 0)->size, 0);
	arena_fini(&a);
}

TEST(a_huge_tuple_is_refused)
{
	struct arena a = { 0 };
	const struct type *big = type_str(&a, 1U << 30);
	const struct type *elems[] = { big, big, big, big, big };

	EXPECT(!type_tuple(&a, elems, MEM_LEN(elems)));
	arena_fini(&a);
}

TEST(equality_looks_at_what_matters)
{
	struct arena a = { 0 };
	struct type *h0 = type_new(&a, TYPE_HIST, 8 * hist_len(0), 8);
	struct type *h2 = type_new(&a, TYPE_HIST, 8 * hist_len(0), 8);
	const struct type *two[] = { type_int(8, true), type_str(&a, 16) };
	const struct type *other[] = { type_int(8, true), type_str(&a, 32) };

	h2->hist_bits = 2;
	EXPECT(type_same(h0, h0));
	EXPECT(!type_same(h0, h2));
	EXPECT(type_same(type_str(&a, 64), type_str(&a, 64)));
	EXPECT(!type_same(type_str(&a, 64), type_str(&a, 65)));
	EXPECT(!type_same(type_int(8, true), type_int(8, false)));
	EXPECT(!type_same(type_int(8, false), type_int(4, false)));
	EXPECT(type_same(type_tuple(&a, two, 2), type_tuple(&a, two, 2)));
	EXPECT(!type_same(type_tuple(&a, two, 2), type_tuple(&a, other, 2)));
	EXPECT(!type_same(type_tuple(&a, two, 2), type_tuple(&a, two, 1)));
	arena_fini(&a);
}

TEST(pointers_are_the_same_by_what_they_point_to)
{
	struct ctype sock = { .kind = CT_STRUCT, .name = "sock", .size = 8 }, again = sock;
	struct ctype fwd = { .kind = CT_STRUCT, .name = "sock", .is_forward = true };
	struct ctype other = { .kind = CT_STRUCT, .name = "file", .size = 8 };
	struct type a = { .kind = TYPE_PTR, .size = 8, .c = &sock }, b = a;

	b.c = &again;
	EXPECT(type_same(&a, &b));
	b.c = &fwd;
	EXPECT(type_same(&a, &b));
	b.c = &other;
	EXPECT(!type_same(&a, &b));
	b.c = NULL;
	EXPECT(!type_same(&a, &b));
}

/* The bucket of @v as the header describes it. */
static uint32_t bucket(uint32_t bits, uint64_t v)
{
	if (!bits)
		return v ? 2 + (63 - (uint32_t)__builtin_clzll(v)) : 1;
	if (v < 1ULL << bits)
		return 1 + (uint32_t)v;
	const uint32_t e = 63 - (uint32_t)__builtin_clzll(v);
	return 1 + ((e - bits + 1) << bits) + (uint32_t)(v >> (e - bits) & ((1U << bits) - 1));
}

TEST(buckets_of_histograms_follow_each_other)
{
	for (uint32_t bits = 0; bits <= HIST_BITS_MOST; bits++) {
		uint64_t next = 0;

		for (uint32_t i = 1; i < hist_len(bits); i++) {
			uint64_t low, high;

			hist_bounds(bits, i, &low, &high);
			EXPECT_EQ(low, next);
			EXPECT_EQ(bucket(bits, low), i);
			EXPECT_EQ(bucket(bits, high - 1), i);
			next = high;
		}
		EXPECT_EQ(next, 0); // 2^64
	}
}
