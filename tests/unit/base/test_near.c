/* SPDX-License-Identifier: MIT */
/** Tests the distance between names. */
#include "base/near.h"

#include "test.h"

TEST(distances)
{
	static const struct {
		const char *word, *name;
		unsigned distance;
	} cases[] = {
		{ "record", "record", 0 },
		{ "recrod", "record", 1 },
		{ "recod", "record", 1 },
		{ "recoord", "record", 1 },
		{ "rekord", "record", 1 },
		{ "rpeort", "report", 1 },
		{ "stat", "stats", 1 },
		{ "cta", "cat", 1 },
		{ "xyz", "cat", NEAR_NOT },
		{ "", "cat", NEAR_NOT },
		{ "", "", 0 },
		{ "re", "cat", NEAR_NOT },
		{ "rekrod", "record", 2 },
		{ "raqport", "flame", NEAR_NOT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(near_distance(cases[i].word, cases[i].name), cases[i].distance);
		EXPECT_EQ(near_distance(cases[i].name, cases[i].word), cases[i].distance);
	}
}

TEST(very_long)
{
	char word[200];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	EXPECT_EQ(near_distance(word, "a"), NEAR_NOT);
	EXPECT_EQ(near_distance("a", word), NEAR_NOT);
	word[64] = '\0';
	EXPECT_EQ(near_distance(word, word), 0);
}
