/* SPDX-License-Identifier: MIT */
/** Clocks of time fields, and fields that readers know by name (CTF 1.8.3, sections 5 and 6). */
#include "ctf/tsdl_check.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

void clock_add(struct build *b, struct sonde_clock *c)
{
	b->clocks[b->trace->n_clocks++] = c;
}

/** A member that readers know: an unsigned integer. */
static int check_unsigned(struct build *b, const struct ast_item *it, const struct sonde_type *t,
			  const char *name)
{
	const struct sonde_member *m = sonde_type_member(t, name);

	if (!m)
		return 0;
	if ((m->type->kind != SONDE_INT && m->type->kind != SONDE_ENUM) ||
	    m->type->u.integer.is_signed)
		return tsdl_error(&b->x->text, it->pos, "'%s' in '%s' is no unsigned integer", name,
				  it->path);
	return 0;
}

static int check_magic(struct build *b, const struct ast_item *it, const struct sonde_type *t)
{
	const struct sonde_member *m = sonde_type_member(t, "magic");

	if (!m)
		return 0;
	if (m != t->u.structure.members)
		return tsdl_error(&b->x->text, it->pos, "'magic' is not the first member");
	if (m->type->u.integer.len != 32)
		return tsdl_error(&b->x->text, it->pos, "'magic' has %u bits, wanted 32",
				  m->type->u.integer.len);
	return 0;
}

static int check_uuid(struct build *b, const struct ast_item *it, const struct sonde_type *t)
{
	const struct sonde_member *m = sonde_type_member(t, "uuid");
	const struct sonde_type *elem = NULL;

	if (!m)
		return 0;
	if (m->type->kind == SONDE_ARRAY && m->type->u.array.n == 16)
		elem = m->type->u.array.elem;
	if (!elem || elem->kind != SONDE_INT || elem->u.integer.len != 8 || elem->align != 8 ||
	    elem->u.integer.is_signed)
		return tsdl_error(&b->x->text, it->pos, "'uuid' is no array of 16 unsigned bytes");
	return 0;
}

/** Whole seconds of the cycle offset go to the other offset. */
static void clock_normalise(struct sonde_clock *c)
{
	const uint64_t s = c->offset / c->freq;

	if (__builtin_add_overflow(c->offset_s, s, &c->offset_s))
		c->offset_s = INT64_MAX;
	c->offset %= c->freq;
}

/** The first clock that an integer inside @t is mapped to, or NULL. Types nest finitely. */
static const struct sonde_clock *mapped_clock(const struct sonde_type *t)
{
	const struct sonde_clock *c = NULL;

	if (!t)
		return NULL;
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return t->u.integer.clock;
	case SONDE_STRUCT:
		for (size_t i = 0; !c && i < t->u.structure.n_members; i++)
			c = mapped_clock(t->u.structure.members[i].type);
		return c;
	case SONDE_VARIANT:
		for (size_t i = 0; !c && i < t->u.variant.n_options; i++)
			c = mapped_clock(t->u.variant.options[i].type);
		return c;
	default: return NULL;
	}
}

/** The clock of times that do not say theirs: the only one, made up where there is none. */
static int implied_clock(struct build *b, const struct ast_item *it, const char *name,
			 const struct sonde_clock **ret)
{
	if (b->trace->n_clocks > 1)
		return tsdl_error(&b->x->text, it->pos,
				  "'%s' does not say which of %zu clocks it is of", name,
				  b->trace->n_clocks);
	if (!b->trace->n_clocks) {
		struct sonde_clock *c = arena_new(b->arena, struct sonde_clock);

		if (!c)
			return -ENOMEM;
		c->name = "default";
		c->freq = 1000000000;
		clock_add(b, c);
	}
	*ret = b->clocks[0];
	return 0;
}

static int map_members(struct build *b, const struct ast_item *it, const struct sonde_member *m,
		       size_t n, const char *name);

/** Maps integers called @name inside @t to the implied clock, where they are not mapped. */
static int map_named(struct build *b, const struct ast_item *it, const struct sonde_type *t,
		     const char *name)
{
	if (t && t->kind == SONDE_STRUCT)
		return map_members(b, it, t->u.structure.members, t->u.structure.n_members, name);
	if (t && t->kind == SONDE_VARIANT)
		return map_members(b, it, t->u.variant.options, t->u.variant.n_options, name);
	return 0;
}

static int map_members(struct build *b, const struct ast_item *it, const struct sonde_member *m,
		       size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		struct sonde_type *t = (struct sonde_type *)m[i].type; // ours, under construction
		int r = 0;

		if (strcmp(m[i].shown, name) != 0)
			r = map_named(b, it, t, name);
		else if ((t->kind == SONDE_INT || t->kind == SONDE_ENUM) && !t->u.integer.clock)
			r = implied_clock(b, it, name, &t->u.integer.clock);
		if (r < 0)
			return r;
	}
	return 0;
}

int root_check(struct build *b, const struct ast_item *it, enum sonde_scope scope,
	       const struct sonde_type *t)
{
	static const char *const numbers[TSDL_SCOPES][6] = {
		[SONDE_SCOPE_PACKET_HEADER] = { "magic", "stream_id", "stream_instance_id" },
		[SONDE_SCOPE_PACKET_CONTEXT] = { "timestamp_begin", "timestamp_end",
						 "events_discarded", "packet_seq_num",
						 "packet_size", "content_size" },
		[SONDE_SCOPE_EVENT_HEADER] = { "id" },
	};
	static const char *const times[TSDL_SCOPES][2] = {
		[SONDE_SCOPE_PACKET_CONTEXT] = { "timestamp_begin", "timestamp_end" },
		[SONDE_SCOPE_EVENT_HEADER] = { "timestamp" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < MEM_LEN(numbers[0]) && numbers[scope][i]; i++)
		r = check_unsigned(b, it, t, numbers[scope][i]);
	for (size_t i = 0; r == 0 && i < MEM_LEN(times[0]) && times[scope][i]; i++)
		r = map_named(b, it, t, times[scope][i]);
	if (r < 0 || scope != SONDE_SCOPE_PACKET_HEADER)
		return r;
	r = check_magic(b, it, t);
	return r < 0 ? r : check_uuid(b, it, t);
}

/** The clock that the events and packets of a stream tell their times by. */
static const struct sonde_clock *stream_clock(const struct sonde_stream_class *s)
{
	const struct sonde_clock *c = mapped_clock(s->event_header);

	if (!c)
		c = mapped_clock(s->packet_context);
	if (!c)
		c = mapped_clock(s->event_context);
	for (size_t i = 0; !c && i < s->n_events; i++) {
		c = mapped_clock(s->events[i]->context);
		if (!c)
			c = mapped_clock(s->events[i]->payload);
	}
	return c;
}

int trace_check(struct build *b)
{
	struct sonde_trace *t = b->trace;

	for (size_t i = 0; i < t->n_streams; i++)
		t->streams[i]->clock = stream_clock(t->streams[i]);
	for (size_t i = 0; i < t->n_clocks; i++)
		clock_normalise(b->clocks[i]);

	const struct sonde_clock **clocks = arena_array(b->arena, t->n_clocks, sizeof(*clocks));
	if (!clocks)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_clocks; i++)
		clocks[i] = b->clocks[i];
	t->clocks = clocks;
	return 0;
}
