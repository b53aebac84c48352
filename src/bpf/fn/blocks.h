/* SPDX-License-Identifier: MIT */
/** Runs of instructions without branches into or out of their middle, and what follows which. */
#ifndef BPF_FN_BLOCKS_H
#define BPF_FN_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct fn;

struct block {
	size_t first, end;	 /* instructions */
	int succ[2];		 /* or -1 */
	uint32_t preds, n_preds; /* in blocks.preds */
};

/** Lent by the arena they were made in. */
struct blocks {
	struct block *all; /* the first one has nothing before it */
	int n;
	int *preds;
	int *of_label; /* per label */
};

/** Of a tidy function. -ENOMEM. */
SONDE_MUST_CHECK int blocks_find(const struct fn *f, struct arena *arena, struct blocks *ret);

#endif
