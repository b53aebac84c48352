/* SPDX-License-Identifier: MIT */
/** Describes events of emit() by the types of a script, and plans how their records are copied. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/writer.h"
#include "record/script_event.h"

enum {
	FIELDS_AT = 36,
	TEXT_MOST = 4096 + 1,
	STEPS_MOST = 2048, /* of structs with more, bytes are shown */
	DEPTH_MOST = 16,
	EVENT_MOST = WRITER_PACKET_USUAL / 2,
};

/** A plan that grows, and the description beside it. */
struct planner {
	struct describe *d;
	struct script_plan *plan;
	struct strbuf *shape; /* of all fields so far */
	int err;
};

static void shape(struct planner *p, const char *what, uint64_t n)
{
	strbuf_fmt(p->shape, "%s%llu,", what, (unsigned long long)n);
}

static void step(struct planner *p, const struct script_step *s, size_t most)
{
	struct script_plan *plan = p->plan;

	if (p->err < 0)
		return;
	p->err = mem_grow(&plan->steps, &plan->cap, plan->n + 1);
	if (p->err < 0)
		return;
	plan->steps[plan->n++] = *s;
	plan->most += most + s->align - 1U;
}

static void add_value(struct planner *p, struct sonde_type *st, const char *name,
		      const struct type *t, uint32_t off, unsigned depth);
static struct sonde_type *c_value(struct planner *p, const struct ctype *c, uint32_t off,
				  unsigned depth);

/* A structure's begin; its alignment is known when its members are. */
static size_t begin_struct(struct planner *p)
{
	step(p, &(struct script_step){ .kind = STEP_ALIGN, .align = 1 }, 8);
	strbuf_str(p->shape, "{");
	return p->plan->n - 1;
}

static void end_struct(struct planner *p, size_t at, const struct sonde_type *st)
{
	strbuf_str(p->shape, "}");
	if (!p->err && st)
		p->plan->steps[at].align = (uint8_t)(st->align < 8 ? 1 : st->align / 8);
}

static struct sonde_type *number(struct planner *p, uint32_t off, uint32_t size, bool is_signed,
				 bool is_hex)
{
	const struct script_step s = {
		.kind = STEP_BYTES, .off = off, .len = size, .align = (uint8_t)size
	};

	step(p, &s, size);
	shape(p, is_hex ? "x" : is_signed ? "i" : "u", size);
	return is_hex ? describe_hex(p->d, 8 * size) : describe_int(p->d, 8 * size, is_signed);
}

