/* SPDX-License-Identifier: MIT */
/** Where in a function each variable holds a value that is still needed. */
#ifndef BPF_FN_LIVE_H
#define BPF_FN_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "bpf/fn/blocks.h"

struct fn;

/** Instruction i reads at 4i, loses what it clobbers at 4i + 1, and writes at 4i + 2. */
enum { LIVE_READ = 0, LIVE_CLOBBER = 1, LIVE_WRITE = 2, LIVE_STEPS = 4 };

/** Both ends belong to it. */
struct live_range {
	uint32_t from, to;
	int next; /* index of the one behind, or -1 */
};

struct live {
	struct arena arena;	   /* of what is below but ranges */
	struct live_range *ranges; /* owned */
	size_t n_ranges, cap_ranges;
	int *head;	/* per variable: its first range, or -1 */
	uint8_t *depth; /* per instruction: in how many loops it is */
	bool *a_dies;	/* per instruction: nobody reads its first operand afterwards */
	int *unset;	/* variables but arguments that may be read before they are set */
	size_t n_unset;
	struct blocks blocks;
};

/**
 * Finds the ranges of all variables of @f, which must be tidy; values that turn out to be dead are
 * removed (INS_NONE). -ENOMEM. To be ended by live_fini() in either case.
 */
SONDE_MUST_CHECK int live_init(struct live *l, struct fn *f);
void live_fini(struct live *l);

/** Whether no bit of @busy, one for each step, is set in the ranges from ranges[head] on. */
bool live_is_free(const uint64_t *busy, const struct live_range *ranges, int head);
/** Sets them. */
void live_occupy(uint64_t *busy, const struct live_range *ranges, int head);

#endif
