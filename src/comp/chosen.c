/* SPDX-License-Identifier: MIT */
/** What a filter lets pass of a batch. */
#include "comp/chosen.h"

void chosen_take(struct chosen *room, const struct sonde_batch *in, const bool *wanted,
		 struct sonde_batch *ret)
{
	size_t first = 0, end, n = 0;

	while (first < in->n && !wanted[first])
		first++;
	for (end = first; end < in->n && wanted[end];)
		end++;

	bool more = false;
	for (size_t i = end; i < in->n; i++)
		more |= wanted[i];
	if (!more) {
		*ret = (struct sonde_batch){ in->events + first, end - first };
		return;
	}
	for (size_t i = first; i < in->n && n < SONDE_BATCH_MAX; i++) {
		if (wanted[i])
			room->events[n++] = in->events[i];
	}
	*ret = (struct sonde_batch){ room->events, n };
}
