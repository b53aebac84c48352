/* SPDX-License-Identifier: MIT */
/** What a kernel tells of its data where kallsyms has code alone (no CONFIG_KALLSYMS_ALL). */
#ifndef CRASH_LINUX_EXPORTS_H
#define CRASH_LINUX_EXPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/space/space.h"

enum { EXPORTS_TABLES = 3 };

/** The tables of symbols that modules may use (__ksymtab); all zero: none. */
struct exports {
	struct exports_table {
		uint64_t start;
		uint32_t n;
	} tables[EXPORTS_TABLES]; /* each by name */
	unsigned n_tables;
	unsigned entry_len;
};

/** Finds them in the kernel's data, behind @from, by their shape. -ENOENT, without words; -ENOMEM.
 */
SONDE_MUST_CHECK int exports_search(struct space *mem, uint64_t from, struct exports *ret);
/** The value of that symbol; false: it is not among them. */
bool exports_named(const struct exports *e, struct space *mem, const char *name, uint64_t *ret);
/** Calls @f for each, until it returns not 0, which is returned. */
int exports_each(const struct exports *e, struct space *mem,
		 int (*f)(void *arg, const char *name, uint64_t addr), void *arg);

/** Finds types (BTF) in the kernel's data by their head. -ENOENT, without words; -ENOMEM. */
SONDE_MUST_CHECK int btf_search(struct space *mem, uint64_t from, uint64_t *ret_start,
				uint64_t *ret_stop);

#endif
