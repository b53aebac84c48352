/* SPDX-License-Identifier: MIT */
/** All numbers of a struct, by the names of its members. */
#include "crash/freebsd/show/show.h"

enum { ELEMENTS_MOST = 1024 };

static bool one(struct bsd_show *s, uint64_t at, const struct ctype *type, uint64_t *ret)
{
	return type->kind == CT_INT && type->size && type->size <= 8 &&
	       crash_read_uint(s->k->core, at, (unsigned)type->size, ret) == 0;
}

/* A member that is a number, or an array of numbers. False: it is not in the dump. */
static bool give(struct bsd_show *s, uint64_t at, const struct cmember *m, bsd_number_fn *f,
		 void *arg)
{
	bool is_array = m->type->kind == CT_ARRAY;
	const struct ctype *elem = is_array ? ctype_elem(m->type) : m->type;
	uint64_t n = is_array ? m->type->n : 1, v;

	if (m->bit_size || m->bit_off % 8 || elem->kind != CT_INT || elem->is_char)
		return true;
	for (uint64_t i = 0; i < n && i < ELEMENTS_MOST; i++) {
		if (!one(s, at + m->bit_off / 8 + i * elem->size, elem, &v))
			return false;
		f(arg, m->name, is_array ? (int)i : -1, v);
	}
	return true;
}

bool bsd_numbers(struct bsd_show *s, const char *type, uint64_t at, bsd_number_fn *f, void *arg)
{
	const struct cmember *members;
	const struct ctype *t;
	size_t n;

	if (ctypes_find(s->types, type, &t) < 0)
		return false;
	members = ctype_members(t, &n);
	for (size_t i = 0; i < n; i++) {
		if (!give(s, at, &members[i], f, arg))
			return false;
	}
	return n != 0;
}
