/* SPDX-License-Identifier: MIT */
/**
 * Open addressing. Types are put in by their numbers, so that of equal names the lower number is
 * found first, as by the search.
 */
#include "sym/ctype/btf_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A search of all of the kernel's types takes a tenth of a millisecond, making a table some 30
 * times that. What most want lies among the first: then no table is ever made.
 */
enum { SEARCHES_MOST = 16 };

/* More types with one name are not found in a table, but by searching. */
enum { SAME_MOST = 1024 };

static const uint32_t class_kinds[BTF_CLASSES] = {
	[BTF_CLASS_TYPE] =
		BTF_KINDS(BTF_KIND_INT) | BTF_KINDS(BTF_KIND_STRUCT) | BTF_KINDS(BTF_KIND_UNION) |
		BTF_KINDS(BTF_KIND_ENUM) | BTF_KINDS(BTF_KIND_FWD) | BTF_KINDS(BTF_KIND_TYPEDEF) |
		BTF_KINDS(BTF_KIND_VAR) | BTF_KINDS(BTF_KIND_FLOAT) | BTF_KINDS(BTF_KIND_ENUM64),
	[BTF_CLASS_FUNC] = BTF_KINDS(BTF_KIND_FUNC),
	[BTF_CLASS_ENUMERATOR] = BTF_KINDS(BTF_KIND_ENUM) | BTF_KINDS(BTF_KIND_ENUM64),
};

void btf_names_fini(struct btf_names *names)
{
	for (int c = 0; c < BTF_CLASSES; c++)
		free(names->classes[c].slots);
	*names = (struct btf_names){ 0 };
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h ^ h >> 15;
}

int64_t btf_enumerator(const struct btf_type *t, uint32_t i, uint32_t *ret_name)
{
	if (btf_kind(t) == BTF_KIND_ENUM64) {
		const struct btf_enum64 *e = (const struct btf_enum64 *)btf_body(t) + i;

		*ret_name = e->name_off;
		return (int64_t)((uint64_t)e->val_hi32 << 32 | e->val_lo32);
	}
	const struct btf_enum *e = (const struct btf_enum *)btf_body(t) + i;
	*ret_name = e->name_off;
	return BTF_INFO_KFLAG(t->info) || e->val >= 0 ? e->val : (int64_t)(uint32_t)e->val;
}

static uint32_t kind_at(struct btf_data *d, uint32_t i)
{
	return d->at[i] >> 27;
}

static const struct btf_type *type_at(struct btf_data *d, uint32_t i)
{
	return btf_data_type(d, d->first + i);
}

/* The names of a type in a class: its own, or those of all its enumerators. */
static uint32_t n_names(enum btf_class c, const struct btf_type *t)
{
	return c == BTF_CLASS_ENUMERATOR ? btf_n(t) : 1;
}

static const char *name_of(struct btf_data *d, enum btf_class c, const struct btf_type *t,
			   uint32_t k)
{
	uint32_t off = t->name_off;

	if (c == BTF_CLASS_ENUMERATOR)
		(void)btf_enumerator(t, k, &off);
	return btf_data_str(d, off);
}

static bool put(uint64_t *slots, uint32_t mask, const char *name, uint32_t i)
{
	uint32_t h = hash(name), at = h;

	while (slots[at & mask] && at - h < SAME_MOST)
		at++;
	if (slots[at & mask])
		return false;
	slots[at & mask] = (uint64_t)h << 32 | (i + 1);
	return true;
}

static bool put_all(struct btf_data *d, enum btf_class c, uint32_t i, uint64_t *slots,
		    uint32_t mask)
{
	const struct btf_type *t = type_at(d, i);

	for (uint32_t k = 0; t && k < n_names(c, t); k++) {
		const char *name = name_of(d, c, t, k);

		if (*name && !put(slots, mask, name, i))
			return false;
	}
	return true;
}

