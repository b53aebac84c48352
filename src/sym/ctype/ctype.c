/* SPDX-License-Identifier: MIT */
/** Types themselves: their members, and how C writes them. */
#include "sym/ctype.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/near.h"
#include "base/strbuf.h"
#include "sym/ctype/db.h"

/* Nameless members inside of each other, and how many members a search looks at: types from outside
 * may contain themselves. */
enum { NESTED_MOST = 16, LOOKED_MOST = 1 << 20 };

static void fill(const struct ctype *t)
{
	// The type belongs to its database, which lends it as const.
	if (!t->done && t->db && // else it has none
	    t->db->ops->fill(t->db, (struct ctype *)(uintptr_t)t) == -ENOMEM)
		t->db->ran_out = true;
}

const struct ctype *ctype_elem(const struct ctype *t)
{
	fill(t);
	return t->elem ? t->elem : &ctype_void;
}

const struct cmember *ctype_members(const struct ctype *t, size_t *ret_n)
{
	fill(t);
	*ret_n = t->n_members;
	return t->members;
}

static bool is_inside(const struct cmember *m)
{
	return !*m->name && (m->type->kind == CT_STRUCT || m->type->kind == CT_UNION);
}

/* A walk over members, those of nameless structs and unions included. */
struct search {
	const char *name;
	unsigned left; /* members that may still be looked at */
	unsigned best; /* distance of @near */
	const char *near;
	struct cmember found;
};

static bool search(struct search *s, const struct ctype *t, uint64_t bit_off, unsigned depth)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	for (size_t i = 0; i < n && s->left; i++) {
		s->left--;
		if (!strcmp(m[i].name, s->name)) {
			s->found = m[i];
			s->found.bit_off += bit_off;
			return true;
		}
		unsigned d = s->near ? near_distance(s->name, m[i].name) : NEAR_NOT;
		if (d < s->best && *m[i].name) {
			s->best = d;
			s->near = m[i].name;
		}
		if (is_inside(&m[i]) && depth &&
		    search(s, m[i].type, bit_off + m[i].bit_off, depth - 1))
			return true;
	}
	return false;
}

static bool has_members(const struct ctype *t)
{
	return t->kind == CT_STRUCT || t->kind == CT_UNION || t->kind == CT_FUNC ||
	       t->kind == CT_ENUM;
}

bool ctype_member(const struct ctype *t, const char *name, struct cmember *ret)
{
	struct search s = { .name = name, .left = LOOKED_MOST };

	if (!*name || !has_members(t) || !search(&s, t, 0, NESTED_MOST))
		return false;
	*ret = s.found;
	return true;
}

const char *ctype_member_near(const struct ctype *t, const char *name)
{
	struct search s = { .name = name, .left = LOOKED_MOST, .best = NEAR_NOT, .near = "" };

	if (!*name || !has_members(t))
		return NULL;
	if (search(&s, t, 0, NESTED_MOST))
		return s.found.name;
	return *s.near ? s.near : NULL;
}

struct ctype *ctype_new(struct arena *a, enum ctype_kind kind, const char *name, uint64_t size)
{
	struct ctype *t = arena_new(a, struct ctype);

	if (!t)
		return NULL;
	t->kind = kind;
	t->name = arena_strndup(a, name, strlen(name));
	t->size = size;
	t->done = true;
	return t->name ? t : NULL;
}

struct ctype *ctype_ptr(struct arena *a, const struct ctype *elem)
{
	struct ctype *t = ctype_new(a, CT_PTR, "", 8);

	if (t)
		t->elem = elem;
	return t;
}

struct ctype *ctype_array(struct arena *a, const struct ctype *elem, uint64_t n)
{
	struct ctype *t = ctype_new(a, CT_ARRAY, "", 0);

	if (!t)
		return NULL;
	t->elem = elem;
	t->n = n;
	// Too large for any memory: then a size that nobody takes for a real one.
	if (__builtin_mul_overflow(n, elem->size, &t->size))
		t->size = UINT64_MAX;
	return t;
}

static void print_at(const struct ctype *t, struct strbuf *ret, unsigned depth);

static void print_params(const struct ctype *t, struct strbuf *ret, unsigned depth)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	strbuf_str(ret, "(");
	for (size_t i = 0; i < n && depth; i++) {
		strbuf_str(ret, i ? ", " : "");
		print_at(m[i].type, ret, depth - 1);
	}
	strbuf_str(ret, n && depth ? ")" : n ? "...)" : "void)");
}

/* What stands before a declared name: from the inside out, as C wants it. */
static void print_head(const struct ctype *t, struct strbuf *ret, unsigned depth)
{
	static const char *const words[] = {
		[CT_STRUCT] = "struct ",
		[CT_UNION] = "union ",
		[CT_ENUM] = "enum ",
	};

	if (t->kind == CT_PTR && depth) {
		const struct ctype *to = ctype_elem(t);
		bool wrapped = to->kind == CT_ARRAY || to->kind == CT_FUNC;

		print_head(to, ret, depth - 1);
		strbuf_str(ret, wrapped ? " (*" : to->kind == CT_PTR ? "*" : " *");
	} else if ((t->kind == CT_ARRAY || t->kind == CT_FUNC) && depth) {
		print_head(ctype_elem(t), ret, depth - 1);
	} else if (t->kind == CT_VOID) {
		strbuf_str(ret, "void");
	} else {
		strbuf_str(ret, t->kind < MEM_LEN(words) && words[t->kind] ? words[t->kind] : "");
		strbuf_str(ret, *t->name ? t->name : "{...}");
	}
}

/* What stands behind it. */
static void print_tail(const struct ctype *t, struct strbuf *ret, unsigned depth)
{
	if (!depth)
		return;
	if (t->kind == CT_PTR) {
		const struct ctype *to = ctype_elem(t);

		if (to->kind == CT_ARRAY || to->kind == CT_FUNC)
			strbuf_str(ret, ")");
		print_tail(to, ret, depth - 1);
	} else if (t->kind == CT_ARRAY) {
		if (t->n)
			strbuf_fmt(ret, "[%llu]", (unsigned long long)t->n);
		else
			strbuf_str(ret, "[]");
		print_tail(ctype_elem(t), ret, depth - 1);
	} else if (t->kind == CT_FUNC) {
		print_params(t, ret, depth / 4);
		print_tail(ctype_elem(t), ret, depth - 1);
	}
}

static void print_at(const struct ctype *t, struct strbuf *ret, unsigned depth)
{
	print_head(t, ret, depth);
	print_tail(t, ret, depth);
}

void ctype_print(const struct ctype *t, struct strbuf *ret)
{
	print_at(t, ret, NESTED_MOST);
}

void ctype_declare(const struct ctype *t, const char *name, struct strbuf *ret)
{
	const struct ctype *to = t;

	print_head(t, ret, NESTED_MOST);
	for (unsigned i = 0; to->kind == CT_ARRAY && i < NESTED_MOST; i++)
		to = ctype_elem(to);
	if (*name && to->kind != CT_PTR)
		strbuf_str(ret, " ");
	strbuf_str(ret, name);
	print_tail(t, ret, NESTED_MOST);
}
