/* SPDX-License-Identifier: MIT */
/** Blocks into trace, environment, clocks, streams and event classes (CTF 1.8.3, section 7.3). */
#include "ctf/tsdl_build.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "ctf/tsdl_check.h"

enum { STREAMS_MAX = 1024, EVENTS_MAX = 1 << 18 };

/** A stream class with what only its making needs. */
struct stream_build {
	struct sonde_stream_class *cls;
	uint32_t pos;
	const struct sonde_type *roots[TSDL_SCOPES];
};

struct event_build {
	struct sonde_event_class *cls;
	struct stream_build *stream;
	uint32_t pos;
	const struct ast_item *context, *fields;
	bool has_id, has_stream_id, is_first;
	uint64_t stream_id;
};

/** All blocks, by kind. */
struct plot {
	struct build *b;
	struct place root;
	struct stream_build *streams;
	size_t n_streams;
	struct event_build *events;
	size_t n_events;
};

static int fail_at(struct build *b, uint32_t pos, const char *words)
{
	return tsdl_error(&b->x->text, pos, "%s", words);
}

/** A setting that may come once: true the first time; *r = -EBADMSG the second. */
static bool is_setting(struct build *b, const struct ast_item *it, const char *name, bool *said,
		       int *r)
{
	if ((it->kind != AST_VALUE && it->kind != AST_TYPE) || strcmp(it->path, name) != 0)
		return false;
	if (*said)
		*r = tsdl_error(&b->x->text, it->pos, "'%s' is set twice", name);
	*said = true;
	return *r == 0;
}

static int parse_uuid(struct build *b, const struct ast_item *it, uint8_t *ret)
{
	const char *s = NULL;
	int r = value_str(b, it, &s);
	if (r < 0)
		return r;

	bool good = strlen(s) == 36;
	uint8_t uuid[16] = { 0 };
	for (size_t i = 0, nibble = 0; good && i < 36; i++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			good = s[i] == '-';
			continue;
		}
		const char *d = strchr(digits, s[i]);
		good = d;
		if (d) {
			const unsigned v = (unsigned)(d - digits);
			uuid[nibble / 2] |= (uint8_t)((v > 15 ? v - 6 : v) << (nibble % 2 ? 0 : 4));
			nibble++;
		}
	}
	if (!good)
		return tsdl_error(&b->x->text, it->value.pos,
				  "uuid '%s', wanted 8-4-4-4-12 hexadecimal digits", s);
	memcpy(ret, uuid, sizeof(uuid));
	return 0;
}

/** The structure that a setting gives to @scope. */
static int build_root(struct build *b, const struct place *place, const struct ast_item *it,
		      enum sonde_scope scope, const struct sonde_type **ret)
{
	struct sonde_type *t = NULL;

	if (it->kind != AST_TYPE)
		return tsdl_error(&b->x->text, it->pos, "'%s' wants ':=' and a structure",
				  it->path);
	b->scope = scope;
	b->open = NULL;
	int r = type_build(b, place, it->type, it->declarators, &t);
	if (r < 0)
		return r;
	if (t->kind != SONDE_STRUCT)
		return tsdl_error(&b->x->text, it->type->pos, "'%s' wants a structure", it->path);
	b->roots[scope] = t;
	*ret = t;
	r = root_check(b, it, scope, t);
	return r < 0 ? r : type_declare(b, place, it);
}

/** Declares the types of a block, so that its settings may use them wherever they stand. */
static int declare_all(struct build *b, const struct place *place, const struct ast_item *items)
{
	for (const struct ast_item *it = items; it; it = it->next) {
		if (it->kind == AST_VALUE || it->kind == AST_TYPE)
			continue;
		if (it->kind == AST_FIELD && it->declarators)
			return fail_at(b, it->declarators->pos, "a field outside a structure");
		int r = type_declare(b, place, it);
		if (r < 0)
			return r;
	}
	return 0;
}

static int block_place(struct plot *p, const struct ast_block *block, struct place *ret)
{
	*ret = (struct place){ scope_new(&p->b->names, &p->root), UINT32_MAX, 0 };
	return ret->scope ? declare_all(p->b, ret, block->items) : -ENOMEM;
}

