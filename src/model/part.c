/* SPDX-License-Identifier: MIT */
/** Walks events by their types. */
#include "model/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/bits.h"

/* No event of sense has more; one that says so ends the walk. */
enum { BUDGET = 1 << 22 };

void part_walk_fini(struct part_walk *w)
{
	free(w->slots);
	*w = (struct part_walk){ 0 };
}

static uint64_t align_of(const struct sonde_type *t)
{
	return t->kind == SONDE_VARIANT ? 1 : t->align;
}

static bool has_room(const struct part_walk *w, uint64_t len)
{
	return w->pos <= w->end && w->end - w->pos >= len;
}

static void save(struct part_walk *w, const struct sonde_type *t, uint64_t v)
{
	if (t->save && t->save < w->n_slots)
		w->slots[t->save] = v;
}

static const struct sonde_type *choose(const struct part_walk *w, const struct sonde_type *t)
{
	const uint64_t turn = t->u.variant.tag_signed ? UINT64_C(1) << 63 : 0;
	const uint64_t tag = t->ref < w->n_slots ? w->slots[t->ref] : 0;

	for (size_t i = 0; i < t->u.variant.n_choices; i++) {
		const struct sonde_choice *c = &t->u.variant.choices[i];

		if ((tag ^ turn) >= (c->lo ^ turn) && (tag ^ turn) <= (c->hi ^ turn))
			return t->u.variant.options[c->option].type;
	}
	return NULL;
}

const struct sonde_type *part_choose(struct part_walk *w, const struct sonde_type *t)
{
	while (t && t->kind == SONDE_VARIANT) {
		t = choose(w, t);
		if (t)
			w->pos = bits_align(w->pos, align_of(t));
	}
	return t;
}

uint64_t part_count(const struct part_walk *w, const struct sonde_type *t)
{
	if (t->kind == SONDE_ARRAY)
		return t->u.array.n;
	return t->ref < w->n_slots ? w->slots[t->ref] : 0;
}

bool part_int(const struct part_walk *w, const struct sonde_type *t, int64_t *ret)
{
	if (!has_room(w, t->u.integer.len))
		return false;
	*ret = (int64_t)bits_int(w->data, w->pos, &t->u.integer);
	return true;
}

bool part_real(const struct part_walk *w, const struct sonde_type *t, double *ret)
{
	const unsigned len = t->u.real.len;

	if ((len != 32 && len != 64) || !has_room(w, len))
		return false;
	const uint64_t v = bits_u64(w->data, w->pos, len, t->u.real.big_endian);
	const uint32_t v32 = (uint32_t)v;
	float small;
	if (len == 64)
		memcpy(ret, &v, sizeof(*ret));
	memcpy(&small, &v32, sizeof(small));
	if (len == 32)
		*ret = (double)small;
	return true;
}

bool part_text(const struct part_walk *w, const struct sonde_type *t, struct sonde_span *ret)
{
	uint64_t n = (w->end - w->pos) / 8;

	if (w->pos > w->end || w->pos % 8)
		return false;
	if (t->kind != SONDE_STRING) {
		if (part_count(w, t) > n)
			return false;
		n = part_count(w, t);
	}
	ret->data = w->data + w->pos / 8;
	const uint8_t *end = n ? memchr(ret->data, 0, n) : NULL;
	ret->len = end ? (size_t)(end - ret->data) : (size_t)n;
	return end || t->kind != SONDE_STRING;
}

static bool skip(struct part_walk *w, const struct sonde_type *t, unsigned depth);

static bool skip_bits(struct part_walk *w, uint64_t len)
{
	if (!has_room(w, len))
		return false;
	w->pos += len;
	return true;
}

/* Goes to element @i of elements that begin at the place of the walk; @n: behind all of them. */
static bool to_element(struct part_walk *w, const struct sonde_type *elem, uint64_t i,
		       unsigned depth)
{
	const uint64_t align = align_of(elem);

	// All but the last one can be jumped over; it saves what they would have saved.
	if (i > 1 && elem->fixed_len >= 0) {
		const uint64_t stride = bits_align((uint64_t)elem->fixed_len, align);
		uint64_t len;

		w->pos = bits_align(w->pos, align);
		if (__builtin_mul_overflow(i - 1, stride, &len) || !skip_bits(w, len))
			return false;
		i = 1;
	}
	while (i--)
		if (!skip(w, elem, depth + 1))
			return false;
	w->pos = bits_align(w->pos, align);
	return true;
}

static bool skip_elements(struct part_walk *w, const struct sonde_type *t, unsigned depth)
{
	const uint64_t n = part_count(w, t);

	return !n || (to_element(w, t->u.array.elem, n - 1, depth) &&
		      skip(w, t->u.array.elem, depth + 1));
}

/* Goes to member @n of a structure, whose begin is the place of the walk. */
static bool to_member(struct part_walk *w, const struct sonde_type *t, size_t n, unsigned depth)
{
	for (size_t i = 0; i < n; i++)
		if (!skip(w, t->u.structure.members[i].type, depth + 1))
			return false;
	if (n < t->u.structure.n_members)
		w->pos = bits_align(w->pos, align_of(t->u.structure.members[n].type));
	return true;
}

