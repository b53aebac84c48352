/* SPDX-License-Identifier: MIT */
/** Goes through a tree; the parser bounds how deep that is. */
#include "lang/syntax/ast_walk.h"

struct walk {
	bool (*f)(void *arg, const struct ast *x);
	void *arg;
};

static bool walk(const struct walk *w, const struct ast *x);

static bool walk_list(const struct walk *w, const struct ast *x)
{
	for (; x; x = x->next)
		if (walk(w, x))
			return true;
	return false;
}

static bool walk_stmt(const struct walk *w, const struct ast *x)
{
	switch (x->kind) {
	case AST_DECL: return walk(w, x->u.decl.init);
	case AST_IF:
	case AST_TERNARY:
		return walk(w, x->u.cond.cond) || walk(w, x->u.cond.yes) || walk(w, x->u.cond.no);
	case AST_WHILE:
	case AST_UNROLL: return walk(w, x->u.loop.cond) || walk(w, x->u.loop.body);
	case AST_FOR:
		return walk(w, x->u.foreach.map) || walk(w, x->u.foreach.begin) ||
		       walk(w, x->u.foreach.end) || walk(w, x->u.foreach.body);
	case AST_CLAUSE: return walk(w, x->u.clause.pred) || walk_list(w, x->u.clause.first);
	default: return false;
	}
}

static bool walk(const struct walk *w, const struct ast *x)
{
	if (!x)
		return false;
	if (w->f(w->arg, x))
		return true;
	switch (x->kind) {
	case AST_MAP: return walk_list(w, x->u.map.keys);
	case AST_CALL: return walk_list(w, x->u.call.args);
	case AST_UNARY:
	case AST_EXPR:
	case AST_RETURN: return walk(w, x->u.op.a);
	case AST_BINARY:
	case AST_ASSIGN:
	case AST_INDEX: return walk(w, x->u.op.a) || walk(w, x->u.op.b);
	case AST_CAST:
	case AST_SIZEOF:
	case AST_OFFSETOF: return walk(w, x->u.cast.x);
	case AST_MEMBER: return walk(w, x->u.member.x);
	case AST_TUPLE:
	case AST_BLOCK: return walk_list(w, x->u.list.first);
	default: return walk_stmt(w, x);
	}
}

bool ast_walk(const struct ast *x, bool (*f)(void *arg, const struct ast *x), void *arg)
{
	return walk(&(struct walk){ f, arg }, x);
}
