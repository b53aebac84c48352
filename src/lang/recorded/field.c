/* SPDX-License-Identifier: MIT */
/** Fields of recorded events as programs read them: in place, or by a call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/context.h"
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
	ret->off = (uint32_t)w->n_fields;
	w->fields[w->n_fields++] = *f;
	return 0;
}

/* Integers that lie in memory as C has them. */
static bool is_plain(const struct sonde_type *elem)
{
	return (elem->kind == SONDE_INT || elem->kind == SONDE_ENUM) &&
	       elem->u.integer.len % 8 == 0 && elem->u.integer.len % elem->align == 0 &&
	       elem->u.integer.big_endian == is_big_endian_here() &&
	       ctype_of_int(&elem->u.integer)->size == elem->u.integer.len / 8;
}

enum { LABELS_MOST = 1024 };

/* The enumeration as a C type, so that values have names. Wide ranges have none. */
static const struct ctype *ctype_of_enum(struct arena *arena, const struct sonde_type *t)
{
	const struct ctype *base = ctype_of_int(&t->u.integer);
	struct ctype *c = ctype_new(arena, CT_ENUM, "", base->size);
	struct cmember *m = arena_array(arena, LABELS_MOST, sizeof(*m));
	size_t n = 0;

	for (size_t i = 0; m && i < t->u.enumeration.n_maps; i++) {
		const struct sonde_mapping *map = &t->u.enumeration.maps[i];

		for (uint64_t k = 0; k <= map->hi - map->lo && n < LABELS_MOST; k++) {
			m[n++] = (struct cmember){ .name = map->label,
						   .value = (int64_t)(map->lo + k) };
			if (k == UINT64_MAX)
				break;
		}
	}
	if (!c || !m)
		return NULL;
	c->is_signed = t->u.integer.is_signed;
	c->members = m;
	c->n_members = n;
	c->done = true;
	return c;
}

/* A variant whose options are all numbers is one. NULL: it is not. */
static const struct ctype *number_of_variant(const struct sonde_type *t)
{
	bool is_signed = false;

	for (size_t i = 0; i < t->u.variant.n_options; i++) {
		const struct sonde_type *o = t->u.variant.options[i].type;

		if (o->kind != SONDE_INT && o->kind != SONDE_ENUM)
			return NULL;
		is_signed |= o->u.integer.is_signed;
	}
	return t->u.variant.n_options ? ctype_basic(is_signed ? "int64_t" : "uint64_t") : NULL;
}

static const struct ctype *text_type(struct arena *arena, uint64_t n)
{
	return ctype_array(arena, ctype_basic("char"), n);
}

/* The C type that a field is seen with, and how it is had. NULL: no memory. */
static const struct ctype *see(struct arena *arena, struct rec_field *f, bool *ret_has_parts)
{
	const struct sonde_type *t = f->path.type;
	const struct ctype *number;

	*ret_has_parts = false;
	switch (t->kind) {
	case SONDE_INT: f->kind = REC_INT; return ctype_of_int(&t->u.integer);
	case SONDE_ENUM: f->kind = REC_INT; return ctype_of_enum(arena, t);
	case SONDE_STRING: f->kind = REC_TEXT; return text_type(arena, 0);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE:
		if (t->u.array.is_text && t->u.array.elem->u.integer.len == 8) {
			f->kind = REC_TEXT;
			return text_type(arena, t->kind == SONDE_ARRAY ? t->u.array.n : 0);
		}
		*ret_has_parts = true;
		// Bytes that lie together, as many each time, are an array as C has it.
		if (f->path.n == 1 && t->kind == SONDE_ARRAY && t->u.array.n &&
		    is_plain(t->u.array.elem)) {
			f->kind = REC_INTS;
			return ctype_array(arena, ctype_of_int(&t->u.array.elem->u.integer),
					   t->u.array.n);
		}
		break;
	case SONDE_VARIANT:
		*ret_has_parts = true;
		number = number_of_variant(t);
		f->kind = REC_INT;
		if (number)
			return number;
		break;
	default: *ret_has_parts = t->kind == SONDE_STRUCT; break;
	}
	f->kind = REC_SHOWN;
	return text_type(arena, 0);
}

