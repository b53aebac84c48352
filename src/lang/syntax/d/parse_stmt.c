/* SPDX-License-Identifier: MIT */
/** Statements of D: expressions, blocks, if and else. */
#include <string.h>

#include "lang/syntax/d/tree.h"

static struct ast *statement(struct parser *p);

static void skip_statement(struct parser *p)
{
	const unsigned braces = p->braces;

	p->pp.lex.is_quiet = true;
	while (parser_peek(p, 0)->kind != TOK_END && !(p->braces <= braces && parser_at(p, '}'))) {
		const struct token t = parser_take(p);
		if (p->braces <= braces && t.kind == TOK_PUNCT && t.punct == ';')
			break;
	}
	p->pp.lex.is_quiet = false;
}

struct ast *d_parse_block(struct parser *p)
{
	struct ast *block = parser_ast(p, AST_BLOCK, parser_peek(p, 0)->pos);

	if (!block || !parser_expect(p, '{', "before the statements") || !parser_enter(p))
		return NULL;
	struct ast **end = &block->u.list.first;
	while (p->r == 0 && !parser_at(p, '}') && parser_peek(p, 0)->kind != TOK_END) {
		if (parser_accept(p, ';'))
			continue;
		*end = statement(p);
		if (*end)
			end = &(*end)->next;
		else if (p->r == 0)
			skip_statement(p);
	}
	parser_leave(p);
	return p->r == 0 && parser_expect(p, '}', "behind the statements") ? block : NULL;
}

/* The statement below "if (c)" or "else", as a block. */
static struct ast *branch(struct parser *p)
{
	if (parser_at(p, '{'))
		return d_parse_block(p);
	struct ast *block = parser_ast(p, AST_BLOCK, parser_peek(p, 0)->pos);
	if (!block)
		return NULL;
	if (parser_accept(p, ';'))
		return block;
	if (!parser_enter(p))
		return NULL;
	block->u.list.first = statement(p);
	parser_leave(p);
	return block->u.list.first ? block : NULL;
}

static struct ast *if_statement(struct parser *p)
{
	struct ast *first = NULL, **at = &first;

	for (;;) {
		struct ast *s = parser_ast(p, AST_IF, parser_take(p).pos); // the 'if'
		if (!s || !parser_expect(p, '(', "behind 'if'"))
			return NULL;
		s->u.cond.cond = d_parse_expr(p);
		if (!s->u.cond.cond || !parser_expect(p, ')', "behind the condition"))
			return NULL;
		s->u.cond.yes = branch(p);
		if (!s->u.cond.yes)
			return NULL;
		*at = s;
		at = &s->u.cond.no;
		if (!parser_accept_word(p, "else"))
			return first;
		if (!parser_at_word(p, "if"))
			break;
	}
	*at = branch(p);
	return *at ? first : NULL;
}

static bool no_loops(struct parser *p)
{
	static const char *const words[] = { "while", "for", "do", "goto", "switch", "return" };

	for (size_t i = 0; i < MEM_LEN(words); i++) {
		if (!parser_at_word(p, words[i]))
			continue;
		(void)diag_error(p->d, parser_peek(p, 0)->pos, "syntax", "D has no '%s'", words[i]);
		return false;
	}
	return true;
}

static struct ast *statement(struct parser *p)
{
	if (parser_at(p, '{'))
		return d_parse_block(p);
	if (parser_at_word(p, "if"))
		return if_statement(p);
	if (!no_loops(p))
		return NULL;
	struct ast *s = parser_ast(p, AST_EXPR, parser_peek(p, 0)->pos);
	if (!s)
		return NULL;
	s->u.op.a = d_parse_expr(p);
	if (!s->u.op.a)
		return NULL;
	if (!parser_at(p, '}') && !parser_end(p, "behind the statement"))
		return NULL;
	return s;
}
