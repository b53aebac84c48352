/* SPDX-License-Identifier: MIT */
/** A value in a dead kernel's memory, and the way to others by fields. */
#include "crash/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"

enum { NAME = 128 };

/** What went wrong, with the type's name in it. */
static int fail_type(const struct ctype *t, const char *path, const char *words)
{
	struct strbuf text = { 0 };

	ctype_print(t, &text);
	int r = sonde_fail(-EINVAL, "'%s': %.*s %s", path, (int)text.len,
			   text.data ? text.data : "", words);
	strbuf_fini(&text);
	return r;
}

int crash_value_number(struct crash_core *c, const struct crash_value *v, uint64_t *ret)
{
	const struct ctype *t = v->type;
	uint64_t bits = v->bit_size ? v->bit_size : t->size * 8, n = 0;
	uint8_t bytes[9] = { 0 };

	if (t->kind != CT_INT && t->kind != CT_ENUM && t->kind != CT_PTR)
		return fail_type(t, "value", "is no number");
	if (!bits || bits > 64 || v->bit_off > 7)
		return fail_type(t, "value", "has an odd size");
	int r = c->system->read(c, v->addr, bytes, (v->bit_off + bits + 7) / 8);
	if (r < 0)
		return crash_fail_read(r, v->addr);
	memcpy(&n, bytes, sizeof(n)); // all systems whose dumps are read are little-endian
	if (v->bit_off)
		n = n >> v->bit_off | (uint64_t)bytes[8] << (64 - v->bit_off);
	if (bits < 64) {
		n &= ((uint64_t)1 << bits) - 1;
		if (t->is_signed && n >> (bits - 1))
			n |= -((uint64_t)1 << bits);
	}
	*ret = n;
	return 0;
}

/* To what the pointer at @v points. */
static int follow(struct crash_core *c, struct crash_value *v, const char *path)
{
	const struct ctype *elem = ctype_elem(v->type);
	uint64_t to = 0;

	if (v->type->is_percpu)
		return fail_type(v->type, path, "is one for each CPU, and is not followed");
	int r = crash_value_number(c, v, &to);
	if (r < 0)
		return sonde_wrap(r, "'%s'", path);
	*v = (struct crash_value){ .type = elem, .addr = to };
	return 0;
}

/* "[3]": of an array, or of what a pointer points to. */
static int take_index(struct crash_core *c, struct crash_value *v, const char *path, const char **p)
{
	char *end;

	errno = 0;
	uint64_t i = strtoull(*p + 1, &end, 0);
	if (errno || *end != ']' || end == *p + 1)
		return sonde_fail(-EINVAL, "'%s': wanted a number and ']' behind '['", path);
	*p = end + 1;

	const struct ctype *elem = ctype_elem(v->type);
	if (v->type->kind == CT_ARRAY && v->type->n && i >= v->type->n)
		return sonde_fail(-EINVAL, "'%s': element %" PRIu64 " of %" PRIu64, path, i,
				  v->type->n);
	if (v->type->kind != CT_ARRAY && v->type->kind != CT_PTR)
		return fail_type(v->type, path, "has no elements");
	if (v->type->kind == CT_PTR) {
		int r = follow(c, v, path);
		if (r < 0)
			return r;
	}
	*v = (struct crash_value){ .type = elem, .addr = v->addr + i * elem->size };
	return 0;
}

static int take_field(struct crash_core *c, struct crash_value *v, const char *path, const char **p)
{
	size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	char name[NAME];
	struct cmember m;

	if (!n || n >= sizeof(name))
		return sonde_fail(-EINVAL, "'%s': wanted a field's name at '%s'", path, *p);
	memcpy(name, *p, n);
	name[n] = '\0';
	*p += n;
	if (v->type->kind == CT_PTR) {
		int r = follow(c, v, path);
		if (r < 0)
			return r;
	}
	if (v->type->kind != CT_STRUCT && v->type->kind != CT_UNION)
		return fail_type(v->type, path, "has no fields");
	if (!ctype_member(v->type, name, &m)) {
		const char *near = ctype_member_near(v->type, name);

		return sonde_fail(-EINVAL, "'%s': '%s' has no field '%s'%s%s%s", path,
				  v->type->name, name, near ? "; did you mean '" : "",
				  near ? near : "", near ? "'?" : "");
	}
	*v = (struct crash_value){ .type = m.type,
				   .addr = v->addr + m.bit_off / 8,
				   .bit_off = m.bit_size ? (uint32_t)(m.bit_off % 8) : 0,
				   .bit_size = m.bit_size };
	return 0;
}

int crash_value_walk(struct crash_core *c, const struct crash_value *from, const char *path,
		     struct crash_value *ret)
{
	struct crash_value v = *from;
	const char *p = path;

	while (*p) {
		bool is_first = p == path;
		int r;

		if (*p == '[') {
			r = take_index(c, &v, path, &p);
		} else {
			if (*p == '.' && !is_first)
				p++;
			else if (p[0] == '-' && p[1] == '>' && !is_first)
				p += 2;
			else if (!is_first)
				return sonde_fail(-EINVAL, "'%s': wanted '.', '->' or '[' at '%s'",
						  path, p);
			r = take_field(c, &v, path, &p);
		}
		if (r < 0)
			return r;
	}
	*ret = v;
	return 0;
}
