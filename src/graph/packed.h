/* SPDX-License-Identifier: MIT */
/**
 * Events on their way from one CPU's cache to another's: a quarter of their size.
 *
 * Most events differ from the one before of their class by little more than where and when. Both
 * sides keep of each class what was so last; whatever does not fit goes as it is.
 */
#ifndef GRAPH_PACKED_H
#define GRAPH_PACKED_H

#include <sonde/event.h>

enum { PACKED_CLASSES = 256, PACKED_PACKETS = 32 };

/** What the events of a class have in common, by its index; another class may take its place. */
struct packed_class {
	const struct sonde_event_class *cls; /* NULL: not seen so far */
	uint64_t ts_off;		     /* from cycles, in ns */
	uint32_t context, event_context, payload;
};

struct packed_classes {
	struct packed_class by_index[PACKED_CLASSES];
};

struct packed_event {
	uint32_t cycles, at; /* cycles since those of the first one */
	uint16_t cls, packet;
	uint16_t end;
	uint16_t whole; /* 1 and up: the event itself, one less is its number */
};

/** All zero is none. */
struct packed_batch {
	size_t n;
	uint64_t cycles; /* of the first event */
	const struct sonde_packet *packets[PACKED_PACKETS];
	struct packed_event events[SONDE_BATCH_MAX];
	struct sonde_event whole[SONDE_BATCH_MAX];
};

/** Packs @n events, SONDE_BATCH_MAX at most, by what is known of classes, and adds to that. */
void packed_put(struct packed_batch *b, struct packed_classes *known,
		const struct sonde_event *events, size_t n);

/** The same events again into @ret, with what the other side knew. Batches in the same order. */
void packed_get(const struct packed_batch *b, struct packed_classes *known,
		struct sonde_event *ret);

#endif
