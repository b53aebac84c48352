/* SPDX-License-Identifier: MIT */
/** Statements and blocks. Behind an error it goes on with the next statement. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/parser.h"

static const struct {
	uint32_t punct;
	enum op op;
} assigns[] = {
	{ '=', OP_NONE },      { P_SET_ADD, OP_ADD }, { P_SET_SUB, OP_SUB }, { P_SET_MUL, OP_MUL },
	{ P_SET_DIV, OP_DIV }, { P_SET_MOD, OP_MOD }, { P_SET_AND, OP_AND }, { P_SET_OR, OP_OR },
	{ P_SET_XOR, OP_XOR }, { P_SET_SHL, OP_SHL }, { P_SET_SHR, OP_SHR },
};

static bool assign_op(struct parser *p, enum op *ret)
{
	const struct token *t = parser_peek(p, 0);

	for (size_t i = 0; i < MEM_LEN(assigns) && t->kind == TOK_PUNCT; i++) {
		if (assigns[i].punct == t->punct) {
			*ret = assigns[i].op;
			return true;
		}
	}
	return false;
}

static struct ast *expression_stmt(struct parser *p, struct ast *x)
{
	struct ast *s = x ? parser_ast(p, AST_EXPR, x->pos) : NULL;

	if (s)
		s->u.op.a = x;
	return s;
}

/* "@x = 1;", "count();": up to the ';'. */
static struct ast *simple(struct parser *p)
{
	struct ast *x = parse_expr(p);
	enum op op = OP_NONE;

	if (!x || !assign_op(p, &op))
		return expression_stmt(p, x);
	struct pos pos = parser_take(p).pos;
	// "_ = f()": the value is not wanted.
	bool is_void = x->kind == AST_NAME && !strcmp(x->u.name, "_") && op == OP_NONE;
	if (!is_void && x->kind != AST_VAR && x->kind != AST_MAP) {
		diag_error(p->d, x->pos, "bad-assign",
			   "this cannot be set; only a $variable or a @map can");
		return NULL;
	}
	struct ast *value = parse_expr(p);
	if (!value || is_void)
		return expression_stmt(p, value);
	struct ast *s = parser_ast(p, AST_ASSIGN, pos);
	if (s) {
		s->u.op.op = op;
		s->u.op.a = x;
		s->u.op.b = value;
	}
	return s;
}

/* let $x: type = value */
static struct ast *declaration(struct parser *p)
{
	struct pos pos = parser_take(p).pos;

	if (parser_peek(p, 0)->kind != TOK_VAR) {
		parser_unexpected(p, "a $variable");
		return NULL;
	}
	struct ast *s = parser_ast(p, AST_DECL, pos);
	if (!s)
		return NULL;
	struct token name = parser_take(p);
	s->pos = name.pos;
	s->u.decl.name = name.text;
	if (parser_accept(p, ':')) {
		s->u.decl.type = parse_type(p);
		if (!s->u.decl.type)
			return NULL;
	}
	if (parser_accept(p, '=')) {
		s->u.decl.init = parse_expr(p);
		if (!s->u.decl.init)
			return NULL;
	}
	return s;
}

static struct ast *condition(struct parser *p, const char *where)
{
	if (!parser_expect(p, '(', where))
		return NULL;
	struct ast *x = parse_expr(p);
	return x && parser_expect(p, ')', "behind the condition") ? x : NULL;
}

/* A chain of else if grows in a loop. */
static struct ast *if_stmt(struct parser *p)
{
	struct ast *first = NULL, **end = &first;

	do {
		struct ast *s = parser_ast(p, AST_IF, parser_take(p).pos);

		if (!s)
			return NULL;
		s->u.cond.cond = condition(p, "behind 'if'");
		if (!s->u.cond.cond)
			return NULL;
		s->u.cond.yes = parse_block(p);
		if (!s->u.cond.yes)
			return NULL;
		*end = s;
		end = &s->u.cond.no;
		if (!parser_accept_word(p, "else"))
			return first;
	} while (parser_at_word(p, "if"));
	*end = parse_block(p);
	return *end ? first : NULL;
}

static struct ast *loop(struct parser *p, enum ast_kind kind, const char *where)
{
	struct ast *s = parser_ast(p, kind, parser_take(p).pos);

	if (!s)
		return NULL;
	s->u.loop.cond = condition(p, where);
	if (!s->u.loop.cond)
		return NULL;
	s->u.loop.body = parse_block(p);
	return s->u.loop.body ? s : NULL;
}

static bool loop_var(struct parser *p, const char **ret)
{
	if (parser_peek(p, 0)->kind != TOK_VAR) {
		parser_unexpected(p, "a $variable");
		return false;
	}
	*ret = parser_take(p).text;
	return true;
}

/*
 * The variables and ':' of a loop. All three ways of writing it are taken: for ($x : ...),
 * for $x : ..., and ($k, $v) for the one variable. *@ret_open: there is a '(' to be closed.
 */
