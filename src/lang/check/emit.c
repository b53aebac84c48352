/* SPDX-License-Identifier: MIT */
/** emit("name", field = value, ...): names, and that an event is the same wherever it is made. */
#include <string.h>

#include "base/mem.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"

enum { NAME_MOST = 128, VALUE_DEPTH_MOST = 16 };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Identifiers of CTF, and "provider:name" as user events have it. */
static bool is_event_name(const char *name)
{
	bool at_begin = true;

	for (; *name; name++) {
		if (*name == ':' && !at_begin) {
			at_begin = true;
			continue;
		}
		if (!is_letter(*name) && (at_begin || *name < '0' || *name > '9'))
			return false;
		at_begin = false;
	}
	return !at_begin;
}

static const char *event_name(struct check *c, const struct ast *x)
{
	size_t len;
	const char *name = check_text(c, x, &len);

	if (!name || strlen(name) != len || len > NAME_MOST ||
	    (!c->opt->any_event_names && !is_event_name(name))) {
		check_error(c, x->pos, "bad-event",
			    "an event has a name between quotes, of letters, digits and '_', at "
			    "most %d",
			    NAME_MOST);
		return NULL;
	}
	return name;
}

bool emit_has_length(const struct type *t)
{
	return t->kind == TYPE_BUF || t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK;
}

/* @name is @of with "_length" behind it. */
static bool is_length_of(const char *name, const char *of)
{
	const size_t len = strlen(of);

	return !strncmp(name, of, len) && !strcmp(name + len, "_length");
}

static void check_field_name(struct check *c, const struct ast *x, const struct ast_arg_name *n)
{
	const struct ast *a = x->u.call.args->next;

	if (strlen(n->name) > NAME_MOST)
		check_error(c, n->pos, "bad-field", "a field's name has at most %d letters",
			    NAME_MOST);
	for (const struct ast_arg_name *o = x->u.call.names; o && a; o = o->next, a = a->next) {
		if (o != n && a->type && emit_has_length(a->type) && is_length_of(n->name, o->name))
			check_error(c, n->pos, "duplicate-field",
				    "field '%s' is the length of '%s'", n->name, o->name);
	}
	for (const struct ast_arg_name *o = x->u.call.names; o != n; o = o->next) {
		if (!strcmp(o->name, n->name)) {
			check_error(c, n->pos, "duplicate-field", "field '%s' is there already",
				    n->name);
			return;
		}
	}
}

static bool can_be_field(const struct type *t, unsigned depth)
{
	if (!type_is_value(t) || type_is_agg(t) || depth > VALUE_DEPTH_MOST)
		return false;
	for (uint32_t i = 0; t->kind == TYPE_TUPLE && i < t->n; i++)
		if (!can_be_field(t->fields[i].type, depth + 1))
			return false;
	return t->kind != TYPE_ARRAY || can_be_field(t->elem, depth + 1);
}

/* Whether readers see no difference. */
static bool same_field(const struct type *a, const struct type *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TYPE_INT: return a->size == b->size && a->is_signed == b->is_signed;
	case TYPE_STR:
	case TYPE_BUF:
	case TYPE_PTR: return true; // as long as they are
	case TYPE_TUPLE:
		for (uint32_t i = 0; i < a->n && a->n == b->n; i++)
			if (!same_field(a->fields[i].type, b->fields[i].type))
				return false;
		return a->n == b->n;
	case TYPE_ARRAY: return a->n == b->n && same_field(a->elem, b->elem);
	case TYPE_RECORD: return type_same(a, b);
	default: return true;
	}
}

