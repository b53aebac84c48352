/* SPDX-License-Identifier: MIT */
/** Bits counted by the directory and one by one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crash/dump/rank.h"
#include "test.h"

static uint64_t state = 1;

static uint64_t below(uint64_t n)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % n;
}

static void compare(const uint8_t *bits, uint64_t n)
{
	struct rank r;
	uint64_t before = 0;

	EXPECT_EQ(rank_init(&r, bits, n), 0);
	for (uint64_t i = 0; i < n; i++) {
		bool set = bits[i / 8] >> (i % 8) & 1;

		EXPECT_EQ(rank_has(&r, i), set);
		if (rank_before(&r, i) != before)
			test_failed(__FILE__, __LINE__, "bit %lu of %lu", (unsigned long)i,
				    (unsigned long)n);
		EXPECT(set ? rank_next_set(&r, i) == i : rank_next_clear(&r, i) == i);
		before += set;
	}
	EXPECT_EQ(r.n_set, before);
	EXPECT(!rank_has(&r, n));
	for (unsigned k = 0; k < 100 && n; k++) {
		uint64_t i = below(n), set = i, clear = i;

		while (set < n && !rank_has(&r, set))
			set++;
		while (clear < n && rank_has(&r, clear))
			clear++;
		EXPECT_EQ(rank_next_set(&r, i), set);
		EXPECT_EQ(rank_next_clear(&r, i), clear);
	}
	rank_fini(&r);
}

TEST(counts_agree)
{
	static const uint64_t sizes[] = { 0,	1,    7,    8,	   63,	  64,	 65,
					  1023, 1024, 1025, 32767, 32768, 32769, 99991 };

	for (size_t i = 0; i < MEM_LEN(sizes); i++) {
		size_t bytes = (sizes[i] + 7) / 8;

		for (unsigned kind = 0; kind < 4; kind++) {
			// Of just that size: a byte behind it would be seen.
			sonde_auto(mem_freep) uint8_t *bits = malloc(bytes + !bytes);

			if (!bits)
				return;
			for (size_t k = 0; k < bytes; k++)
				bits[k] = (uint8_t)(kind == 0	? 0
						    : kind == 1 ? 0xff
						    : kind == 2 ? below(256)
						    : below(40) ? UINT64_C(0)
								: UINT64_C(1) << below(8));
			compare(bits, sizes[i]);
		}
	}
}
