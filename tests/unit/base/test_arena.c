/* SPDX-License-Identifier: MIT */
/** Tests arenas, growing arrays and growing text. */
#include <errno.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "test.h"

static int use_arena(void)
{
	struct arena a = { 0 };
	int r = 0;

	for (size_t i = 1; !r && i < 3000; i += 7) {
		char *p = arena_alloc(&a, i);

		if (!p)
			r = -ENOMEM;
		else if (p[0] || p[i - 1] || (uintptr_t)p % 16)
			r = -EINVAL;
		else
			memset(p, 0xff, i);
	}
	arena_fini(&a);
	return r;
}

TEST(zeroed_and_aligned)
{
	EXPECT_EQ(use_arena(), 0);
	test_oom(use_arena);
}

TEST(limits)
{
	struct arena a = { .limit = 64 };

	EXPECT(arena_alloc(&a, 48));
	EXPECT(!arena_alloc(&a, 17));
	EXPECT(arena_alloc(&a, 16));
	EXPECT(!arena_array(&a, SIZE_MAX / 2, 3));
	arena_fini(&a);
}

static int use_strbuf(void)
{
	struct strbuf b = { 0 };

	for (int i = 0; i < 100; i++)
		strbuf_fmt(&b, "%d,", i);
	strbuf_str(&b, "end");
	int r = strbuf_ok(&b);
	if (!r && (b.len != 293 || strcmp(strbuf_text(&b) + 287, "99,end") != 0))
		r = -EINVAL;
	strbuf_fini(&b);
	return r;
}

TEST(text_grows)
{
	EXPECT_EQ(use_strbuf(), 0);
	test_oom(use_strbuf);
}
