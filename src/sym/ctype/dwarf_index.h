/* SPDX-License-Identifier: MIT */
/** What DWARF describes by name: one pass over what stands at the top of all units. */
#ifndef SYM_CTYPE_DWARF_INDEX_H
#define SYM_CTYPE_DWARF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "base/u64map.h"
#include "sym/ctype/db.h"
#include "sym/ctype/dwarf_die.h"

/** A name, once in each space; of several entries the one that tells most. */
struct dwarf_entry {
	const char *name; /* lent by the file or by the arena */
	uint64_t id;
	uint8_t space; /* enum ctypes_space */
	uint8_t rank;  /* 0: tells all; 1: says where all is; 2: a declaration */
};

struct dwarf_index {
	struct dwarf_entry *all; /* owned */
	size_t n, cap;
	uint32_t *slots; /* owned; a hash table of index + 1 */
	size_t n_slots;
	struct u64map wholes; /* what declarations became: places in @whole_ids */
	uint64_t *whole_ids;  /* owned */
	size_t n_wholes, cap_wholes;
	uint64_t *codes; /* owned: functions with code */
	size_t n_codes, cap_codes;
	uint64_t *enums; /* owned; also those without a name */
	size_t n_enums, cap_enums;
};

/** Fills the empty @ret, which is to be finished even on failure. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int dwarf_index_make(const struct dwarf_file *file, struct arena *arena,
				      struct dwarf_index *ret);
void dwarf_index_fini(struct dwarf_index *x);

/** The definition that completes the declaration @id elsewhere; false: there is none. */
bool dwarf_index_whole(const struct dwarf_index *x, uint64_t id, uint64_t *ret);

/** NULL: there is none. */
const struct dwarf_entry *dwarf_index_find(const struct dwarf_index *x, enum ctypes_space space,
					   const char *name);

#endif
