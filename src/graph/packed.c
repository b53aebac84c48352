/* SPDX-License-Identifier: MIT */
/** Events on their way from one CPU's cache to another's: a quarter of their size. */
#include "graph/packed.h"

#include <string.h>

static struct packed_class *class_of(struct packed_classes *known,
				     const struct sonde_event_class *cls)
{
	return &known->by_index[cls->index % PACKED_CLASSES];
}

static void note_class(struct packed_classes *known, const struct sonde_event *e)
{
	if (!e->cls)
		return;
	*class_of(known, e->cls) = (struct packed_class){
		.cls = e->cls,
		.ts_off = (uint64_t)e->ts_ns - e->cycles,
		.context = e->context,
		.event_context = e->event_context,
		.payload = e->payload,
	};
}

static bool is_known(const struct packed_class *c, const struct sonde_event *e)
{
	return c->cls == e->cls && c->ts_off == (uint64_t)e->ts_ns - e->cycles &&
	       c->context == e->context && c->event_context == e->event_context &&
	       c->payload == e->payload;
}

/* The place of the event's packet; those of one stream share one. False: it is taken. */
static bool find_packet(struct packed_batch *b, const struct sonde_packet *pkt, uint16_t *ret)
{
	if (!pkt || !pkt->stream)
		return false;
	const uint32_t i = pkt->stream->index % PACKED_PACKETS;
	if (b->packets[i] != pkt) {
		if (b->packets[i]) // an event before has another one
			return false;
		b->packets[i] = pkt;
	}
	*ret = (uint16_t)i;
	return true;
}

/* False: it does not fit. */
static bool pack(struct packed_batch *b, struct packed_classes *known, const struct sonde_event *e,
		 struct packed_event *ret)
{
	if (!e->cls)
		return false;
	const struct packed_class *c = class_of(known, e->cls);
	const uint64_t cycles = e->cycles - b->cycles;

	if (!is_known(c, e) || cycles > UINT32_MAX || e->at > UINT32_MAX || e->end > UINT16_MAX ||
	    !find_packet(b, e->u.pkt, &ret->packet))
		return false;
	ret->cycles = (uint32_t)cycles;
	ret->at = (uint32_t)e->at;
	ret->cls = (uint16_t)(c - known->by_index);
	ret->end = (uint16_t)e->end;
	ret->whole = 0;
	return true;
}

void packed_put(struct packed_batch *b, struct packed_classes *known,
		const struct sonde_event *events, size_t n)
{
	uint16_t whole = 0;

	memset(b->packets, 0, sizeof(b->packets));
	b->n = n;
	b->cycles = n ? events->cycles : 0;
	for (size_t i = 0; i < n; i++) {
		const struct sonde_event *e = &events[i];

		if (__builtin_expect(pack(b, known, e, &b->events[i]), 1))
			continue;
		b->whole[whole] = *e;
		b->events[i].whole = ++whole;
		note_class(known, e);
	}
}

static void unpack(const struct packed_batch *b, const struct packed_classes *known,
		   const struct packed_event *p, struct sonde_event *ret)
{
	const struct packed_class *c = &known->by_index[p->cls];
	const uint64_t cycles = b->cycles + p->cycles;

	ret->cls = c->cls;
	ret->u.pkt = b->packets[p->packet];
	ret->ts_ns = (int64_t)(cycles + c->ts_off);
	ret->cycles = cycles;
	ret->at = p->at;
	ret->context = c->context;
	ret->event_context = c->event_context;
	ret->payload = c->payload;
	ret->end = p->end;
}

void packed_get(const struct packed_batch *b, struct packed_classes *known, struct sonde_event *ret)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct packed_event *p = &b->events[i];

		if (__builtin_expect(!p->whole, 1)) {
			unpack(b, known, p, &ret[i]);
			continue;
		}
		ret[i] = b->whole[p->whole - 1];
		note_class(known, &ret[i]);
	}
}
