/* SPDX-License-Identifier: MIT */
/** What a probe's body uses of its event, found before types are known. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/check/builtin.h"
#include "lang/check/check.h"

enum { NAMES_MOST = 64, DEPTH_MOST = 2 * CHECK_DEPTH_MOST };

struct wants {
	struct probe_wants *out;
	const char **names;
	size_t n;
	unsigned depth; /* what is deeper is an error that the checker tells */
};

static void walk(struct wants *w, const struct ast *x);

static void walk_list(struct wants *w, const struct ast *x)
{
	for (; x; x = x->next)
		walk(w, x);
}

static void note_name(struct wants *w, const char *name)
{
	int64_t n;
	const struct builtin *b = builtin_find(name, /* is_d= */ true, &n);

	if (!b)
		return;
	switch (b->id) {
	case B_ARGS: w->out->fields = true; break;
	case B_PROBE:
	case B_PROBEFUNC:
	case B_PROBENAME:
	case B_FUNC: w->out->name = true; break;
	case B_ARG:
	case B_SARG:
	case B_RETVAL:
	case B_CTX: w->out->regs = true; break;
	default: break;
	}
}

static void note_member(struct wants *w, const struct ast *x)
{
	const struct ast *of = x->u.member.x;

	if (of->kind == AST_NAME && !strcmp(of->u.name, "args") && w->n < NAMES_MOST)
		w->names[w->n++] = x->u.member.name;
	walk(w, of);
}

static void walk_call(struct wants *w, const struct ast *x)
{
	if (!strcmp(x->u.call.name, "reg"))
		w->out->regs = true;
	walk_list(w, x->u.call.args);
}

static void walk_stmt(struct wants *w, const struct ast *x)
{
	switch (x->kind) {
	case AST_IF:
	case AST_TERNARY:
		walk(w, x->u.cond.cond);
		walk(w, x->u.cond.yes);
		walk(w, x->u.cond.no);
		break;
	case AST_WHILE:
	case AST_UNROLL:
		walk(w, x->u.loop.cond);
		walk(w, x->u.loop.body);
		break;
	case AST_FOR:
		walk(w, x->u.foreach.map);
		walk(w, x->u.foreach.begin);
		walk(w, x->u.foreach.end);
		walk(w, x->u.foreach.body);
		break;
	case AST_DECL: walk(w, x->u.decl.init); break;
	case AST_CLAUSE:
		w->out->name = w->out->name || x->u.clause.has_line;
		walk(w, x->u.clause.pred);
		walk_list(w, x->u.clause.first);
		break;
	case AST_BLOCK:
	case AST_TUPLE: walk_list(w, x->u.list.first); break;
	default: break;
	}
}

static void walk_one(struct wants *w, const struct ast *x)
{
	switch (x->kind) {
	case AST_NAME: note_name(w, x->u.name); break;
	case AST_MAP: walk_list(w, x->u.map.keys); break;
	case AST_CALL: walk_call(w, x); break;
	case AST_EXPR:
	case AST_RETURN:
	case AST_UNARY: walk(w, x->u.op.a); break;
	case AST_ASSIGN:
	case AST_BINARY:
	case AST_INDEX:
		walk(w, x->u.op.a);
		walk(w, x->u.op.b);
		break;
	case AST_CAST:
	case AST_SIZEOF:
	case AST_OFFSETOF: walk(w, x->u.cast.x); break;
	case AST_MEMBER: note_member(w, x); break;
	default: walk_stmt(w, x);
	}
}

static void walk(struct wants *w, const struct ast *x)
{
	if (!x || w->depth >= DEPTH_MOST)
		return;
	w->depth++;
	w->out->fields = w->out->fields || x->context;
	walk_one(w, x);
	w->depth--;
}

int check_wants(struct check *c, const struct ast_probe *p, struct probe_wants *ret)
{
	struct wants w = { .out = ret };

	*ret = (struct probe_wants){ 0 };
	w.names = arena_array(c->arena, NAMES_MOST, sizeof(*w.names));
	if (!w.names)
		return -ENOMEM;
	walk(&w, p->pred);
	walk(&w, p->body);
	ret->field_names = w.names;
	ret->n_field_names = w.n;
	return 0;
}
