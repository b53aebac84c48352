/* SPDX-License-Identifier: MIT */
/** Numbers in attach points: "99", "0x401000". */
#ifndef LANG_LIVE_NUMBER_H
#define LANG_LIVE_NUMBER_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>

/** Reads digits, hexadecimal ones behind 0x; *@ret_end is what follows. False: none, too many. */
static inline bool number_read(const char *s, uint64_t *ret, const char **ret_end)
{
	const bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *p = hex ? s + 2 : s;
	const char *const begin = p;
	uint64_t n = 0;

	for (; hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
		const unsigned digit = isdigit((unsigned char)*p)
					       ? (unsigned)(*p - '0')
					       : (unsigned)((*p | 0x20) - 'a' + 10);
		if (__builtin_mul_overflow(n, hex ? 16U : 10U, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return false;
	}
	*ret_end = p;
	if (p == begin)
		return false;
	*ret = n;
	return true;
}

#endif
