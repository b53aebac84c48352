/* SPDX-License-Identifier: MIT */
/** A thread that reads and merges while another one works at what was read before. */
#ifndef GRAPH_AHEAD_H
#define GRAPH_AHEAD_H

#include "graph/merge.h"

struct ahead;

/** Whether there is a CPU for it. */
bool ahead_helps(void);

/**
 * Starts it. @m is its own until ahead_free(). 0, with *@ret left alone where the sources cannot
 * or there is no thread to be had; -ENOMEM.
 */
SONDE_MUST_CHECK int ahead_start(struct merge *m, struct ahead **ret);
/** Also before the sources have ended. */
void ahead_free(struct ahead *a);

/** As merge_next(); the words of a failure come over from the other thread. */
SONDE_MUST_CHECK int ahead_next(struct ahead *a, struct sonde_batch *ret);

#endif
