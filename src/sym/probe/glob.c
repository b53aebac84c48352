/* SPDX-License-Identifier: MIT */
/** Matches without recursion: only the last * ever needs to take more letters. */
#include "sym/probe/glob.h"

#include <stddef.h>
#include <string.h>

bool glob_is(const char *pattern)
{
	return strpbrk(pattern, "*?") != NULL;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *taken = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++taken;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
