/* SPDX-License-Identifier: MIT */
/** Which unit of DWARF, and which function of it, an address lies in. */
#ifndef SYM_LINES_UNITS_H
#define SYM_LINES_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/u64map.h"
#include "sym/libdw.h"

struct code_range {
	uint64_t low, high;
	Dwarf_Off die; /* whose code that is: a unit's or a function's */
};

/** Sorted by @low. */
struct code_ranges {
	struct code_range *all; /* owned */
	size_t n, cap;
};

struct units {
	Dwarf *dw; /* borrowed */
	Dwarf_Aranges *aranges;
	bool ranges_made;
	struct code_ranges ranges; /* of units, where .debug_aranges does not tell */
	struct u64map by_unit;	   /* places in @functions */
	struct code_ranges *functions;
	size_t n_functions, cap_functions;
};

/** @dw must outlive it. */
void units_init(struct units *u, Dwarf *dw);
void units_fini(struct units *u);

/** The unit that has the address; false: none has, or out of memory. */
bool units_at(struct units *u, uint64_t addr, Dwarf_Die *ret);
/** The function there that is not inlined itself; the same. */
bool units_function(struct units *u, Dwarf_Die *unit, uint64_t addr, Dwarf_Die *ret);

#endif
