/* SPDX-License-Identifier: MIT */
/** Patterns against names. */
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "test.h"

TEST(patterns)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "*", "", true },
		{ "**", "", true },
		{ "*", "anything", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "?", "ab", false },
		{ "a*", "a", true },
		{ "a*", "abc", true },
		{ "a*", "ba", false },
		{ "*c", "abc", true },
		{ "*c", "abcd", false },
		{ "a*c", "abcbc", true },
		{ "a*c", "abcb", false },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*bc*d", "abcbcd", true },
		{ "a*?", "a", false },
		{ "a*?", "ab", true },
		{ "sys_enter_*", "sys_enter_read", true },
		{ "sys_enter_*", "sys_exit_read", false },
		{ "*_read*", "sys_exit_pread64", false },
		{ "*read*", "sys_exit_pread64", true },
		{ "[ab]", "a", false },
		{ "[ab]", "[ab]", true },
		{ "a\\*", "a\\x", true },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		if (glob_match(cases[i].pattern, cases[i].text) != cases[i].want)
			test_failed(__FILE__, __LINE__, "'%s' and '%s'", cases[i].pattern,
				    cases[i].text);
	}
	EXPECT(glob_is("a?") && glob_is("*") && !glob_is("a[b]"));
}

TEST(many_stars_take_no_time)
{
	enum { LEN = 4000 };
	char pattern[2 * LEN + 2], text[LEN + 1];

	for (size_t i = 0; i < LEN; i++) {
		memcpy(pattern + 2 * i, "*a", 2);
		text[i] = 'a';
	}
	memcpy(pattern + 2 * LEN, "b", 2);
	text[LEN] = '\0';
	EXPECT(!glob_match(pattern, text));
	text[LEN - 1] = 'b';
	EXPECT(!glob_match(pattern, text));
	EXPECT(glob_match(pattern + 2, text));
}
