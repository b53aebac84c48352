/* SPDX-License-Identifier: MIT */
/** What the expressions of both languages share: C's operators, heights, lists. */
#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "lang/syntax/parser.h"

struct sign {
	uint32_t punct;
	enum op op;
};

static const struct sign binaries[] = {
	{ '+', OP_ADD },   { '-', OP_SUB },   { '*', OP_MUL },	   { '/', OP_DIV },
	{ '%', OP_MOD },   { '&', OP_AND },   { '|', OP_OR },	   { '^', OP_XOR },
	{ P_SHL, OP_SHL }, { P_SHR, OP_SHR }, { P_LAND, OP_LAND }, { P_LOR, OP_LOR },
	{ P_EQ, OP_EQ },   { P_NE, OP_NE },   { '<', OP_LT },	   { P_LE, OP_LE },
	{ '>', OP_GT },	   { P_GE, OP_GE },
};
static const struct sign prefixes[] = {
	{ '-', OP_NEG },  { '!', OP_NOT },	 { '~', OP_INV },	{ '*', OP_DEREF },
	{ '&', OP_ADDR }, { P_INC, OP_PRE_INC }, { P_DEC, OP_PRE_DEC },
};

static enum op find(const struct sign *signs, size_t n, const struct token *t)
{
	for (size_t i = 0; i < n && t->kind == TOK_PUNCT; i++) {
		if (signs[i].punct == t->punct)
			return signs[i].op;
	}
	return OP_NONE;
}

enum op parser_binary(const struct token *t)
{
	return find(binaries, MEM_LEN(binaries), t);
}

enum op parser_prefix(const struct token *t)
{
	return find(prefixes, MEM_LEN(prefixes), t);
}

bool parser_raise(struct parser *p, struct ast *a, const struct ast *x)
{
	if (x && x->height >= a->height)
		a->height = x->height + 1;
	if (a->height <= PARSE_HEIGHT_MOST)
		return true;
	diag_error(p->d, a->pos, "too-deep", "this expression is too long; at most %d terms",
		   PARSE_HEIGHT_MOST);
	return false;
}

struct ast *parser_op(struct parser *p, enum ast_kind kind, struct pos pos, enum op op,
		      struct ast *a)
{
	struct ast *ret = a ? parser_ast(p, kind, pos) : NULL;

	if (!ret || !parser_raise(p, ret, a))
		return NULL;
	ret->u.op.op = op;
	ret->u.op.a = a;
	return ret;
}

bool parser_list(struct parser *p, uint32_t close, struct ast *owner, parse_one_fn one,
		 struct ast **first, size_t *n)
{
	struct ast **end = first;

	do {
		struct ast *x = one(p);

		if (!x || !parser_raise(p, owner, x))
			return false;
		*end = x;
		end = &x->next;
		++*n;
	} while (parser_accept(p, ',') &&
		 !(close == ')' && owner->kind == AST_TUPLE && parser_at(p, close)));
	return parser_expect(p, close, "behind the list");
}
