/* SPDX-License-Identifier: MIT */
/** Packet headers and contexts: what a packet says of itself before its first event. */
#ifndef CTF_PACKET_H
#define CTF_PACKET_H

#include <sonde/event.h>

#include "base/arena.h"
#include "model/plan.h"

/** Fields of packet headers and contexts that readers know the meaning of. */
enum packet_field {
	PACKET_MAGIC,
	PACKET_UUID,
	PACKET_STREAM_ID,
	PACKET_STREAM_INSTANCE_ID,
	PACKET_TIMESTAMP_BEGIN,
	PACKET_TIMESTAMP_END,
	PACKET_CONTENT_SIZE,
	PACKET_PACKET_SIZE,
	PACKET_EVENTS_DISCARDED,
	PACKET_SEQ_NUM,
	PACKET_CPU_ID,
	PACKET_N_FIELDS,
};

/** How one stream class' packets are read. */
struct packet_class {
	const struct sonde_stream_class *cls;
	const struct plan_packet *context;
	const struct plan_header *events;
};

/** How a trace's packets are read. */
struct packet_layout {
	const struct sonde_trace *trace;
	const struct plan_packet *header;
	struct packet_class *classes; /* as trace->streams */
	uint32_t n_locals;	      /* room for packet_info.locals */
};

/** Compiles the plans of @trace, those of its event classes too; memory comes from @arena. */
SONDE_MUST_CHECK int packet_layout_new(struct arena *arena, struct sonde_trace *trace,
				       struct packet_layout **ret);

/** What the beginning of a packet says. */
struct packet_info {
	uint64_t *locals; /* caller's, layout->n_locals zeroed; the first are the packet's slots */
	uint64_t value[PACKET_N_FIELDS];
	uint32_t has;		      /* mask of 1 << enum packet_field */
	uint8_t len[PACKET_N_FIELDS]; /* bits of the integer */
	const struct packet_class *cls;
	uint64_t header_at, context_at, events_at; /* bits */
	uint64_t content_bits;			   /* that are there */
	uint64_t len_bytes; /* to the next packet; at most to the end of the bytes */
	bool cut;	    /* the bytes end before the packet does */
	uint64_t clock;	    /* in: before it; out: after its context */
	char why[160];	    /* where packet_read() failed */
};

/**
 * Reads the packet at @data, where @len bytes are left in the file. 0, or -EBADMSG with info->why;
 * then info->len_bytes says where the next packet is, 0 if nobody knows.
 */
SONDE_MUST_CHECK int packet_read(const struct packet_layout *l, const uint8_t *data, uint64_t len,
				 struct packet_info *info);

/** Does the packet have that field? */
static inline bool packet_has(const struct packet_info *info, enum packet_field f)
{
	return info->has >> f & 1;
}

#endif
