/* SPDX-License-Identifier: MIT */
/** A script's effects reckoned from its tree: statements, variables and maps. */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference_expr.h"

enum { STEPS_MOST = 200000 };

enum flow { GO_ON, BREAK, CONTINUE, RETURN };

struct ref_var {
	const char *name;
	struct ref_value val;
	unsigned depth; /* of the block that it ends with; 0: it stays */
	struct ref_var *next;
};

void *ref_alloc(struct reference *r, size_t len)
{
	void *p = arena_alloc(r->arena, len);

	if (!p)
		abort();
	return p;
}

/* --- maps --- */

bool ref_same(const struct ref_value *a, const struct ref_value *b)
{
	if (a->kind != b->kind || a->n_parts != b->n_parts)
		return false;
	switch (a->kind) {
	case REF_NONE: return true;
	case REF_NUM: return a->num == b->num;
	case REF_STR: return !strcmp(a->text, b->text);
	case REF_TUPLE:
		for (unsigned i = 0; i < a->n_parts; i++)
			if (!ref_same(&a->parts[i], &b->parts[i]))
				return false;
	}
	return true;
}

struct ref_map *reference_map(struct reference *r, const char *name)
{
	for (struct ref_map *m = r->maps; m; m = m->next)
		if (!strcmp(m->name, name))
			return m;
	struct ref_map *m = ref_alloc(r, sizeof(*m));
	*m = (struct ref_map){ .name = name, .next = r->maps };
	r->maps = m;
	return m;
}

static struct ref_entry *find(const struct ref_map *m, const struct ref_value *key)
{
	for (struct ref_entry *e = m->entries; e; e = e->next)
		if (!e->deleted && ref_same(&e->key, key))
			return e;
	return NULL;
}

const struct ref_entry *reference_find(const struct ref_map *m, const struct ref_value *key)
{
	return find(m, key);
}

void reference_set(struct reference *r, const char *name, struct ref_value key,
		   struct ref_value val)
{
	struct ref_map *m = reference_map(r, name);
	struct ref_entry *e = find(m, &key);

	if (!e) {
		e = ref_alloc(r, sizeof(*e));
		e->key = key;
		e->next = m->entries;
		m->entries = e;
	}
	e->val = val;
}

static struct ref_value zero_of(struct reference *r, char kind)
{
	if (kind == 'x')
		return ref_str("");
	if (kind != 't')
		return ref_num(0);
	struct ref_value *parts = ref_alloc(r, 3 * sizeof(*parts));
	parts[0] = parts[2] = ref_num(0);
	parts[1] = ref_str("");
	return (struct ref_value){ .kind = REF_TUPLE, .parts = parts, .n_parts = 3 };
}

struct ref_value ref_key(struct reference *r, const struct ast *keys)
{
	if (!keys)
		return (struct ref_value){ 0 };
	if (!keys->next)
		return ref_eval(r, keys);
	return ref_tuple(r, keys);
}

struct ref_value ref_map_read(struct reference *r, const char *name, const struct ref_value *key)
{
	const struct ref_entry *e = find(reference_map(r, name), key);

	return e ? e->val : zero_of(r, name[0]);
}

bool ref_map_delete(struct reference *r, const char *name, const struct ref_value *key)
{
	struct ref_entry *e = find(reference_map(r, name), key);

	if (e)
		e->deleted = true;
	return e;
}

/* --- variables --- */

static struct ref_var *find_var(struct reference *r, const char *name)
{
	for (struct ref_var *v = r->vars; v; v = v->next)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static void add_var(struct reference *r, const char *name, struct ref_value val, unsigned depth)
{
	struct ref_var *v = ref_alloc(r, sizeof(*v));
	struct ref_var **at = &r->vars;

	// What stays lies behind all that ends with a block.
	while (!depth && *at)
		at = &(*at)->next;
	*v = (struct ref_var){ name, val, depth, *at };
	*at = v;
}

struct ref_value ref_var_read(struct reference *r, const char *name)
{
	struct ref_var *v = find_var(r, name);

	return v ? v->val : zero_of(r, name[0]);
}

void ref_var_write(struct reference *r, const char *name, struct ref_value val)
{
	struct ref_var *v = find_var(r, name);

	if (v)
		v->val = val;
	else
		add_var(r, name, val, 0);
}

/* --- statements --- */

static enum flow run(struct reference *r, const struct ast *s);

static void end_block(struct reference *r)
{
	while (r->vars && r->vars->depth == r->depth)
		r->vars = r->vars->next;
	r->depth--;
}

static enum flow run_block(struct reference *r, const struct ast *list)
{
	enum flow f = GO_ON;

