/* SPDX-License-Identifier: MIT */
/** Single fields of events by name. */
#include "model/field.h"

#include <stddef.h>
#include <string.h>

#include "model/bits.h"
#include "model/plan.h"
#include "model/walk.h"

/* A packet header or context that saves more has only fields at fixed places. */
enum { PACKET_LOCALS_MOST = 2048 };

/* A field of one event. */
struct found {
	const struct sonde_type *type; /* no variant */
	const uint8_t *data;	       /* the packet's */
	uint64_t pos;		       /* bits */
	uint64_t end;		       /* bits in the packet */
	uint64_t n;		       /* elements of an array or sequence */
};

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

static const struct plan_scope *scope_plan(const struct sonde_event_class *cls,
					   enum sonde_scope scope, const struct plan_op **ret_ops)
{
	const struct plan *p = cls->plan;
	const struct plan_packet *packet;

	switch (scope) {
	case SONDE_SCOPE_PACKET_HEADER:
	case SONDE_SCOPE_PACKET_CONTEXT:
		packet = p->header->packet[scope - SONDE_SCOPE_PACKET_HEADER];
		*ret_ops = packet ? packet->ops : NULL;
		return packet ? &packet->scope : NULL;
	case SONDE_SCOPE_EVENT_HEADER: *ret_ops = p->header->ops; return &p->header->scope;
	default: *ret_ops = p->ops; return &p->scope[scope - SONDE_SCOPE_STREAM_CONTEXT];
	}
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

static uint64_t type_align(const struct sonde_type *t)
{
	return t->kind == SONDE_VARIANT ? 1 : t->align;
}

/* Members of fixed size alone say where the next one is, even without a plan. */
static bool find_fixed(const struct sonde_type *scope, uint32_t member, uint32_t *ret_off)
{
	uint64_t off = 0;

	for (uint32_t i = 0; i <= member; i++) {
		const struct sonde_type *t = scope->u.structure.members[i].type;

		off = bits_align(off, type_align(t));
		if (off > UINT32_MAX || (i < member && t->fixed_len < 0))
			return false;
		if (i < member && t->fixed_len > UINT32_MAX)
			return false;
		if (i < member)
			off += (uint64_t)t->fixed_len;
	}
	*ret_off = (uint32_t)off;
	return true;
}

/* A whole number of bytes that lie in the machine's order. */
static bool is_plain_int(const struct sonde_int *i)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !i->big_endian && i->len % 8 == 0 &&
	       i->len && i->len <= 64;
}

static bool is_plain_text(const struct sonde_type *t)
{
	return t->kind == SONDE_ARRAY && t->u.array.is_text &&
	       t->u.array.elem->u.integer.len == 8 && t->u.array.elem->align <= 8 &&
	       t->u.array.n < UINT32_MAX;
}

/* Whether the place alone is enough to read it; @scope: the type of the scope. */
static void find_plain(const struct sonde_type *scope, struct field_ref *ret)
{
	static const uint8_t begins[] = {
		[SONDE_SCOPE_STREAM_CONTEXT] = offsetof(struct sonde_event, context),
		[SONDE_SCOPE_EVENT_CONTEXT] = offsetof(struct sonde_event, event_context),
		[SONDE_SCOPE_PAYLOAD] = offsetof(struct sonde_event, payload),
	};
	const struct sonde_type *t = ret->type;
	const bool is_int = t->kind == SONDE_INT || t->kind == SONDE_ENUM;

	if (!ret->fixed || ret->scope < SONDE_SCOPE_STREAM_CONTEXT || ret->off % 8 ||
	    scope->align % 8)
		return;
	ret->is_plain = is_int ? is_plain_int(&t->u.integer) : is_plain_text(t);
	ret->is_number = ret->is_plain && is_int;
	ret->is_signed = is_int && t->u.integer.is_signed;
	ret->shift = ret->is_plain && is_int ? (uint8_t)(64 - t->u.integer.len) : 0;
	ret->begin_at = begins[ret->scope];
}

bool field_find(const struct sonde_event_class *cls, enum sonde_scope scope, const char *name,
		struct field_ref *ret)
{
	const struct sonde_type *type = scope_type(cls, scope);
	const struct sonde_member *m = sonde_type_member(type, name);

	*ret = (struct field_ref){ .cls = cls, .scope = scope };
	if (!m)
		return false;
	ret->member = (uint32_t)(m - type->u.structure.members);
	ret->fixed = find_fixed(type, ret->member, &ret->off);
	if (!ret->fixed && !cls->plan)
		return false;
	ret->type = m->type;
	find_plain(type, ret);
	return true;
}