static bool for_vars(struct parser *p, struct ast *s, bool *ret_open)
{
	const bool outer = parser_accept(p, '('), inner = outer && parser_accept(p, '(');

	if (!loop_var(p, &s->u.foreach.var))
		return false;
	if (inner || (outer && parser_at(p, ','))) {
		if (!parser_expect(p, ',', "behind the key") || !loop_var(p, &s->u.foreach.var2) ||
		    !parser_expect(p, ')', "behind the value"))
			return false;
		*ret_open = inner;
		return parser_expect(p, ':', "behind the variables");
	}
	*ret_open = outer;
	return parser_expect(p, ':', "behind the variable");
}

static struct ast *for_stmt(struct parser *p)
{
	struct ast *s = parser_ast(p, AST_FOR, parser_take(p).pos);
	bool is_open = false;

	if (!s || !for_vars(p, s, &is_open))
		return NULL;
	struct ast *x = parse_expr(p);
	if (!x)
		return NULL;
	if (parser_accept(p, P_RANGE)) {
		if (s->u.foreach.var2) {
			diag_error(p->d, s->pos, "syntax", "a range gives one value, not two");
			return NULL;
		}
		s->u.foreach.begin = x;
		s->u.foreach.end = parse_expr(p);
		if (!s->u.foreach.end)
			return NULL;
	} else if (x->kind == AST_MAP && !x->u.map.keys) {
		s->u.foreach.map = x;
	} else {
		diag_error(p->d, x->pos, "syntax",
			   "'for' wants a @map without keys, or a range as 0..10");
		return NULL;
	}
	if (is_open && !parser_expect(p, ')', "behind what 'for' goes through"))
		return NULL;
	s->u.foreach.body = parse_block(p);
	return s->u.foreach.body ? s : NULL;
}

static struct ast *return_stmt(struct parser *p)
{
	struct ast *s = parser_ast(p, AST_RETURN, parser_take(p).pos);

	if (!s || parser_at(p, ';') || parser_at(p, '}'))
		return s;
	s->u.op.a = parse_expr(p);
	return s->u.op.a ? s : NULL;
}

/* *@ret_open: its end must be told by ';' or '}'. */
static struct ast *stmt(struct parser *p, bool *ret_open)
{
	*ret_open = false;
	if (parser_at(p, '{'))
		return parse_block(p);
	if (parser_at_word(p, "if"))
		return if_stmt(p);
	if (parser_at_word(p, "while"))
		return loop(p, AST_WHILE, "behind 'while'");
	if (parser_at_word(p, "unroll"))
		return loop(p, AST_UNROLL, "behind 'unroll'");
	if (parser_at_word(p, "for"))
		return for_stmt(p);
	*ret_open = true;
	if (parser_at_word(p, "let"))
		return declaration(p);
	if (parser_at_word(p, "return"))
		return return_stmt(p);
	if (parser_at_word(p, "break"))
		return parser_ast(p, AST_BREAK, parser_take(p).pos);
	if (parser_at_word(p, "continue"))
		return parser_ast(p, AST_CONTINUE, parser_take(p).pos);
	if (parser_at_word(p, "else")) {
		diag_error(p->d, parser_peek(p, 0)->pos, "syntax",
			   "'else' without an 'if' before it");
		return NULL;
	}
	return simple(p);
}

/* Behind an error: to the statement's end, or before the block's '}'. */
static void skip_stmt(struct parser *p)
{
	unsigned level = 0;

	p->pp.lex.is_quiet = true;
	for (;;) {
		const struct token *t = parser_peek(p, 0);

		if (t->kind == TOK_END || (level == 0 && parser_at(p, '}')))
			break;
		struct token taken = parser_take(p);
		if (taken.kind != TOK_PUNCT)
			continue;
		if (taken.punct == ';' && level == 0)
			break;
		level += taken.punct == '{';
		level -= taken.punct == '}';
		if (taken.punct == '}' && level == 0)
			break;
	}
	p->pp.lex.is_quiet = false;
}

/* Statements up to the '}'. False: there is none, or out of memory. */
static bool body(struct parser *p, struct pos open, struct ast **end)
{
	while (!parser_accept(p, '}')) {
		bool is_open;

		if (parser_accept(p, ';'))
			continue;
		if (parser_peek(p, 0)->kind == TOK_END) {
			if (p->r == 0)
				diag_error(p->d, open, "syntax", "this '{' has no '}'");
			return false;
		}
		struct ast *s = stmt(p, &is_open);
		if (p->r)
			return false;
		if (!s) {
			skip_stmt(p);
			continue;
		}
		*end = s;
		end = &s->next;
		if (is_open && !parser_at(p, '}') && !parser_end(p, "behind the statement"))
			skip_stmt(p);
	}
	return true;
}

struct ast *parse_block(struct parser *p)
{
	struct ast *a = parser_ast(p, AST_BLOCK, parser_peek(p, 0)->pos);

	if (!a || !parser_expect(p, '{', "to begin a block") || !parser_enter(p))
		return NULL;
	bool is_good = body(p, a->pos, &a->u.list.first);
	parser_leave(p);
	return is_good ? a : NULL;
}
