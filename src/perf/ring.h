/* SPDX-License-Identifier: MIT */
/** One CPU's ring of perf records, as the kernel fills it: perf_event_open(2). */
#ifndef PERF_RING_H
#define PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

/** All zero but @fd = -1 is a closed one. */
struct perf_ring {
	int fd; /* owned */
	struct perf_event_mmap_page *page;
	uint8_t *data;
	size_t size;	     /* bytes of data, a power of two */
	uint64_t at;	     /* what was read so far */
	uint64_t head;	     /* what there was at the last look */
	uint8_t *joined;     /* owned: a record that goes around the end, in one piece */
	size_t joined_cap;   /* bytes */
	uint64_t given_back; /* what the kernel may write over */
};

/** Maps @size bytes (a power of two of pages) of the event @fd, which is taken over on success. */
SONDE_MUST_CHECK int perf_ring_map(struct perf_ring *r, int fd, size_t size);
void perf_ring_close(struct perf_ring *r);

/** Looks how far the kernel got. Returns the bytes that wait. */
size_t perf_ring_look(struct perf_ring *r);

/**
 * The next record up to the last look; lent until perf_ring_give_back(), but at most one record
 * that goes around the end. NULL: no more, or bytes that make no sense, which are dropped.
 */
const struct perf_event_header *perf_ring_next(struct perf_ring *r);

/** Goes back to before the record that perf_ring_next() gave last. */
void perf_ring_undo(struct perf_ring *r, const struct perf_event_header *h);

/** The kernel may use what was read again. */
void perf_ring_give_back(struct perf_ring *r);

#endif
