/* SPDX-License-Identifier: MIT */
/** Prints types where they are used; nothing gets a name of its own. */
#include "ctf/tsdl_print.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/err.h>
#include <sonde/event.h>

#include "base/mem.h"
#include "ctf/tsdl_lex.h"

enum { PRINT_DEPTH_MAX = 128, SCOPES = SONDE_SCOPE_PAYLOAD + 1 };

static const char *const scope_paths[SCOPES] = {
	[SONDE_SCOPE_PACKET_HEADER] = "trace.packet.header",
	[SONDE_SCOPE_PACKET_CONTEXT] = "stream.packet.context",
	[SONDE_SCOPE_EVENT_HEADER] = "stream.event.header",
	[SONDE_SCOPE_STREAM_CONTEXT] = "stream.event.context",
	[SONDE_SCOPE_EVENT_CONTEXT] = "event.context",
	[SONDE_SCOPE_PAYLOAD] = "event.fields",
};

/** A structure or variant that is being printed. */
struct open_type {
	const struct open_type *outer;
	const struct sonde_type *type;
	size_t n; /* members before the one that is being printed */
};

struct print {
	const struct sonde_trace *trace;
	struct strbuf *out;
	enum sonde_scope scope;			/* that is being printed */
	const struct sonde_type *roots[SCOPES]; /* of the earlier scopes */
	const struct open_type *open;
	unsigned depth;
	int err; /* the first failure */
};

static void fail(struct print *p, int err)
{
	if (!p->err)
		p->err = err;
}

static void indent(struct print *p)
{
	for (unsigned i = 0; i < p->depth; i++)
		strbuf_str(p->out, "\t");
}

/** The text in double quotes. */
static void print_quoted(struct print *p, const char *s)
{
	strbuf_str(p->out, "\"");
	for (; *s; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			strbuf_fmt(p->out, "\\%c", c);
		else if (c == '\n')
			strbuf_str(p->out, "\\n");
		else if (c == '\t')
			strbuf_str(p->out, "\\t");
		else if (c < ' ' || c == 0x7f)
			strbuf_fmt(p->out, "\\%03o", c);
		else
			strbuf_add(p->out, s, 1);
	}
	strbuf_str(p->out, "\"");
}

static bool is_identifier(const char *s)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++) {
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
		      (*s >= '0' && *s <= '9')))
			return false;
	}
	return true;
}

/** A name that cannot be quoted. */
static void print_name(struct print *p, const char *name)
{
	if (!is_identifier(name))
		fail(p, sonde_fail(-EINVAL, "'%s' cannot be a name in metadata", name));
	strbuf_str(p->out, name);
}

/** The member among the first @n of @t that is, or holds in structures, the field of @slot. */
static const struct sonde_member *holds_slot(const struct sonde_type *t, size_t n, uint32_t slot,
					     unsigned depth)
{
	if (t->kind != SONDE_STRUCT || depth > PRINT_DEPTH_MAX)
		return NULL;
	for (; n > 0; n--) {
		const struct sonde_member *m = &t->u.structure.members[n - 1];

		if (m->type->save == slot ||
		    (m->type->kind == SONDE_STRUCT &&
		     holds_slot(m->type, m->type->u.structure.n_members, slot, depth + 1)))
			return m;
	}
	return NULL;
}

static bool has_member(const struct sonde_type *t, size_t n, const char *name)
{
	for (size_t i = 0; t->kind == SONDE_STRUCT && i < n; i++) {
		if (!strcmp(t->u.structure.members[i].name, name))
			return true;
	}
	return false;
}

/** Prints the names from @t down to the field of @slot. */
static void print_path_down(struct print *p, const struct sonde_type *t, size_t n, uint32_t slot)
{
	const struct sonde_member *m = holds_slot(t, n, slot, 0);

	print_name(p, m->name);
	if (m->type->save == slot)
		return;
	strbuf_str(p->out, ".");
	print_path_down(p, m->type, m->type->u.structure.n_members, slot);
}

/**
 * Prints how the field of @slot is called from here: its name where an enclosing structure has
 * it, its whole path where that name would mean another field or lies in an earlier scope.
 */