/** The byte order, before anything that says `native`. */
static int find_byte_order(struct build *b, const struct ast_block *blocks)
{
	const struct ast_block *trace = NULL;
	bool said = false;
	int r = 0;

	for (const struct ast_block *k = blocks; k; k = k->next) {
		if (k->kind != AST_TRACE)
			continue;
		if (trace)
			return fail_at(b, k->pos, "a second trace block");
		trace = k;
	}
	if (!trace)
		return fail_at(b, b->x->text.len, "no trace block");
	for (const struct ast_item *it = trace->items; it; it = it->next) {
		if (!is_setting(b, it, "byte_order", &said, &r))
			continue;
		if (it->kind == AST_VALUE && it->value.str && !strcmp(it->value.str, "native"))
			return fail_at(b, it->value.pos, "the trace's byte order cannot be native");
		r = value_byte_order(b, it, &b->trace->big_endian);
		if (r < 0)
			return r;
	}
	if (r == 0 && !said)
		return fail_at(b, trace->pos, "trace block without a 'byte_order'");
	return r;
}

static int build_clock(struct plot *p, const struct ast_block *block)
{
	struct build *b = p->b;
	struct sonde_clock *c = arena_new(b->arena, struct sonde_clock);
	bool said[8] = { false };
	int r = 0;

	if (!c)
		return -ENOMEM;
	if (b->trace->n_clocks == TSDL_CLOCKS_MAX)
		return fail_at(b, block->pos, "too many clocks");
	c->freq = 1000000000;
	c->precision = 1;
	for (const struct ast_item *it = block->items; it && r == 0; it = it->next) {
		if (is_setting(b, it, "name", &said[0], &r))
			r = value_str(b, it, &c->name);
		else if (is_setting(b, it, "uuid", &said[1], &r)) {
			r = parse_uuid(b, it, c->uuid);
			c->has_uuid = true;
		} else if (is_setting(b, it, "description", &said[2], &r))
			r = value_str(b, it, &c->description);
		else if (is_setting(b, it, "freq", &said[3], &r)) {
			r = value_u64(b, it, &c->freq);
			if (r == 0 && !c->freq)
				r = fail_at(b, it->value.pos, "a clock's frequency cannot be 0");
		} else if (is_setting(b, it, "precision", &said[4], &r))
			r = value_u64(b, it, &c->precision);
		else if (is_setting(b, it, "offset_s", &said[5], &r))
			r = value_i64(b, it, &c->offset_s);
		else if (is_setting(b, it, "offset", &said[6], &r))
			r = value_u64(b, it, &c->offset);
		else if (is_setting(b, it, "absolute", &said[7], &r))
			r = value_bool(b, it, &c->absolute);
	}
	if (r < 0)
		return r;
	if (!c->name)
		return fail_at(b, block->pos, "clock without a 'name'");
	c->name = lex_word(b->x, c->name, strlen(c->name));
	if (!c->name)
		return -ENOMEM;
	for (size_t i = 0; i < b->trace->n_clocks; i++) {
		if (b->clocks[i]->name == c->name)
			return tsdl_error(&b->x->text, block->pos, "a second clock '%s'", c->name);
	}
	// LTTng's clock counts from the epoch, but its older versions do not say so.
	const struct sonde_env *tracer = sonde_trace_env(b->trace, "tracer_name");
	if (tracer && tracer->str && !strncmp(tracer->str, "lttng", 5) &&
	    !strcmp(c->name, "monotonic"))
		c->absolute = true;
	c->is_unix = c->absolute;
	clock_add(b, c);
	return 0;
}

static int build_trace(struct plot *p, const struct ast_block *block)
{
	struct build *b = p->b;
	struct place place;
	bool said[4] = { false };
	uint64_t major = 0, minor = 0;
	int r = block_place(p, block, &place);

	for (const struct ast_item *it = block->items; it && r == 0; it = it->next) {
		if (is_setting(b, it, "major", &said[0], &r)) {
			r = value_u64(b, it, &major);
			if (r == 0 && major != 1)
				r = fail_at(b, it->value.pos, "major version is not 1");
		} else if (is_setting(b, it, "minor", &said[1], &r)) {
			r = value_u64(b, it, &minor);
			if (r == 0 && minor != 8)
				r = fail_at(b, it->value.pos, "minor version is not 8");
		} else if (is_setting(b, it, "uuid", &said[2], &r)) {
			r = parse_uuid(b, it, b->trace->uuid);
			b->trace->has_uuid = true;
		} else if (is_setting(b, it, "packet.header", &said[3], &r)) {
			r = build_root(b, &place, it, SONDE_SCOPE_PACKET_HEADER,
				       &b->trace->packet_header);
		}
	}
	if (r == 0 && (!said[0] || !said[1]))
		return fail_at(b, block->pos, "trace block without a 'major' or 'minor'");
	return r;
}

