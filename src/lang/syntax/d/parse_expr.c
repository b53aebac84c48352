/* SPDX-License-Identifier: MIT */
/** Expressions of D: C's, with assignments inside, and D's own words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/const_expr.h"
#include "lang/syntax/d/tree.h"
#include "lang/syntax/parse.h"

static const struct {
	uint32_t punct;
	enum op op;
} assigns[] = {
	{ '=', OP_NONE },      { P_SET_ADD, OP_ADD }, { P_SET_SUB, OP_SUB }, { P_SET_MUL, OP_MUL },
	{ P_SET_DIV, OP_DIV }, { P_SET_MOD, OP_MOD }, { P_SET_AND, OP_AND }, { P_SET_OR, OP_OR },
	{ P_SET_XOR, OP_XOR }, { P_SET_SHL, OP_SHL }, { P_SET_SHR, OP_SHR },
};

static struct ast *unary(struct parser *p);

static struct ast *name_ast(struct parser *p, struct pos pos, const char *name)
{
	struct ast *a = parser_ast(p, AST_NAME, pos);

	if (a)
		a->u.name = name;
	return a;
}

/* A cast to a type whose ')' stands behind: C's and D's words, those of the script, and "x *". */
static bool at_cast(struct parser *p)
{
	if (!parser_at(p, '('))
		return false;
	if (parse_at_type(p, 1, ')'))
		return true;
	const unsigned i = parse_type_shape(p, 1);
	const struct token *t = parser_peek(p, i);
	if (!i || t->kind != TOK_PUNCT || t->punct != ')')
		return false;
	t = parser_peek(p, i + 1);
	return t->kind == TOK_WORD || t->kind == TOK_INT;
}

static struct ast *cast(struct parser *p)
{
	const struct pos pos = parser_take(p).pos; // the '('
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

/* "a.b.c" of offsetof(). */
static const char *field_path(struct parser *p)
{
	struct strbuf path = { 0 };
	const char *ret = NULL;

	while (parser_peek(p, 0)->kind == TOK_WORD) {
		strbuf_str(&path, parser_take(p).text);
		if (!parser_accept(p, '.'))
			break;
		strbuf_str(&path, ".");
	}
	if (!path.len)
		parser_unexpected(p, "a field's name");
	else if (parser_ok(p, strbuf_ok(&path)))
		ret = arena_strndup(p->arena, path.data, path.len);
	if (path.len && !ret)
		p->r = -ENOMEM;
	strbuf_fini(&path);
	return ret;
}

/* sizeof (T), sizeof x, offsetof(T, f): behind the word. */
static struct ast *size_of(struct parser *p, enum ast_kind kind, struct pos pos)
{
	struct ast *a = parser_ast(p, kind, pos);

	if (!a)
		return NULL;
	if (!parser_at(p, '(') ||
	    !parse_at_type(p, 1, kind == AST_SIZEOF ? (uint32_t)')' : (uint32_t)',')) {
		a->u.cast.x = kind == AST_SIZEOF ? unary(p) : NULL;
		if (kind == AST_OFFSETOF)
			parser_unexpected(p, "'(' and a type");
		return a->u.cast.x && parser_raise(p, a, a->u.cast.x) ? a : NULL;
	}
	(void)parser_take(p); // the '('
	a->u.cast.type = parse_type(p);
	if (!a->u.cast.type)
		return NULL;
	if (kind == AST_OFFSETOF) {
		if (!parser_expect(p, ',', "behind the type"))
			return NULL;
		a->u.cast.field = field_path(p);
		if (!a->u.cast.field)
			return NULL;
	}
	return parser_expect(p, ')', "behind the type") ? a : NULL;
}

/* xlate <T *> (x): behind the word. */
static struct ast *xlate(struct parser *p, struct pos pos)
{
	struct ast *a = parser_ast(p, AST_CALL, pos);

	if (!a || !parser_expect(p, '<', "behind 'xlate'"))
		return NULL;
	a->u.call.name = "xlate";
	a->note = parse_type(p);
	if (!a->note || !parser_expect(p, '>', "behind the type") ||
	    !parser_expect(p, '(', "behind the type"))
		return NULL;
	return parser_list(p, ')', a, d_parse_assignment, &a->u.call.args, &a->u.call.n_args)
		       ? a
		       : NULL;
}

/* stringof x, stringof(x): binds like a cast. */
static struct ast *string_of(struct parser *p, struct pos pos)
{
	struct ast *a = parser_ast(p, AST_CALL, pos), *x = a ? unary(p) : NULL;

	if (!x || !parser_raise(p, a, x))
		return NULL;
	a->u.call.name = "stringof";
	a->u.call.args = x;
	a->u.call.n_args = 1;
	return a;
}

static struct ast *word(struct parser *p)
{
	const struct token t = parser_take(p);