/* Makes the table of a class. Where that cannot be, names are searched as before. */
static void make_table(struct btf_names *names, struct btf_data *d, enum btf_class c)
{
	const uint32_t kinds = class_kinds[c];
	uint64_t n = 0, cap = 16;

	for (uint32_t i = 0; btf_data_has(d, i); i++) {
		const struct btf_type *t = kinds >> kind_at(d, i) & 1 ? type_at(d, i) : NULL;

		n += t ? n_names(c, t) : 0;
	}
	while (cap < n * 2)
		cap *= 2;
	if (cap > UINT32_MAX)
		return;
	uint64_t *slots = calloc(cap, sizeof(*slots));
	for (uint32_t i = 0; slots && i < d->n; i++) {
		if ((kinds >> kind_at(d, i) & 1) && !put_all(d, c, i, slots, (uint32_t)cap - 1)) {
			free(slots);
			slots = NULL;
		}
	}
	names->classes[c].slots = slots;
	names->classes[c].mask = (uint32_t)cap - 1;
}

/* A type that may be wanted: @k of its names is. */
struct wanted {
	struct btf_data *d;
	enum btf_class c;
	uint32_t kinds;
	const char *name;
	bool full;
	uint32_t k;
};

static bool is_wanted(struct wanted *w, uint32_t i)
{
	if (!(w->kinds >> kind_at(w->d, i) & 1))
		return false;
	const struct btf_type *t = type_at(w->d, i);
	if (!t || (w->full && !btf_n(t)))
		return false;
	for (w->k = 0; w->k < n_names(w->c, t); w->k++) {
		if (!strcmp(name_of(w->d, w->c, t, w->k), w->name))
			return true;
	}
	return false;
}

static bool search(struct btf_names *names, struct wanted *w, uint32_t h, uint32_t *ret)
{
	const enum btf_class c = w->c;

	if (!names->classes[c].slots && names->classes[c].looked_at / SEARCHES_MOST > w->d->cap)
		make_table(names, w->d, c);
	const uint64_t *slots = names->classes[c].slots;
	uint32_t i = 0;
	while (!slots && btf_data_has(w->d, i) && !is_wanted(w, i))
		i++;
	names->classes[c].looked_at += i;
	if (!slots && i < w->d->n) {
		*ret = i;
		return true;
	}
	const uint32_t mask = names->classes[c].mask;
	for (uint32_t at = h; slots && slots[at & mask]; at++) {
		uint64_t slot = slots[at & mask];

		if (slot >> 32 == h && is_wanted(w, (uint32_t)slot - 1)) {
			*ret = (uint32_t)slot - 1;
			return true;
		}
	}
	return false;
}

static bool find(struct btf_names *names, struct wanted *w, uint32_t *ret)
{
	if (!*w->name)
		return false;
	const uint32_t h = hash(w->name), kinds = w->kinds | (uint32_t)w->c << NR_BTF_KINDS;
	struct btf_found *f = &names->found[(h ^ kinds) % BTF_FOUND];
	if (f->i && f->hash == h && f->kinds == kinds && f->full == w->full &&
	    is_wanted(w, f->i - 1)) {
		*ret = f->i - 1;
		return true;
	}
	if (!search(names, w, h, ret))
		return false;
	*f = (struct btf_found){ .hash = h, .kinds = kinds, .full = w->full, .i = *ret + 1 };
	return true;
}

uint32_t btf_names_find(struct btf_names *names, struct btf_data *d, uint32_t kinds,
			const char *name, bool full)
{
	bool is_func = kinds & BTF_KINDS(BTF_KIND_FUNC);
	struct wanted w = {
		.d = d,
		.c = is_func ? BTF_CLASS_FUNC : BTF_CLASS_TYPE,
		.kinds = kinds,
		.name = name,
		.full = full,
	};
	uint32_t i;

	return find(names, &w, &i) ? d->first + i : 0;
}

uint32_t btf_names_enumerator(struct btf_names *names, struct btf_data *d, const char *name,
			      int64_t *ret)
{
	struct wanted w = {
		.d = d,
		.c = BTF_CLASS_ENUMERATOR,
		.kinds = class_kinds[BTF_CLASS_ENUMERATOR],
		.name = name,
	};
	uint32_t i, name_off;

	if (!find(names, &w, &i))
		return 0;
	*ret = btf_enumerator(type_at(d, i), w.k, &name_off);
	return d->first + i;
}
