/* SPDX-License-Identifier: MIT */
/** Statements: what they assign, loop over and leave. */
#include <string.h>

#include "base/check.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"

enum { UNROLL_MOST = 1000, LOOPS_MOST = 7 };

static void end_block(struct check *c)
{
	for (struct var *v = c->vars; v; v = v->next)
		if (v->used && v->declared && v->depth == c->depth)
			v->gone = true;
	c->depth--;
}

void check_block(struct check *c, struct ast *list)
{
	c->depth++;
	for (struct ast *s = list; s; s = s->next)
		check_stmt(c, s);
	end_block(c);
}

/* @x = count() and its like: the right side makes the map's type. */
static void assign_agg(struct check *c, struct ast *s, struct map_info *m)
{
	struct ast *call = s->u.op.b;

	check_call(c, call, /* to_map= */ true);
	if (s->u.op.op != OP_NONE)
		check_error(c, s->pos, "bad-assignment", "%s() can only be assigned by '='",
			    call->u.call.name);
	if (call->type && type_is_agg(call->type))
		check_map_val(c, m, call->type, call->pos);
}

static bool is_agg_call(const struct check *c, const struct ast *x)
{
	if (x->kind != AST_CALL)
		return false;
	const struct func *f = func_find(x->u.call.name, c->ast->d != NULL);
	return f && f->is_agg;
}

static void assign_map(struct check *c, struct ast *s)
{
	struct ast *x = s->u.op.a, *value = s->u.op.b;
	struct map_info *m = check_map_keys(c, x);

	if (!m)
		return;
	m->written = true;
	m->stepped = m->stepped || s->u.op.op != OP_NONE;
	if (is_agg_call(c, value)) {
		assign_agg(c, s, m);
		x->type = m->val;
		return;
	}
	const struct type *t = check_expr(c, value);
	if (s->u.op.op != OP_NONE)
		m->read = true;
	if (t && s->u.op.op != OP_NONE && !type_is_number(t))
		check_error(c, s->pos, "bad-operand", "'@%s' can only be changed by a number",
			    m->name);
	else if (t)
		check_map_val(c, m, t, value->pos);
	if (m->val && type_is_agg(m->val))
		check_error(c, s->pos, "bad-assignment",
			    "'@%s' is an aggregation elsewhere: it can only be assigned by that "
			    "function",
			    m->name);
	x->type = m->val;
	if (t && m->val)
		s->note_n = check_both_signed(c, s, m->val, t);
}

static void assign_var(struct check *c, struct ast *s)
{
	struct ast *x = s->u.op.a, *value = s->u.op.b;
	const struct type *t = check_expr(c, value);
	struct var *v = check_var_find(c, x->u.name);

	if (!v && s->u.op.op != OP_NONE)
		check_error(c, x->pos, "undefined-variable", "'$%s' is changed before it is set",
			    x->u.name);
	if (!v) {
		v = check_var_add(c, x->u.name, x->pos);
		if (!v)
			return;
		v->declared = false;
		v->set_first =
			c->loops ? c->depth == c->body_depth && !v->in_memory : c->depth <= 1;
		// It keeps its value from round to round.
		if (c->loops && !v->set_first && !v->in_memory)
			v->in_memory = c->vars_changed = true;
	}
	x->note = v;
	if (t && s->u.op.op != OP_NONE &&
	    (!type_is_number(t) || (v->type && !type_is_number(v->type))))
		check_error(c, s->pos, "bad-operand", "only numbers can be changed so");
	else if (t && s->u.op.op == OP_NONE)
		check_var_narrow(c, v, t, value->pos);
	else if (t)
		check_var_type(c, v, t, value->pos);
	x->type = v->type;
	if (t && v->type)
		s->note_n = check_both_signed(c, s, v->type, t);
}

static void check_assign(struct check *c, struct ast *s)
{
	switch (s->u.op.a->kind) {
	case AST_MAP: assign_map(c, s); break;
	case AST_VAR: assign_var(c, s); break;
	default:
		check_error(c, s->u.op.a->pos, "bad-assignment",
			    "only variables ('$x') and maps ('@x') can be assigned");
	}
}