	r->depth++;
	for (const struct ast *s = list; s && f == GO_ON && !r->broken; s = s->next)
		f = run(r, s);
	end_block(r);
	return f;
}

static void assign(struct reference *r, const struct ast *s)
{
	const struct ast *x = s->u.op.a;
	struct ref_value v = ref_eval(r, s->u.op.b), key = { 0 }, old;

	if (x->kind == AST_MAP)
		key = ref_key(r, x->u.map.keys);
	if (s->u.op.op != OP_NONE) {
		old = x->kind == AST_MAP ? ref_map_read(r, x->u.map.name, &key)
					 : ref_var_read(r, x->u.name);
		v = ref_num(ref_arith(s->u.op.op, old.num, v.num, ref_type_of(x),
				      ref_both_signed(x, s->u.op.b)));
	}
	if (x->kind == AST_MAP)
		reference_set(r, x->u.map.name, key, v);
	else
		ref_var_write(r, x->u.name, v);
}

static enum flow run_range(struct reference *r, const struct ast *s)
{
	const int64_t begin = (int64_t)ref_eval(r, s->u.foreach.begin).num;
	const int64_t end = (int64_t)ref_eval(r, s->u.foreach.end).num;
	enum flow f = GO_ON;

	for (int64_t i = begin; i < end && f != BREAK && f != RETURN && !r->broken; i++) {
		r->depth++;
		add_var(r, s->u.foreach.var, ref_num((uint64_t)i), r->depth);
		f = run(r, s->u.foreach.body);
		end_block(r);
	}
	return f == RETURN ? RETURN : GO_ON;
}

static void bind(struct reference *r, const struct ast *s, const struct ref_entry *e)
{
	if (s->u.foreach.var2) {
		add_var(r, s->u.foreach.var, e->key, r->depth);
		add_var(r, s->u.foreach.var2, e->val, r->depth);
		return;
	}
	struct ref_value *parts = ref_alloc(r, 2 * sizeof(*parts));
	parts[0] = e->key;
	parts[1] = e->val;
	const struct ref_value kv = { .kind = REF_TUPLE, .parts = parts, .n_parts = 2 };
	add_var(r, s->u.foreach.var, kv, r->depth);
}

/* In any order: the body must not depend on it. */
static enum flow run_over_map(struct reference *r, const struct ast *s)
{
	const struct ref_map *m = reference_map(r, s->u.foreach.map->u.map.name);
	enum flow f = GO_ON;

	for (const struct ref_entry *e = m->entries; e && !r->broken; e = e->next) {
		if (e->deleted)
			continue;
		r->depth++;
		bind(r, s, e);
		f = run(r, s->u.foreach.body);
		end_block(r);
		if (f == BREAK || f == RETURN)
			break;
	}
	return f == RETURN ? RETURN : GO_ON;
}

static enum flow run_loop(struct reference *r, const struct ast *s)
{
	enum flow f = GO_ON;

	if (s->kind == AST_UNROLL) {
		uint64_t n = ref_eval(r, s->u.loop.cond).num;
		for (; n > 0 && f == GO_ON && !r->broken; n--)
			f = run(r, s->u.loop.body);
		return f;
	}
	while (f != BREAK && f != RETURN && !r->broken && ref_truth(r, s->u.loop.cond))
		f = run(r, s->u.loop.body);
	return f == RETURN ? RETURN : GO_ON;
}

static void declare(struct reference *r, const struct ast *s)
{
	const struct ref_value v =
		s->u.decl.init ? ref_eval(r, s->u.decl.init) : zero_of(r, s->u.decl.name[0]);

	add_var(r, s->u.decl.name, v, r->depth);
}

static enum flow run(struct reference *r, const struct ast *s)
{
	if (++r->steps > STEPS_MOST)
		r->broken = true;
	if (r->broken)
		return RETURN;
	switch (s->kind) {
	case AST_EXPR: (void)ref_eval(r, s->u.op.a); return GO_ON;
	case AST_ASSIGN: assign(r, s); return GO_ON;
	case AST_DECL: declare(r, s); return GO_ON;
	case AST_IF:
		if (ref_truth(r, s->u.cond.cond))
			return run(r, s->u.cond.yes);
		return s->u.cond.no ? run(r, s->u.cond.no) : GO_ON;
	case AST_WHILE:
	case AST_UNROLL: return run_loop(r, s);
	case AST_FOR: return s->u.foreach.map ? run_over_map(r, s) : run_range(r, s);
	case AST_BREAK: return BREAK;
	case AST_CONTINUE: return CONTINUE;
	case AST_RETURN: return RETURN;
	case AST_BLOCK: return run_block(r, s->u.list.first);
	default: r->broken = true; return RETURN;
	}
}

void reference_run(struct reference *r, const struct script_ast *s)
{
	(void)run(r, s->probes->body);
}
