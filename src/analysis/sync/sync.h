/* SPDX-License-Identifier: MIT */
/** The clocks of several hosts brought together by the packets that they sent each other. */
#ifndef ANALYSIS_SYNC_SYNC_H
#define ANALYSIS_SYNC_SYNC_H

#include <sonde/event.h>

#include "analysis/sync/hull.h"

enum { SYNC_HOSTS_MOST = 256 };

struct sync;

/** One host: its time on the reference's clock is slope * time + offset. */
struct sync_host {
	const char *key;  /* as host_key() tells; lent as long as the struct sync lives */
	const char *name; /* for people, different for each; likewise */
	bool synced;	  /* false: no packets lead to the reference; slope 1, offset 0 */
	bool is_reference;
	size_t via; /* the host that its packets went to and came from; itself if there is none */
	struct hull_line line;	   /* between it and that */
	struct decimal slope;	   /* to the reference, .. */
	struct decimal offset_ns;  /* .. over all hosts between */
	enum hull_quality quality; /* the worst on that way */
	uint64_t n_matches;	   /* packets between it and @via */
	uint64_t n_alone;	   /* its connections whose other end is of no host */
};

SONDE_MUST_CHECK int sync_new(struct sync **ret);
void sync_free(struct sync *s);

/** Takes events in any order of time. */
SONDE_MUST_CHECK int sync_consume(struct sync *s, const struct sonde_batch *b);

/** What sync_solve() found. */
struct sync_hosts {
	const struct sync_host *all; /* in the order of their keys; lent until sync_free() */
	size_t n;
	const struct sync_host *reference;
};

/**
 * Finds the lines. The reference is the host whose key sorts first among those that packets lead
 * to from the most others. -ENODATA: there were no events.
 */
SONDE_MUST_CHECK int sync_solve(struct sync *s, struct sync_hosts *ret);

/** Ends of packets that were seen, and that had to be forgotten before the other came. */
uint64_t sync_packets(const struct sync *s);
uint64_t sync_forgotten(const struct sync *s);

/** Connections that could not be followed to their end: see stock_broken(). */
uint64_t sync_broken(const struct sync *s);

#endif
