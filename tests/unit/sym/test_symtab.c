/* SPDX-License-Identifier: MIT */
/** Tests the table of functions: gaps, lengths, overlaps, several names of one address. */
#include <errno.h>

#include "sym/symtab.h"
#include "test.h"

/* "name@start+len", or "name@start>limit" for one without a length. */
struct in {
	const char *name;
	uint64_t start, len, limit;
	unsigned rank;
};

static int make(struct symtab *t, const struct in *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = symtab_add(t, in[i].start, in[i].len, in[i].limit, in[i].name,
				   strlen(in[i].name), in[i].rank);
		if (r < 0)
			return r;
	}
	return symtab_finish(t);
}

static const char *at(const struct symtab *t, uint64_t addr)
{
	const struct sym *s = symtab_find(t, addr);

	return s ? symtab_name(t, s) : "-";
}

static const struct in many[] = {
	{ "b", 0x200, 0x10, 0, 0 },
	{ "a", 0x100, 0x80, 0, 0 },
	{ "last", 0x300, 0, 0x340, 0 },	 // no length: to the section's end
	{ "asm1", 0x210, 0, 0x300, 2 },	 // no length: to the next
	{ "asm2", 0x220, 0, 0x230, 2 },	 // no length: to the limit, before the next
	{ "label", 0x140, 0, 0x300, 2 }, // inside of a
	{ "weak", 0x400, 0x20, 0, 1 },	 // three names of one address
	{ "__strong", 0x400, 0x20, 0, 0 },
	{ "strong", 0x400, 0x20, 0, 0 },
	{ "outer", 0x500, 0x100, 0, 0 },
	{ "inner", 0x540, 0x10, 0, 0 },
	{ "over", 0x5f0, 0x20, 0, 0 },	 // begins in outer, ends behind it
	{ "nolen", 0x700, 0, 0x800, 0 }, // gives way to the one with a length
	{ "withlen", 0x700, 8, 0, 2 },
	{ "top", UINT64_MAX - 15, 100, 0, 0 }, // its end does not fit
	{ "empty", 0x900, 0, 0x900, 0 },
};

TEST(finds_only_what_is_there)
{
	static const struct {
		uint64_t addr;
		const char *name;
	} want[] = {
		{ 0, "-" },	      { 0xff, "-" },
		{ 0x100, "a" },	      { 0x17f, "a" },
		{ 0x140, "a" },	      { 0x180, "-" },
		{ 0x1ff, "-" },	      { 0x200, "b" },
		{ 0x20f, "b" },	      { 0x210, "asm1" },
		{ 0x21f, "asm1" },    { 0x220, "asm2" },
		{ 0x22f, "asm2" },    { 0x230, "-" },
		{ 0x300, "last" },    { 0x33f, "last" },
		{ 0x340, "-" },	      { 0x400, "strong" },
		{ 0x41f, "strong" },  { 0x420, "-" },
		{ 0x500, "outer" },   { 0x53f, "outer" },
		{ 0x540, "inner" },   { 0x54f, "inner" },
		{ 0x550, "outer" },   { 0x5ef, "outer" },
		{ 0x5f0, "over" },    { 0x600, "over" },
		{ 0x60f, "over" },    { 0x610, "-" },
		{ 0x700, "withlen" }, { 0x708, "-" },
		{ 0x900, "-" },	      { UINT64_MAX - 15, "top" },
	};
	struct symtab t = { 0 };

	EXPECT_EQ(make(&t, many, sizeof(many) / sizeof(*many)), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		EXPECT_STR(at(&t, want[i].addr), want[i].name);
	for (size_t i = 1; i < t.n; i++)
		EXPECT(t.syms[i - 1].end <= t.syms[i].start && t.syms[i].start < t.syms[i].end);
	symtab_fini(&t);
}

TEST(empty_table)
{
	struct symtab t = { 0 };

	EXPECT_EQ(symtab_finish(&t), 0);
	EXPECT(!symtab_find(&t, 0));
	symtab_fini(&t);
}

/* Random overlaps against the rule spelled out byte by byte. */
TEST(agrees_with_brute_force)
{
	enum { N = 24, SPACE = 256 };
	uint32_t seed = 1;

	for (int round = 0; round < 500; round++) {
		struct symtab t = { 0 };
		struct {
			unsigned start, end;
		} s[N];

		for (unsigned i = 0; i < N; i++) {
			char name = (char)('a' + i);

			seed = seed * 1664525 + 1013904223;
			s[i].start = seed >> 24;
			s[i].end = s[i].start + 1 + ((seed >> 16) & 31);
			EXPECT_EQ(symtab_add(&t, s[i].start, s[i].end - s[i].start, 0, &name, 1, i),
				  0);
		}
		EXPECT_EQ(symtab_finish(&t), 0);
		for (unsigned a = 0; a < SPACE + 40; a++) {
			char want[2] = "-";
			int best = -1;

			// The latest start that covers; of one start only the lowest rank counts.
			for (unsigned i = 0; i < N; i++) {
				bool shadowed = false;

				for (unsigned k = 0; k < i; k++)
					shadowed |= s[k].start == s[i].start;
				if (!shadowed && a >= s[i].start && a < s[i].end &&
				    (int)s[i].start > best) {
					best = (int)s[i].start;
					want[0] = (char)('a' + i);
				}
			}
			EXPECT_STR(at(&t, a), want);
		}
		symtab_fini(&t);
	}
}

static int build(void)
{
	struct symtab t = { 0 };
	int r = make(&t, many, sizeof(many) / sizeof(*many));

	symtab_fini(&t);
	return r;
}

TEST(out_of_memory)
{
	test_oom(build);
}
