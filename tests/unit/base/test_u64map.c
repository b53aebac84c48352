/* SPDX-License-Identifier: MIT */
/** Tests the hash table against a plain array. */
#include <errno.h>

#include "base/u64map.h"
#include "test.h"

enum { KEYS = 512 };

TEST(agrees_with_an_array)
{
	struct u64map m = { 0 };
	int64_t want[KEYS];
	uint32_t seed = 12345, v = 0;

	for (size_t i = 0; i < KEYS; i++)
		want[i] = -1;
	for (int step = 0; step < 100000; step++) {
		seed = seed * 1664525 + 1013904223;
		uint32_t k = (seed >> 10) % KEYS;

		// Keys that share their low bits, so that they collide.
		if ((seed >> 20) % 3) {
			EXPECT_EQ(u64map_put(&m, (uint64_t)k << 32, seed >> 8), 0);
			want[k] = seed >> 8;
		} else {
			u64map_del(&m, (uint64_t)k << 32);
			want[k] = -1;
		}
	}
	size_t n = 0;
	for (size_t i = 0; i < KEYS; i++) {
		bool there = u64map_get(&m, (uint64_t)i << 32, &v);

		EXPECT_EQ(there ? (int64_t)v : -1, want[i]);
		n += there;
	}
	EXPECT_EQ(m.n, n);
	EXPECT(n > 100 && n < KEYS);

	uint64_t key;
	size_t seen = 0;
	for (size_t at = 0; u64map_next(&m, &at, &key, &v); seen++)
		EXPECT_EQ(want[key >> 32], v);
	EXPECT_EQ(seen, n);
	u64map_fini(&m);
}

TEST(empty_and_limits)
{
	struct u64map m = { 0 };
	uint32_t v = 7;

	EXPECT(!u64map_get(&m, 0, &v));
	u64map_del(&m, 0);
	EXPECT_EQ(v, 7);
	EXPECT(!u64map_replace(&m, 0, 1));
	EXPECT_EQ(u64map_put(&m, 0, 9), 0);
	EXPECT(u64map_replace(&m, 0, 0));
	EXPECT(!u64map_replace(&m, 1, 1));
	EXPECT_EQ(u64map_put(&m, UINT64_MAX, U64MAP_MOST), 0);
	EXPECT(u64map_get(&m, 0, &v) && v == 0);
	EXPECT(u64map_get(&m, UINT64_MAX, &v) && v == U64MAP_MOST);
	u64map_fini(&m);
}

static int fill(void)
{
	struct u64map m = { 0 };
	int r = 0;

	for (uint64_t i = 0; !r && i < 100; i++)
		r = u64map_put(&m, i, (uint32_t)i);
	if (!r && m.n != 100)
		r = -EINVAL;
	u64map_fini(&m);
	return r;
}

TEST(out_of_memory)
{
	test_oom(fill);
}
