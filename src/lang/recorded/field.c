/* SPDX-License-Identifier: MIT */
/** Fields of recorded events as programs read them: in place, or by a call. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/parts.h"

/* The C type of an integer of that many bits. */
static const struct ctype *ctype_of_int(const struct sonde_int *i)
{
	static const char *const names[2][4] = { { "uint8_t", "uint16_t", "uint32_t", "uint64_t" },
						 { "int8_t", "int16_t", "int32_t", "int64_t" } };
	const unsigned at = i->len <= 8 ? 0 : i->len <= 16 ? 1 : i->len <= 32 ? 2 : 3;

	return ctype_basic(names[i->is_signed][at]);
}

static bool is_big_endian_here(void)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

/* Can be loaded from the payload by one instruction. */
static bool in_place(const struct field_ref *ref, const struct sonde_int *i)
{
	return ref->scope == SONDE_SCOPE_PAYLOAD && ref->fixed && ref->off % 8 == 0 &&
	       i->big_endian == is_big_endian_here() && ref->cls->payload->align % 8 == 0 &&
	       (i->len == 8 || i->len == 16 || i->len == 32 || i->len == 64);
}

static int add_call(struct rec_world *w, const struct rec_field *f, struct probe_field *ret)
{
	int r = mem_grow(&w->fields, &w->cap_fields, w->n_fields + 1);

	if (r < 0)
		return r;
	ret->place = FIELD_CALL;
	ret->off = (uint32_t)w->n_fields;
	w->fields[w->n_fields++] = *f;
	return 0;
}

static const struct ctype *array_type(struct arena *arena, const struct sonde_type *t)
{
	const struct sonde_type *elem = t->u.array.elem;
	const uint64_t n = t->kind == SONDE_ARRAY ? t->u.array.n : 0;

	if (t->u.array.is_text)
		return ctype_array(arena, ctype_basic("char"), n);
	if (elem->kind != SONDE_INT && elem->kind != SONDE_ENUM)
		return NULL;
	const struct sonde_int *i = &elem->u.integer;
	const bool plain = i->len % 8 == 0 && i->big_endian == is_big_endian_here();
	return plain ? ctype_array(arena, ctype_of_int(i), n) : NULL;
}

/* What programs see of one member; a kind of field that they cannot see stays out. */
static int add_field(struct rec_world *w, struct arena *arena, const struct rec_field *found,
		     struct rec_place *place, struct probe_field *f)
{
	const struct sonde_type *t = found->ref.type;
	struct rec_field call = *found;

	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM:
		f->type = ctype_of_int(&t->u.integer);
		f->is_signed = t->u.integer.is_signed;
		if (in_place(&found->ref, &t->u.integer)) {
			f->off = found->ref.off / 8;
			f->len = t->u.integer.len / 8;
			if (f->off + f->len > place->ctx_len)
				place->ctx_len = f->off + f->len;
			return 0;
		}
		call.kind = REC_INT;
		break;
	case SONDE_STRING:
		f->type = ctype_array(arena, ctype_basic("char"), 0);
		call.kind = REC_TEXT;
		break;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE:
		f->type = array_type(arena, t);
		call.kind = t->u.array.is_text ? REC_TEXT : REC_INTS;
		break;
	default: f->type = NULL; return 0;
	}
	return f->type ? add_call(w, &call, f) : 0;
}

enum { CALL_ARGS = 6 };

/* The arguments of any system call, which are one array: #0, #1 ..., as D's args[N] asks for them.
 */
static void add_call_args(const struct field_ref *ref, struct rec_place *place)
{
	static const char *const names[CALL_ARGS] = { "#0", "#1", "#2", "#3", "#4", "#5" };
	struct probe_field *fields = (struct probe_field *)place->probe.fields;
	const struct sonde_type *elem =
		ref->type->kind == SONDE_ARRAY ? ref->type->u.array.elem : NULL;

	if (!elem || elem->kind != SONDE_INT || !in_place(ref, &elem->u.integer))
		return;
	const uint32_t len = elem->u.integer.len / 8;
	for (uint32_t i = 0; i < CALL_ARGS && i < ref->type->u.array.n; i++) {
		struct probe_field *f = &fields[place->probe.n_fields++];
		*f = (struct probe_field){
			.name = names[i],
			.place = FIELD_FIXED,
			.type = ctype_of_int(&elem->u.integer),
			.is_signed = elem->u.integer.is_signed,
			.off = ref->off / 8 + i * len,
			.len = len,
		};
		if (f->off + f->len > place->ctx_len)
			place->ctx_len = f->off + f->len;
	}
}

