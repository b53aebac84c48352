/* SPDX-License-Identifier: MIT */
/** Compares descriptions field by field; slots by a table that grows as they are met. */
#include "same_trace.h"

#include <stdio.h>
#include <string.h>

enum { SLOTS = 4096 };

/** Which slot of the one is which of the other; 0: not met yet. */
struct pairs {
	uint32_t of_a[SLOTS + 1];
};

static bool differ(const char *what)
{
	printf("# differs: %s\n", what);
	return false;
}

#define SAME(x)                            \
	do {                               \
		if (!(x))                  \
			return differ(#x); \
	} while (0)

static bool same_str(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_slot(struct pairs *p, uint32_t a, uint32_t b)
{
	if (!a || !b || a > SLOTS)
		return a == b;
	if (!p->of_a[a])
		p->of_a[a] = b;
	return p->of_a[a] == b;
}

static bool same_clock(const struct sonde_clock *a, const struct sonde_clock *b)
{
	if (!a || !b)
		return a == b;
	SAME(same_str(a->name, b->name));
	SAME(same_str(a->description, b->description));
	SAME(a->has_uuid == b->has_uuid && !memcmp(a->uuid, b->uuid, 16));
	SAME(a->absolute == b->absolute && a->is_unix == b->is_unix);
	SAME(a->freq == b->freq && a->offset_s == b->offset_s && a->offset == b->offset);
	SAME(a->precision == b->precision);
	return true;
}

static bool same_type(struct pairs *p, const struct sonde_type *a, const struct sonde_type *b);

static bool same_members(struct pairs *p, const struct sonde_member *a,
			 const struct sonde_member *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		SAME(same_str(a[i].name, b[i].name) && same_str(a[i].shown, b[i].shown));
		if (!same_type(p, a[i].type, b[i].type))
			return differ(a[i].name);
	}
	return true;
}

static bool same_int(const struct sonde_int *a, const struct sonde_int *b)
{
	SAME(a->len == b->len && a->base == b->base && a->is_signed == b->is_signed);
	SAME(a->big_endian == b->big_endian && a->encoding == b->encoding);
	return same_clock(a->clock, b->clock);
}

static bool same_enum(const struct sonde_type *a, const struct sonde_type *b)
{
	SAME(a->u.enumeration.n_maps == b->u.enumeration.n_maps);
	for (size_t i = 0; i < a->u.enumeration.n_maps; i++) {
		const struct sonde_mapping *x = &a->u.enumeration.maps[i];
		const struct sonde_mapping *y = &b->u.enumeration.maps[i];

		SAME(same_str(x->label, y->label) && x->lo == y->lo && x->hi == y->hi);
	}
	return same_int(&a->u.integer, &b->u.integer);
}

static bool same_variant(struct pairs *p, const struct sonde_type *a, const struct sonde_type *b)
{
	SAME(a->u.variant.n_choices == b->u.variant.n_choices);
	SAME(a->u.variant.tag_signed == b->u.variant.tag_signed);
	for (size_t i = 0; i < a->u.variant.n_choices; i++) {
		const struct sonde_choice *x = &a->u.variant.choices[i];
		const struct sonde_choice *y = &b->u.variant.choices[i];

		SAME(x->lo == y->lo && x->hi == y->hi && x->option == y->option);
	}
	SAME(a->u.variant.n_options == b->u.variant.n_options);
	return same_members(p, a->u.variant.options, b->u.variant.options, a->u.variant.n_options);
}

static bool same_type(struct pairs *p, const struct sonde_type *a, const struct sonde_type *b)
{
	if (!a || !b)
		return a == b;
	SAME(a->kind == b->kind);
	SAME(a->align == b->align && a->fixed_len == b->fixed_len);
	SAME(same_slot(p, a->save, b->save) && same_slot(p, a->ref, b->ref));
	switch (a->kind) {
	case SONDE_INT: return same_int(&a->u.integer, &b->u.integer);
	case SONDE_ENUM: return same_enum(a, b);
	case SONDE_FLOAT:
		SAME(a->u.real.len == b->u.real.len && a->u.real.exp_dig == b->u.real.exp_dig);
		SAME(a->u.real.mant_dig == b->u.real.mant_dig);
		SAME(a->u.real.big_endian == b->u.real.big_endian);
		return true;
	case SONDE_STRING: SAME(a->u.string.encoding == b->u.string.encoding); return true;
	case SONDE_STRUCT:
		SAME(a->u.structure.n_members == b->u.structure.n_members);
		return same_members(p, a->u.structure.members, b->u.structure.members,
				    a->u.structure.n_members);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE:
		SAME(a->u.array.n == b->u.array.n && a->u.array.is_text == b->u.array.is_text);
		return same_type(p, a->u.array.elem, b->u.array.elem);
	case SONDE_VARIANT: return same_variant(p, a, b);
	}
	return false;
}

static bool same_event(struct pairs *p, const struct sonde_event_class *a,
		       const struct sonde_event_class *b)
{
	SAME(same_str(a->name, b->name) && same_str(a->uri, b->uri));
	SAME(a->id == b->id && a->loglevel == b->loglevel);
	return same_type(p, a->context, b->context) && same_type(p, a->payload, b->payload);
}

static bool same_stream(struct pairs *p, const struct sonde_stream_class *a,
			const struct sonde_stream_class *b)
{
	SAME(a->id == b->id && a->has_id == b->has_id && a->n_events == b->n_events);
	SAME(same_clock(a->clock, b->clock));
	SAME(same_type(p, a->packet_context, b->packet_context));
	SAME(same_type(p, a->event_header, b->event_header));
	SAME(same_type(p, a->event_context, b->event_context));
	for (size_t i = 0; i < a->n_events; i++) {
		if (!same_event(p, a->events[i], b->events[i]))
			return differ(a->events[i]->name);
	}
	return true;
}

static bool compare(struct pairs *p, const struct sonde_trace *a, const struct sonde_trace *b)
{
	SAME(a->has_uuid == b->has_uuid && !memcmp(a->uuid, b->uuid, 16));
	SAME(a->big_endian == b->big_endian);
	SAME(a->n_env == b->n_env);
	for (size_t i = 0; i < a->n_env; i++) {
		SAME(same_str(a->env[i].name, b->env[i].name));
		SAME(same_str(a->env[i].str, b->env[i].str) && a->env[i].num == b->env[i].num);
	}
	SAME(a->n_clocks == b->n_clocks);
	for (size_t i = 0; i < a->n_clocks; i++)
		SAME(same_clock(a->clocks[i], b->clocks[i]));
	SAME(same_type(p, a->packet_header, b->packet_header));
	SAME(a->n_streams == b->n_streams);
	for (size_t i = 0; i < a->n_streams; i++) {
		if (!same_stream(p, a->streams[i], b->streams[i]))
			return false;
	}
	return true;
}

bool same_trace(const struct sonde_trace *a, const struct sonde_trace *b)
{
	struct pairs p = { 0 };

	return compare(&p, a, b);
}
