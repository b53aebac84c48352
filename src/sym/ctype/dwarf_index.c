/* SPDX-License-Identifier: MIT */
/** Walks the units of DWARF. Entries in namespaces and classes have names "space::name". */
#include "sym/ctype/dwarf_index.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"

/* Namespaces and classes in each other; more are left out. */
enum { DEPTH_MOST = 16, ENTRIES_MOST = 1 << 26 };

struct builder {
	const struct dwarf_file *file;
	struct arena *arena;
	struct dwarf_index *x;
	bool has_scopes;   /* the unit's language has namespaces, and types in classes */
	const char *scope; /* "ns::cls", or NULL */
	unsigned depth;
};

void dwarf_index_fini(struct dwarf_index *x)
{
	free(x->all);
	free(x->slots);
	free(x->enums);
	free(x->codes);
	u64map_fini(&x->wholes);
	free(x->whole_ids);
	*x = (struct dwarf_index){ 0 };
}

static uint32_t hash(unsigned space, const char *s)
{
	uint32_t h = 2166136261u + space * 31;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t *slot_of(const struct dwarf_index *x, unsigned space, const char *name)
{
	size_t at = hash(space, name), mask = x->n_slots - 1;

	for (;; at++) {
		uint32_t *slot = &x->slots[at & mask];

		if (!*slot ||
		    (x->all[*slot - 1].space == space && !strcmp(x->all[*slot - 1].name, name)))
			return slot;
	}
}

const struct dwarf_entry *dwarf_index_find(const struct dwarf_index *x, enum ctypes_space space,
					   const char *name)
{
	uint32_t *slot = x->n_slots ? slot_of(x, space, name) : NULL;

	return slot && *slot ? &x->all[*slot - 1] : NULL;
}

static int grow_slots(struct dwarf_index *x)
{
	size_t n = x->n_slots ? x->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return sonde_fail(-ENOMEM, "names of types: out of memory");
	free(x->slots);
	x->slots = slots;
	x->n_slots = n;
	for (size_t i = 0; i < x->n; i++)
		*slot_of(x, x->all[i].space, x->all[i].name) = (uint32_t)i + 1;
	return 0;
}

static int put(struct dwarf_index *x, struct dwarf_entry e)
{
	if (!*e.name)
		return 0;
	int r = x->n * 2 >= x->n_slots ? grow_slots(x) : 0;
	if (r < 0)
		return r;
	uint32_t *slot = slot_of(x, e.space, e.name);
	if (*slot) {
		if (e.rank < x->all[*slot - 1].rank)
			x->all[*slot - 1] = e;
		return 0;
	}
	if (x->n >= ENTRIES_MOST)
		return 0;
	r = mem_grow(&x->all, &x->cap, x->n + 1);
	if (r < 0)
		return r;
	x->all[x->n++] = e;
	*slot = (uint32_t)x->n;
	return 0;
}

/* "scope::name" in the arena; the name alone where there is no scope. NULL: out of memory. */
static const char *in_scope(const struct builder *b, const char *name)
{
	if (!b->scope || !*name)
		return name;
	size_t scope = strlen(b->scope), len = strlen(name);
	char *text = arena_alloc(b->arena, scope + len + 3);
	if (!text)
		return NULL;
	memcpy(text, b->scope, scope);
	memcpy(text + scope, "::", 2);
	memcpy(text + scope + 2, name, len + 1);
	return text;
}

bool dwarf_index_whole(const struct dwarf_index *x, uint64_t id, uint64_t *ret)
{
	uint32_t at;

	if (!u64map_get(&x->wholes, id, &at))
		return false;
	*ret = x->whole_ids[at];
	return true;
}

static uint8_t rank_of(Dwarf_Die *die)
{
	if (dwarf_die_has(die, DW_AT_signature))
		return 1;
	return dwarf_die_flag(die, DW_AT_declaration) ? 2 : 0;
}

/* Notes what the definition @die completes, if it does. */
static int note_whole(struct builder *b, Dwarf_Die *die)
{
	struct dwarf_index *x = b->x;
	Dwarf_Attribute a;
	Dwarf_Die declared;

	if (!libdw()->dwarf_attr(die, DW_AT_specification, &a) ||
	    !libdw()->dwarf_formref_die(&a, &declared))
		return 0;
	int r = mem_grow(&x->whole_ids, &x->cap_wholes, x->n_wholes + 1);
	if (!r && x->n_wholes < U64MAP_MOST)
		r = u64map_put(&x->wholes, dwarf_die_id(b->file, &declared), (uint32_t)x->n_wholes);
	if (!r)
		x->whole_ids[x->n_wholes++] = dwarf_die_id(b->file, die);
	return r;
}

static int put_die(struct builder *b, Dwarf_Die *die, enum ctypes_space space, const char *name)
{
	struct dwarf_entry e = {
		.name = in_scope(b, name),
		.id = dwarf_die_id(b->file, die),
		.space = (uint8_t)space,
		.rank = rank_of(die),
	};

	int r = e.name ? note_whole(b, die) : -ENOMEM;
	return r ? r : put(b->x, e);
}

static int note_code(struct builder *b, Dwarf_Die *die)
{
	struct dwarf_index *x = b->x;

	if (!dwarf_die_has(die, DW_AT_low_pc) && !dwarf_die_has(die, DW_AT_ranges))
		return 0;
	int r = mem_grow(&x->codes, &x->cap_codes, x->n_codes + 1);
	if (!r)
		x->codes[x->n_codes++] = dwarf_die_id(b->file, die);
	return r;
}

/* Functions are called by their symbols, too. Their own code tells more than a copy's. */
static int put_function(struct builder *b, Dwarf_Die *die)
{
	const char *symbol = dwarf_die_text(b->file, die, DW_AT_linkage_name);
	int r = put_die(b, die, SPACE_FUNC, dwarf_die_name(b->file, die));

	if (!r)
		r = note_code(b, die);
	if (!symbol)
		symbol = dwarf_die_text(b->file, die, DW_AT_MIPS_linkage_name);
	if (r || !symbol)
		return r;
	struct dwarf_entry e = {
		.name = symbol,
		.id = dwarf_die_id(b->file, die),
		.space = SPACE_FUNC,
		.rank = rank_of(die),
	};
	return put(b->x, e);
}

static int note_enum(struct builder *b, Dwarf_Die *die)
{
	struct dwarf_index *x = b->x;
	int r = mem_grow(&x->enums, &x->cap_enums, x->n_enums + 1);

	if (r < 0)
		return r;
	x->enums[x->n_enums++] = dwarf_die_id(b->file, die);
	return put_die(b, die, SPACE_ENUM, dwarf_die_name(b->file, die));
}

static int add_die(void *arg, Dwarf_Die *die);

/* What is declared inside of a namespace or class. */
static int add_inner(struct builder *b, Dwarf_Die *die)
{
	struct builder inner = *b;

	if (!b->has_scopes || b->depth >= DEPTH_MOST)
		return 0;
	inner.depth++;
	if (*dwarf_die_name(b->file, die))
		inner.scope = in_scope(b, dwarf_die_name(b->file, die));
	if (*dwarf_die_name(b->file, die) && !inner.scope)
		return -ENOMEM;
	return dwarf_die_children(die, add_die, &inner);
}

static int add_die(void *arg, Dwarf_Die *die)
{
	struct builder *b = arg;
	int r;

	switch (libdw()->dwarf_tag(die)) {
	case DW_TAG_typedef:
	case DW_TAG_base_type: return put_die(b, die, SPACE_TYPE, dwarf_die_name(b->file, die));
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_interface_type:
		r = put_die(b, die, SPACE_STRUCT, dwarf_die_name(b->file, die));
		break;
	case DW_TAG_union_type:
		r = put_die(b, die, SPACE_UNION, dwarf_die_name(b->file, die));
		break;
	case DW_TAG_namespace: r = 0; break;
	case DW_TAG_enumeration_type: return note_enum(b, die);
	case DW_TAG_subprogram: return put_function(b, die);
	case DW_TAG_variable: return put_die(b, die, SPACE_VAR, dwarf_die_name(b->file, die));
	default: return 0;
	}
	return r ? r : add_inner(b, die);
}

static bool has_scopes(Dwarf_Die *unit)
{
	switch (libdw()->dwarf_srclang(unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11: return false;
	default: return true;
	}
}

static int add_units(struct builder *b)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	int r = 0;

	while (!r && libdw()->dwarf_get_units(b->file->dw, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		b->has_scopes = has_scopes(&unit);
		r = dwarf_die_children(&unit, add_die, b);
	}
	return r;
}

int dwarf_index_make(const struct dwarf_file *file, struct arena *arena, struct dwarf_index *ret)
{
	struct builder b = { .file = file, .arena = arena, .x = ret };

	return add_units(&b);
}
