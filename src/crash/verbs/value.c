/* SPDX-License-Identifier: MIT */
/** Prints values: numbers, text, pointers and what they are called, structs over lines. */
#include "crash/verbs/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
	DEPTH_MOST = 8,
	ELEMENTS_MOST = 16,
	TEXT_MOST = 256,
	NAMED_MOST = 1 << 20, /* how far behind a symbol's begin an address still has its name */
	BYTES_MOST = 1 << 22, /* of text for one value */
	INDENT = 2,
};

struct printing {
	struct crash_core *core;
	const struct value_style *style;
	struct strbuf *ret;
};

static void print(const struct printing *p, const struct crash_value *v, unsigned depth);

static void print_enum(const struct ctype *t, uint64_t v, struct strbuf *ret)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	for (size_t i = 0; i < n; i++) {
		if ((uint64_t)m[i].value == v) {
			strbuf_str(ret, m[i].name);
			return;
		}
	}
	strbuf_fmt(ret, "%" PRId64, (int64_t)v);
}

/* What is longer than any number of C's own. */
static void print_bytes(const struct printing *p, const struct crash_value *v)
{
	uint8_t bytes[16];
	const size_t n = v->type->size;

	if (v->bit_size || !n || n > sizeof(bytes) ||
	    p->core->system->read(p->core, v->addr, bytes, n) < 0) {
		strbuf_str(p->ret, "?");
		return;
	}
	strbuf_str(p->ret, "0x");
	for (size_t i = n; i--;)
		strbuf_fmt(p->ret, "%02x", bytes[i]);
}

static void print_number(const struct printing *p, const struct crash_value *v)
{
	const struct ctype *t = v->type;
	uint64_t n = 0;

	if (t->size > 8 || t->kind == CT_FLOAT) {
		print_bytes(p, v);
		return;
	}
	if (crash_value_number(p->core, v, &n) < 0)
		strbuf_str(p->ret, "?");
	else if (t->kind == CT_ENUM)
		print_enum(t, n, p->ret);
	else if (t->is_bool)
		strbuf_str(p->ret, n ? "true" : "false");
	else if (p->style->hex || (!t->is_signed && n >= 1u << 31))
		strbuf_fmt(p->ret, "0x%" PRIx64,
			   t->size < 8 ? n & (((uint64_t)1 << 8 * t->size) - 1) : n);
	else if (t->is_signed)
		strbuf_fmt(p->ret, "%" PRId64, (int64_t)n);
	else
		strbuf_fmt(p->ret, "%" PRIu64, n);
}

static bool is_letter(const struct ctype *t)
{
	return t->kind == CT_INT && t->size == 1 && !t->is_bool;
}

static void quote(const char *text, bool is_cut, struct strbuf *ret)
{
	strbuf_str(ret, "\"");
	for (const char *p = text; *p; p++) {
		const unsigned char b = (unsigned char)*p;

		if (b == '\n' || b == '\t')
			strbuf_str(ret, b == '\n' ? "\\n" : "\\t");
		else if (b < ' ' || b > 126 || b == '"' || b == '\\')
			strbuf_fmt(ret, "\\x%02x", b);
		else
			strbuf_add(ret, p, 1);
	}
	strbuf_str(ret, is_cut ? "\"..." : "\"");
}

/*
 * The text at @at, of at most @n bytes (0: it ends somewhere), behind @before. Of bytes that may be
 * numbers as well only what looks like a text is one. False: there is none, and nothing was added.
 */
static bool print_text(const struct printing *p, uint64_t at, uint64_t n, bool is_char,
		       const char *before)
{
	char text[TEXT_MOST];
	const size_t cap = n && n < sizeof(text) ? (size_t)n + 1 : sizeof(text);
	const int len = crash_read_text(p->core, at, text, cap);
	size_t good = 0;

	if (len < 0)
		return false;
	while (isprint((unsigned char)text[good]))
		good++;
	if (!is_char && (good < 2 || text[good]))
		return false;
	strbuf_str(p->ret, before);
	quote(text, (size_t)len + 1 == sizeof(text), p->ret);
	return true;
}

