/* SPDX-License-Identifier: MIT */
/**
 * Which packets a socket sent, where no event says so: kernels before 6.3 tell of packets that
 * leave (net_dev_start_xmit), but not whose they are. A socket's own count of sent bytes is told
 * with each packet that comes in for it (tcp_probe). If the data of exactly one row of packets of
 * one thread since then adds up to what was counted, these are the socket's.
 */
#ifndef ANALYSIS_SYNC_CLAIM_H
#define ANALYSIS_SYNC_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "analysis/sync/tcp.h"

enum { CLAIM_PACKETS_MOST = 256 };

/** A packet that left a host. */
struct claim_packet {
	struct tcp_end end;
	uint64_t who; /* the thread or the CPU's softirq that sent it */
	uint32_t len; /* TCP's header and data */
	bool taken;   /* it is known whose it is */
	bool plain;   /* set by claims_add(): its host sends packets without times in the header */
};

/** Packets that left the hosts, the latest of them; all zero is none. */
struct claims {
	struct claim_host *hosts; /* owned */
	size_t n, cap;
};

void claims_fini(struct claims *c);

/** A packet of that length left the host. 1: it may have data and is to be added; 0; -ENOMEM. */
SONDE_MUST_CHECK int claims_note(struct claims *c, uint32_t host, uint32_t len);
SONDE_MUST_CHECK int claims_add(struct claims *c, const struct claim_packet *p);

/** Lends the packets of a host since then, up to now; *@ret_n 0: none, or too many. */
struct claim_packet *claims_since(struct claims *c, uint32_t host, int64_t since_ns, size_t *ret_n);

/** All packets of the host are forgotten. */
void claims_forget(struct claims *c, uint32_t host);

/** A row of packets: numbers in the array it was found in, and the data up to the end of each. */
struct claim_row {
	size_t n;
	uint16_t at[CLAIM_PACKETS_MOST];
	uint64_t upto[CLAIM_PACKETS_MOST];
};

/** The row of packets that holds @bytes of data; false: there is none, or more than one. */
bool claim_find(const struct claim_packet *p, size_t n, uint64_t bytes, struct claim_row *ret);

#endif
