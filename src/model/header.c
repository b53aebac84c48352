/* SPDX-License-Identifier: MIT */
/** Event headers of well-known layouts, and the table of event classes by id. */
#include "model/header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "model/bits.h"

static bool is_int(const struct sonde_type *t)
{
	return t->kind == SONDE_INT || t->kind == SONDE_ENUM;
}

static bool swapped(const struct sonde_int *t)
{
	return t->big_endian == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* An unsigned integer of whole bytes, at bit @at of a header that begins at a whole byte? */
static bool byte_field(const struct sonde_type *t, uint64_t at, struct plan_byte_field *ret)
{
	if (!is_int(t) || t->u.integer.is_signed || at % 8 || at / 8 > UINT8_MAX)
		return false;
	unsigned len = t->u.integer.len;
	if (len != 8 && len != 16 && len != 32 && len != 64)
		return false;
	*ret = (struct plan_byte_field){ (uint8_t)(at / 8), (uint8_t)(len / 8),
					 swapped(&t->u.integer) };
	return true;
}

/* A structure of nothing but an id and a time, nothing aligned to more than @most? */
static bool plain(const struct sonde_type *t, uint64_t at, uint32_t most,
		  struct plan_byte_field *ret_id, struct plan_byte_field *ret_time,
		  uint32_t *ret_len)
{
	*ret_id = *ret_time = (struct plan_byte_field){ 0 };
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];
		struct plan_byte_field f;

		at = bits_align(at, m->type->align);
		if (m->type->align > most || !byte_field(m->type, at, &f) || m->type->save)
			return false;
		bool id = !strcmp(m->shown, "id"), time = m->type->u.integer.clock;
		if (id == time || (id && ret_id->len) || (time && ret_time->len))
			return false;
		*(id ? ret_id : ret_time) = f;
		at += m->type->u.integer.len;
	}
	*ret_len = (uint32_t)(at / 8);
	return true;
}

/* The options that [0, full) and full itself choose, where these are all the choices. */
static bool two_options(const struct sonde_type *v, uint64_t full,
			const struct sonde_type **ret_short, const struct sonde_type **ret_full)
{
	const struct sonde_type *small = NULL, *big = NULL;

	if (v->u.variant.n_choices != 2 || v->u.variant.tag_signed)
		return false;
	for (size_t i = 0; i < 2; i++) {
		const struct sonde_choice *c = &v->u.variant.choices[i];
		if (c->option >= v->u.variant.n_options)
			return false;
		const struct sonde_type *o = v->u.variant.options[c->option].type;

		if (c->lo == 0 && c->hi == full - 1)
			small = o;
		else if (c->lo == full && c->hi == full)
			big = o;
	}
	if (!small || !big || small->kind != SONDE_STRUCT || big->kind != SONDE_STRUCT)
		return false;
	*ret_short = small;
	*ret_full = big;
	return true;
}

/* LTTng's headers: an id, and a variant with a short time or a full id and time. */
static bool lttng(struct plan_header *h, const struct sonde_type *t)
{
	if (t->u.structure.n_members != 2)
		return false;
	const struct sonde_type *id = t->u.structure.members[0].type,
				*v = t->u.structure.members[1].type, *small, *full;
	if (!is_int(id) || id->u.integer.is_signed || strcmp(t->u.structure.members[0].shown, "id"))
		return false;
	unsigned len = id->u.integer.len;
	if ((len != 5 && len != 16) || v->kind != SONDE_VARIANT || !id->save ||
	    v->ref != id->save || !two_options(v, (UINT64_C(1) << len) - 1, &small, &full))
		return false;

	uint64_t at = bits_align(len, full->align);
	if (full->align > h->align ||
	    !plain(full, at, h->align, &h->ext_id, &h->ext_time, &h->ext_len) || !h->ext_id.len ||
	    !h->ext_time.len || small->u.structure.n_members != 1)
		return false;

	const struct sonde_type *time = small->u.structure.members[0].type;
	if (small->align > h->align || time->align > h->align || !is_int(time) ||
	    time->u.integer.is_signed || !time->u.integer.clock || time->save ||
	    !strcmp(small->u.structure.members[0].shown, "id"))
		return false;
	at = bits_align(bits_align(len, small->align), time->align);
	if (len == 5) {
		if (at != 5 || time->u.integer.len != 27 ||
		    time->u.integer.big_endian != id->u.integer.big_endian)
			return false;
		h->swap = swapped(&id->u.integer);
		h->len = 4;
		h->kind = PLAN_HEADER_COMPACT;
		return true;
	}
	if (time->u.integer.len != 32 || !byte_field(id, 0, &h->id) ||
	    !byte_field(time, at, &h->time))
		return false;
	h->len = (uint32_t)(at / 8) + 4;
	h->kind = PLAN_HEADER_LARGE;
	return true;
}

/* Is there an integer called id, here or in the options of variants? */
static bool finds_id(const struct sonde_type *t)
{
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];

		if (is_int(m->type) && !strcmp(m->shown, "id"))
			return true;
		if (m->type->kind != SONDE_VARIANT)
			continue;
		for (size_t k = 0; k < m->type->u.variant.n_options; k++) {
			const struct sonde_type *o = m->type->u.variant.options[k].type;
			if (o->kind == SONDE_STRUCT && finds_id(o))
				return true;
		}
	}
	return false;
}

