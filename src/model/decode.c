/* SPDX-License-Identifier: MIT */
/**
 * The decode loops.
 *
 * The careful one reads anything, says what is wrong, and is short of nothing but speed. The quick
 * one does the events that tracers write in fact: a well-known header, whole bytes, a short
 * program, far enough from the packet's end. Whatever it does not like it leaves, untouched, to
 * the careful one. One copy of each is made for each kind of event header.
 *
 * An event's place depends on the length of the one before, so what counts is how many steps lie
 * between them: everything about a class is in one entry of the table by id, and what it holds
 * besides the lengths is done meanwhile.
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
	if (!clock || clock->freq != 1000000000 || clock->map)
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

void decode_move(struct decode *d, const struct sonde_packet *p)
{
	d->pkt = p;
	d->w.slots = p->slots;
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
		return plan_run_hot(h->ops, &d->w, ret_end);
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

/* Sets the begins of scopes that the ops came upon. */
static inline void set_marks(const struct decode *d, const struct plan *plan, struct sonde_event *e)
{
	if (plan->marked[0])
		e->context = (uint32_t)(d->w.mark[0] - e->at);
	if (plan->marked[1])
		e->event_context = (uint32_t)(d->w.mark[1] - e->at);
	if (plan->marked[2])
		e->payload = (uint32_t)(d->w.mark[2] - e->at);
}

/* Fills in one event from behind its header at @pos; *@pos is then behind it. */
static inline __attribute__((always_inline)) bool read_event(struct decode *d,
							     const struct sonde_event_class *cls,
							     struct sonde_event *e, uint64_t *pos)
{
	const struct plan *plan = cls->plan;
	const uint64_t begin = *pos, at = e->at;

	if (plan->fixed >= 0) {
		*pos += (uint64_t)plan->fixed;
		if (__builtin_expect(*pos > d->w.end, 0))
			return walk_cut(&d->w, walk_short);
	} else if (!plan_run_hot(plan->ops, &d->w, pos)) {
		return false;
	}
	if (__builtin_expect(*pos - at > UINT32_MAX, 0))
		return walk_cut(&d->w, "an event is larger than 512 MiB");
	e->context = (uint32_t)(begin - at) + plan->mark[0];
	e->event_context = (uint32_t)(begin - at) + plan->mark[1];
	e->payload = (uint32_t)(begin - at) + plan->mark[2];
	e->end = (uint32_t)(*pos - at);
	set_marks(d, plan, e);
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

/* Two of these can be added. */
#define CLOCK_MOST ((uint64_t)INT64_MAX / 2)

/* The quick loop's position and clock. */
struct quick {
	const uint8_t *p, *end; /* whole bytes of content */
	uint64_t clock;
};

/* Reads the header at q->p, which is far enough from the end. */
static inline __attribute__((always_inline)) uint64_t quick_header(const struct plan_header *h,
								   enum plan_header_kind kind,
								   bool is_wide, struct quick *q,
								   uint64_t *ret_id)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	const uint8_t *p = q->p;
	uint32_t v;

	if (kind == PLAN_HEADER_PLAIN && is_wide) {
		uint16_t id;

		memcpy(&id, p + h->id.at, sizeof(id));
		memcpy(&q->clock, p + h->time.at, sizeof(q->clock));
		*ret_id = id;
		return h->len;
	}
	if (kind == PLAN_HEADER_PLAIN) {
		*ret_id = h->id.len ? load(p, h->id) : 0;
		if (h->time.len)
			q->clock = plan_clock(q->clock, load(p, h->time), h->time.len * 8u);
		return h->len;
	}
	if (kind == PLAN_HEADER_COMPACT) {
		memcpy(&v, p, sizeof(v));
		v = h->swap ? __builtin_bswap32(v) : v;
		*ret_id = h->swap == little ? v >> 27 : v & 31;
		v = h->swap == little ? v & ((1u << 27) - 1) : v >> 5;
		if (__builtin_expect(*ret_id != 31, 1)) {
			q->clock = plan_clock(q->clock, v, 27);
			return h->len;
		}
	} else {
		uint16_t id;

		memcpy(&id, p, sizeof(id));
		memcpy(&v, p + h->time.at, sizeof(v));
		*ret_id = h->id.swap ? __builtin_bswap16(id) : id;
		v = h->time.swap ? __builtin_bswap32(v) : v;
		if (__builtin_expect(*ret_id != 65535, 1)) {
			q->clock = plan_clock(q->clock, v, 32);
			return h->len;
		}
	}
	*ret_id = load(p, h->ext_id);
	q->clock = plan_clock(q->clock, load(p, h->ext_time), h->ext_time.len * 8u);
	return h->ext_len;
}

