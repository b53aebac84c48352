/* SPDX-License-Identifier: MIT */
/** Expressions: precedence climbing; chains of operators grow in a loop, not in the C stack. */
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/const_expr.h"
#include "lang/syntax/parse.h"
#include "lang/syntax/parser.h"

static struct ast *unary(struct parser *p);

/* emit("name", field = value, ...): behind its '('. */
static struct ast *emit(struct parser *p, struct ast *a)
{
	const struct ast_arg_name **end = &a->u.call.names;
	struct ast **args = &a->u.call.args;

	for (;;) {
		struct ast *x = parse_expr(p);

		if (!x || !parser_raise(p, a, x))
			return NULL;
		*args = x;
		args = &x->next;
		a->u.call.n_args++;
		if (!parser_accept(p, ','))
			return parser_expect(p, ')', "behind the fields") ? a : NULL;
		if (parser_peek(p, 0)->kind != TOK_WORD) {
			parser_unexpected(p, "a field's name, as in 'fd = $fd'");
			return NULL;
		}
		struct ast_arg_name *name = parser_new(p, struct ast_arg_name);
		if (!name)
			return NULL;
		const struct token t = parser_take(p);
		*name = (struct ast_arg_name){ .pos = t.pos, .name = t.text };
		*end = name;
		end = (const struct ast_arg_name **)&name->next;
		if (!parser_expect(p, '=', "between a field's name and its value"))
			return NULL;
	}
}

static struct ast *call(struct parser *p, const struct token *name)
{
	struct ast *a = parser_ast(p, AST_CALL, name->pos);

	if (!a)
		return NULL;
	a->u.call.name = name->text;
	(void)parser_take(p); // the '('
	if (parser_accept(p, ')'))
		return a;
	if (!strcmp(name->text, "emit"))
		return emit(p, a);
	return parser_list(p, ')', a, parse_expr, &a->u.call.args, &a->u.call.n_args) ? a : NULL;
}

/* "a.b.c" of offsetof(). */
static const char *field_path(struct parser *p)
{
	struct strbuf path = { 0 };
	const char *ret = NULL;

	for (;;) {
		if (parser_peek(p, 0)->kind != TOK_WORD) {
			parser_unexpected(p, "a field's name");
			break;
		}
		strbuf_str(&path, parser_take(p).text);
		if (parser_accept(p, '.')) {
			strbuf_str(&path, ".");
			continue;
		}
		if (parser_ok(p, strbuf_ok(&path)))
			ret = arena_strndup(p->arena, path.data, path.len);
		if (!ret)
			p->r = -ENOMEM;
		break;
	}
	strbuf_fini(&path);
	return ret;
}

/* sizeof(), offsetof(): behind the word. */
static struct ast *size_of(struct parser *p, enum ast_kind kind, struct pos pos)
{
	struct ast *a = parser_ast(p, kind, pos);

	if (!a)
		return NULL;
	(void)parser_take(p); // the '('
	if (parse_at_type(p, 0, kind == AST_SIZEOF ? ')' : ',')) {
		a->u.cast.type = parse_type(p);
		if (!a->u.cast.type)
			return NULL;
	} else {
		a->u.cast.x = parse_expr(p);
		if (!a->u.cast.x || !parser_raise(p, a, a->u.cast.x))
			return NULL;
	}
	if (kind == AST_OFFSETOF) {
		if (!parser_expect(p, ',', "behind the type"))
			return NULL;
		a->u.cast.field = field_path(p);
		if (!a->u.cast.field)
			return NULL;
	}
	return parser_expect(p, ')', "behind the type") ? a : NULL;
}

static struct ast *map(struct parser *p, const struct token *t)
{
	struct ast *a = parser_ast(p, AST_MAP, t->pos);
	size_t n = 0;

	if (!a)
		return NULL;
	a->u.map.name = t->text;
	if (!parser_accept(p, '['))
		return a;
	return parser_list(p, ']', a, parse_expr, &a->u.map.keys, &n) ? a : NULL;
}

/* Behind '(': an expression, or a tuple where there is a comma. */
static struct ast *paren(struct parser *p, struct pos pos)
{
	struct ast *x = parse_expr(p);
	size_t n = 1;