static int build_env(struct plot *p, const struct ast_block *block)
{
	struct build *b = p->b;
	size_t n = b->trace->n_env;

	for (const struct ast_item *it = block->items; it; it = it->next)
		n += it->kind == AST_VALUE;
	struct sonde_env *env = arena_array(b->arena, n, sizeof(*env));
	if (!env)
		return -ENOMEM;
	n = b->trace->n_env;
	if (n)
		memcpy(env, b->trace->env, n * sizeof(*env));
	for (const struct ast_item *it = block->items; it; it = it->next) {
		struct sonde_env *e = &env[n];
		int r;

		if (it->kind != AST_VALUE)
			return fail_at(b, it->pos, "env wants 'name = value'");
		e->name = it->path;
		if (it->value.str)
			r = value_str(b, it, &e->str);
		else
			r = value_i64(b, it, &e->num);
		if (r < 0)
			return r;
		n++;
	}
	b->trace->env = env;
	b->trace->n_env = n;
	return 0;
}

static int build_stream(struct plot *p, const struct ast_block *block)
{
	static const struct {
		const char *name;
		enum sonde_scope scope;
	} roots[] = {
		{ "packet.context", SONDE_SCOPE_PACKET_CONTEXT },
		{ "event.header", SONDE_SCOPE_EVENT_HEADER },
		{ "event.context", SONDE_SCOPE_STREAM_CONTEXT },
	};
	struct build *b = p->b;
	struct stream_build *s = &p->streams[p->n_streams++];
	struct place place;
	bool said_id = false;
	int r = block_place(p, block, &place);

	if (r < 0)
		return r;
	s->pos = block->pos;
	s->cls = arena_new(b->arena, struct sonde_stream_class);
	if (!s->cls)
		return -ENOMEM;
	s->cls->trace = b->trace;
	memset(&b->roots[SONDE_SCOPE_PACKET_CONTEXT], 0,
	       (TSDL_SCOPES - SONDE_SCOPE_PACKET_CONTEXT) * sizeof(*b->roots));
	for (const struct ast_item *it = block->items; it && r == 0; it = it->next) {
		if (is_setting(b, it, "id", &said_id, &r))
			r = value_u64(b, it, &s->cls->id);
	}
	s->cls->has_id = said_id;
	// In the order of decoding, whatever the order of writing: later ones refer to earlier.
	for (size_t i = 0; i < MEM_LEN(roots); i++) {
		bool said = false;

		for (const struct ast_item *it = block->items; it && r == 0; it = it->next) {
			if (is_setting(b, it, roots[i].name, &said, &r))
				r = build_root(b, &place, it, roots[i].scope,
					       &s->roots[roots[i].scope]);
		}
	}
	s->cls->packet_context = s->roots[SONDE_SCOPE_PACKET_CONTEXT];
	s->cls->event_header = s->roots[SONDE_SCOPE_EVENT_HEADER];
	s->cls->event_context = s->roots[SONDE_SCOPE_STREAM_CONTEXT];
	return r;
}

static int event_settings(struct build *b, const struct ast_block *block, struct event_build *e)
{
	bool said[7] = { false };
	int r = 0;

	e->cls->loglevel = -1;
	for (const struct ast_item *it = block->items; it && r == 0; it = it->next) {
		if (is_setting(b, it, "name", &said[0], &r))
			r = value_str(b, it, &e->cls->name);
		else if (is_setting(b, it, "id", &said[1], &r))
			r = value_u64(b, it, &e->cls->id);
		else if (is_setting(b, it, "stream_id", &said[2], &r))
			r = value_u64(b, it, &e->stream_id);
		else if (is_setting(b, it, "loglevel", &said[3], &r))
			r = value_i64(b, it, &e->cls->loglevel);
		else if (is_setting(b, it, "model.emf.uri", &said[4], &r))
			r = value_str(b, it, &e->cls->uri);
		else if (is_setting(b, it, "context", &said[5], &r))
			e->context = it;
		else if (is_setting(b, it, "fields", &said[6], &r))
			e->fields = it;
	}
	e->has_id = said[1];
	e->has_stream_id = said[2];
	return r;
}

