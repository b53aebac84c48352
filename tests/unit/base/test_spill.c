/* SPDX-License-Identifier: MIT */
/** Tests arrays that may become larger than memory. */
#include "base/spill.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "test.h"

/* Fills @n numbers, one by one, and finds them again. */
static void check(const char *folder, size_t n, bool in_file)
{
	struct spill s = { .p = NULL };
	uint64_t *a = NULL;

	EXPECT_EQ(setenv("TMPDIR", folder, 1), 0);
	for (size_t i = 0; i < n; i++) {
		EXPECT_EQ(spill_room(&s, &a, i + 1), 0);
		if (a[i])
			test_failed(__FILE__, __LINE__, "%zu is not 0", i);
		a[i] = i * 7 + 1;
		if (i % 100000 == 0)
			spill_trim(&s);
	}
	EXPECT_EQ(s.in_file, in_file);
	for (size_t i = 0; i < n; i++) {
		if (a[i] != i * 7 + 1)
			test_failed(__FILE__, __LINE__, "%zu is lost", i);
	}
	spill_fini(&s);
}

TEST(small_ones_stay_in_memory)
{
	check("/tmp", 100000, false);
}

TEST(large_ones_lie_in_a_file)
{
	check("/tmp", 2 * (SPILL_MEMORY / sizeof(uint64_t)), true);
}

TEST(without_a_place_they_stay_in_memory)
{
	check("/nonexistent", 2 * (SPILL_MEMORY / sizeof(uint64_t)), false);
}

TEST(too_many_are_refused)
{
	struct spill s = { .p = NULL };
	uint64_t *a = NULL;

	EXPECT_EQ(spill_room(&s, &a, 10), 0);
	a[9] = 5;
	EXPECT_EQ(spill_room(&s, &a, SIZE_MAX / 8), -ENOMEM);
	EXPECT_EQ(spill_room(&s, &a, SIZE_MAX), -ENOMEM);
	EXPECT(a[9] == 5);
	spill_fini(&s);
}
