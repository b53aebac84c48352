/* SPDX-License-Identifier: MIT */
/** Raw values of C types: "{ .a = 1, .b = [1,2] }". */
#include <string.h>

#include "base/fmt.h"
#include "lang/out/printer.h"
#include "lang/out/quote.h"
#include "lang/out/value.h"

static void c_value_in(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		       size_t len, struct strbuf *ret);

const char *c_value_enumerator(const struct ctype *c, int64_t v)
{
	size_t n;
	const struct cmember *m = ctype_members(c, &n);

	for (size_t i = 0; i < n; i++)
		if (m[i].value == v)
			return m[i].name;
	return NULL;
}

static void add_float(const uint8_t *bytes, size_t len, struct strbuf *ret)
{
	char text[FMT_MOST + 1];
	double d = 0;
	float f;

	if (len == sizeof(d)) {
		memcpy(&d, bytes, sizeof(d));
	} else if (len == sizeof(f)) {
		memcpy(&f, bytes, sizeof(f));
		d = (double)f;
	}
	// JSON has no infinities.
	strbuf_add(ret, text, (size_t)(fmt_shortest(text, __builtin_isfinite(d) ? d : 0) - text));
}

static void add_number(const struct value_how *how, const struct ctype *c, uint64_t v,
		       struct strbuf *ret)
{
	const uint64_t div = how->div > 1 ? (uint64_t)how->div : 1;

	if (c->is_signed)
		value_add_i64(ret, (int64_t)v / (int64_t)div);
	else
		value_add_u64(ret, v / div);
}

static void add_bits(const struct value_how *how, const struct cmember *m, const uint8_t *bytes,
		     size_t len, struct strbuf *ret)
{
	const unsigned n = m->bit_size < 64 ? m->bit_size : 64;
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++) {
		const uint64_t at = m->bit_off + i;

		if (at / 8 >= len)
			break;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = v << 1 | (bytes[at / 8] >> (7 - at % 8) & 1);
#else
		v |= (uint64_t)(bytes[at / 8] >> at % 8 & 1) << i;
#endif
	}
	if (m->type->is_signed && n && n < 64)
		v = (uint64_t)((int64_t)(v << (64 - n)) >> (64 - n));
	add_number(how, m->type, v, ret);
}

/* Members of @c, those of nameless structs and unions inside of it as if they were its own. */
static void add_members(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
			size_t len, struct strbuf *ret, bool *some)
{
	size_t n;
	const struct cmember *m = ctype_members(c, &n);

	for (size_t i = 0; i < n; i++) {
		const uint64_t off = m[i].bit_off / 8;

		if (off >= len && m[i].type->size)
			continue; // of a definition that is broken
		const size_t in = off < len ? len - (size_t)off : 0;

		if (!*m[i].name) {
			struct value_how deeper = *how;

			deeper.depth++;
			if (deeper.depth <= VALUE_DEPTH_MOST)
				add_members(&deeper, m[i].type, bytes + off, in, ret, some);
			continue;
		}
		if (*some)
			strbuf_add(ret, ", ", 2);
		*some = true;
		strbuf_add(ret, how->json ? "\"" : ".", 1);
		strbuf_str(ret, m[i].name);
		strbuf_str(ret, how->json ? "\": " : " = ");
		if (m[i].bit_size)
			add_bits(how, &m[i], bytes, len, ret);
		else
			c_value_in(how, m[i].type, bytes + off, in, ret);
	}
}

static void add_struct(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		       size_t len, struct strbuf *ret)
{
	bool some = false;

	strbuf_add(ret, "{ ", 2);
	add_members(how, c, bytes, len, ret, &some);
	strbuf_add(ret, " }", 2);
}

static void add_array(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		      size_t len, struct strbuf *ret)
{
	const struct ctype *elem = ctype_elem(c);

	if (elem->is_char) {
		const size_t room = c->n < len ? (size_t)c->n : len;
		const size_t text = room ? strnlen((const char *)bytes, room) : 0;

		if (how->json)
			quote_json(ret, (const char *)bytes, text);
		else
			strbuf_add(ret, bytes, text);
		return;
	}
	strbuf_add(ret, "[", 1);
	for (uint64_t i = 0; elem->size && i < c->n && i < len / elem->size; i++) {
		if (i)
			strbuf_add(ret, ",", 1);
		c_value_in(how, elem, bytes + i * elem->size, (size_t)elem->size, ret);
	}
	strbuf_add(ret, "]", 1);
}

static void c_value_in(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		       size_t len, struct strbuf *ret)
{
	struct value_how in = *how;

	in.depth++;
	if (c->size < len)
		len = (size_t)c->size;
	if (in.depth > VALUE_DEPTH_MOST || len < c->size) {
		strbuf_str(ret, how->json ? "null" : "...");
		return;
	}
	switch (c->kind) {
	case CT_INT:
	case CT_ENUM: add_number(how, c, load_int(bytes, len, c->is_signed), ret); break;
	case CT_FLOAT: add_float(bytes, len, ret); break;
	case CT_PTR:
		strbuf_add(ret, "\"", how->json);
		value_add_hex(ret, load_int(bytes, len, false));
		strbuf_add(ret, "\"", how->json);
		break;
	case CT_ARRAY: add_array(&in, c, bytes, len, ret); break;
	case CT_STRUCT:
	case CT_UNION: add_struct(&in, c, bytes, len, ret); break;
	case CT_VOID:
	case CT_FUNC: strbuf_str(ret, how->json ? "null" : "?"); break;
	}
}

void c_value_add(const struct value_how *how, const struct ctype *c, const uint8_t *bytes,
		 size_t len, struct strbuf *ret)
{
	c_value_in(how, c, bytes, len, ret);
}