	if (!x)
		return NULL;
	if (!parser_at(p, ','))
		return parser_expect(p, ')', "behind the expression") ? x : NULL;
	struct ast *a = parser_ast(p, AST_TUPLE, pos);
	if (!a || !parser_raise(p, a, x))
		return NULL;
	a->u.list.first = x;
	(void)parser_take(p); // the ','
	if (parser_accept(p, ')'))
		return a;
	return parser_list(p, ')', a, parse_expr, &x->next, &n) ? a : NULL;
}

/* Whether what follows '(' is a type and its ')' ends a cast. */
static bool at_cast(struct parser *p)
{
	if (!parser_at(p, '('))
		return false;
	if (parse_at_type(p, 1, ')'))
		return true;
	// "(foo) x" is a cast to a type that only the checker can know.
	unsigned i = parse_type_shape(p, 1);
	const struct token *t = parser_peek(p, i);
	if (!i || t->kind != TOK_PUNCT || t->punct != ')')
		return false;
	t = parser_peek(p, i + 1);
	if (t->kind == TOK_PUNCT)
		return t->punct == '(' || t->punct == '!' || t->punct == '~';
	return t->kind != TOK_END;
}

static struct ast *cast(struct parser *p)
{
	struct pos pos = parser_take(p).pos; // the '('
	const struct ast_type *t = parse_type(p);

	if (!t || !parser_expect(p, ')', "behind the type"))
		return NULL;
	struct ast *x = unary(p);
	struct ast *a = x ? parser_ast(p, AST_CAST, pos) : NULL;
	if (!a || !parser_raise(p, a, x))
		return NULL;
	a->u.cast.type = t;
	a->u.cast.x = x;
	return a;
}

static struct ast *word(struct parser *p)
{
	struct token t = parser_take(p);

	if (parser_at(p, '(')) {
		if (!strcmp(t.text, "sizeof"))
			return size_of(p, AST_SIZEOF, t.pos);
		if (!strcmp(t.text, "offsetof"))
			return size_of(p, AST_OFFSETOF, t.pos);
		return call(p, &t);
	}
	struct ast *a = parser_ast(p, AST_NAME, t.pos);
	if (a)
		a->u.name = t.text;
	return a;
}

static struct ast *primary(struct parser *p)
{
	const struct token *t = parser_peek(p, 0);
	struct ast *a = NULL;

	if (t->kind == TOK_WORD)
		return word(p);
	if (t->kind == TOK_END || (t->kind == TOK_PUNCT && t->punct != '(')) {
		parser_unexpected(p, "an expression");
		return NULL;
	}
	struct token taken = parser_take(p);
	if (taken.kind == TOK_PUNCT)
		return paren(p, taken.pos);
	if (taken.kind == TOK_MAP)
		return map(p, &taken);
	if (taken.kind == TOK_STR) {
		a = parser_ast(p, AST_STR, taken.pos);
		if (a) {
			a->u.str.data = taken.text;
			a->u.str.len = taken.len;
		}
	} else if (taken.kind == TOK_VAR) {
		a = parser_ast(p, AST_VAR, taken.pos);
		if (a)
			a->u.name = taken.text;
	} else {
		a = parser_ast(p, taken.kind == TOK_INT ? AST_INT : AST_POSITIONAL, taken.pos);
		if (a)
			a->u.num = taken.num;
	}
	return a;
}

static bool is_index(const struct token *t)
{
	if (t->kind != TOK_INT || t->len > 4 || (t->len > 1 && t->text[0] == '0'))
		return false;
	for (size_t i = 0; i < t->len; i++) {
		if (t->text[i] < '0' || t->text[i] > '9')
			return false;
	}
	return true;
}

/* Behind '.' or '->'. */
static struct ast *member(struct parser *p, struct ast *x, bool is_arrow)
{
	const struct token *t = parser_peek(p, 0);

	if (t->kind != TOK_WORD && (is_arrow || !is_index(t))) {
		parser_unexpected(p, "a field's name");
		return NULL;
	}
	struct token name = parser_take(p);
	struct ast *a = parser_ast(p, AST_MEMBER, name.pos);
	if (!a || !parser_raise(p, a, x))
		return NULL;
	a->u.member.x = x;
	a->u.member.name =
		name.kind == TOK_WORD ? name.text : arena_strndup(p->arena, name.text, name.len);
	a->u.member.arrow = is_arrow;
	if (!a->u.member.name)
		p->r = -ENOMEM;
	return a->u.member.name ? a : NULL;
}