static void print_ref(struct print *p, uint32_t slot)
{
	const struct open_type *o = p->open, *top = p->open;

	if (!slot)
		return fail(p, sonde_fail(-EINVAL, "a length or tag without a slot"));
	while (o && !holds_slot(o->type, o->n, slot, 0))
		o = o->outer;
	while (top && top->outer)
		top = top->outer;
	if (o) {
		const char *name = holds_slot(o->type, o->n, slot, 0)->name;
		bool hidden = false;

		for (const struct open_type *i = p->open; i != o; i = i->outer)
			hidden = hidden || has_member(i->type, i->n, name);
		if (hidden && o != top)
			return fail(p, sonde_fail(-EINVAL, "'%s' means another field here", name));
		if (hidden)
			strbuf_fmt(p->out, "%s.", scope_paths[p->scope]);
		return print_path_down(p, o->type, o->n, slot);
	}
	for (int s = (int)p->scope - 1; s >= 0; s--) {
		const struct sonde_type *t = p->roots[s];

		if (t && holds_slot(t, t->u.structure.n_members, slot, 0)) {
			strbuf_fmt(p->out, "%s.", scope_paths[s]);
			return print_path_down(p, t, t->u.structure.n_members, slot);
		}
	}
	fail(p, sonde_fail(-EINVAL, "no earlier field has slot %u", slot));
}

static const char *byte_order(bool big_endian)
{
	return big_endian ? "be" : "le";
}

static const char *encoding_name(enum sonde_encoding e)
{
	return e == SONDE_ENC_UTF8 ? "UTF8" : e == SONDE_ENC_ASCII ? "ASCII" : "none";
}

static void print_int(struct print *p, const struct sonde_type *t)
{
	const struct sonde_int *i = &t->u.integer;

	strbuf_fmt(p->out, "integer { size = %u; align = %u; signed = %s;", i->len, t->align,
		   i->is_signed ? "true" : "false");
	if (i->big_endian != p->trace->big_endian)
		strbuf_fmt(p->out, " byte_order = %s;", byte_order(i->big_endian));
	if (i->base != 10)
		strbuf_fmt(p->out, " base = %u;", i->base);
	if (i->encoding != SONDE_ENC_NONE)
		strbuf_fmt(p->out, " encoding = %s;", encoding_name(i->encoding));
	if (i->clock) {
		strbuf_str(p->out, " map = clock.");
		print_name(p, i->clock->name);
		strbuf_str(p->out, ".value;");
	}
	strbuf_str(p->out, " }");
}

static void print_enum(struct print *p, const struct sonde_type *t)
{
	const bool is_signed = t->u.integer.is_signed;

	strbuf_str(p->out, "enum : ");
	print_int(p, t);
	strbuf_str(p->out, " {");
	for (size_t i = 0; i < t->u.enumeration.n_maps; i++) {
		const struct sonde_mapping *m = &t->u.enumeration.maps[i];

		strbuf_str(p->out, i ? ", " : " ");
		print_quoted(p, m->label);
		if (is_signed)
			strbuf_fmt(p->out, " = %" PRId64, (int64_t)m->lo);
		else
			strbuf_fmt(p->out, " = %" PRIu64, m->lo);
		if (m->hi == m->lo)
			continue;
		if (is_signed)
			strbuf_fmt(p->out, " ... %" PRId64, (int64_t)m->hi);
		else
			strbuf_fmt(p->out, " ... %" PRIu64, m->hi);
	}
	strbuf_str(p->out, " }");
}

static void print_member(struct print *p, const struct sonde_member *m);

/** `{ members }` of a structure or variant. */
static void print_body(struct print *p, const struct sonde_type *t, const struct sonde_member *m,
		       size_t n)
{
	struct open_type open = { p->open, t, 0 };

	if (p->depth > PRINT_DEPTH_MAX)
		return fail(p,
			    sonde_fail(-EINVAL, "types nest more than %d deep", PRINT_DEPTH_MAX));
	strbuf_str(p->out, "{\n");
	p->open = &open;
	p->depth++;
	for (; open.n < n && !p->err; open.n++) {
		indent(p);
		print_member(p, &m[open.n]);
		strbuf_str(p->out, ";\n");
	}
	p->depth--;
	p->open = open.outer;
	indent(p);
	strbuf_str(p->out, "}");
}

