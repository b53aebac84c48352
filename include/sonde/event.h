/* SPDX-License-Identifier: MIT */
/** Views of events, the packets they lie in, gaps, and the batches they travel in. */
#ifndef SONDE_EVENT_H
#define SONDE_EVENT_H

#include <sonde/def.h>
#include <sonde/type.h>

SONDE_BEGIN_DECLS

/** A data stream: one instance of a stream class, from one or several files. */
struct sonde_stream {
	const struct sonde_stream_class *cls;
	const char *path; /* its (first) file, for people */
	uint64_t id;	  /* stream_instance_id where has_id */
	bool has_id;
	uint32_t index; /* dense over all streams of a graph; the graph sets it */
};

/** One packet. @data is valid as long as the batch that led here. */
struct sonde_packet {
	const struct sonde_stream *stream;
	const uint8_t *data;		/* the first bit of the packet is the first here */
	uint64_t n_bits;		/* of content */
	uint64_t header_at, context_at; /* bits from @data */
	const uint64_t *slots;	  /* values that its header and context save; by slot number */
	const char *path;	  /* the file */
	uint64_t off;		  /* byte offset in the file */
	uint64_t len;		  /* bytes in the file, padding included */
	int64_t begin_ns, end_ns; /* INT64_MIN and INT64_MAX where it does not say */
	uint64_t begin_cycles, end_cycles;
	uint64_t seq, discarded; /* packet_seq_num, events_discarded */
	bool has_begin, has_end, has_seq, has_discarded;
	int32_t cpu; /* cpu_id, or -1 */
};

enum sonde_gap_kind {
	SONDE_GAP_LOST_EVENTS,	/* @count events were discarded by the tracer */
	SONDE_GAP_LOST_PACKETS, /* @count whole packets are missing */
	SONDE_GAP_CUT,		/* a packet that ends early or makes no sense; read up to @off */
	SONDE_GAP_BACKWARD,	/* time ran backwards; said once per stream and counted */
};

/** Something that is not there, or not as it should be. */
struct sonde_gap {
	enum sonde_gap_kind kind;
	const struct sonde_stream *stream;
	bool has_count;
	uint64_t count;
	int64_t begin_ns, end_ns;	   /* between these; INT64_MIN, INT64_MAX: unknown */
	uint64_t begin_cycles, end_cycles; /* the same, where has_begin and has_end */
	bool has_begin, has_end;
	const char *path; /* file and byte offset where it was seen; or NULL */
	uint64_t off;
	const char *words; /* for SONDE_GAP_CUT: what is wrong; else NULL */
};

/**
 * A view of one event, or of a gap. Nothing is decoded until it is asked for.
 *
 * It and all that it points to live until the next batch is asked for.
 */
struct sonde_event {
	const struct sonde_event_class *cls; /* NULL: a gap */
	union {
		const struct sonde_packet *pkt;
		const struct sonde_gap *gap;
	} u;
	int64_t ts_ns;	 /* since the clock's origin; without a clock: the one before */
	uint64_t cycles; /* the clock's value */
	uint64_t at;	 /* of the event's header: bits from the packet's first bit */
	uint32_t context, event_context, payload, end; /* starts of the scopes: bits from @at */
};

#ifdef __cplusplus
static_assert(sizeof(struct sonde_event) <= 64, "an event is one cache line");
#else
_Static_assert(sizeof(struct sonde_event) <= 64, "an event is one cache line");
#endif

/** Where a field lives. */
enum sonde_scope {
	SONDE_SCOPE_PACKET_HEADER,
	SONDE_SCOPE_PACKET_CONTEXT,
	SONDE_SCOPE_EVENT_HEADER,
	SONDE_SCOPE_STREAM_CONTEXT, /* the event context that all events of a stream class share */
	SONDE_SCOPE_EVENT_CONTEXT,
	SONDE_SCOPE_PAYLOAD,
};

/** Time-ordered events, lent until the next batch is asked of whoever gave it. */
struct sonde_batch {
	const struct sonde_event *events;
	size_t n;
};

/** No batch is longer. */
#define SONDE_BATCH_MAX 512

SONDE_END_DECLS

#endif
