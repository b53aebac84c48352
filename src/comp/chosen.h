/* SPDX-License-Identifier: MIT */
/** What a filter lets pass of a batch: lent as it is where the chosen stand together. */
#ifndef COMP_CHOSEN_H
#define COMP_CHOSEN_H

#include <sonde/event.h>

/** Room for the events of one batch. */
struct chosen {
	struct sonde_event events[SONDE_BATCH_MAX];
};

/**
 * The events of @in for which @wanted is true, in *@ret: part of @in, or copies in @room where
 * there are gaps between them.
 */
void chosen_take(struct chosen *room, const struct sonde_batch *in, const bool *wanted,
		 struct sonde_batch *ret);

#endif
