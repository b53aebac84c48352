/* SPDX-License-Identifier: MIT */
/** Where the parser stands. */
#include "lang/syntax/parser.h"

#include <errno.h>
#include <string.h>

#include "lang/syntax/parse.h"

const struct token *parser_peek(struct parser *p, unsigned i)
{
	while (p->n_ahead <= i) {
		struct token *t = &p->ahead[(p->ahead_at + p->n_ahead) % PARSER_AHEAD];

		if (p->r == -ENOMEM || !parser_ok(p, pp_next(&p->pp, t)))
			*t = (struct token){ .kind = TOK_END };
		p->n_ahead++;
	}
	return &p->ahead[(p->ahead_at + i) % PARSER_AHEAD];
}

struct token parser_take(struct parser *p)
{
	struct token t = *parser_peek(p, 0);

	p->ahead_at = (p->ahead_at + 1) % PARSER_AHEAD;
	p->n_ahead--;
	if (t.kind == TOK_PUNCT && t.punct == '{')
		p->braces++;
	if (t.kind == TOK_PUNCT && t.punct == '}' && p->braces)
		p->braces--;
	p->last = t;
	return t;
}

bool parser_rewind(struct parser *p)
{
	struct lexer *x = &p->pp.lex;

	if (p->n_ahead == 0 && pp_is_plain(&p->pp))
		return true;
	const struct token *t = parser_peek(p, 0);
	if (p->r == -ENOMEM)
		return false;
	if (!t->at || !pp_is_plain(&p->pp)) {
		if (!x->is_quiet)
			diag_error(p->d, t->pos, "bad-macro",
				   "a macro cannot hold parts of a probe or definition");
		return false;
	}
	x->at = t->at;
	x->line = t->pos.line;
	x->line_start = t->at - (t->pos.col - 1);
	x->is_fresh = false;
	p->n_ahead = 0;
	return true;
}

bool parser_at(struct parser *p, uint32_t punct)
{
	const struct token *t = parser_peek(p, 0);

	return t->kind == TOK_PUNCT && t->punct == punct;
}

bool parser_at_word(struct parser *p, const char *word)
{
	const struct token *t = parser_peek(p, 0);

	return t->kind == TOK_WORD && !strcmp(t->text, word);
}

bool parser_accept(struct parser *p, uint32_t punct)
{
	if (!parser_at(p, punct))
		return false;
	(void)parser_take(p); // known
	return true;
}

bool parser_accept_word(struct parser *p, const char *word)
{
	if (!parser_at_word(p, word))
		return false;
	(void)parser_take(p); // known
	return true;
}

/* Where something is missing: behind the last token if a new line began since. */
static struct pos missing_pos(struct parser *p)
{
	struct pos next = parser_peek(p, 0)->pos, last = p->last.pos;

	if (last.line == 0 || last.line == next.line)
		return next;
	return (struct pos){ .line = last.line, .col = last.col + last.len, .len = 1 };
}

void parser_unexpected(struct parser *p, const char *what)
{
	char buf[LEX_SHOW];
	const struct token *t = parser_peek(p, 0);

	if (p->r == 0)
		diag_error(p->d, t->pos, "syntax", "%s expected, not %s", what,
			   bt_lex_show(t, buf));
}

bool parser_expect(struct parser *p, uint32_t punct, const char *where)
{
	const struct token want = { .kind = TOK_PUNCT, .punct = punct };
	char buf[LEX_SHOW], next[LEX_SHOW];

	if (parser_accept(p, punct))
		return true;
	if (p->r == 0)
		diag_error(p->d, missing_pos(p), "syntax", "%s expected %s, not %s",
			   bt_lex_show(&want, buf), where, bt_lex_show(parser_peek(p, 0), next));
	return false;
}

bool parser_end(struct parser *p, const char *where)
{
	return parser_expect(p, ';', where) ||
	       (p->r == 0 && p->last.pos.line != parser_peek(p, 0)->pos.line);
}

bool parser_enter(struct parser *p)
{
	if (p->depth == PARSE_DEPTH_MOST) {
		if (p->r == 0)
			diag_error(p->d, parser_peek(p, 0)->pos, "too-deep",
				   "nested too deeply; at most %d levels", PARSE_DEPTH_MOST);
		return false;
	}
	p->depth++;
	return true;
}

void parser_leave(struct parser *p)
{
	p->depth--;
}

bool parser_ok(struct parser *p, int r)
{
	if (r < 0)
		p->r = r;
	return r >= 0;
}

void *parser_alloc(struct parser *p, size_t len)
{
	void *ret = arena_alloc(p->arena, len);

	if (!ret)
		p->r = -ENOMEM;
	return ret;
}

struct ast *parser_ast(struct parser *p, enum ast_kind kind, struct pos pos)
{
	struct ast *a = parser_new(p, struct ast);

	if (a) {
		a->kind = kind;
		a->pos = pos;
		a->height = 1;
	}
	return a;
}
