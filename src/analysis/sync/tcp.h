/* SPDX-License-Identifier: MIT */
/** Packets that hosts send each other: finding the other end of one. */
#ifndef ANALYSIS_SYNC_TCP_H
#define ANALYSIS_SYNC_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>

/**
 * What both ends of a packet see of it, also where addresses and ports are translated on the way
 * (NAT), and where devices cut packets up or put them together: then, of the first of them. All but
 * @ttl is the same.
 */
struct tcp_id {
	uint32_t seq, ack, flags; /* of TCP; @flags with the data offset where that is known */
	uint8_t ttl;		  /* hops that it may still go; 0: not told */
};

enum tcp_way { TCP_NONE, TCP_OUT, TCP_IN };

struct net_event;

/** TCP_NONE: the event tells of no TCP packet with its header. */
enum tcp_way tcp_id_of(const struct net_event *ev, struct tcp_id *ret);

/** One end of a packet, as it waits for the other. */
struct tcp_end {
	int64_t ts_ns;
	uint32_t host;	/* its number */
	uint32_t value; /* of whoever asks */
};

/** Ends that wait; at most half a million: the oldest are then forgotten, and counted. */
struct tcp_ends;

SONDE_MUST_CHECK int tcp_ends_new(struct tcp_ends **ret);
void tcp_ends_free(struct tcp_ends *t);

/**
 * Looks for the other end of a packet, where all times are of one clock. 1: here it is, and it
 * waits no more. 0: not seen yet, so this end waits, unless one of its kind does already; or
 * -ENOMEM.
 */
SONDE_MUST_CHECK int tcp_match(struct tcp_ends *t, enum tcp_way way, const struct tcp_id *id,
			       const struct tcp_end *end, struct tcp_end *ret);

typedef int tcp_match_fn(void *arg, const struct tcp_end *from, const struct tcp_end *to);

/**
 * Hands over all ends on other hosts that certainly came later, or earlier, whatever order the
 * hosts' events come in. 0, -ENOMEM, or what @match failed with.
 *
 * What is sent again, or acknowledges the same again, looks the same. So only what a host sees
 * first of such packets counts: the first to arrive cannot have come before the first was sent,
 * whichever it was. A host that hands packets on sees them arrive first; what it sends then counts
 * only where they live shorter by that (@ttl), and only for those that come with as little.
 */
SONDE_MUST_CHECK int tcp_match_hosts(struct tcp_ends *t, enum tcp_way way, const struct tcp_id *id,
				     const struct tcp_end *end, tcp_match_fn *match, void *arg);

/** How many ends were forgotten. */
uint64_t tcp_ends_forgotten(const struct tcp_ends *t);

#endif