void header_recognise(struct plan_header *h)
{
	const struct sonde_type *t = h->cls->event_header;

	h->kind = PLAN_HEADER_GENERAL;
	if (!t)
		return;
	h->has_id = finds_id(t);
	if (h->align < 8)
		return; // may begin inside a byte
	if (plain(t, 0, h->align, &h->id, &h->time, &h->len) && h->len)
		h->kind = PLAN_HEADER_PLAIN;
	else
		(void)lttng(h, t);
}

static int by_id(const void *a, const void *b)
{
	const struct sonde_event_class *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

int header_index(struct arena *arena, struct plan_header *h)
{
	const struct sonde_stream_class *sc = h->cls;
	size_t table = sc->n_events * 16 + 1024, most = 0;

	h->sorted = arena_array(arena, sc->n_events, sizeof(*h->sorted));
	if (!h->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < sc->n_events; i++) {
		if (sc->events[i]->id >= table)
			h->sorted[h->n_sorted++] = sc->events[i];
		else if (sc->events[i]->id >= most)
			most = sc->events[i]->id + 1;
	}
	qsort(h->sorted, h->n_sorted, sizeof(*h->sorted), by_id);

	h->by_id = arena_array(arena, most, sizeof(*h->by_id));
	if (!h->by_id)
		return -ENOMEM;
	h->n_by_id = most;
	for (size_t i = sc->n_events; i-- > 0;) {
		if (sc->events[i]->id < most)
			h->by_id[sc->events[i]->id] = sc->events[i];
	}
	return 0;
}

/* Bytes that are few enough, or false. */
static bool few_bytes(uint64_t bits, uint32_t *ret)
{
	if (bits % 8 || bits > INT32_MAX)
		return false;
	*ret = (uint32_t)(bits / 8);
	return true;
}

/* Does any op but the one behind @i use the local that @i saves? */
static bool used_elsewhere(const struct plan *p, uint32_t i)
{
	for (uint32_t k = 0; k < p->n_ops; k++) {
		const struct plan_op *op = &p->ops[k];
		bool reads = op->code == PLAN_REPEAT || op->code == PLAN_LOOP ||
			     op->code == PLAN_VARIANT;

		if (k != i + 1 && reads && !op->packet && op->slot == p->ops[i].slot)
			return true;
	}
	return false;
}

/* The op @i as a step; 0: it cannot be one; else how many ops that makes. */
static uint32_t step_of(const struct plan *p, uint32_t i, struct plan_step *ret)
{
	const struct plan_op *op = &p->ops[i];
	const uint8_t len = op->hot == PLAN_U8_REPEAT	 ? 1
			    : op->hot == PLAN_U16_REPEAT ? 2
			    : op->hot == PLAN_U32_REPEAT ? 4
							 : 8;

	*ret = (struct plan_step){ .len = len };
	if (!few_bytes(op->pre, &ret->pre))
		return 0;
	switch ((enum plan_code)op->hot) {
	case PLAN_END: ret->kind = PLAN_STEP_END; return 1;
	case PLAN_STRING: ret->kind = PLAN_STEP_STRING; return 1;
	case PLAN_ALIGN:
		ret->kind = PLAN_STEP_ALIGN;
		return few_bytes(op->n, &ret->stride) && ret->stride ? 1 : 0;
	case PLAN_U8_REPEAT:
	case PLAN_U16_REPEAT:
	case PLAN_U32_REPEAT:
	case PLAN_U64_REPEAT:
		ret->kind = PLAN_STEP_ITEMS;
		return few_bytes(op[1].n, &ret->stride) && !used_elsewhere(p, i) ? 2 : 0;
	default: return 0;
	}
}

static void find_steps(const struct plan *p, struct plan_hot *hot)
{
	uint32_t i = 0, n = 0;

	for (; i < p->n_ops && n < PLAN_STEPS_MOST; n++) {
		uint32_t ops = step_of(p, i, &hot->steps[n]);
		if (!ops)
			break;
		i += ops;
	}
	if (i != p->n_ops || p->marked[0] || p->marked[1] || p->marked[2])
		hot->steps[0] = (struct plan_step){ .kind = PLAN_STEP_OPS };
}

int header_hot(struct arena *arena, struct plan_header *h)
{
	// The arena's memory is aligned for anything, but not for cache lines.
	uint8_t *mem = arena_array(arena, h->n_by_id + 1, sizeof(*h->hot));
	if (!mem)
		return -ENOMEM;
	h->hot = (struct plan_hot *)(mem + (-(uintptr_t)mem & (sizeof(*h->hot) - 1)));
	for (size_t i = 0; i < h->n_by_id; i++) {
		struct plan_hot *hot = &h->hot[i];
		const struct plan *p;

		hot->cls = h->by_id[i];
		hot->id = (uint32_t)i;
		if (!hot->cls)
			continue;
		p = hot->plan = hot->cls->plan;
		memcpy(hot->mark, p->mark, sizeof(p->mark));
		find_steps(p, hot);
	}
	return 0;
}

const struct sonde_event_class *plan_class(const struct plan_header *h, uint64_t id)
{
	size_t lo = 0, hi = h->n_sorted;

	if (id < h->n_by_id)
		return h->by_id[id];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->sorted[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < h->n_sorted && h->sorted[lo]->id == id ? h->sorted[lo] : NULL;
}
