/* SPDX-License-Identifier: MIT */
/** Two trees side by side; places and the checker's notes do not count. */
#include "same_ast.h"

#include <string.h>

static bool same_str(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_type(const struct ast_type *a, const struct ast_type *b)
{
	if (!a || !b)
		return a == b;
	if (!same_str(a->name, b->name) || a->n_ptrs != b->n_ptrs || a->n_dims != b->n_dims)
		return false;
	for (unsigned i = 0; i < a->n_dims; i++) {
		if (a->dims[i] != b->dims[i])
			return false;
	}
	return true;
}

static bool same_list(const struct ast *a, const struct ast *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (!same_expr(a, b))
			return false;
	}
	return !a && !b;
}

static bool same_foreach(const struct ast *a, const struct ast *b)
{
	return same_str(a->u.foreach.var, b->u.foreach.var) &&
	       same_str(a->u.foreach.var2, b->u.foreach.var2) &&
	       same_expr(a->u.foreach.map, b->u.foreach.map) &&
	       same_expr(a->u.foreach.begin, b->u.foreach.begin) &&
	       same_expr(a->u.foreach.end, b->u.foreach.end) &&
	       same_expr(a->u.foreach.body, b->u.foreach.body);
}

static bool same_names(const struct ast_arg_name *a, const struct ast_arg_name *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (!same_str(a->name, b->name))
			return false;
	}
	return !a && !b;
}

bool same_expr(const struct ast *a, const struct ast *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case AST_INT:
	case AST_POSITIONAL: return a->u.num == b->u.num;
	case AST_STR:
		return a->u.str.len == b->u.str.len &&
		       !memcmp(a->u.str.data, b->u.str.data, a->u.str.len);
	case AST_NAME:
	case AST_VAR: return same_str(a->u.name, b->u.name);
	case AST_MAP:
		return same_str(a->u.map.name, b->u.map.name) &&
		       same_list(a->u.map.keys, b->u.map.keys);
	case AST_CALL:
		return same_str(a->u.call.name, b->u.call.name) &&
		       a->u.call.n_args == b->u.call.n_args &&
		       same_names(a->u.call.names, b->u.call.names) &&
		       same_list(a->u.call.args, b->u.call.args);
	case AST_UNARY:
	case AST_BINARY:
	case AST_INDEX:
	case AST_EXPR:
	case AST_ASSIGN:
	case AST_RETURN:
		return a->u.op.op == b->u.op.op && same_expr(a->u.op.a, b->u.op.a) &&
		       same_expr(a->u.op.b, b->u.op.b);
	case AST_TERNARY:
	case AST_IF:
		return same_expr(a->u.cond.cond, b->u.cond.cond) &&
		       same_expr(a->u.cond.yes, b->u.cond.yes) &&
		       same_expr(a->u.cond.no, b->u.cond.no);
	case AST_CAST:
	case AST_SIZEOF:
	case AST_OFFSETOF:
		return same_type(a->u.cast.type, b->u.cast.type) &&
		       same_expr(a->u.cast.x, b->u.cast.x) &&
		       same_str(a->u.cast.field, b->u.cast.field);
	case AST_MEMBER:
		return same_expr(a->u.member.x, b->u.member.x) &&
		       same_str(a->u.member.name, b->u.member.name) &&
		       a->u.member.arrow == b->u.member.arrow;
	case AST_TUPLE:
	case AST_BLOCK: return same_list(a->u.list.first, b->u.list.first);
	case AST_DECL:
		return same_str(a->u.decl.name, b->u.decl.name) &&
		       same_type(a->u.decl.type, b->u.decl.type) &&
		       same_expr(a->u.decl.init, b->u.decl.init);
	case AST_WHILE:
	case AST_UNROLL:
		return same_expr(a->u.loop.cond, b->u.loop.cond) &&
		       same_expr(a->u.loop.body, b->u.loop.body);
	case AST_FOR: return same_foreach(a, b);
	case AST_BREAK:
	case AST_CONTINUE: return true;
	case AST_CLAUSE:
		return a->u.clause.has_line == b->u.clause.has_line &&
		       same_expr(a->u.clause.pred, b->u.clause.pred) &&
		       same_list(a->u.clause.first, b->u.clause.first);
	}
	return false;
}

static bool same_def(const struct ast_def *a, const struct ast_def *b)
{
	if (!a || !b)
		return a == b;
	const struct ast_field *f = a->fields, *g = b->fields;

	if (a->kind != b->kind || !same_str(a->name, b->name) || a->packed != b->packed)
		return false;
	for (; f && g; f = f->next, g = g->next) {
		if (!same_str(f->name, g->name) || !same_type(f->type, g->type) ||
		    f->bits != g->bits || f->value != g->value || !same_def(f->def, g->def))
			return false;
	}
	return !f && !g;
}

static bool same_probe(const struct ast_probe *a, const struct ast_probe *b)
{
	const struct ast_attach *x = a->attach, *y = b->attach;

	for (; x && y; x = x->next, y = y->next) {
		if (!same_str(x->text, y->text) || x->n_parts != y->n_parts)
			return false;
		for (size_t i = 0; i < x->n_parts; i++) {
			if (!same_str(x->parts[i], y->parts[i]))
				return false;
		}
	}
	return !x && !y && same_expr(a->pred, b->pred) && same_expr(a->body, b->body);
}

#define SAME_LISTS(type, first, second, same)                    \
	do {                                                     \
		const type *x_ = (first), *y_ = (second);        \
		for (; x_ && y_; x_ = x_->next, y_ = y_->next) { \
			if (!(same))                             \
				return false;                    \
		}                                                \
		if (x_ || y_)                                    \
			return false;                            \
	} while (0)

bool same_script(const struct script_ast *a, const struct script_ast *b)
{
	SAME_LISTS(struct ast_include, a->includes, b->includes, same_str(x_->path, y_->path));
	SAME_LISTS(struct ast_setting, a->settings, b->settings,
		   same_str(x_->name, y_->name) && same_str(x_->value, y_->value));
	SAME_LISTS(struct ast_map_decl, a->maps, b->maps,
		   same_str(x_->name, y_->name) && same_str(x_->kind, y_->kind) &&
			   x_->max_entries == y_->max_entries);
	SAME_LISTS(struct ast_def, a->defs, b->defs, same_def(x_, y_));
	SAME_LISTS(struct ast_probe, a->probes, b->probes, same_probe(x_, y_));
	return true;
}
