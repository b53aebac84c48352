/* SPDX-License-Identifier: MIT */
/** Escapes of strings. */
#include "comp/escape.h"

#include <stddef.h>
#include <string.h>

/* What stands behind the backslash; 'x': two hexadecimal digits; 0: the byte as it is. */
static const char text_escapes[256] = {
	[0x00 ... 0x06] = 'x', ['\a'] = 'a', ['\b'] = 'b',	    ['\t'] = 't',
	['\n'] = 'n',	       ['\v'] = 'v', ['\f'] = 'f',	    ['\r'] = 'r',
	[0x0e ... 0x1a] = 'x', [0x1b] = 'e', [0x1c ... 0x1f] = 'x', ['"'] = '"',
	['\''] = '\'',	       ['?'] = '?',  ['\\'] = '\\',	    [0x7f] = 'x',
};

/* The same for JSON; 'u': four hexadecimal digits; '8': UTF-8 is to be checked. */
static const char json_escapes[256] = {
	[0x00 ... 0x07] = 'u', ['\b'] = 'b',  ['\t'] = 't', ['\n'] = 'n',
	[0x0b] = 'u',	       ['\f'] = 'f',  ['\r'] = 'r', [0x0e ... 0x1f] = 'u',
	['"'] = '"',	       ['\\'] = '\\', [0x7f] = 'u', [0x80 ... 0xff] = '8',
};

static char *put_hex(char *to, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = digits[byte >> 4];
	to[1] = digits[byte & 15];
	return to + 2;
}

/* How many bytes the UTF-8 sequence at @s has: 2 to 4, or 0 where it is none (RFC 3629). */
static size_t utf8_len(const uint8_t *s, size_t left)
{
	const uint8_t c = s[0];
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c < 0xc2 || c > 0xf4 || left < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	// No overlong forms, no surrogates, nothing beyond U+10FFFF.
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
	    (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* Writes what is no plain byte; gives back how many bytes it took. */
static size_t put_special(char **to, const uint8_t *s, size_t left, char how)
{
	size_t len = how == '8' ? utf8_len(s, left) : 0;

	if (len) {
		memcpy(*to, s, len);
		*to += len;
		return len;
	}
	if (how == '8') {
		memcpy(*to, "\xef\xbf\xbd", 3);
		*to = put_hex(*to + 3, *s);
		return 1;
	}
	*(*to)++ = '\\';
	*(*to)++ = how;
	if (how == 'u') {
		memcpy(*to, "00", 2);
		*to += 2;
	}
	if (how == 'u' || how == 'x')
		*to = put_hex(*to, *s);
	return 1;
}

char *escape_chunk(char *to, const uint8_t **from, const uint8_t *end, bool json)
{
	const char *const table = json ? json_escapes : text_escapes;
	const uint8_t *s = *from;
	// A sequence of UTF-8 that begins here may end 3 bytes beyond.
	const uint8_t *stop = end - s > ESCAPE_CHUNK - 3 ? s + ESCAPE_CHUNK - 3 : end;

	while (s < stop) {
		const char how = table[*s];

		if (!how)
			*to++ = (char)*s++;
		else
			s += put_special(&to, s, (size_t)(end - s), how);
	}
	*from = s;
	return to;
}