static void check_decl(struct check *c, struct ast *s)
{
	const struct type *t = s->u.decl.init ? check_expr(c, s->u.decl.init) : NULL;
	const struct var *old = check_var_find(c, s->u.decl.name);

	if (old && old->declared && old->depth == c->depth)
		check_error(c, s->pos, "redeclared", "'$%s' is declared already", s->u.decl.name);
	struct var *v = check_var_add(c, s->u.decl.name, s->pos);
	if (!v)
		return;
	v->declared = true;
	v->depth = c->depth;
	v->set_first = s->u.decl.init && c->depth <= 1 && c->loops == 0;
	v->narrow = NULL;
	s->note = v;
	if (s->u.decl.type) {
		const struct type *said = check_type_name(c, s->u.decl.type, check_in_user(c));
		if (said)
			check_var_type(c, v, said, s->pos);
		v->narrow = said && said->kind == TYPE_INT && said->size < 8 ? said : NULL;
	}
	if (t)
		check_var_type(c, v, t, s->u.decl.init->pos);
}

static struct var *loop_var(struct check *c, const char *name, struct pos pos, const struct type *t)
{
	struct var *v = check_var_add(c, name, pos);

	if (!v)
		return NULL;
	v->declared = true;
	v->depth = c->depth;
	if (t)
		check_var_type(c, v, t, pos);
	return v;
}

/* for ($kv : @map): a tuple, or two variables. */
static void vars_of_map(struct check *c, struct ast *s)
{
	struct map_info *m = check_map(c, s->u.foreach.map->u.map.name);
	if (!m)
		return;
	m->looped = m->read = m->whole = m->other_key = true;
	s->u.foreach.map->note = m;
	check_map_known(c, m, s->u.foreach.map->pos);
	if (m->key && m->key->kind == TYPE_NONE)
		check_error(c, s->u.foreach.map->pos, "no-keys",
			    "map '@%s' has no keys to loop over", m->name);
	const struct type *val = m->val && type_is_agg(m->val) ? &type_i64 : m->val;
	if (s->u.foreach.var2) {
		(void)loop_var(c, s->u.foreach.var, s->pos, m->key); // NULL is noted
		(void)loop_var(c, s->u.foreach.var2, s->pos, val);
		return;
	}
	const struct type *pair[2] = { m->key, val };
	const bool known = m->key && val && m->key->kind != TYPE_NONE;
	(void)loop_var(c, s->u.foreach.var, s->pos,
		       known ? check_made(c, type_tuple(c->arena, pair, 2)) : NULL);
}

/* What must be put back behind a loop. */
struct outer {
	unsigned loop, body_depth;
};

static struct outer enter_loop(struct check *c, struct pos pos)
{
	const struct outer o = { c->loop, c->body_depth };

	// Each is a function that the last one calls.
	if (++c->loops > LOOPS_MOST)
		check_error(c, pos, "too-deep", "more than %d loops within each other", LOOPS_MOST);
	c->loop = ++c->n_loops;
	return o;
}

static void leave_loop(struct check *c, const struct outer *o)
{
	c->loop = o->loop;
	c->body_depth = o->body_depth;
	c->loops--;
}

static void check_for(struct check *c, struct ast *s)
{
	if (!s->u.foreach.map) {
		const struct type *a = check_expr(c, s->u.foreach.begin);
		const struct type *b = check_expr(c, s->u.foreach.end);
		if ((a && a->kind != TYPE_INT) || (b && b->kind != TYPE_INT))
			check_error(c, s->pos, "bad-range",
				    "a range goes from a number to a number");
	}
	const struct outer o = enter_loop(c, s->pos);
	c->depth++;
	c->body_depth = c->depth + 1;
	if (s->u.foreach.map)
		vars_of_map(c, s);
	else
		(void)loop_var(c, s->u.foreach.var, s->pos, &type_i64);
	check_stmt(c, s->u.foreach.body);
	end_block(c);
	leave_loop(c, &o);
}

static bool has_exit(const struct ast *x);

static bool any_exit(const struct ast *list)
{
	for (; list; list = list->next)
		if (has_exit(list))
			return true;
	return false;
}

