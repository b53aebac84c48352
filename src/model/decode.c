/* SPDX-License-Identifier: MIT */
/**
 * The decode loop.
 *
 * One copy of it is made for each kind of event header, so that the kinds that tracers write in
 * fact are read by a load or two.
 */
#include "model/decode.h"

#include <stdio.h>
#include <string.h>

#include "model/walk.h"

void decode_init(struct decode *d, const struct plan_header *header)
{
	const struct sonde_clock *clock = header->cls->clock;

	memset(d, 0, sizeof(*d));
	d->header = header;
	d->w.locals = d->locals;
	d->ts_ns = INT64_MIN;
	if (!clock || clock->freq != 1000000000)
		return;
	d->base_ns = sonde_clock_ns(clock, 0);
	d->direct = d->base_ns > INT64_MIN && d->base_ns < INT64_MAX;
}

void decode_packet(struct decode *d, const struct sonde_packet *p, uint64_t pos)
{
	d->pkt = p;
	d->w.data = p->data;
	d->w.end = p->n_bits;
	d->w.slots = p->slots;
	d->pos = pos;
}

static inline uint64_t load(const uint8_t *p, struct plan_byte_field f)
{
	return bits_u64(p + f.at, 0, f.len * 8u,
			f.swap == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__));
}

/* Reads the header at @at; *@ret_end is behind it. */
static inline __attribute__((always_inline)) bool read_header(struct decode *d,
							      enum plan_header_kind kind,
							      uint64_t at, uint64_t *ret_end)
{
	const struct plan_header *h = d->header;
	const uint8_t *p = d->w.data + at / 8;
	const uint64_t room = d->w.end - at;
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint64_t len = h->len;

	if (kind == PLAN_HEADER_GENERAL) {
		*ret_end = at;
		return walk_run(h->ops, 0, UINT32_MAX, true, &d->w, ret_end);
	}
	if (__builtin_expect(room < len * 8, 0))
		return walk_cut(&d->w, walk_short);
	if (kind == PLAN_HEADER_PLAIN) {
		if (h->id.len)
			d->w.id = load(p, h->id);
		if (h->time.len)
			d->w.clock = plan_clock(d->w.clock, load(p, h->time), h->time.len * 8u);
		*ret_end = at + len * 8;
		return true;
	}

	uint64_t id, full;
	uint32_t v;
	if (kind == PLAN_HEADER_COMPACT) {
		memcpy(&v, p, sizeof(v));
		v = h->swap ? __builtin_bswap32(v) : v;
		full = 31;
		id = h->swap == little ? v >> 27 : v & 31;
		v = h->swap == little ? v & ((1u << 27) - 1) : v >> 5;
	} else {
		full = 65535;
		id = load(p, h->id);
		v = (uint32_t)load(p, h->time);
	}
	if (__builtin_expect(id == full, 0)) {
		len = h->ext_len;
		if (room < len * 8)
			return walk_cut(&d->w, walk_short);
		id = load(p, h->ext_id);
		d->w.clock = plan_clock(d->w.clock, load(p, h->ext_time), h->ext_time.len * 8u);
	} else {
		d->w.clock = plan_clock(d->w.clock, v, kind == PLAN_HEADER_COMPACT ? 27 : 32);
	}
	d->w.id = id;
	*ret_end = at + len * 8;
	return true;
}

static inline const struct sonde_event_class *find_class(struct decode *d)
{
	const struct plan_header *h = d->header;

	if (__builtin_expect(!h->has_id, 0))
		return h->cls->n_events == 1 ? h->cls->events[0] : NULL;
	if (__builtin_expect(d->w.id < h->n_by_id, 1))
		return h->by_id[d->w.id];
	return plan_class(h, d->w.id);
}

static inline int64_t time_of(const struct decode *d, uint64_t cycles)
{
	int64_t ns;

	if (__builtin_expect(d->direct && !__builtin_add_overflow(d->base_ns, cycles, &ns), 1))
		return ns;
	const struct sonde_clock *clock = d->header->cls->clock;
	return clock ? sonde_clock_ns(clock, cycles) : d->ts_ns;
}

