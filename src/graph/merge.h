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

#endif
