/* SPDX-License-Identifier: MIT */
/**
 * Waits for locks and their stacks: that of the event which begins the wait, or else the one that
 * the thread left its CPU with meanwhile.
 */
#ifndef ANALYSIS_FLAME_LOCK_STACKS_H
#define ANALYSIS_FLAME_LOCK_STACKS_H

#include "analysis/flame/frames.h"
#include "analysis/locks/waits.h"

/** In the caller's storage. */
struct lock_stacks {
	struct frames *frames;	  /* borrowed */
	struct lock_waits *waits; /* owned */
	void (*ended)(void *arg, const struct lock_wait *w);
	void *arg;
	bool has_stacks; /* any wait had one */
	int err;
};

/** @ended gets waits whose .stack is a node of the frames' stacks, without its thread; 0: none. */
SONDE_MUST_CHECK int lock_stacks_init(struct lock_stacks *s, struct frames *frames,
				      void (*ended)(void *arg, const struct lock_wait *w),
				      void *arg, int64_t from_ns, int64_t to_ns);
void lock_stacks_fini(struct lock_stacks *s);

/** As kernel_consume(). */
SONDE_MUST_CHECK int lock_stacks_consume(struct lock_stacks *s, const struct sonde_batch *b);

#endif