/* The length of an array, in @len bytes of the machine's order; 8 bytes may be read. */
static inline uint64_t quick_length(const uint8_t *p, unsigned len)
{
	const unsigned shift = 64 - 8 * len;
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v << shift >> shift : v >> shift;
}

/* Goes behind the fields at *ret_p, all but those that only ops can tell. */
static inline __attribute__((always_inline)) bool quick_steps(const struct plan_step *step,
							      const uint8_t *data,
							      const uint8_t *end,
							      const uint8_t **ret_p)
{
	const uint8_t *p = *ret_p;
	uint64_t n;

	for (;; step++) {
		p += step->pre;
		if (__builtin_expect(step->kind == PLAN_STEP_END, 1)) {
			*ret_p = p;
			return p <= end;
		}
		switch ((enum plan_step_kind)step->kind) {
		case PLAN_STEP_STRING:
			if (__builtin_expect(p >= end, 0))
				return false;
			p += walk_strlen(p, (size_t)(end - p)) + 1;
			break;
		case PLAN_STEP_ITEMS:
			if (__builtin_expect(p > end || end - p < 8, 0))
				return false;
			n = quick_length(p, step->len);
			p += step->len;
			if (__builtin_expect(n > UINT32_MAX, 0) ||
			    __builtin_expect((uint64_t)(end - p) < n * step->stride, 0))
				return false;
			p += n * step->stride;
			break;
		case PLAN_STEP_ALIGN:
			p = data + bits_align((uint64_t)(p - data), step->stride);
			break;
		default: return false;
		}
	}
}

/* The same for any fields; *ret_bits is the exact place. */
static bool quick_ops(struct decode *d, const struct plan *plan, const uint8_t *end,
		      const uint8_t **ret_p, uint64_t *ret_bits)
{
	uint64_t pos = (uint64_t)(*ret_p - d->w.data) * 8;

	if (!plan_run_hot(plan->ops, &d->w, &pos))
		return false;
	*ret_p = d->w.data + (pos + 7) / 8;
	*ret_bits = pos;
	return *ret_p <= end;
}

enum { AHEAD = 2048 }; /* bytes: memory comes while some thirty events are decoded */

static inline __attribute__((always_inline)) size_t quick_loop(struct decode *d,
							       enum plan_header_kind kind,
							       bool is_wide,
							       struct sonde_event *out, size_t most)
{
	const struct plan_header *h = d->header;
	const uint8_t *const data = d->w.data;
	const struct sonde_packet *const pkt = d->pkt;
	const uint64_t align = h->align / 8, base = (uint64_t)d->base_ns;
	const uint64_t longest = h->len > h->ext_len ? h->len : h->ext_len;
	struct quick q = { data + (d->pos + 7) / 8, data + d->w.end / 8, d->w.clock };
	uint64_t backward = 0;
	int64_t ts_ns = d->ts_ns;
	size_t n = 0;

