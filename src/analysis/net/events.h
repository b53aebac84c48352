/* SPDX-License-Identifier: MIT */
/** What events tell of connections and of network devices, whichever tracer wrote them. */
#ifndef ANALYSIS_NET_EVENTS_H
#define ANALYSIS_NET_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>
#include <sonde/span.h>

enum net_kind {
	NET_NONE,
	NET_STATE,   /* a socket goes from one state to another */
	NET_ARRIVED, /* a segment came in for a socket: tcp_probe */
	NET_SEND,    /* a program handed over data */
	NET_RECEIVE, /* a program took data */
	NET_AGAIN,   /* a segment is sent again */
	NET_NAMED,   /* a socket has this address */
	NET_DELETED, /* a socket is no more */
	NET_SEG_OUT, /* a segment with its header leaves, or comes in */
	NET_SEG_IN,
};

/** One end: an IPv4 address lies in an IPv6 one. */
struct net_end {
	uint8_t addr[16];
	uint16_t port;
};

enum {
	NET_ESTABLISHED = 1, /* states: linux/tcp_states.h */
	NET_SYN_SENT,
	NET_SYN_RECV,
	NET_FIN_WAIT1,
	NET_CLOSE = 7,
	NET_CLOSE_WAIT,
	NET_LISTEN = 10,
	NET_N_STATES = 14,
};

enum { NET_FIN = 1, NET_SYN = 2, NET_RST = 4, NET_ACK = 16 }; /* of a header */

/** What one event tells of a connection; numbers that are not told are -1. */
struct net_event {
	enum net_kind kind;
	bool has_ends; /* @local and @remote */
	bool has_sock;
	bool has_header; /* @seq, @ack, @flags */
	uint64_t sock;	 /* the kernel's address of it */
	struct net_end local, remote;
	int64_t bytes; /* data in it, or a call's result */
	int64_t srtt_us;
	int32_t old_state, new_state;
	uint32_t seq, ack, flags;
	uint32_t same_flags; /* in the tracer's order, as both ends see them, and the data's offset
			      */
	uint8_t ttl;	     /* hops that it may still go; 0: not told */
	bool has_next; /* @next and @unacked: what the socket sends next, what is on its way */
	uint32_t next, unacked;
	bool tells_sends; /* its trace has NET_SEND: kernels before 6.3 do not */
};

enum net_way { NET_IN, NET_OUT };

enum { NET_RANKS = 4, NET_DEVICE_MOST = 16 };

/** A packet at a device. Kinds of events tell of the same ones: those of the highest rank count. */
struct net_packet {
	enum net_way way;
	uint8_t rank; /* below NET_RANKS */
	int64_t bytes;
	int64_t transport;	  /* of those, before TCP's header; -1: not told */
	bool tells_sends;	  /* as of a struct net_event */
	struct sonde_span device; /* lent as the event is; empty: not told */
};

struct net_reader;

SONDE_MUST_CHECK int net_reader_new(struct net_reader **ret);
void net_reader_free(struct net_reader *r);

/** Both: 1: the event tells that; 0: it does not, only @ret's kind (NET_NONE) is set; -ENOMEM. */
SONDE_MUST_CHECK int net_read(struct net_reader *r, const struct sonde_event *e,
			      struct net_event *ret);
SONDE_MUST_CHECK int net_read_packet(struct net_reader *r, const struct sonde_event *e,
				     struct net_packet *ret);

/**
 * What the classes of a trace can tell: bit per enum net_kind, and the highest rank of packets by
 * way. 0 or -ENOMEM.
 */
SONDE_MUST_CHECK int net_reader_kinds(struct net_reader *r, const struct sonde_trace *trace,
				      unsigned *ret_kinds, unsigned ret_ranks[2]);

/** Who runs, as ftrace's events tell it: 1; 0: an interrupt, not that thread; -1: not told. */
int net_reader_tid(const struct net_reader *r, const struct sonde_event *e, int64_t *ret);

#endif
