/* SPDX-License-Identifier: MIT */
/** Calls of functions: arguments, and what comes back. */
#include "base/near.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"

#include <string.h>

static bool is_ident(const struct ast *x, const char *name)
{
	return x->kind == AST_NAME && !strcmp(x->u.name, name);
}

static bool stack_mode(const struct ast *x, enum stack_mode *ret)
{
	if (is_ident(x, "perf"))
		*ret = STACK_PERF;
	else if (is_ident(x, "bpftrace"))
		*ret = STACK_BPFTRACE;
	else if (is_ident(x, "raw"))
		*ret = STACK_RAW;
	else
		return false;
	return true;
}

/* kstack(), kstack(mode), kstack(n), kstack(mode, n) */
static void check_stack_call(struct check *c, struct ast *x, enum type_kind kind)
{
	struct ast *a = x->u.call.args;
	struct type *t = type_new(c->arena, kind, sizeof(struct stack_value), 8);
	int64_t n = STACK_MOST;

	x->type = check_made(c, t);
	if (!t)
		return;
	t->stack_mode = c->stack_mode;
	if (a && stack_mode(a, &t->stack_mode))
		a = a->next;
	if (a) {
		(void)check_expr(c, a);
		if (!check_const(c, a, &n) || n < 1 || n > STACK_MOST || a->next)
			check_error(c, a->pos, "bad-argument",
				    "a stack has a mode (perf, bpftrace, raw) and 1 to %d frames",
				    STACK_MOST);
	}
	t->stack_depth = n >= 1 && n <= STACK_MOST ? (uint32_t)n : STACK_MOST;
}

/* len() of a map without keys is of the text or stack that it holds. */
static bool holds_what_is_long(const struct map_info *m)
{
	const enum type_kind k = m->val ? m->val->kind : TYPE_NONE;

	return m->key && m->key->kind == TYPE_NONE &&
	       (k == TYPE_STR || k == TYPE_KSTACK || k == TYPE_USTACK);
}

/* Functions about a whole map: print, clear, zero, delete, len, has_key. True: it was one. */
static bool check_map_call(struct check *c, struct ast *x, const struct func *f)
{
	struct ast *a = x->u.call.args;

	if (!a || a->kind != AST_MAP)
		return false;
	const bool live = !c->in_begin && !c->in_end;
	struct map_info *m = check_map(c, a->u.map.name);
	if (!m)
		return true;
	if ((f->id == F_PRINT || f->id == F_LEN) && a->u.map.keys)
		return false; // a value like any other
	if (f->id == F_LEN && (holds_what_is_long(m) || (c->quiet && !m->val)))
		return !m->val;
	a->note = m;
	check_map_known(c, m, a->pos);
	if (f->id == F_DELETE || f->id == F_HAS_KEY) {
		if (a->next && !a->u.map.keys) { // delete(@x, key) is delete(@x[key])
			a->u.map.keys = a->next;
			a->next = NULL;
			x->u.call.n_args = 1;
		}
		(void)check_map_keys(c, a);		   // m, as found
		if (f->id == F_DELETE && !a->u.map.keys) { // of an aggregation this is clear()
			m->cleared_live = m->cleared_live || live;
			m->cleared_end = m->cleared_end || c->in_end;
		}
		m->deleted = m->deleted || f->id == F_DELETE;
		m->read = m->read || f->id == F_HAS_KEY;
		m->whole = m->whole || f->id == F_HAS_KEY;
		return true;
	}
	if (a->u.map.keys) {
		check_error(c, a->pos, "bad-argument", "%s() takes a whole map, without keys",
			    f->name);
		return true;
	}
	m->whole = m->whole || f->id != F_CLEAR || live;
	switch (f->id) {
	case F_PRINT: m->printed_live = m->printed_live || live; break;
	case F_CLEAR:
	case F_ZERO:
		m->cleared_live = m->cleared_live || live;
		m->cleared_end = m->cleared_end || c->in_end;
		break;
	case F_LEN: m->counted = true; break;
	default: break;
	}
	for (a = a->next; a; a = a->next) {
		int64_t n;
		(void)check_expr(c, a);
		if (!check_const(c, a, &n) || n < 0)
			check_error(c, a->pos, "bad-argument", "%s(@map, top, div) takes constants",
				    f->name);
	}
	return true;
}

static bool takes_map(enum func_id id)
{
	switch (id) {
	case F_PRINT:
	case F_CLEAR:
	case F_ZERO:
	case F_DELETE:
	case F_LEN:
	case F_HAS_KEY: return true;
	default: return false;
	}
}