	if (!strcmp(t.text, "sizeof"))
		return size_of(p, AST_SIZEOF, t.pos);
	if (!strcmp(t.text, "offsetof"))
		return size_of(p, AST_OFFSETOF, t.pos);
	if (!strcmp(t.text, "xlate"))
		return xlate(p, t.pos);
	if (!strcmp(t.text, "stringof"))
		return string_of(p, t.pos);
	if (!parser_at(p, '('))
		return name_ast(p, t.pos, t.text);
	struct ast *a = parser_ast(p, AST_CALL, t.pos);
	if (!a)
		return NULL;
	a->u.call.name = t.text;
	(void)parser_take(p); // the '('
	if (parser_accept(p, ')'))
		return a;
	return parser_list(p, ')', a, d_parse_assignment, &a->u.call.args, &a->u.call.n_args)
		       ? a
		       : NULL;
}

static struct ast *aggregation(struct parser *p, const struct token *t)
{
	struct ast *a = parser_ast(p, AST_MAP, t->pos);
	size_t n = 0;

	if (!a)
		return NULL;
	a->u.map.name = t->text;
	if (!parser_accept(p, '['))
		return a;
	return parser_list(p, ']', a, d_parse_assignment, &a->u.map.keys, &n) ? a : NULL;
}

static struct ast *text_ast(struct parser *p, struct pos pos, const char *text, size_t len)
{
	struct ast *a = parser_ast(p, AST_STR, pos);

	if (a) {
		a->u.str.data = text;
		a->u.str.len = len;
	}
	return a;
}

/* A text between quotes, as '"text"' in the shell gives it. */
static bool is_quoted(const char *text)
{
	const size_t len = strlen(text);

	return len > 1 && *text == '"' && text[len - 1] == '"' &&
	       strcspn(text + 1, "\"\\") == len - 2;
}

/* $1, $$1, $target: a number, a text or a name. */
static struct ast *macro(struct parser *p, const struct token *t)
{
	const char *text;
	bool is_num;

	if (!d_macro(d_of(p), t, &text, &is_num))
		return NULL;
	if (t->kind == TOK_PARAM && t->is_text)
		return text_ast(p, t->pos, text, strlen(text));
	if (!is_num && is_quoted(text)) {
		const size_t len = strlen(text) - 2;
		char *inner = parser_alloc(p, len + 1);
		return inner ? text_ast(p, t->pos, memcpy(inner, text + 1, len), len) : NULL;
	}
	if (!is_num) {
		if (bt_lex_is_word_start(*text) &&
		    !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				       "0123456789`")])
			return name_ast(p, t->pos, text);
		(void)diag_error(p->d, t->pos, "syntax",
				 "'%s' is no number and no name; $$%llu is the text", text,
				 (unsigned long long)t->num);
		return NULL;
	}
	struct ast *a = parser_ast(p, AST_INT, t->pos);
	if (a)
		a->u.num = *text == '-' ? 0 - strtoull(text + 1, NULL, 0) : strtoull(text, NULL, 0);
	return a;
}

static struct ast *primary(struct parser *p)
{
	const struct token *t = parser_peek(p, 0);

	if (t->kind == TOK_WORD)
		return word(p);
	if (t->kind == TOK_END || (t->kind == TOK_PUNCT && t->punct != '(')) {
		parser_unexpected(p, "an expression");
		return NULL;
	}
	const struct token taken = parser_take(p);
	switch (taken.kind) {
	case TOK_PUNCT: {
		struct ast *x = d_parse_expr(p);
		return x && parser_expect(p, ')', "behind the expression") ? x : NULL;
	}
	case TOK_MAP: return aggregation(p, &taken);
	case TOK_STR: return text_ast(p, taken.pos, taken.text, taken.len);
	case TOK_INT: {
		struct ast *a = parser_ast(p, AST_INT, taken.pos);
		if (a)
			a->u.num = taken.num;
		return a;
	}
	default: return macro(p, &taken);
	}
}

static struct ast *member(struct parser *p, struct ast *x, bool is_arrow)
{
	if (parser_peek(p, 0)->kind != TOK_WORD) {
		parser_unexpected(p, "a field's name");
		return NULL;
	}
	const struct token name = parser_take(p);
	bool is_record = false;
	if (!is_arrow && !d_record_member(d_of(p), x, name.pos, name.text, &is_record))
		return NULL;
	if (is_record)
		return x;
	struct ast *a = parser_ast(p, AST_MEMBER, name.pos);
	if (!a || !parser_raise(p, a, x))
		return NULL;
	if (x->kind == AST_NAME && is_arrow) { // the caret below all of self->x
		a->pos = x->pos;
		if (name.pos.line == x->pos.line)
			a->pos.len = name.pos.col + name.pos.len - x->pos.col;
	}
	a->u.member.x = x;
	a->u.member.name = name.text;
	a->u.member.arrow = is_arrow;
	return a;
}