bool field_find_any(const struct sonde_event_class *cls, const char *name, struct field_ref *ret)
{
	return field_find(cls, SONDE_SCOPE_PAYLOAD, name, ret) ||
	       field_find(cls, SONDE_SCOPE_EVENT_CONTEXT, name, ret) ||
	       field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, name, ret) ||
	       field_find(cls, SONDE_SCOPE_PACKET_CONTEXT, name, ret);
}

/* The option that @tag chooses, or NULL. */
static const struct sonde_type *choose(const struct sonde_type *t, uint64_t tag)
{
	const uint64_t turn = t->u.variant.tag_signed ? UINT64_C(1) << 63 : 0;

	for (size_t i = 0; i < t->u.variant.n_choices; i++) {
		const struct sonde_choice *c = &t->u.variant.choices[i];

		if ((tag ^ turn) >= (c->lo ^ turn) && (tag ^ turn) <= (c->hi ^ turn))
			return t->u.variant.options[c->option].type;
	}
	return NULL;
}

/* Looks through variants and at lengths, at op @i of a walk that has come to the field. */
static bool resolve(const struct plan_walk *w, const struct plan_op *op, uint32_t i,
		    struct found *found)
{
	const struct sonde_type *t = found->type;

	while (t->kind == SONDE_VARIANT) {
		if (op[i].code != PLAN_VARIANT)
			return false;
		uint64_t tag = walk_slot(w, &op[i]);

		t = choose(t, tag);
		i = walk_choose(&op[i], tag);
		if (!t || i == UINT32_MAX)
			return false;
		found->pos = bits_align(found->pos, type_align(t));
	}
	found->type = t;
	if (t->kind == SONDE_ARRAY)
		found->n = t->u.array.n;
	if (t->kind != SONDE_SEQUENCE)
		return true;
	i += op[i].code == PLAN_ALIGN;
	if (op[i].code != PLAN_REPEAT && op[i].code != PLAN_LOOP)
		return false;
	found->n = walk_slot(w, &op[i]);
	return true;
}

/* Walks to the field, from its scope's begin or from the event's. */
static bool walk_to(const struct sonde_event *e, const struct field_ref *f, struct plan_walk *w,
		    struct found *found)
{
	const struct plan_op *ops;
	const struct plan_scope *scope = scope_plan(f->cls, f->scope, &ops);

	if (!scope || !scope->at)
		return false;
	const struct plan_at at = scope->at[f->member];
	uint64_t pos = scope_begin(e, f->scope) - scope->before;
	uint32_t from = scope->first;
	if (!scope->own && f->scope > SONDE_SCOPE_EVENT_HEADER) {
		pos = e->at;
		from = 0;
		if (!plan_run(f->cls->plan->header->ops, 0, UINT32_MAX, w, &pos))
			return false;
	}
	if (!plan_run(ops, from, at.op, w, &pos))
		return false;
	found->pos = bits_align(pos + at.bits, type_align(found->type));
	return resolve(w, ops, at.op, found);
}

static __attribute__((noinline)) bool walk_packet(const struct sonde_event *e,
						  const struct field_ref *f, struct plan_walk *w,
						  struct found *found)
{
	const struct plan_header *h = f->cls->plan->header;
	const struct plan_packet *p = h->packet[f->scope - SONDE_SCOPE_PACKET_HEADER];
	uint64_t locals[PACKET_LOCALS_MOST];

	if (!p || p->n_locals > PACKET_LOCALS_MOST)
		return false;
	memset(locals, 0, sizeof(*locals) * p->n_locals);
	memcpy(locals, e->u.pkt->slots, sizeof(*locals) * (h->cls->trace->n_slots + 1));
	w->locals = locals;
	const bool r = walk_to(e, f, w, found);
	w->locals = NULL;
	return r;
}

static __attribute__((noinline)) bool walk_event(const struct sonde_event *e,
						 const struct field_ref *f, struct plan_walk *w,
						 struct found *found)
{
	uint64_t locals[PLAN_LOCALS_MOST];

	memset(locals, 0, sizeof(*locals) * f->cls->plan->n_locals);
	w->locals = locals;
	const bool r = walk_to(e, f, w, found);
	w->locals = NULL;
	return r;
}