/* Whether a loop's body can leave the loop: by break, return or exit(). */
static bool has_exit(const struct ast *x)
{
	switch (x->kind) {
	case AST_BREAK:
	case AST_RETURN: return true;
	case AST_EXPR:
		return x->u.op.a->kind == AST_CALL && !strcmp(x->u.op.a->u.call.name, "exit");
	case AST_IF:
		return (x->u.cond.yes && has_exit(x->u.cond.yes)) ||
		       (x->u.cond.no && has_exit(x->u.cond.no));
	case AST_BLOCK: return any_exit(x->u.list.first);
	case AST_WHILE:
	case AST_UNROLL: return has_exit(x->u.loop.body);
	case AST_FOR: return has_exit(x->u.foreach.body);
	default: return false;
	}
}

static void check_while(struct check *c, struct ast *s)
{
	int64_t n;

	const struct outer o = enter_loop(c, s->pos);
	c->body_depth = c->depth + 1;
	const struct type *t = check_expr(c, s->u.loop.cond);
	if (t && !type_has_truth(t))
		check_error(c, s->u.loop.cond->pos, "bad-condition",
			    "a condition must be a number");
	if (check_const(c, s->u.loop.cond, &n) && n && !has_exit(s->u.loop.body))
		check_error(c, s->pos, "endless-loop",
			    "this loop never ends: its condition is always true, and it has no "
			    "'break'");
	check_stmt(c, s->u.loop.body);
	leave_loop(c, &o);
}

static void check_unroll(struct check *c, struct ast *s)
{
	int64_t n = 0;

	(void)check_expr(c, s->u.loop.cond);
	if (!check_const(c, s->u.loop.cond, &n))
		check_error(c, s->u.loop.cond->pos, "not-constant",
			    "the count of 'unroll' must be a constant");
	else if (n < 1 || n > UNROLL_MOST)
		check_error(c, s->u.loop.cond->pos, "bad-count",
			    "'unroll' takes 1 to %d rounds, not %lld", UNROLL_MOST, (long long)n);
	s->note_n = n;
	check_stmt(c, s->u.loop.body);
}

static void check_if(struct check *c, struct ast *s)
{
	// A chain of "else if" may be long: it is followed, not entered.
	for (; s; s = s->u.cond.no) {
		if (s->kind != AST_IF) {
			check_stmt(c, s);
			return;
		}
		const struct type *t = check_expr(c, s->u.cond.cond);
		if (t && !type_has_truth(t))
			check_error(c, s->u.cond.cond->pos, "bad-condition",
				    "a condition must be a number");
		check_stmt(c, s->u.cond.yes);
	}
}

/* A clause of D: variables live on in the clauses behind it. */
static void check_clause(struct check *c, struct ast *s)
{
	const struct type *t = s->u.clause.pred ? check_expr(c, s->u.clause.pred) : NULL;

	if (t && !type_has_truth(t))
		check_error(c, s->u.clause.pred->pos, "bad-predicate",
			    "a predicate must be a number");
	c->depth += 2; // what it sets is not set for sure in the next clause
	for (struct ast *x = s->u.clause.first; x; x = x->next)
		check_stmt(c, x);
	c->depth -= 2;
}

static void check_return(struct check *c, struct ast *s)
{
	if (s->u.op.a)
		(void)check_expr(c, s->u.op.a);
}

void check_stmt(struct check *c, struct ast *s)
{
	switch (s->kind) {
	case AST_EXPR:
		if (s->u.op.a->kind == AST_CALL)
			check_call(c, s->u.op.a, /* to_map= */ false);
		else
			(void)check_expr(c, s->u.op.a);
		break;
	case AST_ASSIGN: check_assign(c, s); break;
	case AST_DECL: check_decl(c, s); break;
	case AST_IF: check_if(c, s); break;
	case AST_WHILE: check_while(c, s); break;
	case AST_UNROLL: check_unroll(c, s); break;
	case AST_FOR: check_for(c, s); break;
	case AST_BREAK:
	case AST_CONTINUE:
		if (!c->loops)
			check_error(c, s->pos, "outside-loop", "'%s' outside of a loop",
				    s->kind == AST_BREAK ? "break" : "continue");
		break;
	case AST_RETURN: check_return(c, s); break;
	case AST_BLOCK: check_block(c, s->u.list.first); break;
	case AST_CLAUSE: check_clause(c, s); break;
	default: sonde_check(false);
	}
}
