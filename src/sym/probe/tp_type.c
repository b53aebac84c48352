/* SPDX-License-Identifier: MIT */
/** Reads C types as the kernel's macros print them: words, stars, brackets and annotations. */
#include "sym/probe/tp_type.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

enum { BASE_MOST = 128, STARS_MOST = 8 };

/* A type's text taken apart. */
struct parts {
	char base[BASE_MOST]; /* the words that name it, one blank between */
	size_t base_len;
	unsigned stars;
	bool is_array;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == ':';
}

/* Words that say nothing of how a value lies in memory. */
static bool is_annotation(const char *s, size_t len)
{
	static const char *const words[] = { "const",	 "volatile", "restrict",     "__restrict",
					     "__user",	 "__kernel", "__iomem",	     "__percpu",
					     "__rcu",	 "__force",  "__seg_gs",     "__seg_fs",
					     "register", "noderef",  "__attribute__" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i]) == len && !memcmp(words[i], s, len))
			return true;
	}
	return false;
}

static void add_word(struct parts *p, const char *s, size_t len)
{
	size_t blank = p->base_len > 0;

	if (is_annotation(s, len) || len + blank >= BASE_MOST - p->base_len)
		return;
	if (blank)
		p->base[p->base_len++] = ' ';
	memcpy(p->base + p->base_len, s, len);
	p->base_len += len;
	p->base[p->base_len] = '\0';
}

static struct parts take_apart(const char *s, size_t len)
{
	struct parts p = { .base = "" };
	size_t parens = 0;

	for (size_t i = 0; i < len;) {
		size_t n = 0;

		while (i + n < len && is_word(s[i + n]))
			n++;
		if (n && !parens && !p.stars)
			add_word(&p, s + i, n);
		if (!n && s[i] == '(')
			parens++;
		else if (!n && s[i] == ')' && parens)
			parens--;
		else if (!n && s[i] == '*' && !parens && p.stars < STARS_MOST)
			p.stars++;
		else if (!n && s[i] == '[')
			p.is_array = true;
		i += n ? n : 1;
	}
	return p;
}

/* A number of that many bytes; NULL: there is none. */
static const struct ctype *number(uint32_t len, bool is_signed)
{
	switch (len) {
	case 1: return ctype_basic(is_signed ? "s8" : "u8");
	case 2: return ctype_basic(is_signed ? "s16" : "u16");
	case 4: return ctype_basic(is_signed ? "s32" : "u32");
	case 8: return ctype_basic(is_signed ? "s64" : "u64");
	default: return NULL;
	}
}

/* The type that the words name; NULL: not known. Fails with -ENOMEM alone. */
static int base_type(struct ctypes *db, const struct parts *p, const struct ctype **ret)
{
	*ret = NULL;
	int r = db ? ctypes_find(db, p->base, ret) : -ENOENT;
	if (r < 0)
		*ret = ctype_basic(p->base);
	return r == -ENOMEM ? r : 0;
}

/* What a pointer to something unknown points to: a tag at least has its name. */
static const struct ctype *unknown_pointee(struct arena *arena, const struct parts *p)
{
	bool is_union = !strncmp(p->base, "union ", 6);

	if (!is_union && strncmp(p->base, "struct ", 7) != 0)
		return ctype_basic("void");
	struct ctype *t =
		ctype_new(arena, is_union ? CT_UNION : CT_STRUCT, strchr(p->base, ' ') + 1, 0);
	if (t)
		t->is_forward = true;
	return t;
}

static const struct ctype *pointer(struct arena *arena, const struct parts *p,
				   const struct ctype *base, bool is_user)
{
	const struct ctype *t = base ? base : unknown_pointee(arena, p);

	for (unsigned i = 0; t && i < p->stars; i++) {
		struct ctype *to = ctype_ptr(arena, t);

		if (to)
			to->is_user = is_user;
		t = to;
	}
	return t;
}

static const struct ctype *enumeration(struct arena *arena, const struct parts *p,
				       const struct tp_type_text *t)
{
	struct ctype *e = ctype_new(arena, CT_ENUM, p->base + strlen("enum "), t->len);

	if (e)
		e->is_signed = t->is_signed;
	return e;
}

/*
 * An argument of a system call, for which the kernel tells the size of a register and no sign. What
 * lies above an int is whatever the program left there.
 */
static bool is_signed_arg(const struct ctype *base, const struct tp_type_text *t)
{
	return t->is_user && base && base->kind == CT_INT && base->is_signed && !base->is_bool &&
	       t->len == 8 && base->size <= t->len && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* One value: @base where it is of the size and sign that the kernel tells, else a number. */
static const struct ctype *scalar(struct arena *arena, const struct parts *p,
				  const struct ctype *base, const struct tp_type_text *t)
{
	bool is_enum = !strncmp(p->base, "enum ", 5);
	const struct ctype *n = number(t->len, t->is_signed);

	if (is_signed_arg(base, t))
		return base;
	if (base && base->size == t->len &&
	    (base->kind != CT_INT || base->is_bool || base->is_signed == t->is_signed))
		return base;
	if (!base && is_enum && n)
		return enumeration(arena, p, t);
	return n ? n : ctype_array(arena, ctype_basic("u8"), t->len);
}

static const struct ctype *array(struct arena *arena, const struct ctype *elem,
				 const struct tp_type_text *t)
{
	bool is_scalar = elem && (elem->kind == CT_INT || elem->kind == CT_ENUM ||
				  elem->kind == CT_FLOAT || elem->kind == CT_PTR);

	// Bit masks of CPUs have as many longs as there are CPUs, not those of the struct.
	if (t->is_dynamic)
		return ctype_array(arena, is_scalar ? elem : ctype_basic("unsigned long"), 0);
	if (elem && elem->size && t->len % elem->size == 0)
		return ctype_array(arena, elem, t->len / elem->size);
	return ctype_array(arena, ctype_basic("u8"), t->len);
}

int tp_type_parse(struct arena *arena, struct ctypes *db, const struct tp_type_text *t,
		  const struct ctype **ret)
{
	struct parts p = take_apart(t->text, t->text_len);
	const struct ctype *type = NULL;
	bool is_array = t->is_array || t->is_dynamic || p.is_array;

	int r = base_type(db, &p, &type);
	if (r < 0)
		return r;
	if (p.stars)
		type = pointer(arena, &p, type, t->is_user);
	if (p.stars && !type)
		return -ENOMEM;
	if (is_array)
		type = array(arena, type, t);
	else if (!p.stars || t->len != 8)
		type = scalar(arena, &p, p.stars ? NULL : type, t);
	if (!type)
		return -ENOMEM;
	*ret = type;
	return 0;
}