/* Fills in one event from behind its header at @pos; *@pos is then behind it. */
static inline __attribute__((always_inline)) bool read_event(struct decode *d,
							     const struct sonde_event_class *cls,
							     struct sonde_event *e, uint64_t *pos)
{
	const struct plan *plan = cls->plan;
	const uint64_t begin = *pos, at = e->at;
	uint64_t mark[3];

	if (plan->fixed >= 0) {
		*pos += (uint64_t)plan->fixed;
		if (__builtin_expect(*pos > d->w.end, 0))
			return walk_cut(&d->w, walk_short);
	} else if (!walk_run(plan->ops, 0, UINT32_MAX, true, &d->w, pos)) {
		return false;
	}
	if (__builtin_expect(*pos - at > UINT32_MAX, 0))
		return walk_cut(&d->w, "an event is larger than 512 MiB");
	for (unsigned i = 0; i < 3; i++)
		mark[i] = plan->marked[i] ? d->w.mark[i] : begin + plan->mark[i];
	e->context = (uint32_t)(mark[0] - at);
	e->event_context = (uint32_t)(mark[1] - at);
	e->payload = (uint32_t)(mark[2] - at);
	e->end = (uint32_t)(*pos - at);
	return true;
}

static inline __attribute__((always_inline)) enum decode_state decode_loop(
	struct decode *d, enum plan_header_kind kind, struct sonde_event *out, size_t most,
	size_t *ret_n)
{
	size_t n = 0;
	enum decode_state state = DECODE_MORE;
	uint64_t pos = d->pos;
	int64_t ts_ns = d->ts_ns;

	for (; n < most; n++) {
		struct sonde_event *e = &out[n];
		const uint64_t at = bits_align(pos, d->header->align), before = pos;
		if (__builtin_expect(at >= d->w.end, 0)) {
			state = DECODE_ENDED;
			break;
		}
		state = DECODE_CUT;
		if (!read_header(d, kind, at, &pos))
			break;
		const struct sonde_event_class *cls = find_class(d);
		if (__builtin_expect(!cls, 0)) {
			d->w.why = NULL;
			break;
		}
		const uint64_t cycles = d->w.clock;
		e->cls = cls;
		e->u.pkt = d->pkt;
		e->cycles = cycles;
		e->ts_ns = time_of(d, cycles);
		e->at = at;
		if (!read_event(d, cls, e, &pos))
			break;
		if (__builtin_expect(pos == before, 0)) {
			d->w.why = "an event takes no room";
			break;
		}
		state = DECODE_MORE;
		d->backward += e->ts_ns < ts_ns;
		ts_ns = e->ts_ns;
		d->pos = pos;
	}
	d->ts_ns = ts_ns;
	*ret_n = n;
	return state;
}

enum decode_state decode_events(struct decode *d, struct sonde_event *out, size_t most,
				size_t *ret_n)
{
	enum decode_state s = DECODE_CUT;

	switch (d->header->kind) {
	case PLAN_HEADER_GENERAL: s = decode_loop(d, PLAN_HEADER_GENERAL, out, most, ret_n); break;
	case PLAN_HEADER_PLAIN: s = decode_loop(d, PLAN_HEADER_PLAIN, out, most, ret_n); break;
	case PLAN_HEADER_COMPACT: s = decode_loop(d, PLAN_HEADER_COMPACT, out, most, ret_n); break;
	case PLAN_HEADER_LARGE: s = decode_loop(d, PLAN_HEADER_LARGE, out, most, ret_n); break;
	}
	if (s == DECODE_CUT && d->w.why)
		(void)snprintf(d->why, sizeof(d->why), "%s", d->w.why);
	else if (s == DECODE_CUT && d->header->has_id)
		(void)snprintf(d->why, sizeof(d->why), "no event class has id %llu",
			       (unsigned long long)d->w.id);
	else if (s == DECODE_CUT)
		(void)snprintf(d->why, sizeof(d->why),
			       "events have no id, and there are %zu event classes",
			       d->header->cls->n_events);
	return s;
}
