/* SPDX-License-Identifier: MIT */
/** Goes along types from value to value, and prints them. */
#include "crash/verbs/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

enum {
	NAME_MOST = 128,
	DEPTH_MOST = 8,
	ELEMENTS_MOST = 16,
	TEXT_MOST = 256,
	BYTES_MOST = 1 << 22, /* of text for one value */
	INDENT = 2,
};

int value_type(struct crash_core *c, const char *name, const struct ctype **ret)
{
	char text[NAME_MOST];
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);

	if (len >= sizeof(text))
		return sonde_fail(-ENOENT, "there is no type '%s'", name);
	memcpy(text, name, len);
	text[len] = '\0';
	struct ctypes *types = c->system->types(c, at ? at + 1 : NULL);
	if (!types)
		return sonde_fail(-ENOTSUP, "no types are known of '%s'",
				  at ? at + 1 : "the kernel");
	if (ctypes_find(types, text, ret) < 0)
		return sonde_fail(-ENOENT, "there is no type '%s'", name);
	return 0;
}

/* Reads a pointer, to go on where it points to. */
static int through_pointer(struct crash_core *c, struct value *v)
{
	uint64_t to = 0;

	int r = crash_read_uint(c, v->addr, (unsigned)v->type->size, &to);
	if (r < 0)
		return sonde_fail(r, "0x%" PRIx64 " cannot be read", v->addr);
	*v = (struct value){ .type = ctype_elem(v->type), .addr = to };
	return 0;
}

static int into_member(struct crash_core *c, struct value *v, const char *name)
{
	struct cmember m;

	int r = v->type->kind == CT_PTR ? through_pointer(c, v) : 0;
	if (r < 0)
		return r;
	if ((v->type->kind != CT_STRUCT && v->type->kind != CT_UNION) ||
	    !ctype_member(v->type, name, &m)) {
		const char *near = ctype_member_near(v->type, name);

		return sonde_fail(-ENOENT, "'%s' has no member '%s'%s%s%s", v->type->name, name,
				  near ? "; did you mean '" : "", near ? near : "",
				  near ? "'?" : "");
	}
	*v = (struct value){
		.type = m.type,
		.addr = v->addr + m.bit_off / 8,
		.bit_off = m.bit_size ? (unsigned)(m.bit_off % 8) : 0,
		.bit_size = m.bit_size,
	};
	return 0;
}

static int into_element(struct crash_core *c, struct value *v, uint64_t i)
{
	if (v->type->kind != CT_PTR && v->type->kind != CT_ARRAY)
		return sonde_fail(-ENOENT, "[%" PRIu64 "] of what is no array", i);
	if (v->type->kind == CT_ARRAY && v->type->n && i >= v->type->n)
		return sonde_fail(-ENOENT, "[%" PRIu64 "] of %" PRIu64 " elements", i, v->type->n);
	const struct ctype *elem = ctype_elem(v->type);
	int r = v->type->kind == CT_PTR ? through_pointer(c, v) : 0;
	v->addr += i * elem->size;
	v->type = elem;
	return r;
}

int value_follow(struct crash_core *c, struct value *v, const char *path)
{
	while (*path) {
		char name[NAME_MOST], *end;
		size_t len;
		int r;

		if (*path == '.') {
			path++;
		} else if (path[0] == '-' && path[1] == '>') {
			path += 2;
		} else if (*path == '[') {
			uint64_t i = strtoull(path + 1, &end, 0);

			if (*end != ']' || !isdigit((unsigned char)path[1]))
				return sonde_fail(-ENOENT, "'%s': want [NUMBER]", path);
			r = into_element(c, v, i);
			if (r < 0)
				return r;
			path = end + 1;
			continue;
		}
		for (len = 0; isalnum((unsigned char)path[len]) || path[len] == '_'; len++)
			;
		if (!len || len >= sizeof(name))
			return sonde_fail(-ENOENT, "'%s' is no path of members", path);
		memcpy(name, path, len);
		name[len] = '\0';
		r = into_member(c, v, name);
		if (r < 0)
			return r;
		path += len;
	}
	return 0;
}

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

static void print_number(struct crash_core *c, const struct value *v, struct strbuf *ret)
{
	const struct ctype *t = v->type;
	uint64_t n = 0;
	unsigned size = v->bit_size ? (v->bit_off + v->bit_size + 7) / 8 : (unsigned)t->size;
	unsigned bits = v->bit_size ? v->bit_size : size * 8;

	if (size > 8 || !size || crash_read_uint(c, v->addr, size, &n) < 0) {
		strbuf_str(ret, "?");
		return;
	}
	n >>= v->bit_off;
	if (bits < 64)
		n &= (1ull << bits) - 1;
	if (t->is_signed && bits < 64 && n >> (bits - 1) & 1)
		n |= UINT64_MAX << bits;
	if (t->kind == CT_ENUM)
		print_enum(t, n, ret);
	else if (t->is_bool)
		strbuf_str(ret, n ? "true" : "false");
	else if (t->is_signed)
		strbuf_fmt(ret, "%" PRId64, (int64_t)n);
	else if (n >= 1u << 31)
		strbuf_fmt(ret, "0x%" PRIx64, n);
	else
		strbuf_fmt(ret, "%" PRIu64, n);
}

