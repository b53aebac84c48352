/* SPDX-License-Identifier: MIT */
/** UTF-8 as RFC 3629 has it: no surrogates, nothing longer than it must be. */
#include "base/utf8.h"

size_t utf8_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || (s[1] & 0xc0) != 0x80)
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if ((s[2] & 0xc0) != 0x80)
		return 0;
	if (s[0] < 0xf0) {
		unsigned c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6;

		return c < 0x800 || (c >= 0xd800 && c < 0xe000) ? 0 : 3;
	}
	if ((s[3] & 0xc0) != 0x80)
		return 0;
	return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ? 0 : 4;
}

size_t utf8_shown_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = utf8_len(text);

	if (n == 1 && (s[0] < 0x20 || s[0] == 0x7f))
		return 0;
	if (!n)
		return s[0] >= 0xa0;
	return n == 2 && s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
}