/* The address of the elements, beside their text. */
static int add_bytes(struct rec_world *w, struct arena *arena, const struct rec_field *found,
		     struct probe_field *f)
{
	const struct sonde_type *elem = found->ref.type->u.array.elem;
	struct probe_field *bytes = arena_new(arena, struct probe_field);
	struct rec_field call = *found;

	if (!bytes)
		return -ENOMEM;
	call.kind = REC_INTS;
	*bytes = (struct probe_field){ .name = f->name, .place = FIELD_CALL };
	bytes->type = ctype_ptr(arena, ctype_of_int(&elem->u.integer));
	f->bytes = bytes;
	return bytes->type ? add_call(w, &call, bytes) : -ENOMEM;
}

/* What programs see of one member. */
static int add_field(struct rec_world *w, struct arena *arena, struct rec_field *found,
		     struct rec_place *place, struct probe_field *f)
{
	const struct sonde_type *t = found->ref.type;

	f->type = see(arena, found, &f->has_parts);
	if (!f->type)
		return -ENOMEM;
	if (t->kind == SONDE_INT || t->kind == SONDE_ENUM) {
		f->is_signed = t->u.integer.is_signed;
		if (in_place(&found->ref, &t->u.integer)) {
			f->off = found->ref.off / 8;
			f->len = t->u.integer.len / 8;
			if (f->off + f->len > place->ctx_len)
				place->ctx_len = f->off + f->len;
			return 0;
		}
	}
	f->place = FIELD_CALL;
	int r = add_call(w, found, f);
	if (!r && t->kind == SONDE_SEQUENCE && found->kind == REC_SHOWN &&
	    is_plain(t->u.array.elem))
		r = add_bytes(w, arena, found, f);
	return r;
}

