/* SPDX-License-Identifier: MIT */
/** How many threads waited for a CPU on average, in slots of time. */
#ifndef ANALYSIS_ODD_QUEUE_H
#define ANALYSIS_ODD_QUEUE_H

#include "analysis/odd/odd.h"

enum { QUEUE_SLOTS = 1 << 15, QUEUE_A_CPU = 4, QUEUE_SLOT_NS = 10000000 };

/** All zero is an empty one. */
struct odd_queue {
	int64_t begin_ns, width_ns; /* of the first slot */
	int64_t *ns;		    /* owned, QUEUE_SLOTS: waited in part of a slot */
	int64_t *more;		    /* owned: how many more than in the slot before all of it */
	size_t n;		    /* slots in use */
};

void odd_queue_fini(struct odd_queue *q);

/** A thread waited so long. In any order, but none begins before the first one's begin. -ENOMEM. */
SONDE_MUST_CHECK int odd_queue_add(struct odd_queue *q, int64_t from_ns, int64_t to_ns);

/** Gives the slots with many more than usual, of @n_cpus, to @list as suspects of @host. */
void odd_queue_finish(struct odd_queue *q, size_t n_cpus, const struct kernel_host *host,
		      struct odd_list *list);

#endif
