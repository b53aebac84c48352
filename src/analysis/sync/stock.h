/* SPDX-License-Identifier: MIT */
/**
 * Messages between sockets, from the tracepoints of any kernel: who sent what is told by
 * sock_send_length and net_dev_start_xmit, what arrived by tcp_probe, and which socket is whose by
 * inet_sock_set_state. None of them has a packet's sequence number, but bytes arrive in the order
 * in which they were sent: a message is there once as many have arrived as were sent with it.
 */
#ifndef ANALYSIS_SYNC_STOCK_H
#define ANALYSIS_SYNC_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>

#include "analysis/sync/tcp.h"

struct net_event;
struct net_reader;
struct stock;

/** Who asks. */
struct stock_user {
	/**
	 * The value that goes with an event: a packet on its way out (TCP_OUT), or data that came
	 * in (TCP_IN). May be NULL: 0 then. Negative: a failure.
	 */
	int (*value)(void *arg, enum tcp_way way, uint32_t *ret);
	/** Both ends of a message. 0, or a failure. */
	int (*match)(void *arg, const struct tcp_end *from, const struct tcp_end *to);
	void *arg;
};

/** @reader: borrowed; @one_clock: times of different hosts may be compared. */
SONDE_MUST_CHECK int stock_new(struct net_reader *reader, bool one_clock, struct stock **ret);
void stock_free(struct stock *s);

/**
 * Takes an event of a host; @ev: what net_read() says of it, of kind NET_NONE where that is
 * nothing. 1: it told of messages; 0: it did not; or a failure.
 */
SONDE_MUST_CHECK int stock_take(struct stock *s, const struct sonde_event *e,
				const struct net_event *ev, uint32_t host,
				const struct stock_user *user);

enum { STOCK_ANY_HOST = INT32_MAX /* no number of one */ };

/** From now on events of the host are missing: its sockets' counts end. */
void stock_gap(struct stock *s, uint32_t host);

/** Connections that could not be followed to their end: lost events, data that was sent twice,
 * ports that were used again. */
uint64_t stock_broken(const struct stock *s);

/** Connections over which the host sent, of whose other end no event has told so far. */
uint64_t stock_alone(const struct stock *s, uint32_t host);

#endif
