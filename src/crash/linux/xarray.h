/* SPDX-License-Identifier: MIT */
/** Walks over xarrays (radix trees before 4.20) of a dead kernel. */
#ifndef CRASH_LINUX_XARRAY_H
#define CRASH_LINUX_XARRAY_H

#include "crash/linux/kernel.h"

/**
 * Calls @f for each pointer in the xarray at @root, with its index, until it returns other than 0,
 * which is returned. What is not in the dump is left out. -ENOTSUP: no such types.
 */
SONDE_MUST_CHECK int xarray_each(struct linux_kernel *k, uint64_t root,
				 int (*f)(void *arg, uint64_t index, uint64_t entry), void *arg);

#endif