static bool is_target(const struct ast *a)
{
	return a->kind == AST_VAR || a->kind == AST_MAP;
}

/* ++ and --, before or behind. */
static struct ast *step(struct parser *p, struct pos pos, enum op op, struct ast *x)
{
	if (x && !is_target(x)) {
		diag_error(p->d, pos, "bad-assign", "'++' and '--' want a $variable or a @map");
		return NULL;
	}
	return parser_op(p, AST_UNARY, pos, op, x);
}

static struct ast *postfix(struct parser *p)
{
	struct ast *a = primary(p);

	while (a) {
		struct pos pos = parser_peek(p, 0)->pos;

		if (parser_accept(p, '[')) {
			a = parser_op(p, AST_INDEX, pos, OP_NONE, a);
			if (!a)
				return NULL;
			a->u.op.b = parse_expr(p);
			if (!a->u.op.b || !parser_raise(p, a, a->u.op.b) ||
			    !parser_expect(p, ']', "behind the index"))
				return NULL;
		} else if (parser_accept(p, '.')) {
			a = member(p, a, false);
		} else if (parser_accept(p, P_ARROW)) {
			a = member(p, a, true);
		} else if (parser_accept(p, P_INC)) {
			a = step(p, pos, OP_POST_INC, a);
		} else if (parser_accept(p, P_DEC)) {
			a = step(p, pos, OP_POST_DEC, a);
		} else {
			break;
		}
	}
	return a;
}

static struct ast *prefix(struct parser *p, enum op op)
{
	struct pos pos = parser_take(p).pos;
	struct ast *x = unary(p);

	if (op == OP_PRE_INC || op == OP_PRE_DEC)
		return step(p, pos, op, x);
	return parser_op(p, AST_UNARY, pos, op, x);
}

static struct ast *unary(struct parser *p)
{
	const enum op op = parser_prefix(parser_peek(p, 0));

	if (!op && !at_cast(p))
		return postfix(p);
	if (!parser_enter(p))
		return NULL;
	struct ast *a = op ? prefix(p, op) : cast(p);
	parser_leave(p);
	return a;
}

/* A predicate's end: '/' before '{', where no expression can begin. */
static bool at_pred_end(struct parser *p)
{
	if (!p->in_pred || !parser_at(p, '/'))
		return false;
	const struct token *t = parser_peek(p, 1);
	return t->kind == TOK_END || (t->kind == TOK_PUNCT && t->punct == '{');
}

static struct ast *binary(struct parser *p, unsigned least)
{
	struct ast *a = unary(p);

	while (a && parser_peek(p, 0)->kind == TOK_PUNCT && !at_pred_end(p)) {
		const struct token *t = parser_peek(p, 0);
		unsigned prec = const_precedence(t->punct);

		if (prec == 0 || prec < least)
			break;
		enum op op = parser_binary(t);
		struct pos pos = parser_take(p).pos;
		a = parser_op(p, AST_BINARY, pos, op, a);
		if (!a)
			return NULL;
		a->u.op.b = binary(p, prec + 1);
		if (!a->u.op.b || !parser_raise(p, a, a->u.op.b))
			return NULL;
	}
	return a;
}

/* c ? yes : no */
static struct ast *ternary(struct parser *p)
{
	struct ast *cond = binary(p, 1);

	if (!cond || !parser_at(p, '?'))
		return cond;
	struct ast *a = parser_ast(p, AST_TERNARY, parser_take(p).pos);
	if (!a || !parser_raise(p, a, cond))
		return NULL;
	a->u.cond.cond = cond;
	a->u.cond.yes = parse_expr(p);
	if (!a->u.cond.yes || !parser_raise(p, a, a->u.cond.yes) ||
	    !parser_expect(p, ':', "between the two values of '?'"))
		return NULL;
	a->u.cond.no = parse_expr(p);
	return a->u.cond.no && parser_raise(p, a, a->u.cond.no) ? a : NULL;
}

struct ast *parse_expr(struct parser *p)
{
	if (!parser_enter(p))
		return NULL;
	struct ast *a = ternary(p);
	parser_leave(p);
	return a;
}
