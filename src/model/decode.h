/* SPDX-License-Identifier: MIT */
/** The events of one packet, one after the other, as views. */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include <sonde/event.h>

#include "model/plan.h"

enum decode_state {
	DECODE_MORE,  /* there may be more events in the packet */
	DECODE_ENDED, /* that was all */
	DECODE_CUT,   /* what comes makes no sense: see why and pos */
};

/** Goes through the packets of one stream; in the caller's storage, owns nothing. */
struct decode {
	const struct plan_header *header;
	const struct sonde_packet *pkt;
	struct plan_walk w; /* w.clock is the stream's clock, from packet to packet */
	uint64_t pos;  /* bits from the packet's begin: of the next event, or of what is wrong */
	int64_t ts_ns; /* of the last event */
	uint64_t backward; /* events that came with a time before their predecessor's */
	int64_t base_ns;   /* time of the clock's 0 .. */
	bool direct;	   /* .. where that is all, as one cycle is 1 ns */
	char why[120];
	uint64_t locals[PLAN_LOCALS_MOST];
};

/** Starts a stream whose events @header describes. */
void decode_init(struct decode *d, const struct plan_header *header);

/** Starts packet @p (lent until the next), whose first event begins at bit @pos. */
void decode_packet(struct decode *d, const struct sonde_packet *p, uint64_t pos);

/** Goes on with @p, a copy of the packet that is being read (lent until the next). */
void decode_move(struct decode *d, const struct sonde_packet *p);

/** Views of up to @most events into @out; *@ret_n says how many. */
enum decode_state decode_events(struct decode *d, struct sonde_event *out, size_t most,
				size_t *ret_n);

#endif
