/* SPDX-License-Identifier: MIT */
/** One hash table for the names of all scopes; words are compared as pointers. */
#include "ctf/tsdl_scope.h"

#include <errno.h>
#include <string.h>

#include "base/near.h"

struct scope *scope_new(struct names *names, const struct place *parent)
{
	struct scope *s = arena_new(names->scratch, struct scope);

	if (!s)
		return NULL;
	s->id = ++names->n_scopes;
	if (parent) {
		s->parent = parent->scope;
		s->parent_limit = parent->limit;
	}
	return s;
}

static struct named_type **slot_find(const struct names *names, uint32_t scope_id,
				     enum name_kind kind, const char *name)
{
	uint64_t h = ((uint64_t)(uintptr_t)name >> 4) * 0x9e3779b97f4a7c15u;

	h ^= ((uint64_t)scope_id << 3 | (uint64_t)kind) * 0xc2b2ae3d27d4eb4fu;
	h ^= h >> 32;
	for (size_t i = h & (names->cap - 1);; i = (i + 1) & (names->cap - 1)) {
		struct named_type *t = names->slots[i];

		if (!t || (t->name == name && t->kind == kind && t->scope_id == scope_id))
			return &names->slots[i];
	}
}

static int names_grow(struct names *names)
{
	struct names big = *names;

	big.cap = names->cap ? names->cap * 2 : 256;
	big.slots = arena_array(names->scratch, big.cap, sizeof(*big.slots));
	if (!big.slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->cap; i++) {
		struct named_type *t = names->slots[i];

		if (t)
			*slot_find(&big, t->scope_id, t->kind, t->name) = t;
	}
	*names = big;
	return 0;
}

int names_add(struct names *names, const struct named_type *type)
{
	if (names->n * 2 >= names->cap && names_grow(names) < 0)
		return -ENOMEM;

	const uint32_t scope_id = type->place.scope->id;
	struct named_type **slot = slot_find(names, scope_id, type->kind, type->name);
	if (*slot)
		return 0;
	struct named_type *t = arena_new(names->scratch, struct named_type);
	if (!t)
		return -ENOMEM;
	*t = *type;
	t->scope_id = scope_id;
	t->seq = (uint32_t)++names->n;
	// What its own type's names mean is settled here, whatever is declared later.
	t->place.limit = t->seq;
	*slot = t;
	return 1;
}

const struct named_type *names_find(const struct names *names, const struct place *place,
				    enum name_kind kind, const char *name)
{
	uint32_t limit = place->limit;

	if (!names->cap)
		return NULL;
	for (const struct scope *s = place->scope; s; limit = s->parent_limit, s = s->parent) {
		const struct named_type *t = *slot_find(names, s->id, kind, name);

		if (t && t->seq < limit)
			return t;
	}
	return NULL;
}

const char *names_near(const struct names *names, enum name_kind kind, const char *name)
{
	enum { LOOK_MOST = 1 << 14 };
	const char *best = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < names->cap && i < LOOK_MOST; i++) {
		const struct named_type *t = names->slots[i];

		if (!t || t->kind != kind || t->name == name)
			continue;
		unsigned d = near_distance(name, t->name);
		if (d < least || (best && d == least && strcmp(t->name, best) < 0)) {
			best = t->name;
			least = d;
		}
	}
	return best;
}