static struct ast *index_of(struct parser *p, struct pos pos, struct ast *x)
{
	struct ast *a = parser_op(p, AST_INDEX, pos, OP_NONE, x);
	size_t n = 0;

	return a && parser_list(p, ']', a, d_parse_assignment, &a->u.op.b, &n) ? a : NULL;
}

static struct ast *postfix(struct parser *p)
{
	struct ast *a = primary(p);

	while (a) {
		const struct pos pos = parser_peek(p, 0)->pos;

		if (parser_accept(p, '['))
			a = index_of(p, a->pos, a);
		else if (parser_accept(p, '.'))
			a = member(p, a, false);
		else if (parser_accept(p, P_ARROW))
			a = member(p, a, true);
		else if (parser_accept(p, P_INC))
			a = parser_op(p, AST_UNARY, pos, OP_POST_INC, a);
		else if (parser_accept(p, P_DEC))
			a = parser_op(p, AST_UNARY, pos, OP_POST_DEC, a);
		else
			break;
	}
	return a;
}

static struct ast *unary(struct parser *p)
{
	const enum op op = parser_prefix(parser_peek(p, 0));
	const bool is_deep =
		op || at_cast(p) || parser_at_word(p, "sizeof") || parser_at_word(p, "stringof");
	struct ast *a;

	if (is_deep && !parser_enter(p))
		return NULL;
	if (op) {
		const struct pos pos = parser_take(p).pos;
		a = parser_op(p, AST_UNARY, pos, op, unary(p));
	} else {
		a = at_cast(p) ? cast(p) : postfix(p);
	}
	if (is_deep)
		parser_leave(p);
	return a;
}

/* A predicate's end: '/' before '{' or ';', where no expression can begin. */
static bool at_pred_end(struct parser *p)
{
	if (!p->in_pred || !parser_at(p, '/'))
		return false;
	const struct token *t = parser_peek(p, 1);
	return t->kind == TOK_END || (t->kind == TOK_PUNCT && (t->punct == '{' || t->punct == ';'));
}

/* "^^" comes as two signs without a blank between. */
static bool at_lxor(struct parser *p)
{
	const struct token *a = parser_peek(p, 0), *b = parser_peek(p, 1);

	return parser_at(p, '^') && b->kind == TOK_PUNCT && b->punct == '^' && a->at && b->at &&
	       b->at == a->at + 1;
}

static struct ast *binary(struct parser *p, unsigned least)
{
	struct ast *a = unary(p);

	while (a && parser_peek(p, 0)->kind == TOK_PUNCT && !at_pred_end(p)) {
		const struct token *t = parser_peek(p, 0);
		const bool is_lxor = at_lxor(p);
		const unsigned prec =
			is_lxor ? const_precedence(P_LOR) + 0U : const_precedence(t->punct);

		if (prec == 0 || prec < least)
			break;
		const enum op op = is_lxor ? (enum op)D_OP_LXOR : parser_binary(t);
		const struct pos pos = parser_take(p).pos;
		if (is_lxor)
			(void)parser_take(p); // its second sign
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
	a->u.cond.yes = d_parse_expr(p);
	if (!a->u.cond.yes || !parser_raise(p, a, a->u.cond.yes) ||
	    !parser_expect(p, ':', "between the two values of '?'"))
		return NULL;
	a->u.cond.no = d_parse_assignment(p);
	return a->u.cond.no && parser_raise(p, a, a->u.cond.no) ? a : NULL;
}

static struct ast *assignment(struct parser *p)
{
	struct ast *a = ternary(p);

	for (size_t i = 0; a && i < MEM_LEN(assigns); i++) {
		if (!parser_at(p, assigns[i].punct))
			continue;
		const struct pos pos = parser_take(p).pos;
		a = parser_op(p, AST_ASSIGN, pos, assigns[i].op, a);
		if (!a)
			return NULL;
		a->u.op.b = d_parse_assignment(p);
		return a->u.op.b && parser_raise(p, a, a->u.op.b) ? a : NULL;
	}
	return a;
}

struct ast *d_parse_assignment(struct parser *p)
{
	if (!parser_enter(p))
		return NULL;
	struct ast *a = assignment(p);
	parser_leave(p);
	return a;
}

struct ast *d_parse_expr(struct parser *p)
{
	struct ast *a = d_parse_assignment(p);

	if (!a || !parser_at(p, ','))
		return a;
	struct ast *all = parser_ast(p, AST_TUPLE, a->pos);
	if (!all || !parser_raise(p, all, a))
		return NULL;
	struct ast **end = &a->next;
	all->u.list.first = a;
	while (parser_accept(p, ',')) {
		*end = d_parse_assignment(p);
		if (!*end || !parser_raise(p, all, *end))
			return NULL;
		end = &(*end)->next;
	}
	return all;
}
