/* SPDX-License-Identifier: MIT */
/** Metadata packets into text (CTF 1.8.3, section 7.1), and failures with their line. */
#include "ctf/tsdl_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"

/*
 * A metadata packet; the byte order is the trace's own, told by the magic number:
 *
 *   0      4          20         24             28            32  33  34  35    36
 *   | magic | uuid[16] | checksum | content bits | packet bits | c | e | s | major | minor | text
 */
enum {
	HEADER_LEN = 37,
	AT_UUID = 4,
	AT_CONTENT = 24,
	AT_PACKET = 28,
	AT_SCHEMES = 32,
	AT_MAJOR = 35,
	AT_MINOR = 36,
};

#define META_MAGIC 0x75D11D57u

struct meta_packet {
	uint32_t content, total; /* bytes, the header included */
};

static uint32_t get_u32(const uint8_t *p, bool big_endian)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return big_endian == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? __builtin_bswap32(v) : v;
}

static int read_header(const char *path, struct sonde_span bytes, size_t at, bool big_endian,
		       struct meta_packet *ret)
{
	static const char *const schemes[] = { "compression", "encryption", "checksum" };
	const uint8_t *h = bytes.data + at;
	const size_t left = bytes.len - at;

	if (left < HEADER_LEN)
		return sonde_fail(-EBADMSG,
				  "%s: metadata packet at byte %zu: %zu bytes, header has %d", path,
				  at, left, HEADER_LEN);

	uint32_t magic = get_u32(h, big_endian);
	if (magic != META_MAGIC)
		return sonde_fail(-EBADMSG,
				  "%s: metadata packet at byte %zu: magic 0x%08x, not 0x%08x", path,
				  at, magic, META_MAGIC);
	for (size_t i = 0; i < MEM_LEN(schemes); i++) {
		// A checksum may stand there unchecked only where the scheme says none.
		if (h[AT_SCHEMES + i])
			return sonde_fail(
				-EBADMSG,
				"%s: metadata packet at byte %zu: %s scheme %u is not supported",
				path, at, schemes[i], h[AT_SCHEMES + i]);
	}
	if (h[AT_MAJOR] != 1 || h[AT_MINOR] != 8)
		return sonde_fail(-EBADMSG,
				  "%s: metadata packet at byte %zu: version %u.%u, wanted 1.8",
				  path, at, h[AT_MAJOR], h[AT_MINOR]);
	if (memcmp(h + AT_UUID, bytes.data + AT_UUID, 16) != 0)
		return sonde_fail(
			-EBADMSG,
			"%s: metadata packet at byte %zu: uuid is not that of the first packet",
			path, at);

	uint32_t content = get_u32(h + AT_CONTENT, big_endian);
	uint32_t total = get_u32(h + AT_PACKET, big_endian);
	if (content % 8 || content / 8 < HEADER_LEN || total % 8 || total < content)
		return sonde_fail(-EBADMSG,
				  "%s: metadata packet at byte %zu: content of %u bits in %u bits",
				  path, at, content, total);
	// The padding of the last packet may be cut off.
	if (content / 8 > left)
		return sonde_fail(
			-EBADMSG,
			"%s: metadata packet at byte %zu: content of %u bytes, %zu are left", path,
			at, content / 8, left);
	ret->content = content / 8;
	ret->total = total / 8 > left ? (uint32_t)left : total / 8;
	return 0;
}

static int unpack(const char *path, struct sonde_span bytes, bool big_endian, struct arena *arena,
		  struct tsdl_text *ret)
{
	char *text = arena_alloc(arena, bytes.len);
	uint32_t len = 0;
	struct meta_packet p = { 0 };

	if (!text)
		return -ENOMEM;
	for (size_t at = 0; at < bytes.len; at += p.total) {
		int r = read_header(path, bytes, at, big_endian, &p);
		if (r < 0)
			return r;
		memcpy(text + len, bytes.data + at + HEADER_LEN, p.content - HEADER_LEN);
		len += p.content - HEADER_LEN;
	}
	*ret = (struct tsdl_text){ .path = path, .s = text, .len = len };
	return 0;
}