static bool skip(struct part_walk *w, const struct sonde_type *t, unsigned depth)
{
	struct sonde_span text;
	int64_t v;

	if (depth > PART_DEPTH_MOST || !w->budget)
		return false;
	w->budget--;
	w->pos = bits_align(w->pos, align_of(t));
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM:
		if (!part_int(w, t, &v))
			return false;
		save(w, t, (uint64_t)v);
		return skip_bits(w, t->u.integer.len);
	case SONDE_FLOAT: return t->fixed_len >= 0 && skip_bits(w, (uint64_t)t->fixed_len);
	case SONDE_STRING:
		return part_text(w, t, &text) && skip_bits(w, 8 * ((uint64_t)text.len + 1));
	case SONDE_STRUCT: return to_member(w, t, t->u.structure.n_members, depth);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: return skip_elements(w, t, depth);
	case SONDE_VARIANT: t = choose(w, t); return t && skip(w, t, depth + 1);
	}
	return false;
}

bool part_skip(struct part_walk *w, const struct sonde_type *t)
{
	return skip(w, t, 0);
}

static const struct sonde_type *scope_type(const struct sonde_event_class *cls,
					   enum sonde_scope scope)
{
	const struct sonde_stream_class *sc = cls->stream_class;

	switch (scope) {
	case SONDE_SCOPE_PACKET_HEADER: return sc->trace->packet_header;
	case SONDE_SCOPE_PACKET_CONTEXT: return sc->packet_context;
	case SONDE_SCOPE_EVENT_HEADER: return sc->event_header;
	case SONDE_SCOPE_STREAM_CONTEXT: return sc->event_context;
	case SONDE_SCOPE_EVENT_CONTEXT: return cls->context;
	case SONDE_SCOPE_PAYLOAD: return cls->payload;
	}
	return NULL;
}

static uint64_t scope_begin(const struct sonde_event *e, enum sonde_scope scope)
{
	switch (scope) {
	case SONDE_SCOPE_PACKET_HEADER: return e->u.pkt->header_at;
	case SONDE_SCOPE_PACKET_CONTEXT: return e->u.pkt->context_at;
	case SONDE_SCOPE_EVENT_HEADER: return e->at;
	case SONDE_SCOPE_STREAM_CONTEXT: return e->at + e->context;
	case SONDE_SCOPE_EVENT_CONTEXT: return e->at + e->event_context;
	case SONDE_SCOPE_PAYLOAD: return e->at + e->payload;
	}
	return 0;
}

/* To the begin of a scope, with what the scopes before it save. */
static bool begin(struct part_walk *w, const struct sonde_event *e, enum sonde_scope scope)
{
	const size_t n = (size_t)e->cls->stream_class->trace->n_slots + 1;
	enum sonde_scope s = scope <= SONDE_SCOPE_PACKET_CONTEXT ? SONDE_SCOPE_PACKET_HEADER
								 : SONDE_SCOPE_EVENT_HEADER;

	if (n > w->n_slots) {
		uint64_t *more = realloc(w->slots, n * sizeof(*more));
		if (!more)
			return false;
		w->slots = more;
		w->n_slots = n;
	}
	memcpy(w->slots, e->u.pkt->slots, n * sizeof(*w->slots));
	w->data = e->u.pkt->data;
	w->end = e->u.pkt->n_bits;
	w->budget = BUDGET;
	for (; s < scope; s++) {
		const struct sonde_type *t = scope_type(e->cls, s);

		w->pos = scope_begin(e, s);
		if (t && n > 1 && !skip(w, t, 0))
			return false;
	}
	w->pos = scope_begin(e, scope);
	return true;
}

static const struct sonde_type *step(struct part_walk *w, const struct sonde_type *t,
				     uint32_t which, const uint64_t **at)
{
	const struct sonde_type *chosen;

	switch (t->kind) {
	case SONDE_STRUCT:
		if (which >= t->u.structure.n_members || !to_member(w, t, which, 0))
			return NULL;
		return t->u.structure.members[which].type;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: {
		const uint64_t i = *(*at)++;
		if (i >= part_count(w, t) || !to_element(w, t->u.array.elem, i, 0))
			return NULL;
		return t->u.array.elem;
	}
	case SONDE_VARIANT:
		chosen = choose(w, t);
		if (!chosen || which >= t->u.variant.n_options ||
		    t->u.variant.options[which].type != chosen)
			return NULL;
		w->pos = bits_align(w->pos, align_of(chosen));
		return chosen;
	default: return NULL;
	}
}

const struct sonde_type *part_find(struct part_walk *w, const struct sonde_event *e,
				   const struct part_path *path, const uint64_t *at)
{
	const struct sonde_type *t = scope_type(path->cls, path->scope);

	if (e->cls != path->cls || !t || !begin(w, e, path->scope))
		return NULL;
	for (uint32_t i = 0; t && i < path->n; i++)
		t = step(w, t, path->steps[i], &at);
	return part_choose(w, t);
}
