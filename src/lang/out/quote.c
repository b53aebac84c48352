/* SPDX-License-Identifier: MIT */
/** Bytes as JSON strings (RFC 8259), with the escapes that bpftrace writes. */
#include "lang/out/quote.h"

#include <stdint.h>

#include "base/strbuf.h"

/* Length of the UTF-8 sequence at @s, 0: it is none. */
static size_t utf8_len(const uint8_t *s, size_t most)
{
	const unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > most)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	// Sequences that are too long, surrogates, and what is above U+10FFFF.
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void add_escape(struct strbuf *ret, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '\n': strbuf_add(ret, "\\n", 2); break;
	case '\r': strbuf_add(ret, "\\r", 2); break;
	case '\t': strbuf_add(ret, "\\t", 2); break;
	case '"':
	case '\\':
		text[1] = (char)c;
		strbuf_add(ret, text, 2);
		break;
	default:
		if (c >= 0x80)
			strbuf_add(ret, "\xef\xbf\xbd", 3);
		else
			strbuf_add(ret, text, sizeof(text));
	}
}

void quote_json(struct strbuf *ret, const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t clean = 0; // begin of what may be copied as it is

	strbuf_add(ret, "\"", 1);
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_len(s + i, len - i);

		if (n && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
			i += n;
			continue;
		}
		strbuf_add(ret, text + clean, i - clean);
		add_escape(ret, s[i]);
		clean = ++i;
	}
	strbuf_add(ret, text + clean, len - clean);
	strbuf_add(ret, "\"", 1);
}
