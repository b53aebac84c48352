/* SPDX-License-Identifier: MIT */
/**
 * Writes a CTF 1.8 trace: a folder with metadata, data streams in packets, and their indexes.
 *
 * Whoever writes describes the trace with ctf/describe.h, prints it as metadata first, and puts
 * events into streams afterwards. A process killed at any moment leaves whole packets and their
 * metadata behind; the last packet may be cut.
 */
#ifndef CTF_WRITER_H
#define CTF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/check.h"

struct writer; /* a trace folder; may be shared by threads once its metadata is written */

enum {
	WRITER_PACKET_MAX = 1 << 20, /* bytes of one packet, header included */
	WRITER_PACKET_USUAL = 1 << 18,
	WRITER_EVENT_ALIGN = 8, /* bytes; events begin at multiples of it */
};

/**
 * Begins a trace that will be the folder @dir; nothing is made before writer_metadata(). Where it
 * exists already: -EEXIST; with @replace an earlier trace in it (a folder that holds a metadata
 * file, or is empty) will be removed first, anything else is -EEXIST too.
 */
SONDE_MUST_CHECK int writer_open(const char *dir, bool replace, struct writer **ret);
/** Frees the writer and all its streams; what they did not flush is lost. */
void writer_close(struct writer *w);

/** The trace's UUID, 16 bytes; it belongs into metadata (describe_trace() takes it). */
const uint8_t *writer_uuid(const struct writer *w);
/** The folder, as given. */
const char *writer_dir(const struct writer *w);
/** Bytes written so far, metadata and indexes included. */
uint64_t writer_bytes(const struct writer *w);

/**
 * Writes the metadata file, or replaces it at once (it is never seen half written). The first call
 * makes the folder; no stream can be written before.
 */
SONDE_MUST_CHECK int writer_metadata(struct writer *w, const char *text, size_t len);

/**
 * One data stream, used by one thread at a time. Fields are for the inline functions below only.
 *
 * An event is reserved, filled in place, and committed:
 *
 *	uint8_t *p = writer_reserve(s, len);
 *	if (!p)
 *		return s->err;
 *	... fill p[0 .. len) ...
 *	writer_commit(s, ts, len);
 */
struct writer_stream {
	uint8_t *buf;	 /* owned: the packet that is being filled */
	size_t len, cap; /* bytes used (aligned for the next event), bytes there are */
	size_t end;	 /* end of the last event: the packet's content */
	uint64_t first_ts, last_ts;
	uint64_t n_events;  /* all that were committed */
	uint64_t n_written; /* those of them that are in the file */
	uint64_t discarded; /* all that were lost so far */
	bool full;	    /* the packet is written because it is full */
	int err;	    /* the first failure, negative errno; nothing is written after it */
	struct writer *w;   /* borrowed */
	struct writer_file *file; /* owned: what is behind it */
	struct writer_stream *next;
};

struct writer_stream_opts {
	const char *name; /* of its file, as "kernel_0" */
	uint64_t id;	  /* of its stream class */
	int32_t cpu;
	size_t packet; /* bytes of a packet at most; 0: WRITER_PACKET_USUAL */
};

/** Adds a stream; it lives until writer_close(). Its file appears with its first packet. */
SONDE_MUST_CHECK int writer_stream_new(struct writer *w, const struct writer_stream_opts *opts,
				       struct writer_stream **ret);

/** Bytes that one event may have at most in an empty packet. */
size_t writer_event_max(const struct writer_stream *s);

/** For writer_reserve(), where the packet is full. */
uint8_t *writer_reserve_slow(struct writer_stream *s, size_t len);

/** Lends room for an event of @len bytes, aligned to 8. NULL: see err (sonde_fail() was called). */
static inline uint8_t *writer_reserve(struct writer_stream *s, size_t len)
{
	if (__builtin_expect(len > s->cap - s->len, 0))
		return writer_reserve_slow(s, len);
	return s->buf + s->len;
}

/** Keeps the event of @len bytes at time @ts (clock value), not before the one before it. */
static inline void writer_commit(struct writer_stream *s, uint64_t ts, size_t len)
{
	if (s->end == 0)
		s->first_ts = ts;
	s->end = s->len + len;
	s->len = (s->end + WRITER_EVENT_ALIGN - 1) & ~(size_t)(WRITER_EVENT_ALIGN - 1);
	s->last_ts = ts;
	s->n_events++;
}

/**
 * Notes that @n events were lost since the last committed one: the packet is closed before, so
 * that readers see where.
 */
SONDE_MUST_CHECK int writer_lost(struct writer_stream *s, uint64_t n);

/**
 * Ends a stream that failed: what it holds and @more events are lost. Tells that in the last packet
 * of the file, in place: a full disk has room for it. Returns how many were lost.
 */
uint64_t writer_give_up(struct writer_stream *s, uint64_t more);

/** Writes out the packet if it holds events. Returns 0 or the stream's first failure. */
SONDE_MUST_CHECK int writer_flush(struct writer_stream *s);

/**
 * The last flush: losses that no packet told yet get an empty one, from the last event to @ts.
 */
SONDE_MUST_CHECK int writer_finish(struct writer_stream *s, uint64_t ts);

#endif