static struct emit_event *find_event(struct check *c, const char *name)
{
	for (struct emit_event *e = c->events; e; e = e->next)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

static void note_event(struct check *c, const char *name, const struct ast *x, uint32_t n)
{
	struct emit_event *e = arena_new(c->arena, struct emit_event);
	const struct type **types = arena_array(c->arena, n ? n : 1, sizeof(struct type *));
	const struct ast *a = x->u.call.args->next;

	if (!e || !types) {
		c->no_memory = true;
		return;
	}
	for (uint32_t i = 0; i < n && a; i++, a = a->next)
		types[i] = a->type;
	*e = (struct emit_event){ name, x->pos, n, x->u.call.names, types, c->events };
	c->events = e;
}

static void tell_other_type(struct check *c, const struct emit_event *e, struct pos pos,
			    const char *field, const struct type *was, const struct type *is)
{
	struct strbuf a = { 0 }, b = { 0 };

	type_print(was, &a);
	type_print(is, &b);
	check_error(
		c, pos, "event-mismatch", "field '%s' of event '%s' is %s at %u:%u, but %s here%s",
		field, e->name, strbuf_text(&a), e->pos.line, e->pos.col, strbuf_text(&b),
		was->kind == TYPE_INT && is->kind == TYPE_INT ? "; a cast makes them equal" : "");
	strbuf_fini(&a);
	strbuf_fini(&b);
}

/* The same event as elsewhere must have the same fields. */
static void compare_event(struct check *c, const struct emit_event *e, const struct ast *x,
			  uint32_t n)
{
	const struct ast_arg_name *was = e->names, *is = x->u.call.names;
	const struct ast *a = x->u.call.args->next;

	for (uint32_t i = 0; was && is && a; i++, was = was->next, is = is->next, a = a->next) {
		if (strcmp(was->name, is->name) != 0) {
			check_error(c, is->pos, "event-mismatch",
				    "event '%s' has the field '%s' here at %u:%u, not '%s'",
				    e->name, was->name, e->pos.line, e->pos.col, is->name);
			return;
		}
		if (!same_field(e->types[i], a->type)) {
			tell_other_type(c, e, a->pos, is->name, e->types[i], a->type);
			return;
		}
	}
	if (e->n != n)
		check_error(c, x->pos, "event-mismatch",
			    "event '%s' has %u field%s at %u:%u, but %u here", e->name, e->n,
			    e->n == 1 ? "" : "s", e->pos.line, e->pos.col, n);
}

bool emit_has_process(const struct probe *p)
{
	const struct attach_spec *a = &p->attach;

	// Intervals tick on one CPU, whoever is there.
	return a->kind != ATTACH_NONE && a->kind != ATTACH_ITER &&
	       !(a->kind == ATTACH_PERF && a->cpu >= 0);
}

static struct ast *new_ast(struct check *c, enum ast_kind kind, const struct ast *x)
{
	struct ast *a = arena_new(c->arena, struct ast);

	if (!a) {
		c->no_memory = true;
		return NULL;
	}
	*a = (struct ast){ .kind = kind, .pos = x->pos, .height = 1 };
	return a;
}

/* Only for some processes: @only_map[pid]. */
static void check_when(struct check *c, struct ast *x)
{
	if (!c->opt->only_map || !emit_has_process(c->point))
		return;
	if (!x->u.call.when) {
		struct ast *map = new_ast(c, AST_MAP, x), *pid = new_ast(c, AST_NAME, x);

		if (!map || !pid)
			return;
		pid->u.name = "pid";
		map->height = 2;
		map->u.map.name = c->opt->only_map;
		map->u.map.keys = pid;
		x->u.call.when = map;
	}
	(void)check_expr(c, x->u.call.when);
}

void check_emit(struct check *c, struct ast *x)
{
	const char *name = event_name(c, x->u.call.args);
	const struct ast_arg_name *field = x->u.call.names;
	bool fine = name != NULL;
	uint32_t n = 0;

	x->type = &type_none;
	for (const struct ast *a = x->u.call.args->next; a && field; a = a->next) {
		check_field_name(c, x, field);
		if (a->type && !can_be_field(a->type, 0)) {
			check_error(c, a->pos, "no-value",
				    "this has no value that an event could "
				    "hold");
			fine = false;
		}
		fine = fine && a->type;
		field = field->next;
		n++;
	}
	check_when(c, x);
	if (!fine || c->quiet)
		return;
	const struct emit_event *e = find_event(c, name);
	if (e)
		compare_event(c, e, x, n);
	else
		note_event(c, name, x, n);
}
