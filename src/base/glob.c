/* SPDX-License-Identifier: MIT */
/** Patterns of names, matched without recursion. */
#include "base/glob.h"

#include <stddef.h>
#include <string.h>

bool glob_is(const char *s)
{
	return strpbrk(s, "*?");
}

bool glob_match(const char *pattern, const char *text)
{
	// What is behind the last star, and the text from which on it is tried. Only the last one
	// ever needs another try: what is before it has matched as early as it can.
	const char *again = NULL, *from = NULL;

	while (*text || *pattern) {
		if (*pattern == '*') {
			again = ++pattern;
			from = text;
		} else if (*text && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (again && *from) {
			pattern = again;
			text = ++from;
		} else {
			return false;
		}
	}
	return true;
}