static int find_stream(struct plot *p, struct event_build *e)
{
	struct build *b = p->b;

	if (!e->has_stream_id) {
		if (p->n_streams > 1)
			return fail_at(
				b, e->pos,
				"event without a 'stream_id' where there are several streams");
		e->stream = &p->streams[0];
		return 0;
	}
	for (size_t i = 0; i < p->n_streams; i++) {
		if (p->streams[i].cls->id == e->stream_id) {
			e->stream = &p->streams[i];
			return 0;
		}
	}
	return tsdl_error(&b->x->text, e->pos, "event of stream %llu, which is not declared",
			  (unsigned long long)e->stream_id);
}

static int build_event(struct plot *p, const struct ast_block *block)
{
	struct build *b = p->b;
	struct event_build *e = &p->events[p->n_events++];
	struct place place;
	int r = block_place(p, block, &place);

	if (r < 0)
		return r;
	e->pos = block->pos;
	e->cls = arena_new(b->arena, struct sonde_event_class);
	if (!e->cls)
		return -ENOMEM;
	r = event_settings(b, block, e);
	if (r == 0)
		r = find_stream(p, e);
	if (r < 0)
		return r;
	e->cls->stream_class = e->stream->cls;
	e->is_first = !e->stream->cls->n_events++;
	if (!e->cls->name)
		return fail_at(b, block->pos, "event without a 'name'");

	slots_next_event(&b->slots);
	e->stream->roots[SONDE_SCOPE_PACKET_HEADER] = b->trace->packet_header;
	memcpy(b->roots, e->stream->roots, sizeof(b->roots));
	if (e->context)
		r = build_root(b, &place, e->context, SONDE_SCOPE_EVENT_CONTEXT, &e->cls->context);
	if (r == 0 && e->fields)
		r = build_root(b, &place, e->fields, SONDE_SCOPE_PAYLOAD, &e->cls->payload);
	return r;
}

/** Room for all streams and events; one stream more for metadata that has none. */
static int plot_init(struct plot *p, const struct ast_block *blocks)
{
	size_t n_streams = 0, n_events = 0;

	for (const struct ast_block *k = blocks; k; k = k->next) {
		n_streams += k->kind == AST_STREAM;
		n_events += k->kind == AST_EVENT;
		if (n_streams > STREAMS_MAX || n_events > EVENTS_MAX)
			return fail_at(p->b, k->pos, "too many streams or events");
	}
	p->streams = arena_array(p->b->x->scratch, n_streams + 1, sizeof(*p->streams));
	p->events = arena_array(p->b->x->scratch, n_events, sizeof(*p->events));
	p->root = (struct place){ scope_new(&p->b->names, NULL), UINT32_MAX, 0 };
	return p->streams && p->events && p->root.scope ? 0 : -ENOMEM;
}