static bool is_number_size(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* What no better way is known to show. */
static struct sonde_type *raw_bytes(struct planner *p, uint32_t off, uint64_t size)
{
	const struct script_step s = {
		.kind = STEP_BYTES, .off = off, .len = (uint32_t)size, .align = 1
	};

	step(p, &s, size);
	shape(p, "b", size);
	return describe_array(p->d, describe_hex(p->d, 8), size);
}

static struct sonde_type *c_text(struct planner *p, uint32_t off, uint64_t n)
{
	const struct script_step s = {
		.kind = STEP_BYTES, .off = off, .len = (uint32_t)n, .align = 1
	};

	step(p, &s, n);
	shape(p, "c", n);
	return describe_text(p->d, n);
}

/* Elements of one number's size lie as CTF has them. */
static struct sonde_type *numbers(struct planner *p, uint32_t off, uint32_t size, bool is_signed,
				  bool is_hex, uint64_t n)
{
	const struct script_step s = {
		.kind = STEP_BYTES, .off = off, .len = (uint32_t)(size * n), .align = (uint8_t)size
	};

	step(p, &s, size * n);
	shape(p, is_hex ? "x" : is_signed ? "i" : "u", size);
	shape(p, "*", n);
	return describe_array(
		p->d,
		is_hex ? describe_hex(p->d, 8 * size) : describe_int(p->d, 8 * size, is_signed), n);
}

static bool is_c_number(const struct ctype *c)
{
	return (c->kind == CT_INT || c->kind == CT_PTR || c->kind == CT_ENUM) &&
	       is_number_size(c->size);
}

static struct sonde_type *c_array(struct planner *p, const struct ctype *c, uint32_t off,
				  unsigned depth)
{
	const struct ctype *elem = ctype_elem(c);
	struct sonde_type *t = NULL;

	if (elem->kind == CT_INT && elem->is_char && elem->size == 1)
		return c_text(p, off, c->n);
	if (is_c_number(elem))
		return numbers(p, off, (uint32_t)elem->size, elem->is_signed, elem->kind == CT_PTR,
			       c->n);
	if (!elem->size || p->plan->n + c->n > STEPS_MOST || elem->kind == CT_FLOAT)
		return raw_bytes(p, off, c->size);
	shape(p, "*", c->n);
	for (uint64_t i = 0; i < c->n; i++)
		t = c_value(p, elem, off + (uint32_t)(i * elem->size), depth + 1);
	return describe_array(p->d, t, c->n);
}

static struct sonde_type *c_bits(struct planner *p, const struct cmember *m, uint32_t off)
{
	const struct script_step s = {
		.kind = STEP_BITS,
		.off = off + (uint32_t)(m->bit_off / 8),
		.bit_off = (uint8_t)(m->bit_off % 8),
		.n_bits = (uint8_t)m->bit_size,
		.len = (uint32_t)m->type->size,
		.align = (uint8_t)m->type->size,
		.type = type_int((unsigned)m->type->size, m->type->is_signed),
	};

	step(p, &s, s.len);
	shape(p, m->type->is_signed ? "i" : "u", s.len);
	return describe_int(p->d, 8 * s.len, m->type->is_signed);
}

static void c_members(struct planner *p, struct sonde_type *st, const struct ctype *c, uint32_t off,
		      unsigned depth)
{
	size_t n;
	const struct cmember *m = ctype_members(c, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ctype *t = m[i].type;
		const uint32_t at = off + (uint32_t)(m[i].bit_off / 8);
		struct sonde_type *v;
		char name[32];

		if (m[i].bit_size && m[i].name[0] && is_number_size(t->size) &&
		    m[i].bit_size <= 8 * t->size)
			v = c_bits(p, &m[i], off);
		else if (m[i].bit_size || !t->size)
			continue; // fills up, or has an open end
		else if (!m[i].name[0] && t->kind == CT_STRUCT && depth < DEPTH_MOST) {
			c_members(p, st, t, at, depth + 1); // C has them in the outer one
			continue;
		} else
			v = c_value(p, t, at, depth + 1);
		(void)snprintf(name, sizeof(name), "union%zu", i);
		describe_member(p->d, st, m[i].name[0] ? m[i].name : name, v);
		strbuf_fmt(p->shape, "%s;", m[i].name);
	}
}

static struct sonde_type *c_value(struct planner *p, const struct ctype *c, uint32_t off,
				  unsigned depth)
{
	if (is_c_number(c))
		return number(p, off, (uint32_t)c->size, c->is_signed, c->kind == CT_PTR);
	if (c->kind == CT_ARRAY && c->size && depth < DEPTH_MOST)
		return c_array(p, c, off, depth);
	if (c->kind != CT_STRUCT || depth >= DEPTH_MOST || p->plan->n > STEPS_MOST)
		return raw_bytes(p, off, c->size);
	struct sonde_type *st = describe_struct(p->d);
	const size_t at = begin_struct(p);
	c_members(p, st, c, off, depth);
	end_struct(p, at, st);
	return st;
}

static struct sonde_type *tuple(struct planner *p, const struct type *t, uint32_t off,
				unsigned depth)
{
	struct sonde_type *st = describe_struct(p->d);
	const size_t at = begin_struct(p);
	char name[16];

	for (uint32_t i = 0; i < t->n; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		add_value(p, st, name, t->fields[i].type, off + t->fields[i].off, depth + 1);
	}
	end_struct(p, at, st);
	return st;
}

/* The length and the elements are two members. */
static struct sonde_type *sequence(struct planner *p, struct sonde_type *st, const char *name,
				   const struct type *t, uint32_t off)
{
	const bool is_buf = t->kind == TYPE_BUF;
	const struct script_step s = {
		.kind = is_buf ? STEP_BUF : STEP_STACK,
		.off = off,
		.len = t->size,
		.align = 4,
		.type = t,
	};
	struct sonde_type *len = describe_int(p->d, 32, false);
	char len_name[256];

	step(p, &s, is_buf ? t->size : 16 + 8 * (size_t)STACK_MOST);
	shape(p, is_buf ? "B" : t->kind == TYPE_KSTACK ? "K" : "U", 0);
	(void)snprintf(len_name, sizeof(len_name), "%s_length", name);
	describe_member(p->d, st, len_name, len);
	return describe_sequence(p->d, describe_hex(p->d, is_buf ? 8 : 64), len);
}

static struct sonde_type *text(struct planner *p, const struct type *t, uint32_t off)
{
	const bool is_str = t->kind == TYPE_STR;
	const struct script_step s = {
		.kind = is_str ? STEP_STR : STEP_TEXT,
		.off = off,
		.len = t->size,
		.align = 1,
		.type = t,
	};

	step(p, &s, is_str ? t->size + 1 : TEXT_MOST);
	shape(p, "s", 0);
	return describe_string(p->d);
}

static struct sonde_type *array(struct planner *p, const struct type *t, uint32_t off,
				unsigned depth)
{
	const struct type *e = t->elem;

	if (t->c && t->c->kind == CT_ARRAY)
		return c_array(p, t->c, off, depth);
	if (e && e->kind == TYPE_INT && is_number_size(e->size) &&
	    (uint64_t)e->size * t->n == t->size)
		return numbers(p, off, e->size, e->is_signed, false, t->n);
	return raw_bytes(p, off, t->size);
}

static void add_value(struct planner *p, struct sonde_type *st, const char *name,
		      const struct type *t, uint32_t off, unsigned depth)
{
	struct sonde_type *v;

	strbuf_fmt(p->shape, "%s:", name);
	switch (t->kind) {
	case TYPE_INT: v = number(p, off, t->size, t->is_signed, false); break;
	case TYPE_PTR:
	case TYPE_KSYM:
	case TYPE_USYM: v = number(p, off, 8, false, true); break; // of a usym the first word
	case TYPE_TUPLE: v = tuple(p, t, off, depth); break;
	case TYPE_ARRAY: v = array(p, t, off, depth); break;
	case TYPE_RECORD:
		v = t->c ? c_value(p, t->c, off, depth) : raw_bytes(p, off, t->size);
		break;
	case TYPE_BUF:
	case TYPE_KSTACK:
	case TYPE_USTACK: v = sequence(p, st, name, t, off); break;
	default: v = text(p, t, off); break;
	}
	describe_member(p->d, st, name, v);
}

/* Among the classes so far: its index, -ENOENT, -EEXIST. */
static int find_class(const struct script_class *all, size_t n, const struct script_class *c)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, c->name) != 0)
			continue;
		if (strcmp(strbuf_text(&all[i].shape), strbuf_text(&c->shape)) != 0)
			return sonde_fail(-EEXIST, "event '%s' has other fields in another script",
					  c->name);
		return (int)i;
	}
	return -ENOENT;
}