static void print_struct(struct print *p, const struct sonde_type *t)
{
	uint32_t align = 1;

	strbuf_str(p->out, "struct ");
	print_body(p, t, t->u.structure.members, t->u.structure.n_members);
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		if (t->u.structure.members[i].type->align > align)
			align = t->u.structure.members[i].type->align;
	}
	if (t->align > align)
		strbuf_fmt(p->out, " align(%u)", t->align);
}

/** The type without dimensions. */
static void print_type(struct print *p, const struct sonde_type *t)
{
	switch (t->kind) {
	case SONDE_INT: print_int(p, t); break;
	case SONDE_ENUM: print_enum(p, t); break;
	case SONDE_FLOAT:
		strbuf_fmt(p->out, "floating_point { exp_dig = %u; mant_dig = %u; align = %u;",
			   t->u.real.exp_dig, t->u.real.mant_dig, t->align);
		if (t->u.real.big_endian != p->trace->big_endian)
			strbuf_fmt(p->out, " byte_order = %s;", byte_order(t->u.real.big_endian));
		strbuf_str(p->out, " }");
		break;
	case SONDE_STRING:
		strbuf_str(p->out, "string");
		if (t->u.string.encoding != SONDE_ENC_UTF8)
			strbuf_fmt(p->out, " { encoding = %s; }",
				   encoding_name(t->u.string.encoding));
		break;
	case SONDE_STRUCT: print_struct(p, t); break;
	case SONDE_VARIANT:
		strbuf_str(p->out, "variant <");
		print_ref(p, t->ref);
		strbuf_str(p->out, "> ");
		print_body(p, t, t->u.variant.options, t->u.variant.n_options);
		break;
	default: fail(p, sonde_fail(-EINVAL, "type of unknown kind %d", t->kind));
	}
}

static bool has_elements(const struct sonde_type *t)
{
	return t->kind == SONDE_ARRAY || t->kind == SONDE_SEQUENCE;
}

static void print_member(struct print *p, const struct sonde_member *m)
{
	const struct sonde_type *t = m->type;

	while (has_elements(t))
		t = t->u.array.elem;
	print_type(p, t);
	strbuf_str(p->out, " ");
	if (lex_is_keyword(m->name))
		fail(p, sonde_fail(-EINVAL, "keyword '%s' cannot be a name in metadata", m->name));
	print_name(p, m->name);
	for (t = m->type; has_elements(t); t = t->u.array.elem) {
		strbuf_str(p->out, "[");
		if (t->kind == SONDE_ARRAY)
			strbuf_fmt(p->out, "%" PRIu64, t->u.array.n);
		else
			print_ref(p, t->ref);
		strbuf_str(p->out, "]");
	}
}

/** A scope's structure as a setting of its block; nothing where it has none. */
static void print_root(struct print *p, enum sonde_scope scope, const char *setting,
		       const struct sonde_type *t)
{
	p->scope = scope;
	p->roots[scope] = NULL;
	p->open = NULL;
	if (!t || p->err)
		return;
	if (t->kind != SONDE_STRUCT)
		return fail(p, sonde_fail(-EINVAL, "'%s' is no structure", setting));
	strbuf_fmt(p->out, "\t%s := ", setting);
	p->depth = 1;
	print_type(p, t);
	strbuf_str(p->out, ";\n");
	p->roots[scope] = t;
}

static void print_uuid(struct print *p, const uint8_t uuid[16])
{
	strbuf_str(p->out, "\tuuid = \"");
	for (int i = 0; i < 16; i++)
		strbuf_fmt(p->out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			   uuid[i]);
	strbuf_str(p->out, "\";\n");
}

static void print_env(struct print *p)
{
	const struct sonde_trace *t = p->trace;

	if (!t->n_env)
		return;
	strbuf_str(p->out, "env {\n");
	for (size_t i = 0; i < t->n_env; i++) {
		strbuf_str(p->out, "\t");
		print_name(p, t->env[i].name);
		strbuf_str(p->out, " = ");
		if (t->env[i].str)
			print_quoted(p, t->env[i].str);
		else
			strbuf_fmt(p->out, "%" PRId64, t->env[i].num);
		strbuf_str(p->out, ";\n");
	}
	strbuf_str(p->out, "};\n\n");
}

