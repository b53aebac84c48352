/* SPDX-License-Identifier: MIT */
/** Looks through expressions: whether evaluating them changes or reads a variable. */
#include "lang/gen/gen.h"

/** What is looked for. */
typedef bool (*is_fn)(const struct ast *x, const void *arg);

static bool finds(const struct ast *x, is_fn is, const void *arg);

static bool finds_any(const struct ast *list, is_fn is, const void *arg)
{
	for (; list; list = list->next)
		if (finds(list, is, arg))
			return true;
	return false;
}

/* As deep as the checker has gone: it bounds that. */
static bool finds(const struct ast *x, is_fn is, const void *arg)
{
	if (!x)
		return false;
	if (is(x, arg))
		return true;
	switch (x->kind) {
	case AST_MAP: return finds_any(x->u.map.keys, is, arg);
	case AST_CALL: return finds_any(x->u.call.args, is, arg);
	case AST_TUPLE: return finds_any(x->u.list.first, is, arg);
	case AST_UNARY: return finds(x->u.op.a, is, arg);
	case AST_BINARY:
	case AST_INDEX: return finds(x->u.op.a, is, arg) || finds(x->u.op.b, is, arg);
	case AST_TERNARY:
		return finds(x->u.cond.cond, is, arg) || finds(x->u.cond.yes, is, arg) ||
		       finds(x->u.cond.no, is, arg);
	case AST_CAST: return finds(x->u.cast.x, is, arg);
	case AST_MEMBER: return finds(x->u.member.x, is, arg);
	default: return false;
	}
}

static bool is_step(const struct ast *x, const void *arg)
{
	(void)arg;
	return x->kind == AST_UNARY && x->u.op.op >= OP_PRE_INC && x->u.op.a->kind == AST_VAR;
}

static bool is_var(const struct ast *x, const void *arg)
{
	return x->kind == AST_VAR && x->note == arg;
}

bool gen_changes(const struct ast *x)
{
	return finds(x, is_step, NULL);
}

bool gen_reads(const struct ast *x, const struct var *v)
{
	return finds(x, is_var, v);
}