/** Plain text may begin with a comment that tells the version. */
static int check_signature(const struct tsdl_text *t)
{
	static const char begin[] = "/* CTF ";
	const size_t len = sizeof(begin) - 1;

	if (t->len < len || memcmp(t->s, begin, len) != 0)
		return 0;
	if (t->len >= len + 4 && !memcmp(t->s + len, "1.8", 3) &&
	    !(t->s[len + 3] >= '0' && t->s[len + 3] <= '9'))
		return 0;
	return tsdl_error(t, (uint32_t)len, "not of version 1.8");
}

int tsdl_text_open(const char *path, struct sonde_span bytes, struct arena *arena,
		   struct tsdl_text *ret)
{
	if (bytes.len > TSDL_TEXT_MAX)
		return sonde_fail(-EBADMSG, "%s: %zu bytes of metadata, most are %zu", path,
				  bytes.len, TSDL_TEXT_MAX);
	if (bytes.len >= 4) {
		if (get_u32(bytes.data, false) == META_MAGIC)
			return unpack(path, bytes, false, arena, ret);
		if (get_u32(bytes.data, true) == META_MAGIC)
			return unpack(path, bytes, true, arena, ret);
	}
	*ret = (struct tsdl_text){ path, (const char *)bytes.data, (uint32_t)bytes.len };
	return check_signature(ret);
}

/** One source line: its bytes, its number, and where in it a position is. */
struct line {
	uint32_t begin, end;
	uint32_t number;
	uint32_t column; /* in characters, from 1 */
};

static bool continues_char(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static struct line find_line(const struct tsdl_text *t, uint32_t pos)
{
	struct line l = { 0, 0, 1, 1 };

	for (uint32_t i = 0; i < pos; i++) {
		if (t->s[i] == '\n') {
			l.number++;
			l.begin = i + 1;
		}
	}
	for (uint32_t i = l.begin; i < pos; i++)
		l.column += !continues_char(t->s[i]);
	l.end = pos;
	while (l.end < t->len && t->s[l.end] != '\n' && t->s[l.end] != '\r')
		l.end++;
	return l;
}

/** Adds the line, cut to what is near @pos, and the caret. */
static void quote_line(struct strbuf *b, const struct tsdl_text *t, struct line l, uint32_t pos)
{
	enum { BEFORE = 60, AFTER = 35 };

	if (pos - l.begin > BEFORE)
		l.begin = pos - BEFORE;
	if (l.end > pos && l.end - pos > AFTER)
		l.end = pos + AFTER;
	while (l.begin < pos && continues_char(t->s[l.begin]))
		l.begin++;

	strbuf_str(b, "\n    ");
	for (uint32_t i = l.begin; i < l.end; i++) {
		const char c = t->s[i];

		strbuf_add(b, (unsigned char)c < ' ' && c != '\t' ? "?" : &t->s[i], 1);
	}
	strbuf_str(b, "\n    ");
	for (uint32_t i = l.begin; i < pos; i++) {
		if (!continues_char(t->s[i]))
			strbuf_str(b, t->s[i] == '\t' ? "\t" : " ");
	}
	strbuf_str(b, "^");
}

#undef tsdl_error
int tsdl_error(const struct tsdl_text *t, uint32_t pos, const char *fmt, ...)
{
	char words[1024];
	struct strbuf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap); /* cut where too long */
	va_end(ap);

	if (pos > t->len)
		pos = t->len;
	struct line l = find_line(t, pos);
	quote_line(&b, t, l, pos);
	int r = sonde_fail(-EBADMSG, "%s:%u:%u: %s%s", t->path, l.number, l.column, words,
			   strbuf_text(&b));
	strbuf_fini(&b);
	return r;
}