/* Letters between two symbols are of neither. */
static void print_symbol(const struct printing *p, uint64_t at, bool of_letters)
{
	struct crash_symbol s;

	if (!p->core->system->symbol_at(p->core, at, &s) || at - s.start >= NAMED_MOST ||
	    (of_letters && at != s.start))
		return;
	strbuf_fmt(p->ret, " <%s", s.name);
	if (at != s.start)
		strbuf_fmt(p->ret, "+0x%" PRIx64, at - s.start);
	if (s.module)
		strbuf_fmt(p->ret, " [%s]", s.module);
	strbuf_str(p->ret, ">");
}

static void print_pointer(const struct printing *p, const struct crash_value *v)
{
	const struct ctype *to = ctype_elem(v->type);
	uint64_t at = 0;

	if (crash_value_number(p->core, v, &at) < 0) {
		strbuf_str(p->ret, "?");
		return;
	}
	if (!at) {
		strbuf_str(p->ret, "NULL");
		return;
	}
	const uint64_t n = to->kind == CT_ARRAY ? to->n : 0;
	if (to->kind == CT_ARRAY)
		to = ctype_elem(to);
	strbuf_fmt(p->ret, "0x%" PRIx64, at);
	print_symbol(p, at, is_letter(to));
	// Text of a program is not in the kernel's memory.
	if (is_letter(to) && !v->type->is_user)
		(void)print_text(p, at, n, to->is_char, " "); // else the address is all
}

static void print_array(const struct printing *p, const struct crash_value *v, unsigned depth)
{
	const struct ctype *elem = ctype_elem(v->type);
	const uint64_t most = p->style->elements ? p->style->elements : ELEMENTS_MOST;
	uint64_t i = 0;

	if (is_letter(elem) && print_text(p, v->addr, v->type->n, elem->is_char, ""))
		return;
	if (elem->is_char) {
		strbuf_str(p->ret, "?");
		return;
	}
	strbuf_str(p->ret, "{");
	for (; i < v->type->n && i < most && p->ret->len < BYTES_MOST; i++) {
		const struct crash_value e = { .type = elem, .addr = v->addr + i * elem->size };

		strbuf_str(p->ret, i ? ", " : " ");
		print(p, &e, depth + 1);
	}
	if (i < v->type->n)
		strbuf_fmt(p->ret, ", ... %" PRIu64 " more", v->type->n - i);
	strbuf_str(p->ret, v->type->n ? " }" : "}");
}

static void indent(struct strbuf *ret, unsigned depth)
{
	strbuf_fmt(ret, "\n%*s", (int)(depth * INDENT), "");
}

static void print_struct(const struct printing *p, const struct crash_value *v, unsigned depth)
{
	size_t n;
	const struct cmember *m = ctype_members(v->type, &n);

	strbuf_str(p->ret, "{");
	for (size_t i = 0; i < n && p->ret->len < BYTES_MOST; i++) {
		const struct crash_value e = {
			.type = m[i].type,
			.addr = v->addr + m[i].bit_off / 8,
			.bit_off = m[i].bit_size ? (uint32_t)(m[i].bit_off % 8) : 0,
			.bit_size = m[i].bit_size,
		};

		indent(p->ret, depth + 1);
		if (*m[i].name)
			strbuf_fmt(p->ret, ".%s = ", m[i].name);
		print(p, &e, depth + 1);
		strbuf_str(p->ret, ",");
	}
	if (n)
		indent(p->ret, depth);
	strbuf_str(p->ret, "}");
}

static void print(const struct printing *p, const struct crash_value *v, unsigned depth)
{
	if (depth > DEPTH_MOST || p->ret->len > BYTES_MOST) {
		strbuf_str(p->ret, "...");
		return;
	}
	switch (v->type->kind) {
	case CT_INT:
	case CT_FLOAT:
	case CT_ENUM: print_number(p, v); return;
	case CT_PTR: print_pointer(p, v); return;
	case CT_ARRAY: print_array(p, v, depth); return;
	case CT_STRUCT:
	case CT_UNION: print_struct(p, v, depth); return;
	case CT_VOID:
	case CT_FUNC: strbuf_fmt(p->ret, "0x%" PRIx64, v->addr); return;
	}
}

void value_print(struct crash_core *c, const struct crash_value *v, const struct value_style *style,
		 struct strbuf *ret)
{
	const struct printing p = { c, style, ret };
	struct crash_value whole = *v;

	whole.type = crash_type_whole(c, v->type);
	print(&p, &whole, 0);
}
