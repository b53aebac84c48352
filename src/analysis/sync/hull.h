/* SPDX-License-Identifier: MIT */
/**
 * Two clocks compared by the messages between their hosts: the line that turns times of one into
 * times of the other, so that no message arrives before it was sent.
 */
#ifndef ANALYSIS_SYNC_HULL_H
#define ANALYSIS_SYNC_HULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/decimal.h"

/** How good a line is. */
enum hull_quality {
	HULL_ABSENT,	  /* no messages */
	HULL_INCOMPLETE,  /* messages one way only: nothing bounds the line from the other side */
	HULL_APPROXIMATE, /* both ways, but only one bound of the slope is known */
	HULL_ACCURATE,
	HULL_FAILED, /* no line fits all messages; the last that fitted */
};

/** A message: when it was sent or received on the reference, and on the other host. */
struct hull_point {
	int64_t ref, other; /* ns since the hull's origin */
};

struct hull_points {
	struct hull_point *all; /* owned */
	size_t n, cap;
	size_t limit; /* when there are so many, those that are no corners are let go */
};

/** The messages between two hosts; all zero is an empty one. */
struct hull {
	int64_t ref_ns, other_ns;  /* the origin: of the first message */
	struct hull_points way[2]; /* sent by the reference (HULL_SENT), by the other host */
	uint64_t n_matches, n_far; /* messages; those too far from the origin to count */
};

enum { HULL_SENT, HULL_RECEIVED };

/** The line: time on the reference = slope * time on the other host + offset. */
struct hull_line {
	enum hull_quality quality;
	struct decimal slope, offset_ns; /* 1 and 0 where there is no line */
	struct decimal width;		 /* largest slope less smallest */
	uint64_t n_accurate;		 /* messages that narrowed the bounds when they came */
	size_t n_sent, n_received;	 /* points that bound it from either side */
};

void hull_fini(struct hull *h);

/** Takes a message; @way: HULL_SENT if the reference sent it. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int hull_add(struct hull *h, unsigned way, int64_t ref_ns, int64_t other_ns);

/** The line through all messages so far. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int hull_solve(struct hull *h, struct hull_line *ret);

const char *hull_quality_name(enum hull_quality q);

/** Whether there is a line that can be used. */
bool hull_is_usable(enum hull_quality q);

#endif
