/* SPDX-License-Identifier: MIT */
/** One data stream of a trace: packets from its files in order, as batches of events and gaps. */
#ifndef CTF_STREAM_H
#define CTF_STREAM_H

#include <sonde/component.h>

#include "ctf/file.h"
#include "ctf/packet.h"
#include "model/decode.h"

/** A data file, and what its first packet says. */
struct ctf_file {
	char *path;			/* owned; or NULL */
	const struct packet_class *cls; /* NULL: its first packet makes no sense */
	uint64_t id;			/* stream_instance_id where has_id */
	int64_t begin_ns;		/* where has_begin */
	bool has_id, has_begin;
	struct file_map map; /* only while it is read, or borrowed */
};

/** What the events and gaps of a batch lead to. */
struct ctf_lent {
	struct sonde_packet pkt;
	uint64_t *slots; /* owned, layout->n_locals: the packet's, and what reading it takes */
	struct sonde_gap gaps[4];
	char why[sizeof(((struct decode *)0)->why) + 40];
	struct file_map map; /* of a file that was read to its end; earlier batches lie there */
	size_t file;	     /* nothing of the batch lies before .. */
	uint64_t off;	     /* .. this byte of this file */
};

struct ctf_stream {
	struct sonde_stream pub;
	const struct packet_layout *layout; /* borrowed from the trace */
	const struct packet_class *cls;
	struct ctf_file *files; /* owned, in order of time */
	size_t n_files, cap_files;

	size_t file;		 /* being read */
	uint64_t off;		 /* bytes in it: of the next packet */
	uint64_t end;		 /* bytes in it: no packet from here on is wanted */
	int state;		 /* enum in stream.c */
	struct packet_info info; /* of the packet being read */
	struct packet_info prev; /* what the one before said; .locals unused */
	bool has_prev;
	struct decode dec;
	struct ctf_lent first; /* all that is lent, until ctf_stream_hold() .. */
	struct ctf_lent *held; /* owned; .. then these in turn, one for a batch */
	size_t n_held, turn;
	struct ctf_lent *lent;	/* one of them: of the batch being made */
	int64_t from_ns, to_ns; /* wanted */

	struct sonde_event *batch; /* owned, cap_batch */
	size_t cap_batch;
	uint64_t slack; /* bytes to keep mapped in behind */
};

/** Makes @s ready to read its files with batches of up to @cap events. */
SONDE_MUST_CHECK int ctf_stream_start(struct ctf_stream *s, size_t cap, uint64_t slack);
/** Frees what it owns. */
void ctf_stream_fini(struct ctf_stream *s);

/**
 * As sonde_component_class.hold, for @n batches. Once, and then only ctf_stream_next() and
 * ctf_stream_fini() may follow.
 */
SONDE_MUST_CHECK int ctf_stream_hold(struct ctf_stream *s, size_t n);

/** As sonde_component_class.next. */
SONDE_MUST_CHECK int ctf_stream_next(struct ctf_stream *s, struct sonde_batch *ret);

/** Only events of [from_ns, to_ns] will be wanted. Before the first next. */
void ctf_stream_seek(struct ctf_stream *s, int64_t from_ns, int64_t to_ns);

/** As sonde_component_class.pieces; where one does not know a time, it is INT64_MAX or _MIN. */
SONDE_MUST_CHECK int ctf_stream_pieces(struct ctf_stream *s,
				       void (*take)(void *arg, const struct sonde_piece *p),
				       void *arg);

/** First and last time of its packets. -ENODATA: it does not say. */
SONDE_MUST_CHECK int ctf_stream_span(struct ctf_stream *s, int64_t *ret_begin_ns,
				     int64_t *ret_end_ns);

#endif
