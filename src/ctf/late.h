/* SPDX-License-Identifier: MIT */
/** Puts events that come late into their place in the packet that is being written. */
#ifndef CTF_LATE_H
#define CTF_LATE_H

#include <stddef.h>
#include <stdint.h>

#include "ctf/writer.h"

enum { LATE_RECENT = 32 };

/** The last events of a stream's packet; in the caller's storage, all zero to begin with. */
struct late {
	struct late_event {
		size_t at; /* in the packet */
		uint64_t ts;
	} recent[LATE_RECENT]; /* in the order of time, the last one last */
	size_t n;
	size_t begin;  /* of the packet's first event */
	uint64_t from; /* the time that the packet before it ended */
	uint8_t *room; /* owned */
	size_t cap;
};

void late_fini(struct late *l);

/**
 * After writer_reserve(): the time that an event of @ts will have. It is @ts itself but where the
 * event belongs before the packet, or before more than LATE_RECENT others.
 */
uint64_t late_time(struct late *l, const struct writer_stream *s, uint64_t ts);

/**
 * Commits the event of @len bytes that was reserved, with the time that late_time() gave, where it
 * belongs. -ENOMEM: it is not committed.
 */
SONDE_MUST_CHECK int late_commit(struct late *l, struct writer_stream *s, uint64_t ts, size_t len);

#endif
