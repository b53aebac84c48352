/* SPDX-License-Identifier: MIT */
/** Tasks in groups, by their stacks. */
#ifndef CRASH_VERBS_STACKS_H
#define CRASH_VERBS_STACKS_H

#include "base/u64map.h"
#include "crash/core.h"

struct crash_group {
	struct crash_frame *frames; /* owned */
	size_t n_frames;
	const struct crash_task **tasks; /* owned array of borrowed ones */
	size_t n_tasks, cap_tasks;
};

/** All zero is empty. */
struct crash_groups {
	struct crash_group *all; /* owned */
	size_t n, cap;
	struct u64map by_hash;
};

void crash_groups_fini(struct crash_groups *g);
/** Adds a task, which is borrowed, to those of the same stack. -ENOMEM. */
SONDE_MUST_CHECK int crash_groups_add(struct crash_groups *g, const struct crash_task *t,
				      const struct crash_stack *s);
/** The largest first; afterwards nothing more is added. */
void crash_groups_sort(struct crash_groups *g);

#endif
