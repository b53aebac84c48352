/* SPDX-License-Identifier: MIT */
/** Ranges of code: .debug_aranges as far as it goes, else what each unit says of itself. */
#include "sym/lines/units.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	RANGES_MOST = 1 << 22, /* of one table */
	NESTED_MOST = 32,      /* namespaces and types that functions stand in */
};

void units_init(struct units *u, Dwarf *dw)
{
	*u = (struct units){ .dw = dw };
	// Not there: units are asked themselves.
	(void)libdw()->dwarf_getaranges(dw, &u->aranges, NULL);
}

void units_fini(struct units *u)
{
	for (size_t i = 0; i < u->n_functions; i++)
		free(u->functions[i].all);
	free(u->functions);
	free(u->ranges.all);
	u64map_fini(&u->by_unit);
	*u = (struct units){ .dw = NULL };
}

static bool add_ranges(struct code_ranges *t, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while (t->n < RANGES_MOST &&
	       (at = libdw()->dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		// What was thrown away by the linker begins at 0.
		if (!low || low >= high)
			continue;
		if (mem_grow(&t->all, &t->cap, t->n + 1) < 0)
			return false;
		t->all[t->n++] = (struct code_range){ low, high, libdw()->dwarf_dieoffset(die) };
	}
	return true;
}

static int by_low(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void settle(struct code_ranges *t)
{
	if (t->n)
		qsort(t->all, t->n, sizeof(*t->all), by_low);
}

static const struct code_range *find(const struct code_ranges *t, uint64_t addr)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->all[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr < t->all[low - 1].high ? &t->all[low - 1] : NULL;
}

static bool make_ranges(struct units *u)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	if (u->ranges_made)
		return true;
	u->ranges_made = true;
	while (libdw()->dwarf_get_units(u->dw, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (!add_ranges(&u->ranges, &die))
			return false;
	}
	settle(&u->ranges);
	return true;
}

bool units_at(struct units *u, uint64_t addr, Dwarf_Die *ret)
{
	Dwarf_Arange *a = u->aranges ? libdw()->dwarf_getarange_addr(u->aranges, addr) : NULL;
	Dwarf_Off off;

	if (a && libdw()->dwarf_getarangeinfo(a, NULL, NULL, &off) == 0 &&
	    libdw()->dwarf_offdie(u->dw, off, ret))
		return true;
	const struct code_range *r = make_ranges(u) ? find(&u->ranges, addr) : NULL;
	return r && libdw()->dwarf_offdie(u->dw, r->die, ret);
}

/* Functions of C stand at the top of a unit; those of C++ and Rust also inside of others. */
static bool holds_functions(Dwarf_Die *unit, int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module: return true;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type: {
		int language = libdw()->dwarf_srclang(unit);

		return language != DW_LANG_C89 && language != DW_LANG_C99 &&
		       language != DW_LANG_C11 && language != DW_LANG_C;
	}
	default: return false;
	}
}

static bool add_functions(struct code_ranges *t, Dwarf_Die *unit, Dwarf_Die *of, unsigned depth)
{
	Dwarf_Die child;

	if (!depth || libdw()->dwarf_child(of, &child) != 0)
		return true;
	do {
		int tag = libdw()->dwarf_tag(&child);

		if (tag == DW_TAG_subprogram ? !add_ranges(t, &child)
					     : holds_functions(unit, tag) &&
						       !add_functions(t, unit, &child, depth - 1))
			return false;
	} while (libdw()->dwarf_siblingof(&child, &child) == 0);
	return true;
}

/* Made when the first address of the unit is asked for. NULL: out of memory. */
static const struct code_ranges *functions_of(struct units *u, Dwarf_Die *unit)
{
	uint64_t off = libdw()->dwarf_dieoffset(unit);
	uint32_t at;

	if (u64map_get(&u->by_unit, off, &at))
		return &u->functions[at];
	if (mem_grow(&u->functions, &u->cap_functions, u->n_functions + 1) < 0 ||
	    u64map_put(&u->by_unit, off, (uint32_t)u->n_functions) < 0)
		return NULL;
	struct code_ranges *t = &u->functions[u->n_functions++];
	*t = (struct code_ranges){ .n = 0 };
	// What could be had is used, also where memory ended.
	(void)add_functions(t, unit, unit, NESTED_MOST);
	settle(t);
	return t;
}

bool units_function(struct units *u, Dwarf_Die *unit, uint64_t addr, Dwarf_Die *ret)
{
	const struct code_ranges *t = functions_of(u, unit);
	const struct code_range *r = t ? find(t, addr) : NULL;

	return r && libdw()->dwarf_offdie(u->dw, r->die, ret);
}
