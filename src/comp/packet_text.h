/* SPDX-License-Identifier: MIT */
/** The text of packet contexts: the same for all events of a packet, so made once for each. */
#ifndef COMP_PACKET_TEXT_H
#define COMP_PACKET_TEXT_H

#include "comp/print.h"

/** All zero, but for @style, is an empty one. */
struct packet_texts {
	struct print_style style;
	struct packet_text *streams; /* owned: the last text of each stream, by its index */
	size_t n_streams, cap_streams;
	struct sonde_out out; /* where a text is made; no buffer before the first */
	uint64_t *slots;      /* owned */
	size_t cap_slots;
};

void packet_texts_fini(struct packet_texts *t);

/**
 * Sets run->packet, and run->packet_program for texts too long to keep, to that of run->pkt.
 * What they point to is lent until the next call. 0, -ENOMEM or -ENOTSUP.
 */
SONDE_MUST_CHECK int packet_texts_get(struct packet_texts *t, struct print_run *run);

#endif
