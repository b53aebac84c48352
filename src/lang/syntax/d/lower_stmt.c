/* SPDX-License-Identifier: MIT */
/** Statements and clauses of D as the language has them. */
#include <errno.h>
#include <string.h>

#include "lang/syntax/d/lower.h"

/* --- what is set where --- */

static int note_target(struct d_lower *l, const struct ast *x, bool is_zero)
{
	const struct ast *base = x->kind == AST_INDEX ? x->u.op.a : x;

	if (base->kind == AST_NAME && d_is_builtin(base->u.name))
		return 0;
	if (base->kind == AST_NAME) {
		int r = names_put(&l->dp->tree.globals, base->u.name, 1);
		if (r < 0)
			return r;
	}
	if (base->kind == AST_NAME || base->kind == AST_MEMBER) {
		const char *path = d_variable_path(l, x);
		const bool was_set = path && d_is_set_whole(l, x);
		int r = path ? names_put(&l->set, path, was_set || base == x ? 2 : 1) : l->p->r;
		if (r < 0)
			return r;
	}
	const char *name =
		base->kind == AST_NAME || base->kind == AST_MEMBER ? d_map_name(l, x) : NULL;
	if (name && base == x && base->kind == AST_MEMBER) {
		int r = names_put(&l->own, name, 1);
		if (r < 0)
			return r;
	}
	return name && !is_zero ? names_put(&l->typed, name, 1) : l->p->r;
}

static int scan(struct d_lower *l, const struct ast *x);

static int scan_list(struct d_lower *l, const struct ast *x)
{
	int r = 0;

	for (; x && !r; x = x->next)
		r = scan(l, x);
	return r;
}

static int scan_three(struct d_lower *l, const struct ast *a, const struct ast *b,
		      const struct ast *c)
{
	int r = scan_list(l, a);

	if (!r)
		r = scan_list(l, b);
	return r ? r : scan_list(l, c);
}

static bool is_zero(const struct ast *x)
{
	return (x->kind == AST_INT && !x->u.num) ||
	       (x->kind == AST_NAME && !strcmp(x->u.name, "NULL"));
}

static int scan(struct d_lower *l, const struct ast *x)
{
	int r = 0;

	switch (x->kind) {
	case AST_ASSIGN:
		r = note_target(l, x->u.op.a, x->u.op.op == OP_NONE && is_zero(x->u.op.b));
		break;
	case AST_UNARY:
		if (x->u.op.op >= OP_PRE_INC)
			r = note_target(l, x->u.op.a, false);
		break;
	default: break;
	}
	if (r)
		return r;
	switch (x->kind) {
	case AST_EXPR:
	case AST_UNARY:
	case AST_ASSIGN:
	case AST_BINARY:
	case AST_INDEX: return scan_three(l, x->u.op.a, x->u.op.b, NULL);
	case AST_IF:
	case AST_TERNARY: return scan_three(l, x->u.cond.cond, x->u.cond.yes, x->u.cond.no);
	case AST_BLOCK:
	case AST_TUPLE: return scan_list(l, x->u.list.first);
	case AST_CALL: return scan_list(l, x->u.call.args);
	case AST_MAP: return scan_list(l, x->u.map.keys);
	case AST_MEMBER: return scan_list(l, x->u.member.x);
	case AST_CAST: return scan_list(l, x->u.cast.x);
	default: return 0;
	}
}

int d_scan(struct d_lower *l)
{
	int r = 0;

	for (const struct d_clause *c = l->dp->tree.clauses; c && !r; c = c->next)
		r = scan_three(l, c->pred, c->body, NULL);
	return r;
}

/* --- statements --- */

static void statements(struct d_lower *l, const struct ast *x, struct ast ***end);

static void append(struct ast ***end, struct ast *s)
{
	while (**end)
		*end = &(**end)->next;
	if (s) {
		**end = s;
		*end = &s->next;
	}
}

/* x = 0: gives the memory back, where the variable's type is known by other assignments. */
static struct ast *set_zero(struct d_lower *l, const struct ast *x, struct ast *target)
{
	int64_t one;
	struct ast *s = d_new(l, AST_EXPR, x->pos);

	if (!s || target->kind != AST_MAP || !names_get(&l->typed, target->u.map.name, &one))
		return NULL;
	s->u.op.a = d_new_call(l, x->pos, "delete", target);
	return s->u.op.a ? s : NULL;
}

/* What is set becomes what the variable was declared as, where that is a kind of int. */
static struct ast *as_declared(struct d_lower *l, const struct ast *x, struct ast *value)
{
	const struct ast_type *t = x->u.op.op == OP_NONE ? d_declared(l, x->u.op.a) : NULL;
	struct ast *y = t && d_is_integer(t) ? d_new(l, AST_CAST, x->pos) : NULL;

	if (!y)
		return value;
	y->u.cast.type = t;
	y->u.cast.x = value;
	return y;
}

