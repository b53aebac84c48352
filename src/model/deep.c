/* SPDX-License-Identifier: MIT */
/** Walks the tree of types along an event's bytes. */
#include "model/deep.h"

#include <string.h>

#include "model/bits.h"
#include "model/walk.h"

enum { DEPTH_MOST = 64 };

struct deep {
	const uint8_t *data;
	uint64_t pos, end; /* bits */
	uint64_t *slots;
	uint32_t n_slots;
	deep_visit *visit;
	deep_bytes *bytes;
	void *arg;
};

static bool room(const struct deep *d, uint64_t len)
{
	return d->pos <= d->end && d->end - d->pos >= len;
}

static bool skip_bits(struct deep *d, uint64_t len)
{
	if (!room(d, len))
		return false;
	d->pos += len;
	return true;
}

static bool go(struct deep *d, const struct sonde_type *t, const char *name, unsigned depth);

static bool go_int(struct deep *d, const struct sonde_type *t, const char *name)
{
	if (!room(d, t->u.integer.len))
		return false;
	const uint64_t v = bits_int(d->data, d->pos, &t->u.integer);

	d->pos += t->u.integer.len;
	if (t->save && t->save <= d->n_slots)
		d->slots[t->save] = v;
	if (name)
		d->visit(d->arg, name, (int64_t)v);
	return true;
}

static bool go_string(struct deep *d)
{
	if (!room(d, 8))
		return false;
	const size_t left = (size_t)((d->end - d->pos) / 8);
	const size_t len = walk_strlen(d->data + d->pos / 8, left);

	return len < left && skip_bits(d, 8 * (uint64_t)(len + 1));
}

/* @n elements lie one behind the other, each of whole bytes. */
static void tell_bytes(const struct deep *d, const struct sonde_type *elem, const char *name,
		       uint64_t n)
{
	const uint64_t at = bits_align(d->pos, elem->align);

	if (!name || elem->kind != SONDE_INT || elem->u.integer.len % 8 ||
	    elem->u.integer.len % elem->align || at % 8 || n > DEEP_BYTES_MOST)
		return;
	const uint64_t len = n * (elem->u.integer.len / 8);
	if (len && len <= DEEP_BYTES_MOST && at <= d->end && d->end - at >= 8 * len)
		d->bytes(d->arg, name, d->data + at / 8, (size_t)len);
}

static bool go_array(struct deep *d, const struct sonde_type *t, const char *name, unsigned depth)
{
	const struct sonde_type *elem = t->u.array.elem;
	uint64_t n = t->kind == SONDE_ARRAY ? t->u.array.n
		     : t->ref <= d->n_slots ? d->slots[t->ref]
					    : 0;

	tell_bytes(d, elem, name, n);

	for (; n; n--) {
		const uint64_t before = d->pos;

		if (!go(d, elem, NULL, depth + 1))
			return false;
		if (d->pos == before)
			break; // elements that take no room change nothing
	}
	return true;
}

static const struct sonde_type *choose(const struct deep *d, const struct sonde_type *t)
{
	const uint64_t turn = t->u.variant.tag_signed ? UINT64_C(1) << 63 : 0;
	const uint64_t tag = t->ref <= d->n_slots ? d->slots[t->ref] : 0;

	for (size_t i = 0; i < t->u.variant.n_choices; i++) {
		const struct sonde_choice *c = &t->u.variant.choices[i];

		if ((tag ^ turn) >= (c->lo ^ turn) && (tag ^ turn) <= (c->hi ^ turn))
			return t->u.variant.options[c->option].type;
	}
	return NULL;
}

static bool go(struct deep *d, const struct sonde_type *t, const char *name, unsigned depth)
{
	if (depth > DEPTH_MOST)
		return false;
	if (t->kind == SONDE_VARIANT) {
		const struct sonde_type *option = choose(d, t);

		return option && go(d, option, name, depth + 1);
	}
	d->pos = bits_align(d->pos, t->align);
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return go_int(d, t, name);
	case SONDE_FLOAT: return skip_bits(d, t->u.real.len);
	case SONDE_STRING: return go_string(d);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: return go_array(d, t, name, depth);
	case SONDE_STRUCT:
		for (size_t i = 0; i < t->u.structure.n_members; i++) {
			const struct sonde_member *m = &t->u.structure.members[i];

			if (!go(d, m->type, m->shown, depth + 1))
				return false;
		}
		return true;
	case SONDE_VARIANT: break;
	}
	return false;
}

bool deep_fields(const struct sonde_event *e, uint64_t *slots, deep_visit *visit, deep_bytes *bytes,
		 void *arg)
{
	const struct sonde_packet *p = e->u.pkt;
	const uint32_t n = e->cls->stream_class->trace->n_slots;
	struct deep d = {
		.data = p->data,
		.pos = e->at + e->payload,
		.end = p->n_bits,
		.slots = slots,
		.n_slots = n,
		.visit = visit,
		.bytes = bytes,
		.arg = arg,
	};

	if (!e->cls->payload)
		return true;
	if (p->slots)
		memcpy(slots, p->slots, sizeof(*slots) * (n + 1));
	else
		memset(slots, 0, sizeof(*slots) * (n + 1));
	return go(&d, e->cls->payload, NULL, 0);
}