static int add_members(struct rec_world *w, struct arena *arena, const struct sonde_type *type,
		       enum sonde_scope scope, struct rec_place *place)
{
	struct probe_field *fields = (struct probe_field *)place->probe.fields;

	for (size_t i = 0; type && i < type->u.structure.n_members; i++) {
		const struct sonde_member *m = &type->u.structure.members[i];
		struct rec_field found = { .kind = REC_INT };
		struct probe_field f = { .name = m->shown, .place = FIELD_FIXED };

		if (!field_find(place->cls, scope, m->name, &found.ref))
			continue;
		int r = add_field(w, arena, &found, place, &f);
		if (r < 0)
			return r;
		if (f.type)
			fields[place->probe.n_fields++] = f;
		if (!strcmp(m->shown, "args") && !strcmp(place->cls->name, "sys_enter"))
			add_call_args(&found.ref, place);
	}
	return 0;
}

static bool has_field(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (!strcmp(p->fields[i].name, name))
			return true;
	return false;
}

/* LTTng has "next_tid" where the kernel's own events have "next_pid": scripts may say either. */
static int add_pids(struct arena *arena, struct rec_place *place)
{
	struct probe_field *fields = (struct probe_field *)place->probe.fields;
	const size_t n = place->probe.n_fields;

	for (size_t i = 0; i < n; i++) {
		const size_t len = strlen(fields[i].name);
		const char *end = fields[i].name + (len < 3 ? 0 : len - 3);

		if (strcmp(end, "tid") != 0 || (end > fields[i].name && end[-1] != '_'))
			continue;
		char *name = arena_strndup(arena, fields[i].name, len);
		if (!name)
			return -ENOMEM;
		name[len - 3] = 'p';
		if (has_field(&place->probe, name))
			continue;
		fields[place->probe.n_fields] = fields[i];
		fields[place->probe.n_fields++].name = name;
	}
	return 0;
}

static size_t n_members(const struct sonde_type *t)
{
	return t && t->kind == SONDE_STRUCT ? t->u.structure.n_members : 0;
}

int rec_fields(struct rec_world *w, struct arena *arena, const struct sonde_event_class *cls,
	       struct rec_place *place)
{
	const struct sonde_type *common = cls->stream_class->event_context;
	const size_t n = 2 * n_members(cls->payload) + n_members(cls->context) + n_members(common);
	struct probe_field *fields = arena_array(arena, n + 1 + CALL_ARGS, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	place->probe.fields = fields;
	place->probe.n_fields = 0;
	int r = add_members(w, arena, cls->payload, SONDE_SCOPE_PAYLOAD, place);
	if (!r)
		r = add_pids(arena, place);
	if (!r)
		r = add_members(w, arena, cls->context, SONDE_SCOPE_EVENT_CONTEXT, place);
	if (!r)
		r = add_members(w, arena, common, SONDE_SCOPE_STREAM_CONTEXT, place);
	return r;
}

uint64_t rec_field_get(struct rec_world *w, const struct sonde_event *e, uint32_t index)
{
	const struct rec_field *f = index < w->n_fields ? &w->fields[index] : NULL;
	const struct sonde_int *type;
	struct sonde_span span;
	int64_t v;
	size_t n;

	if (!f || (f->kind != REC_CONST && f->ref.cls != e->cls))
		return 0;
	switch (f->kind) {
	case REC_INT: return field_int(e, &f->ref, &v) ? (uint64_t)v : 0;
	case REC_TEXT: return field_text(e, &f->ref, &span) ? (uint64_t)(uintptr_t)span.data : 0;
	case REC_INTS:
		return field_ints(e, &f->ref, &span, &type, &n) ? (uint64_t)(uintptr_t)span.data
								: 0;
	default: return (uint64_t)f->value;
	}
}

uint64_t rec_field_len(struct rec_world *w, const struct sonde_event *e, uint32_t index)
{
	const struct rec_field *f = index < w->n_fields ? &w->fields[index] : NULL;
	const struct sonde_int *type;
	struct sonde_span span;
	size_t n;

	if (!f || f->kind == REC_CONST || f->ref.cls != e->cls)
		return 0;
	if (f->kind == REC_TEXT)
		return field_text(e, &f->ref, &span) ? span.len : 0;
	if (f->kind == REC_INTS)
		return field_ints(e, &f->ref, &span, &type, &n) ? n : 0;
	return 0;
}