static void assign_variable(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	struct ast *value = d_lower_expr(l, x->u.op.b);
	struct ast *target = value ? d_lower_variable(l, x->u.op.a) : NULL;

	if (!target)
		return;
	value = as_declared(l, x, value);
	if (x->u.op.op == OP_NONE && is_zero(x->u.op.b)) {
		struct ast *s = set_zero(l, x, target);
		if (s) {
			append(end, s);
			return;
		}
	}
	struct ast *s = d_new(l, AST_ASSIGN, x->pos);
	if (!s)
		return;
	s->u.op.op = x->u.op.op;
	s->u.op.a = target;
	s->u.op.b = value;
	append(end, s);
}

static void assign_agg(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	struct ast *target = d_new(l, AST_MAP, x->u.op.a->pos);
	struct ast *s = d_new(l, AST_ASSIGN, x->pos);

	if (!s || !target)
		return;
	if (x->u.op.op != OP_NONE || x->u.op.b->kind != AST_CALL) {
		d_error(l, x->pos, "D_AGG_FUNC",
			"an aggregation is set by a function, as in '@%s = count()'",
			x->u.op.a->u.map.name);
		return;
	}
	if (!d_may_aggregate(l, x->pos))
		return;
	target->u.map.name = x->u.op.a->u.map.name;
	const bool fine = d_lower_list(l, x->u.op.a->u.map.keys, &target->u.map.keys);
	s->u.op.a = target;
	s->u.op.b = d_lower_agg(l, x->u.op.b);
	if (fine && s->u.op.b)
		append(end, s);
}

static void assign(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	if (x->u.op.a->kind == AST_MAP)
		assign_agg(l, x, end);
	else if (d_is_variable(l, x->u.op.a))
		assign_variable(l, x, end);
	else
		d_error(l, x->u.op.a->pos, "D_OP_LVAL", "only variables can be set");
}

static struct ast *block_of(struct d_lower *l, struct pos pos, const struct ast *x)
{
	struct ast *b = d_new(l, AST_BLOCK, pos);

	if (b) {
		struct ast **end = &b->u.list.first;
		statements(l, x, &end);
	}
	return b;
}

/* if (c) { } else { }, and c ? f() : g() for its effect. */
static void condition(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	struct ast *s = d_new(l, AST_IF, x->pos), *cond = d_lower_expr(l, x->u.cond.cond);

	if (!s || !cond)
		return;
	append(end, NULL); // behind what the condition wanted before it
	s->u.cond.cond = cond;
	const struct d_spec before = l->spec;
	s->u.cond.yes = block_of(l, x->pos, x->u.cond.yes);
	const struct d_spec yes = l->spec;
	l->spec = before; // only one of the two comes
	if (x->u.cond.no && x->u.cond.no->kind == AST_IF) {
		struct ast *else_block = block_of(l, x->pos, x->u.cond.no);
		s->u.cond.no = else_block;
	} else if (x->u.cond.no) {
		s->u.cond.no = block_of(l, x->pos, x->u.cond.no);
	}
	l->spec.records |= yes.records;
	l->spec.speculates |= yes.speculates;
	l->spec.commits |= yes.commits;
	if (s->u.cond.yes && (s->u.cond.no || !x->u.cond.no))
		append(end, s);
}

static void value(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	struct ast *y = d_lower_expr(l, x), *s = y ? d_new(l, AST_EXPR, x->pos) : NULL;

	if (!s)
		return;
	s->u.op.a = y;
	append(end, s);
}

static void expression(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	switch (x->kind) {
	case AST_ASSIGN: assign(l, x, end); break;
	case AST_CALL: d_lower_action(l, x, end); break;
	case AST_TERNARY: condition(l, x, end); break;
	case AST_TUPLE:
		for (const struct ast *e = x->u.list.first; e; e = e->next)
			expression(l, e, end);
		break;
	default: value(l, x, end);
	}
}

static void statement(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	struct ast **was = l->pre;

	l->pre = *end;
	switch (x->kind) {
	case AST_EXPR: expression(l, x->u.op.a, end); break;
	case AST_IF: condition(l, x, end); break;
	case AST_BLOCK:
		for (const struct ast *s = x->u.list.first; s; s = s->next)
			statement(l, s, end);
		break;
	default: expression(l, x, end);
	}
	append(end, NULL);
	l->pre = was;
}

static void statements(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	statement(l, x, end);
}

struct ast *d_lower_clause(struct d_lower *l, const struct d_clause *c)
{
	struct ast *s = d_new(l, AST_CLAUSE, c->pos);

	if (!s)
		return NULL;
	l->clause = c;
	l->n_actions = 0;
	l->may_fault = l->speculates = false;
	l->spec = (struct d_spec){ 0 };
	l->pre = NULL;
	l->is_conditional = true; // a predicate has no statement before it
	s->u.clause.id = c->id;
	s->u.clause.pred = c->pred ? d_lower_expr(l, c->pred) : NULL;
	l->is_conditional = false;
	struct ast **end = &s->u.clause.first;
	statements(l, c->body, &end);
	s->u.clause.may_fault = l->may_fault;
	s->u.clause.speculates = l->speculates;
	// An empty block is the probe itself: its line alone. So is one that but speculates.
	s->u.clause.has_line =
		!l->dp->d.quiet && (l->n_actions || l->speculates || !c->body->u.list.first);
	return l->p->r || (c->pred && !s->u.clause.pred) ? NULL : s;
}
