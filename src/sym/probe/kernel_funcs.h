/* SPDX-License-Identifier: MIT */
/** The kernel's functions that a probe can be put on. */
#ifndef SYM_PROBE_KERNEL_FUNCS_H
#define SYM_PROBE_KERNEL_FUNCS_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "base/mem.h"

struct kernel_funcs;

struct kernel_func {
	const char *name;
	const char *module; /* "" in the kernel itself */
};

/**
 * Reads the list: available_filter_functions of tracefs, or where that is missing the code symbols
 * of /proc/kallsyms without those that no probe may be put on.
 */
SONDE_MUST_CHECK int kernel_funcs_open(struct kernel_funcs **ret);
/** The same of a text like one of the two, which is copied; for tests and guests. */
SONDE_MUST_CHECK int kernel_funcs_parse(const char *text, size_t len, struct kernel_funcs **ret);
void kernel_funcs_free(struct kernel_funcs *k);
SONDE_DEFINE_AUTO(struct kernel_funcs *, kernel_funcs_free)

/** All, in the order of the kernel's list; lent. */
const struct kernel_func *kernel_funcs_all(const struct kernel_funcs *k, size_t *ret_n);

/** The function @name; NULL: there is none. */
const struct kernel_func *kernel_funcs_find(const struct kernel_funcs *k, const char *name);

/**
 * Calls @f for each function whose name matches (* and ?), until it returns other than 0, which is
 * returned, ordered by name. @module (NULL: any) must match too; "vmlinux" is the kernel itself. A
 * name that several functions have is given once.
 */
SONDE_MUST_CHECK int kernel_funcs_each(const struct kernel_funcs *k, const char *module,
				       const char *pattern,
				       int (*f)(void *arg, const struct kernel_func *fn),
				       void *arg);

/** The name that is nearest to @name, or NULL; lent. */
const char *kernel_funcs_near(const struct kernel_funcs *k, const char *name);

#endif