static const char *near_func(const char *name)
{
	const char *best = NULL;
	unsigned best_distance = NEAR_NOT;

	for (const struct func *f = func_all; f->name; f++) {
		const unsigned d = near_distance(name, f->name);
		if (d < best_distance) {
			best_distance = d;
			best = f->name;
		}
	}
	return best;
}

static bool check_count(struct check *c, struct ast *x, const struct func *f)
{
	const size_t n = x->u.call.n_args;

	if (n >= f->least && n <= f->most)
		return true;
	if (f->least == f->most)
		check_error(c, x->pos, "argument-count", "%s() takes %u argument%s, not %zu",
			    f->name, f->least, f->least == 1 ? "" : "s", n);
	else
		check_error(c, x->pos, "argument-count", "%s() takes %u to %u arguments, not %zu",
			    f->name, f->least, f->most, n);
	return false;
}

/* Names that are no values: nsecs(boot). */
static bool check_ident_call(struct check *c, struct ast *x, const struct func *f)
{
	static const char *const clocks[] = { "monotonic", "boot", "tai", "sw_tai" };
	const struct ast *a = x->u.call.args;

	if (f->id == F_KSTACK || f->id == F_USTACK) {
		check_stack_call(c, x, f->id == F_KSTACK ? TYPE_KSTACK : TYPE_USTACK);
		return true;
	}
	if (f->id != F_NSECS)
		return false;
	x->type = &type_u64;
	for (size_t i = 0; a && i < MEM_LEN(clocks); i++) {
		if (is_ident(a, clocks[i])) {
			x->note_n = (int64_t)i;
			return true;
		}
	}
	check_error(c, x->pos, "bad-argument", "nsecs() takes monotonic, boot, tai or sw_tai");
	return true;
}

static void check_found(struct check *c, struct ast *x, const struct func *f)
{
	const char *why = check_lacks(c, f->id == F_NSECS ? "nsecs()" : f->name);

	if (why)
		check_error(c, x->pos, "not-here", "%s() cannot be had: %s", f->name, why);
	if (f->unsafe && !c->opt->unsafe && !(c->ast->d && c->ast->d->destructive))
		check_error(c, x->pos, "unsafe", "%s() changes the system; it needs --unsafe",
			    f->name);
	if (f->id == F_JOIN && check_lacks(c, "memory")) {
		check_join_parts(c, x);
		return;
	}
	if (takes_map(f->id) && check_map_call(c, x, f)) {
		x->type = f->no_value ? &type_none : &type_i64;
		return;
	}
	if (check_ident_call(c, x, f) || check_agg_action(c, x, f))
		return;
	bool known = true;
	for (struct ast *a = x->u.call.args; a; a = a->next)
		known = check_expr(c, a) && known;
	// What an aggregation is does not hang on its arguments, but for their sign.
	x->type = f->no_value ? &type_none : NULL;
	if (known || f->id == F_COUNT)
		f->check(c, x);
}

/* pid() is pid. */
static bool check_value_call(struct check *c, struct ast *x)
{
	int64_t n;

	if (c->ast->d || x->u.call.n_args || !builtin_find(x->u.call.name, /* is_d= */ false, &n))
		return false;
	const char *name = x->u.call.name;
	x->kind = AST_NAME;
	x->u.name = name;
	(void)check_expr(c, x);
	return true;
}

void check_call(struct check *c, struct ast *x, bool to_map)
{
	const struct func *f = func_find(x->u.call.name, c->ast->d != NULL);

	if ((!f || f->least) && check_value_call(c, x))
		return;
	x->note = f;
	x->type = NULL;
	if (!f) {
		const char *near = near_func(x->u.call.name);
		if (near)
			check_error(c, x->pos, "unknown-function",
				    "unknown function '%s'; did you mean '%s'?", x->u.call.name,
				    near);
		else
			check_error(c, x->pos, "unknown-function", "unknown function '%s'",
				    x->u.call.name);
		for (struct ast *a = x->u.call.args; a; a = a->next)
			if (a->kind != AST_MAP || a->u.map.keys)
				(void)check_expr(c, a);
		return;
	}
	if (check_count(c, x, f))
		check_found(c, x, f);
	if (f->is_agg && !to_map) {
		check_error(c, x->pos, "no-map", "%s() must be assigned to a map: @x = %s(...)",
			    f->name, f->name);
		x->type = NULL;
	}
}