int script_describe_event(struct describe *d, struct sonde_stream_class *sc,
			  const struct site *site, const struct script_class *all, size_t n,
			  struct script_plan *ret, struct script_class *ret_class, bool *ret_new)
{
	struct sonde_type *payload = describe_struct(d);
	struct planner p = { .d = d, .plan = ret, .shape = &ret_class->shape };

	*ret = (struct script_plan){ .most = FIELDS_AT + 8 };
	*ret_class = (struct script_class){ .name = site->fmt, .id = (uint32_t)n };
	for (uint32_t i = 0; i < site->n_args; i++)
		add_value(&p, payload, site->fields[i], site->args[i].type, site->args[i].off, 0);
	if (p.err < 0)
		return p.err;
	int r = strbuf_ok(&ret_class->shape);
	if (!r)
		r = describe_ok(d);
	if (r < 0)
		return r;
	if (ret->most > EVENT_MOST)
		return sonde_fail(-E2BIG, "event '%s' may have %zu bytes; the most is %d",
				  site->fmt, ret->most, EVENT_MOST);
	ret->align = payload->align < 8 ? 1 : (uint32_t)payload->align / 8;
	const int found = find_class(all, n, ret_class);
	if (found < 0 && found != -ENOENT)
		return found;
	*ret_new = found < 0;
	ret->id = found < 0 ? (uint32_t)n : all[found].id;
	if (*ret_new)
		(void)describe_event(d, sc, site->fmt, ret->id, payload);
	return describe_ok(d);
}
