/* SPDX-License-Identifier: MIT */
/** Finds fields by path, and takes numbers out of bytes. */
#include "crash/linux/kfield.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_MOST = 128 };

/* Goes into the array @t by "[N]" as often as there is one at *@at. */
static bool into_array(const char **at, struct cmember *m)
{
	while (**at == '[') {
		char *end;
		uint64_t i = strtoull(*at + 1, &end, 10);

		if (*end != ']' || m->type->kind != CT_ARRAY || (m->type->n && i >= m->type->n))
			return false;
		m->type = ctype_elem(m->type);
		if (i > UINT32_MAX || m->type->size > UINT32_MAX)
			return false;
		m->bit_off += i * m->type->size * 8;
		*at = end + 1;
	}
	return true;
}

/* Follows one path, without alternatives, of @len bytes. */
static bool follow(const struct ctype *t, const char *path, size_t len, struct cmember *ret)
{
	char text[PATH_MOST];
	uint64_t bits = 0;

	if (len >= sizeof(text))
		return false;
	memcpy(text, path, len);
	text[len] = '\0';
	for (char *at = text; at;) {
		char *dot = strchr(at, '.');
		if (dot)
			*dot++ = '\0';
		char *bracket = strchr(at, '[');
		char name[PATH_MOST];
		size_t n = bracket ? (size_t)(bracket - at) : strlen(at);
		const char *index = at + n;

		memcpy(name, at, n);
		name[n] = '\0';
		if ((t->kind != CT_STRUCT && t->kind != CT_UNION) || !ctype_member(t, name, ret) ||
		    !into_array(&index, ret) || *index)
			return false;
		bits += ret->bit_off;
		t = ret->type;
		at = dot;
	}
	ret->bit_off = bits;
	return true;
}

static void fill(const struct cmember *m, struct kfield *ret)
{
	*ret = (struct kfield){ .type = m->type, .off = m->bit_off / 8 };
	if (m->bit_size) {
		ret->bit_off = (uint8_t)(m->bit_off % 8);
		ret->bit_size = (uint8_t)m->bit_size;
		ret->size = (ret->bit_off + m->bit_size + 7) / 8;
	} else {
		ret->size = m->type->size > UINT32_MAX ? UINT32_MAX : (uint32_t)m->type->size;
	}
	ret->is_signed =
		(m->type->kind == CT_INT || m->type->kind == CT_ENUM) && m->type->is_signed;
}

bool kfield_find(struct ctypes *types, const char *type, const char *path, struct kfield *ret)
{
	const struct ctype *t;
	struct cmember m;

	*ret = (struct kfield){ 0 };
	if (!types || ctypes_find(types, type, &t) < 0)
		return false;
	for (const char *at = path; at;) {
		const char *bar = strchr(at, '|');

		if (follow(t, at, bar ? (size_t)(bar - at) : strlen(at), &m)) {
			fill(&m, ret);
			return true;
		}
		at = bar ? bar + 1 : NULL;
	}
	return false;
}

void kfield_find_all(struct ctypes *types, const struct kfield_want *want, size_t n,
		     struct kfield *ret)
{
	for (size_t i = 0; i < n; i++)
		(void)kfield_find(types, want[i].type, want[i].path,
				  &ret[i]); // none is a value too
}

uint64_t kfield_number(const struct kfield *f, const void *bytes)
{
	uint64_t v = 0;
	unsigned n = f->size < 8 ? f->size : 8, bits = f->bit_size ? f->bit_size : n * 8;

	memcpy(&v, bytes, n);
	v >>= f->bit_off;
	if (bits && bits < 64) {
		uint64_t mask = (1ull << bits) - 1;

		v &= mask;
		if (f->is_signed && v >> (bits - 1))
			v |= ~mask;
	}
	return v;
}

uint64_t kfield_sizeof(struct ctypes *types, const char *type)
{
	const struct ctype *t;

	return types && !ctypes_find(types, type, &t) ? t->size : 0;
}
