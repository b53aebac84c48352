/* SPDX-License-Identifier: MIT */
/** Merges the lanes of all sources into batches in order of time. */
#ifndef GRAPH_MERGE_H
#define GRAPH_MERGE_H

#include <sonde/component.h>

struct merge;

/** Starts a merge of no lanes. */
SONDE_MUST_CHECK int merge_new(struct merge **ret);
void merge_free(struct merge *m);

/** Adds one lane of @c (borrowed). Before the first merge_next(). */
SONDE_MUST_CHECK int merge_add(struct merge *m, struct sonde_component *c, size_t lane);

/** 1: the next batch, lent until the next call; 0: all lanes have ended; else a negative errno. */
SONDE_MUST_CHECK int merge_next(struct merge *m, struct sonde_batch *ret);

/**
 * The same, but the events are put into @room, of SONDE_BATCH_MAX; of each lane they are of one
 * batch.
 */
SONDE_MUST_CHECK int merge_take(struct merge *m, struct sonde_event *room, size_t *ret_n);

/** sonde_component_class.hold of all sources. -ENOTSUP: not all of them can. */
SONDE_MUST_CHECK int merge_hold(struct merge *m, size_t n);

#endif