	for (; n < most; n++) {
		struct sonde_event *e = &out[n];
		struct quick now = q;
		uint64_t id, bits;

		if (align > 1)
			now.p = data + bits_align((uint64_t)(now.p - data), align);
		if ((uint64_t)(now.end - data) < (uint64_t)(now.p - data) + longest)
			break;
		const uint64_t at = (uint64_t)(now.p - data) * 8;
		const uint64_t len = quick_header(h, kind, is_wide, &now, &id);
		if (id >= h->n_by_id || now.clock > CLOCK_MOST)
			break;

		const struct plan_hot *hot = &h->hot[id];
		now.p += len;
		const uint64_t cycles = now.clock;
		const bool ops = hot->steps[0].kind == PLAN_STEP_OPS;
		if (__builtin_expect(ops, 0)) {
			d->w.clock = cycles;
			if (!quick_ops(d, hot->plan, now.end, &now.p, &bits))
				break;
			now.clock = d->w.clock; // a field may be a clock's value, too
		} else {
			if (!quick_steps(hot->steps, data, now.end, &now.p))
				break;
			bits = (uint64_t)(now.p - data) * 8;
		}
		if (bits - at > UINT32_MAX)
			break;
		e->cls = hot->cls;
		e->u.pkt = pkt;
		e->cycles = cycles;
		e->at = at;
		e->ts_ns = (int64_t)(base + cycles);
		e->context = hot->mark[0] + (uint32_t)len * 8;
		e->event_context = hot->mark[1] + (uint32_t)len * 8;
		e->payload = hot->mark[2] + (uint32_t)len * 8;
		e->end = (uint32_t)(bits - at);
		if (ops)
			set_marks(d, hot->plan, e);
		backward += e->ts_ns < ts_ns;
		ts_ns = e->ts_ns;
		__builtin_prefetch(now.p + AHEAD);
		q = now;
	}
	if (n)
		d->pos = out[n - 1].at + out[n - 1].end;
	d->w.clock = q.clock;
	d->backward += backward;
	d->ts_ns = ts_ns;
	return n;
}

/* Are the packet, the clock and the header such that the quick loop knows what to do? */
static bool may_be_quick(const struct decode *d)
{
	const struct plan_header *h = d->header;

	return h->kind != PLAN_HEADER_GENERAL && d->direct && h->has_id && h->len &&
	       d->base_ns <= (int64_t)CLOCK_MOST;
}

/* An id of two bytes and all of a clock, as this machine writes them. */
static bool is_wide(const struct plan_header *h)
{
	return h->kind == PLAN_HEADER_PLAIN && h->id.len == 2 && !h->id.swap && h->time.len == 8 &&
	       !h->time.swap;
}

static size_t decode_quick(struct decode *d, struct sonde_event *out, size_t most)
{
	switch (d->header->kind) {
	case PLAN_HEADER_PLAIN:
		return is_wide(d->header) ? quick_loop(d, PLAN_HEADER_PLAIN, true, out, most)
					  : quick_loop(d, PLAN_HEADER_PLAIN, false, out, most);
	case PLAN_HEADER_COMPACT: return quick_loop(d, PLAN_HEADER_COMPACT, false, out, most);
	case PLAN_HEADER_LARGE: return quick_loop(d, PLAN_HEADER_LARGE, false, out, most);
	default: return 0;
	}
}
static enum decode_state decode_careful(struct decode *d, struct sonde_event *out, size_t most,
					size_t *ret_n)
{
	switch (d->header->kind) {
	case PLAN_HEADER_PLAIN: return decode_loop(d, PLAN_HEADER_PLAIN, out, most, ret_n);
	case PLAN_HEADER_COMPACT: return decode_loop(d, PLAN_HEADER_COMPACT, out, most, ret_n);
	case PLAN_HEADER_LARGE: return decode_loop(d, PLAN_HEADER_LARGE, out, most, ret_n);
	default: return decode_loop(d, PLAN_HEADER_GENERAL, out, most, ret_n);
	}
}

enum decode_state decode_events(struct decode *d, struct sonde_event *out, size_t most,
				size_t *ret_n)
{
	const bool quick = may_be_quick(d);
	enum decode_state s = DECODE_MORE;
	size_t n = 0, more;

	while (n < most && s == DECODE_MORE) {
		if (quick)
			n += decode_quick(d, out + n, most - n);
		if (n == most)
			break;
		s = decode_careful(d, out + n, quick ? 1 : most - n, &more);
		n += more;
	}
	*ret_n = n;
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
