/* SPDX-License-Identifier: MIT */
/** A value in a dead kernel's memory, and the way to others by fields. */
#include "crash/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"

enum { NAME = 128 };

int crash_type_find(struct crash_core *c, const char *name, const struct ctype **ret)
{
	char text[NAME];
	const char *at = strchr(name, '@');
	const size_t len = at ? (size_t)(at - name) : strlen(name);

	if (len >= sizeof(text))
		return sonde_fail(-ENOENT, "there is no type '%s'", name);
	memcpy(text, name, len);
	text[len] = '\0';
	struct ctypes *types =
		at && c->system->types ? c->system->types(c, at + 1) : crash_types(c);
	if (!types)
		return sonde_fail(-ENOTSUP, "no types are known of '%s'",
				  at ? at + 1 : "the kernel");
	int r = ctypes_find(types, text, ret);
	return r == -ENOMEM ? r : r < 0 ? sonde_fail(-ENOENT, "there is no type '%s'", name) : 0;
}

const struct ctype *crash_type_whole(struct crash_core *c, const struct ctype *t)
{
	const struct ctype *whole = NULL;
	struct ctypes *types = t->is_forward ? crash_types(c) : NULL;
	char name[NAME + 8];

	if (!types || !*t->name || strlen(t->name) >= NAME)
		return t;
	(void)snprintf(name, sizeof(name), "%s %s", t->kind == CT_UNION ? "union" : "struct",
		       t->name);
	return ctypes_find(types, name, &whole) == 0 ? whole : t;
}

/* What went wrong, with the type's name in it. */
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
	if (errno || *end != ']' || end == *p + 1 || !isdigit((unsigned char)(*p)[1]))
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

bool crash_value_member(struct crash_value *v, const char *name)
{
	struct cmember m;

	if ((v->type->kind != CT_STRUCT && v->type->kind != CT_UNION) ||
	    !ctype_member(v->type, name, &m))
		return false;
	*v = (struct crash_value){ .type = m.type,
				   .addr = v->addr + m.bit_off / 8,
				   .bit_off = m.bit_size ? (uint32_t)(m.bit_off % 8) : 0,
				   .bit_size = m.bit_size };
	return true;
}

static int take_field(struct crash_core *c, struct crash_value *v, const char *path, const char **p)
{
	size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	char name[NAME];

	if (!n || n >= sizeof(name))
		return sonde_fail(-EINVAL, "'%s': wanted a field's name at '%s'", path, *p);
	memcpy(name, *p, n);
	name[n] = '\0';
	*p += n;
	int r = v->type->kind == CT_PTR ? follow(c, v, path) : 0;
	if (r < 0)
		return r;
	v->type = crash_type_whole(c, v->type);
	if (v->type->kind != CT_STRUCT && v->type->kind != CT_UNION)
		return fail_type(v->type, path, "has no fields");
	if (v->type->is_forward)
		return fail_type(v->type, path, "is only declared: its fields are not known");
	if (crash_value_member(v, name))
		return 0;
	const char *near = ctype_member_near(v->type, name);
	return sonde_fail(-EINVAL, "'%s': '%s' has no field '%s'%s%s%s", path, v->type->name, name,
			  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
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
			if (*p == '.')
				p++;
			else if (p[0] == '-' && p[1] == '>')
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
