/* SPDX-License-Identifier: MIT */
/** ORC: x86-64 kernels' own tables of how to find a function's caller. */
#ifndef CRASH_LINUX_ORC_H
#define CRASH_LINUX_ORC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/linux/kfield.h"
#include "crash/space/space.h"

enum orc_reg {
	ORC_UNDEFINED,
	ORC_PREV_SP,
	ORC_DX,
	ORC_DI,
	ORC_BP,
	ORC_SP,
	ORC_R10,
	ORC_R13,
	ORC_BP_INDIRECT,
	ORC_SP_INDIRECT,
};

enum orc_kind { ORC_NONE, ORC_END, ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL };

struct orc_entry {
	enum orc_kind kind;
	enum orc_reg sp_reg, bp_reg;
	int16_t sp_off, bp_off;
};

/** A sorted table for the code [lo, hi). */
struct orc_table {
	uint64_t lo, hi;
	uint64_t ips, entries; /* where the two arrays lie */
	uint32_t n;
};

enum { ORC_CACHE = 4096 };

struct orc_cached {
	uint64_t pc;
	struct orc_entry entry;
};

struct orc {
	struct kfield sp_off, bp_off, sp_reg, bp_reg, type, end;
	uint32_t size;		  /* of an entry */
	bool three_bits;	  /* kinds as since Linux 6.4 */
	bool sp_is_3;		  /* registers as in Linux 7.2 */
	struct orc_table *tables; /* owned; sorted when used first */
	size_t n, cap;
	bool sorted;
	struct orc_cached *cache; /* owned */
};

/** -ENOENT: the types do not tell what an entry looks like; without words. -ENOMEM. */
SONDE_MUST_CHECK int orc_init(struct orc *o, struct ctypes *types);
void orc_fini(struct orc *o);
/** Overlapping tables: one of them is used. -ENOMEM. */
SONDE_MUST_CHECK int orc_add(struct orc *o, const struct orc_table *t);

/** Finds out from a table of the kernel's which numbers its registers have. */
void orc_learn(struct orc *o, struct space *mem, const struct orc_table *t);

/** How to leave the code at @pc. False: no table says it. */
bool orc_find(struct orc *o, struct space *mem, uint64_t pc, struct orc_entry *ret);

#endif