static void print_clock(struct print *p, const struct sonde_clock *c)
{
	strbuf_str(p->out, "clock {\n\tname = ");
	print_quoted(p, c->name);
	strbuf_str(p->out, ";\n");
	if (c->has_uuid)
		print_uuid(p, c->uuid);
	if (c->description) {
		strbuf_str(p->out, "\tdescription = ");
		print_quoted(p, c->description);
		strbuf_str(p->out, ";\n");
	}
	strbuf_fmt(p->out, "\tfreq = %" PRIu64 ";\n", c->freq);
	strbuf_fmt(p->out, "\tprecision = %" PRIu64 ";\n", c->precision);
	strbuf_fmt(p->out, "\toffset_s = %" PRId64 ";\n", c->offset_s);
	strbuf_fmt(p->out, "\toffset = %" PRIu64 ";\n", c->offset);
	strbuf_fmt(p->out, "\tabsolute = %s;\n};\n\n",
		   c->absolute || c->is_unix ? "true" : "false");
}

/** A stream class that says nothing is not written, where it is the only one. */
static bool is_implied(const struct sonde_stream_class *s)
{
	return s->trace->n_streams == 1 && !s->has_id && !s->packet_context && !s->event_header &&
	       !s->event_context;
}

static void print_stream(struct print *p, const struct sonde_stream_class *s)
{
	if (!is_implied(s))
		strbuf_str(p->out, "stream {\n");
	if (s->has_id)
		strbuf_fmt(p->out, "\tid = %" PRIu64 ";\n", s->id);
	print_root(p, SONDE_SCOPE_PACKET_CONTEXT, "packet.context", s->packet_context);
	print_root(p, SONDE_SCOPE_EVENT_HEADER, "event.header", s->event_header);
	print_root(p, SONDE_SCOPE_STREAM_CONTEXT, "event.context", s->event_context);
	if (!is_implied(s))
		strbuf_str(p->out, "};\n\n");
}

static void print_event(struct print *p, const struct sonde_event_class *e)
{
	strbuf_str(p->out, "event {\n\tname = ");
	print_quoted(p, e->name);
	strbuf_str(p->out, ";\n");
	// The only event of a stream whose header has no id does not need one.
	if (e->id || e->stream_class->n_events != 1 || e->stream_class->event_header)
		strbuf_fmt(p->out, "\tid = %" PRIu64 ";\n", e->id);
	if (e->stream_class->has_id)
		strbuf_fmt(p->out, "\tstream_id = %" PRIu64 ";\n", e->stream_class->id);
	if (e->loglevel != -1)
		strbuf_fmt(p->out, "\tloglevel = %" PRId64 ";\n", e->loglevel);
	if (e->uri) {
		strbuf_str(p->out, "\tmodel.emf.uri = ");
		print_quoted(p, e->uri);
		strbuf_str(p->out, ";\n");
	}
	print_root(p, SONDE_SCOPE_EVENT_CONTEXT, "context", e->context);
	print_root(p, SONDE_SCOPE_PAYLOAD, "fields", e->payload);
	strbuf_str(p->out, "};\n\n");
}

int tsdl_print(const struct sonde_trace *t, struct strbuf *out)
{
	struct print p = { .trace = t, .out = out };

	strbuf_str(out, "/* CTF 1.8 */\n\ntrace {\n\tmajor = 1;\n\tminor = 8;\n");
	if (t->has_uuid)
		print_uuid(&p, t->uuid);
	strbuf_fmt(out, "\tbyte_order = %s;\n", byte_order(t->big_endian));
	print_root(&p, SONDE_SCOPE_PACKET_HEADER, "packet.header", t->packet_header);
	strbuf_str(out, "};\n\n");
	print_env(&p);
	for (size_t i = 0; i < t->n_clocks; i++)
		print_clock(&p, t->clocks[i]);
	for (size_t i = 0; i < t->n_streams; i++) {
		const struct sonde_stream_class *s = t->streams[i];

		print_stream(&p, s);
		for (size_t k = 0; k < s->n_events; k++)
			print_event(&p, s->events[k]);
	}
	return p.err ? p.err : strbuf_ok(out);
}