static inline bool find(const struct sonde_event *e, const struct field_ref *f, struct found *found)
{
	const struct sonde_packet *pkt = e->u.pkt;

	if (!f->type || f->cls != e->cls)
		return false;
	*found = (struct found){ .type = f->type, .data = pkt->data, .end = pkt->n_bits };
	if (__builtin_expect(f->fixed && f->type->kind != SONDE_VARIANT &&
				     f->type->kind != SONDE_SEQUENCE,
			     1)) {
		found->pos = scope_begin(e, f->scope) + f->off;
		if (f->type->kind == SONDE_ARRAY)
			found->n = f->type->u.array.n;
		return true;
	}
	if (!f->cls->plan)
		return false;
	struct plan_walk w = { .data = pkt->data, .end = pkt->n_bits, .slots = pkt->slots };
	return f->scope <= SONDE_SCOPE_PACKET_CONTEXT ? walk_packet(e, f, &w, found)
						      : walk_event(e, f, &w, found);
}

static bool inside(const struct found *f, uint64_t len)
{
	return f->pos <= f->end && f->end - f->pos >= len;
}

bool field_int(const struct sonde_event *e, const struct field_ref *f, int64_t *ret)
{
	struct found x;

	if (f->is_number && f->cls == e->cls && field_number(e, f, ret))
		return true;
	if (!find(e, f, &x) || (x.type->kind != SONDE_INT && x.type->kind != SONDE_ENUM) ||
	    !inside(&x, x.type->u.integer.len))
		return false;
	*ret = (int64_t)bits_int(x.data, x.pos, &x.type->u.integer);
	return true;
}

bool field_real(const struct sonde_event *e, const struct field_ref *f, double *ret)
{
	struct found x;

	if (!find(e, f, &x) || x.type->kind != SONDE_FLOAT)
		return false;
	const unsigned len = x.type->u.real.len;
	if ((len != 32 && len != 64) || !inside(&x, len))
		return false;

	const uint64_t v = bits_u64(x.data, x.pos, len, x.type->u.real.big_endian);
	if (len == 64) {
		memcpy(ret, &v, sizeof(*ret));
		return true;
	}
	const uint32_t v32 = (uint32_t)v;
	float small;
	memcpy(&small, &v32, sizeof(small));
	*ret = (double)small;
	return true;
}

/* The elements' bytes, where they are integers of whole bytes and lie one after the other. */
static bool elements(const struct found *x, struct sonde_span *ret)
{
	if (x->type->kind != SONDE_ARRAY && x->type->kind != SONDE_SEQUENCE)
		return false;
	const struct sonde_type *elem = x->type->u.array.elem;
	uint64_t len;
	if ((elem->kind != SONDE_INT && elem->kind != SONDE_ENUM) || x->pos % 8 ||
	    elem->u.integer.len % 8 || elem->u.integer.len % elem->align ||
	    __builtin_mul_overflow(x->n, elem->u.integer.len, &len) || !inside(x, len))
		return false;
	*ret = (struct sonde_span){ x->data + x->pos / 8, len / 8 };
	return true;
}

bool field_text(const struct sonde_event *e, const struct field_ref *f, struct sonde_span *ret)
{
	struct found x;
	struct sonde_span s;
	uint64_t room;

	if (f->is_plain && f->cls == e->cls && f->type->kind == SONDE_ARRAY) {
		s.data = field_plain(e, f, &room);
		s.len = f->type->u.array.n;
		if (room < s.len)
			return false;
		s.len = walk_strlen(s.data, s.len);
		*ret = s;
		return true;
	}
	if (!find(e, f, &x))
		return false;
	if (x.type->kind == SONDE_STRING) {
		if (x.pos > x.end)
			return false;
		s = (struct sonde_span){ x.data + x.pos / 8, (x.end - x.pos) / 8 };
	} else if ((x.type->kind != SONDE_ARRAY && x.type->kind != SONDE_SEQUENCE) ||
		   !x.type->u.array.is_text || x.type->u.array.elem->u.integer.len != 8 ||
		   !elements(&x, &s)) {
		return false;
	}
	s.len = walk_strlen(s.data, s.len);
	*ret = s;
	return true;
}

bool field_ints(const struct sonde_event *e, const struct field_ref *f, struct sonde_span *ret,
		const struct sonde_int **ret_type, size_t *ret_n)
{
	struct found x;

	if (!find(e, f, &x) || !elements(&x, ret))
		return false;
	*ret_type = &x.type->u.array.elem->u.integer;
	*ret_n = x.n;
	return true;
}

int64_t field_ints_at(struct sonde_span ints, const struct sonde_int *type, size_t i)
{
	return (int64_t)bits_int(ints.data, (uint64_t)i * type->len, type);
}
