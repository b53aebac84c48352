/* SPDX-License-Identifier: MIT */
/** TCP connections, as the hosts at their ends see them, and the packets of network devices. */
#ifndef ANALYSIS_NET_CONNS_H
#define ANALYSIS_NET_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

#include "analysis/kernel.h"
#include "analysis/net/events.h"
#include "analysis/spread.h"

/** What is known of a connection's traffic; the others are not 0 but unknown. */
enum {
	NET_KNOWS_SENT = 1,
	NET_KNOWS_RECEIVED = 2,
	NET_KNOWS_OUT = 4,
	NET_KNOWS_IN = 8,
	NET_KNOWS_AGAIN = 16,
};

/** One end of a connection. Times that no event told are KERNEL_NO_TIME. */
struct net_conn {
	const struct kernel_host *host;
	struct net_end local, remote;
	bool has_ends;
	bool connects, accepts;		    /* how it began, where that was seen */
	const struct kernel_thread *thread; /* whose data it is: the first that was seen; or NULL */
	uint32_t gap;
	unsigned knows;
	int64_t first_ns, last_ns; /* events of it */
	int64_t opened_ns, established_ns, closed_ns;
	int64_t first_sent_ns, first_received_ns; /* data */
	int64_t sent_bytes, received_bytes;	  /* by programs; or on the wire, without repeats */
	int64_t wire_bytes[2];			  /* the latter, by way; of no use from finish on */
	uint64_t sends, receives;		  /* calls */
	uint64_t segments_out, segments_in, retransmits;
	struct spread rtt; /* as the kernel measures it, smoothed; or of the handshake */
	int32_t state;	   /* 0: unknown */
	int64_t state_ns;
	int64_t states_ns[NET_N_STATES]; /* time in each, in the window */
	bool active;			 /* something of it is in the window */
	/* Headers' numbers by way: what comes next, what the other end has, and where it ends. */
	bool has_seq[2], has_acked[2], has_fin[2];
	uint32_t seq_next[2], acked[2], fin[2];
};

/** A network device of a host: packets by way and rank of events. */
struct net_device {
	const struct kernel_host *host;
	char name[NET_DEVICE_MOST];
	uint64_t packets[2][NET_RANKS];
	int64_t bytes[2][NET_RANKS];
};

struct net_conns;

/** Traffic in [from_ns, to_ns] counts; what is before tells which connections there are. */
SONDE_MUST_CHECK int net_conns_new(int64_t from_ns, int64_t to_ns, struct net_conns **ret);
void net_conns_free(struct net_conns *s);

/** Takes events in order of time. 1: they are behind the window; or -ENOMEM. */
SONDE_MUST_CHECK int net_conns_consume(struct net_conns *s, const struct sonde_batch *in);
/** States last up to the end. */
void net_conns_finish(struct net_conns *s);

/** All below is lent until net_conns_free(), or the next net_conns_consume(). */
const struct kernel *net_conns_kernel(const struct net_conns *s);
size_t net_conns_all(const struct net_conns *s, const struct net_conn **ret);
size_t net_conns_devices(const struct net_conns *s, const struct net_device **ret);
/** What a host's trace can tell: bit per enum net_kind, and the rank of packets that count. */
unsigned net_conns_kinds(const struct net_conns *s, const struct kernel_host *h);
unsigned net_conns_rank(const struct net_conns *s, const struct kernel_host *h, enum net_way way);
/** Events of more connections or devices than are kept. */
uint64_t net_conns_over(const struct net_conns *s);

#endif
