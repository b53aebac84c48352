/* SPDX-License-Identifier: MIT */
/** Slabs of a dead kernel: what memory its kinds of objects take. */
#ifndef CRASH_LINUX_SLAB_H
#define CRASH_LINUX_SLAB_H

#include "crash/linux/kernel.h"

struct slab {
	const char *name; /* in the core's memory */
	uint64_t bytes, objects, object_size, slabs, partial;
	bool is_reclaimable; /* it is given back where memory is short, as caches of files are */
};

/**
 * Calls @f for each kind. -ENOTSUP (sonde_fail()): how this kernel keeps them is not understood.
 * *@ret_cut: why there may be more, or NULL.
 */
SONDE_MUST_CHECK int slab_each(struct linux_kernel *k, void (*f)(void *arg, const struct slab *s),
			       void *arg, const char **ret_cut);

#endif