/* The arguments of any system call, which are one array. */
static void add_call_args(const struct field_ref *ref, struct rec_place *place)
{
	struct probe_field *fields = (struct probe_field *)place->probe.fields;
	const struct sonde_type *elem =
		ref->type->kind == SONDE_ARRAY ? ref->type->u.array.elem : NULL;

	if (!elem || elem->kind != SONDE_INT || !in_place(ref, &elem->u.integer))
		return;
	const uint32_t len = elem->u.integer.len / 8;
	for (uint32_t i = 0; i < SYSCALL_ARGS_MOST && i < ref->type->u.array.n; i++) {
		struct probe_field *f = &fields[place->probe.n_fields++];
		*f = (struct probe_field){
			.name = rec_nth_names[i],
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
		struct rec_field found = {
			.path = { place->cls, scope, m->type, 1, { (uint32_t)i } }
		};
		struct probe_field f = { .name = m->shown, .place = FIELD_FIXED };

		if (!field_find(place->cls, scope, m->name, &found.ref) ||
		    found.ref.type != m->type)
			continue; // of two members with one name the first is seen
		int r = add_field(w, arena, &found, place, &f);
		if (r < 0)
			return r;
		fields[place->probe.n_fields++] = f;
		if (!strcmp(m->shown, "args") && !strcmp(place->cls->name, "sys_enter"))
			add_call_args(&found.ref, place);
	}
	return 0;
}

/* Of LTTng's contexts: what is asked of the running system by the same name. */
static const char *as_context(const char *name)
{
	static const char *const names[][2] = {
		{ "uid", CONTEXT_PREFIX "uid" },
		{ "gid", CONTEXT_PREFIX "gid" },
		{ "ppid", CONTEXT_PREFIX "ppid" },
		{ "vuid", CONTEXT_PREFIX "uid" }, // as the process itself sees it
		{ "vgid", CONTEXT_PREFIX "gid" },
		{ "vppid", CONTEXT_PREFIX "ppid" },
	};

	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (!strcmp(name, names[i][0]))
			return names[i][1];
	return NULL;
}

static void add_contexts(struct rec_place *place, size_t from)
{
	struct probe_field *fields = (struct probe_field *)place->probe.fields;
	const size_t n = place->probe.n_fields;

	for (size_t i = from; i < n; i++) {
		const char *name = as_context(fields[i].name);

		if (!name)
			continue;
		fields[place->probe.n_fields] = fields[i];
		fields[place->probe.n_fields++].name = name;
	}
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
	const struct sonde_type *packet = cls->stream_class->packet_context;
	const size_t n = 2 * n_members(cls->payload) + 2 * n_members(cls->context) +
			 2 * n_members(common) + n_members(packet);
	struct probe_field *fields = arena_array(arena, n + 1 + SYSCALL_ARGS_MOST, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	place->cls = cls;
	place->probe.args = ARGS_FORMAT;
	place->probe.fields = fields;
	place->probe.n_fields = 0;
	int r = add_members(w, arena, cls->payload, SONDE_SCOPE_PAYLOAD, place);
	if (!r)
		rec_call_args(w, place);
	if (!r)
		r = add_pids(arena, place);
	const size_t from = place->probe.n_fields;
	if (!r)
		r = add_members(w, arena, cls->context, SONDE_SCOPE_EVENT_CONTEXT, place);
	if (!r)
		r = add_members(w, arena, common, SONDE_SCOPE_STREAM_CONTEXT, place);
	if (!r)
		add_contexts(place, from);
	if (!r)
		r = add_members(w, arena, packet, SONDE_SCOPE_PACKET_CONTEXT, place);
	return r;
}

static uint64_t part_value(struct rec_world *w, const struct sonde_event *e,
			   const struct rec_field *f, const uint64_t *at)
{
	const struct sonde_type *t = part_find(&w->walk, e, &f->path, at);
	struct sonde_span text;
	int64_t v;

	if (!t)
		return 0;
	if (f->kind == REC_INT)
		return (t->kind == SONDE_INT || t->kind == SONDE_ENUM) && part_int(&w->walk, t, &v)
			       ? (uint64_t)v
			       : 0;
	if (f->kind == REC_TEXT)
		return part_text(&w->walk, t, &text) ? rec_text_keep(&w->texts, text.data, text.len)
						     : 0;
	return rec_text_show(&w->texts, &w->walk, t);
}

/* Where a text can be read: in the event, or, where no 0 ends it there, as a copy. */
static uint64_t text_address(struct rec_world *w, const struct sonde_event *e,
			     const struct rec_field *f)
{
	struct sonde_span span;

	if (!field_text(e, &f->ref, &span))
		return 0;
	const struct sonde_type *t = f->ref.type;
	// An array's length is known, and heeded; 0 would mean that it is open.
	if (t->kind == SONDE_STRING || (t->kind == SONDE_ARRAY && t->u.array.n))
		return (uint64_t)(uintptr_t)span.data;
	return rec_text_keep(&w->texts, span.data, span.len);
}

uint64_t rec_field_get(struct rec_world *w, const struct sonde_event *e, uint32_t index)
{
	static const uint64_t nowhere[MACHINE_PART_PLACES];
	const struct rec_field *f = index < w->n_fields ? &w->fields[index] : NULL;
	const struct sonde_int *type;
	struct sonde_span span;
	int64_t v;
	size_t n;

	if (!f || (f->kind != REC_CONST && f->ref.cls != e->cls))
		return 0;
	switch (f->kind) {
	case REC_INT:
		if (!field_int(e, &f->ref, &v))
			return 0;
		return f->signed_len == 4 ? (uint64_t)(int32_t)v : (uint64_t)v;
	case REC_TEXT: return text_address(w, e, f);
	case REC_INTS:
		return field_ints(e, &f->ref, &span, &type, &n) ? (uint64_t)(uintptr_t)span.data
								: 0;
	case REC_SHOWN: return part_value(w, e, f, nowhere);
	default: return (uint64_t)f->value;
	}
}

uint64_t rec_part_get(struct rec_world *w, const struct sonde_event *e, uint32_t index,
		      const uint64_t *at)
{
	const struct rec_field *f = index < w->n_fields ? &w->fields[index] : NULL;
	const struct sonde_int *type;
	struct sonde_span span;
	size_t n;

	if (!f || f->path.cls != e->cls)
		return 0;
	// Elements of numbers at the top, which most are.
	if (f->kind == REC_INT && f->path.n == 2 && f->n_at == 1 &&
	    f->path.steps[1] == PART_ELEMENT && field_ints(e, &f->ref, &span, &type, &n))
		return at[0] < n ? (uint64_t)field_ints_at(span, type, at[0]) : 0;
	return part_value(w, e, f, at);
}

static const struct sonde_type *member_of(const struct sonde_type *t, const char *name,
					  uint32_t *ret)
{
	const bool is_struct = t->kind == SONDE_STRUCT;
	const struct sonde_member *m = is_struct ? t->u.structure.members : t->u.variant.options;
	const size_t n = is_struct ? t->u.structure.n_members : t->u.variant.n_options;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(m[i].shown, name) || !strcmp(m[i].name, name)) {
			*ret = (uint32_t)i;
			return m[i].type;
		}
	return NULL;
}

static const char *no_member(struct arena *arena, const struct sonde_type *t, const char *name)
{
	char words[256];

	if (t->kind == SONDE_STRUCT || t->kind == SONDE_VARIANT)
		(void)snprintf(words, sizeof(words), "this %s has no '%s'",
			       t->kind == SONDE_STRUCT ? "structure" : "variant", name);
	else
		(void)snprintf(words, sizeof(words), "an array has no member '%s'; want an index",
			       name);
	return arena_strndup(arena, words, strlen(words));
}

/* One step further; NULL: there is no such one, as *@ret_why says. */
static bool go_on(struct arena *arena, struct rec_field *f, const char *member,
		  const char **ret_why)
{
	const struct sonde_type *t = f->path.type;
	uint32_t which = PART_ELEMENT;
	const bool is_array = t->kind == SONDE_ARRAY || t->kind == SONDE_SEQUENCE;

	if (f->path.n == PART_STEPS_MOST || (!member && f->n_at == MACHINE_PART_PLACES)) {
		*ret_why = "this is too deep in the event";
		return false;
	}
	if (member)
		f->path.type = is_array ? NULL : member_of(t, member, &which);
	else
		f->path.type = is_array ? t->u.array.elem : NULL;
	if (!f->path.type) {
		*ret_why = member ? no_member(arena, t, member) : "this has no elements";
		return false;
	}
	f->path.steps[f->path.n++] = which;
	f->n_at += !member;
	return true;
}

/* It may have been asked for before, as scripts are checked more than once. */
static int find_or_add(struct rec_world *w, const struct rec_field *f, struct probe_field *ret)
{
	for (size_t i = 0; i < w->n_fields; i++) {
		const struct rec_field *o = &w->fields[i];

		if (o->path.n > 1 && o->path.type == f->path.type && o->path.cls == f->path.cls &&
		    o->path.n == f->path.n) { // a type is of one place alone
			ret->off = (uint32_t)i;
			return 0;
		}
	}
	return add_call(w, f, ret);
}

const struct probe_field *rec_part(struct world *world, struct arena *arena,
				   const struct probe_field *of, const char *member,
				   const char **ret_why)
{
	struct rec_world *w = (struct rec_world *)world;
	struct probe_field *f = arena_new(arena, struct probe_field);
	const struct rec_field *from = of->off < w->n_fields ? &w->fields[of->off] : NULL;

	*ret_why = NULL;
	if (!f || !from)
		return NULL;
	struct rec_field to = *from;
	if (!go_on(arena, &to, member, ret_why))
		return NULL;
	const struct sonde_type *t = to.path.type;
	*f = (struct probe_field){ .name = member ? member : of->name, .place = FIELD_PART };
	f->type = see(arena, &to, &f->has_parts);
	if (t->kind == SONDE_INT || t->kind == SONDE_ENUM)
		f->is_signed = t->u.integer.is_signed;
	return f->type && find_or_add(w, &to, f) >= 0 ? f : NULL;
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