static void print_pointer(struct crash_core *c, const struct value *v, struct strbuf *ret)
{
	struct crash_symbol s;
	uint64_t to = 0;

	if (crash_read_uint(c, v->addr, (unsigned)v->type->size, &to) < 0) {
		strbuf_str(ret, "?");
		return;
	}
	if (!to) {
		strbuf_str(ret, "NULL");
		return;
	}
	strbuf_fmt(ret, "0x%" PRIx64, to);
	if (c->system->symbol_at(c, to, &s) && to - s.start < 1 << 20) {
		strbuf_fmt(ret, " <%s", s.name);
		if (to != s.start)
			strbuf_fmt(ret, "+0x%" PRIx64, to - s.start);
		strbuf_str(ret, ">");
	}
}

static void print_text(struct crash_core *c, const struct value *v, struct strbuf *ret)
{
	char text[TEXT_MOST];
	size_t cap =
		v->type->n && v->type->n < sizeof(text) ? (size_t)v->type->n + 1 : sizeof(text);

	if (crash_read_text(c, v->addr, text, cap) < 0) {
		strbuf_str(ret, "?");
		return;
	}
	strbuf_str(ret, "\"");
	for (const char *p = text; *p; p++) {
		unsigned char b = (unsigned char)*p;

		if (b < ' ' || b > 126 || b == '"' || b == '\\')
			strbuf_fmt(ret, "\\x%02x", b);
		else
			strbuf_add(ret, p, 1);
	}
	strbuf_str(ret, "\"");
}

static void print_array(struct crash_core *c, const struct value *v, unsigned depth,
			struct strbuf *ret)
{
	const struct ctype *elem = ctype_elem(v->type);

	if (elem->is_char) {
		print_text(c, v, ret);
		return;
	}
	strbuf_str(ret, "{");
	for (uint64_t i = 0; i < v->type->n && i < ELEMENTS_MOST; i++) {
		const struct value e = { .type = elem, .addr = v->addr + i * elem->size };

		strbuf_str(ret, i ? ", " : " ");
		value_print(c, &e, depth + 1, ret);
	}
	if (v->type->n > ELEMENTS_MOST)
		strbuf_fmt(ret, ", ... %" PRIu64 " more", v->type->n - ELEMENTS_MOST);
	strbuf_str(ret, v->type->n ? " }" : "}");
}

static void indent(struct strbuf *ret, unsigned depth)
{
	strbuf_fmt(ret, "\n%*s", (int)(depth * INDENT), "");
}

static void print_struct(struct crash_core *c, const struct value *v, unsigned depth,
			 struct strbuf *ret)
{
	size_t n;
	const struct cmember *m = ctype_members(v->type, &n);

	strbuf_str(ret, "{");
	for (size_t i = 0; i < n && ret->len < BYTES_MOST; i++) {
		const struct value e = {
			.type = m[i].type,
			.addr = v->addr + m[i].bit_off / 8,
			.bit_off = m[i].bit_size ? (unsigned)(m[i].bit_off % 8) : 0,
			.bit_size = m[i].bit_size,
		};

		indent(ret, depth + 1);
		if (*m[i].name)
			strbuf_fmt(ret, ".%s = ", m[i].name);
		value_print(c, &e, depth + 1, ret);
		strbuf_str(ret, ",");
	}
	if (n)
		indent(ret, depth);
	strbuf_str(ret, "}");
}

void value_print(struct crash_core *c, const struct value *v, unsigned depth, struct strbuf *ret)
{
	if (depth > DEPTH_MOST || ret->len > BYTES_MOST) {
		strbuf_str(ret, "...");
		return;
	}
	switch (v->type->kind) {
	case CT_INT:
	case CT_ENUM: print_number(c, v, ret); return;
	case CT_PTR: print_pointer(c, v, ret); return;
	case CT_ARRAY: print_array(c, v, depth, ret); return;
	case CT_STRUCT:
	case CT_UNION: print_struct(c, v, depth, ret); return;
	case CT_VOID:
	case CT_FLOAT:
	case CT_FUNC: strbuf_fmt(ret, "0x%" PRIx64, v->addr); return;
	}
}