static int build_kind(struct plot *p, const struct ast_block *blocks, enum ast_block_kind kind,
		      int (*build)(struct plot *p, const struct ast_block *block))
{
	for (const struct ast_block *k = blocks; k; k = k->next) {
		int r = k->kind == kind ? build(p, k) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int build_root_item(struct plot *p, const struct ast_block *block)
{
	return declare_all(p->b, &p->root, block->items);
}

static int add_implied_stream(struct plot *p)
{
	struct build *b = p->b;

	if (p->n_streams)
		return 0;
	p->streams[0].cls = arena_new(b->arena, struct sonde_stream_class);
	if (!p->streams[0].cls)
		return -ENOMEM;
	p->streams[0].cls->trace = b->trace;
	p->n_streams = 1;
	return 0;
}

static int compare_streams(const void *a, const void *b)
{
	const struct stream_build *const *x = a, *const *y = b;

	return ((*x)->cls->id > (*y)->cls->id) - ((*x)->cls->id < (*y)->cls->id);
}

static int compare_events(const void *a, const void *b)
{
	const struct event_build *const *x = a, *const *y = b;

	if ((*x)->stream != (*y)->stream)
		return (*x)->stream > (*y)->stream ? 1 : -1;
	if ((*x)->cls->id != (*y)->cls->id)
		return (*x)->cls->id > (*y)->cls->id ? 1 : -1;
	return ((*x)->pos > (*y)->pos) - ((*x)->pos < (*y)->pos);
}

/** Where there are several of a kind, data must say which one they are of. */
static int check_told_apart(struct plot *p)
{
	struct build *b = p->b;

	if (p->n_streams > 1 && !sonde_type_member(b->trace->packet_header, "stream_id"))
		return fail_at(b, p->streams[1].pos,
			       "a second stream, but the packet header has no 'stream_id'");
	for (size_t i = 0; p->n_streams > 1 && i < p->n_streams; i++) {
		if (!p->streams[i].cls->has_id && i > 0)
			return fail_at(b, p->streams[i].pos,
				       "stream without an 'id' where there are several");
		p->streams[i].cls->has_id = true; // the first may leave out that it is 0
	}
	for (size_t i = 0; i < p->n_events; i++) {
		const struct sonde_stream_class *s = p->events[i].stream->cls;

		if (s->n_events < 2)
			continue;
		if (!p->events[i].has_id && !p->events[i].is_first)
			return fail_at(b, p->events[i].pos,
				       "event without an 'id' where there are several");
		if (!sonde_type_member(s->event_header, "id"))
			return fail_at(b, p->events[i].pos,
				       "several events, but the event header has no 'id'");
	}
	return 0;
}

/** No two streams, and no two events of a stream, may have one id. */
static int check_ids(struct plot *p)
{
	struct build *b = p->b;
	struct stream_build **s = arena_array(b->x->scratch, p->n_streams, sizeof(*s));
	struct event_build **e = arena_array(b->x->scratch, p->n_events, sizeof(*e));

	if (!s || !e)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_streams; i++)
		s[i] = &p->streams[i];
	qsort(s, p->n_streams, sizeof(*s), compare_streams);
	for (size_t i = 1; i < p->n_streams; i++) {
		if (s[i]->cls->id == s[i - 1]->cls->id)
			return tsdl_error(&b->x->text, s[i]->pos, "a second stream of id %llu",
					  (unsigned long long)s[i]->cls->id);
	}
	for (size_t i = 0; i < p->n_events; i++)
		e[i] = &p->events[i];
	qsort(e, p->n_events, sizeof(*e), compare_events);
	for (size_t i = 1; i < p->n_events; i++) {
		if (e[i]->stream == e[i - 1]->stream && e[i]->cls->id == e[i - 1]->cls->id)
			return tsdl_error(&b->x->text, e[i]->pos,
					  "a second event of id %llu in its stream",
					  (unsigned long long)e[i]->cls->id);
	}
	return 0;
}

/** Hands the stream classes and their events to the trace. */
static int assemble(struct plot *p)
{
	struct build *b = p->b;
	struct sonde_trace *t = b->trace;

	t->streams = arena_array(b->arena, p->n_streams, sizeof(*t->streams));
	if (!t->streams)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_streams; i++) {
		struct sonde_stream_class *s = p->streams[i].cls;

		s->events = arena_array(b->arena, s->n_events, sizeof(*s->events));
		if (!s->events)
			return -ENOMEM;
		s->n_events = 0;
		t->streams[t->n_streams++] = s;
	}
	for (size_t i = 0; i < p->n_events; i++) {
		struct sonde_stream_class *s = p->events[i].stream->cls;

		s->events[s->n_events++] = p->events[i].cls;
	}
	t->n_slots = slots_finish(&b->slots);
	return 0;
}

int tsdl_build(struct build *b, const struct ast_block *blocks)
{
	struct plot p = { .b = b };
	int r = plot_init(&p, blocks);

	if (r == 0)
		r = find_byte_order(b, blocks);
	if (r == 0)
		r = build_kind(&p, blocks, AST_ENV, build_env);
	if (r == 0)
		r = build_kind(&p, blocks, AST_CLOCK, build_clock);
	if (r == 0)
		r = build_kind(&p, blocks, AST_ROOT, build_root_item);
	if (r == 0)
		r = build_kind(&p, blocks, AST_TRACE, build_trace);
	if (r == 0)
		r = build_kind(&p, blocks, AST_STREAM, build_stream);
	if (r == 0)
		r = add_implied_stream(&p);
	if (r == 0)
		r = build_kind(&p, blocks, AST_EVENT, build_event);
	if (r == 0)
		r = check_told_apart(&p);
	if (r == 0)
		r = check_ids(&p);
	if (r == 0)
		r = assemble(&p);
	return r < 0 ? r : trace_check(b);
}
