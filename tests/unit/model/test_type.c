/* SPDX-License-Identifier: MIT */
/** Tests clocks and look-ups. */
#include <sonde/type.h>

#include "test.h"

TEST(clock_to_ns)
{
	struct sonde_clock c = { .freq = 1000000000, .offset_s = 5, .offset = 7 };

	EXPECT_EQ(sonde_clock_ns(&c, 3), 5000000010);
	c.freq = 1000;
	EXPECT_EQ(sonde_clock_ns(&c, 3), 5010000000);
	c.freq = 3;
	EXPECT_EQ(sonde_clock_ns(&c, 1), 5000000000 + 2666666666);
	c = (struct sonde_clock){ .freq = 1, .offset_s = INT64_MIN };
	EXPECT_EQ(sonde_clock_ns(&c, 0), INT64_MIN);
	c.offset_s = INT64_MAX;
	EXPECT_EQ(sonde_clock_ns(&c, UINT64_MAX), INT64_MAX);
}

TEST(member_by_either_name)
{
	struct sonde_type i = { .kind = SONDE_INT };
	struct sonde_member m[] = { { "_a", "a", &i }, { "b", "b", &i } };
	struct sonde_type s = { .kind = SONDE_STRUCT, .u.structure = { m, 2 } };

	EXPECT(sonde_type_member(&s, "a") == &m[0]);
	EXPECT(sonde_type_member(&s, "_a") == &m[0]);
	EXPECT(sonde_type_member(&s, "b") == &m[1]);
	EXPECT(!sonde_type_member(&s, "c"));
	EXPECT(!sonde_type_member(NULL, "a"));
}
