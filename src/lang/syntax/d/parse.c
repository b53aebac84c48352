/* SPDX-License-Identifier: MIT */
/** The top level of D: clauses, declarations, definitions, pragmas. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/syntax/d/tree.h"
#include "lang/syntax/parse.h"

enum { SPEC_LEN = 1 << 20 }; /* of specsize, where it is not given */

void d_tree_fini(struct d_tree *t)
{
	names_fini(&t->globals);
	names_fini(&t->records);
	names_fini(&t->types);
}

static void fini(struct d_parser *p)
{
	pp_fini(&p->p.pp);
	names_fini(&p->p.typedefs);
	names_fini(&p->p.constants);
	d_tree_fini(&p->tree);
}

/* Behind the probes: /predicate/ { block }. */
static bool clause_rest(struct d_parser *dp, struct d_clause *c)
{
	struct parser *p = &dp->p;

	if (parser_at(p, '/')) {
		(void)parser_take(p); // the '/'
		p->in_pred = true;
		c->pred = d_parse_expr(p);
		const bool is_good = c->pred && parser_expect(p, '/', "behind the predicate");
		p->in_pred = false;
		if (!is_good && p->r)
			return false;
		p->pp.lex.is_quiet = !is_good;
		while (!is_good && !parser_at(p, '{') && parser_peek(p, 0)->kind != TOK_END)
			(void)parser_take(p); // to tell what is wrong in the block, too
		p->pp.lex.is_quiet = false;
	}
	if (!parser_at(p, '{') && dp->opt->no_block &&
	    (parser_peek(p, 0)->kind == TOK_END || parser_accept(p, ';'))) {
		c->body = parser_ast(p, AST_BLOCK, c->pos);
		return c->body != NULL;
	}
	if (!parser_at(p, '{')) {
		parser_unexpected(p, c->pred ? "'{'" : "a predicate or '{'");
		return false;
	}
	c->body = d_parse_block(p);
	return c->body != NULL;
}

static bool clause(struct d_parser *dp)
{
	struct d_clause *c = parser_new(&dp->p, struct d_clause);

	if (!c)
		return false;
	c->probes = d_parse_probes(dp);
	if (!c->probes)
		return false;
	c->pos = c->probes->pos;
	c->id = ++dp->tree.n_clauses;
	if (!clause_rest(dp, c))
		return false;
	*dp->clauses_end = c;
	dp->clauses_end = &c->next;
	return true;
}

/* The text stands at the word @s, and that is no part of a probe. */
static bool text_at(const struct lexer *x, const char *s)
{
	const size_t len = strlen(s);

	return (size_t)(x->end - x->at) > len && !memcmp(x->at, s, len) &&
	       !bt_lex_is_word(x->at[len]) && !strchr(":-*?", x->at[len]);
}

/* inline TYPE NAME = VALUE; behind the word. */
static bool inline_value(struct d_parser *dp)
{
	struct parser *p = &dp->p;
	struct ast_type t = { 0 };
	struct ast_def *def = NULL;
	struct d_inline *in = parser_new(p, struct d_inline);

	if (!in || !parse_type_base(p, &t, &def) || !parse_stars(p, &t))
		return false;
	if (parser_peek(p, 0)->kind != TOK_WORD) {
		parser_unexpected(p, "a name");
		return false;
	}
	in->name = parser_take(p).text;
	if (!parse_dims(p, &t) || !parser_expect(p, '=', "behind the name"))
		return false;
	in->value = d_parse_assignment(p);
	if (!in->value || !parser_end(p, "behind the value"))
		return false;
	*dp->inlines_end = in;
	dp->inlines_end = &in->next;
	return true;
}

/* "[int, string]" of an associative array. */
static bool key_types(struct parser *p)
{
	struct ast_type t = { 0 };
	struct ast_def *def = NULL;

	(void)parser_take(p); // the '['
	do {
		if (parser_peek(p, 0)->kind == TOK_INT) {
			(void)parser_take(p); // the size of an array
			continue;
		}
		if (!parse_type_base(p, &t, &def) || !parse_stars(p, &t))
			return false;
	} while (parser_accept(p, ','));
	return parser_expect(p, ']', "behind the types");
}

bool d_declare(struct d_parser *dp, const char *path, const struct ast_type *t)
{
	struct ast_type *copy = parser_new(&dp->p, struct ast_type);

	if (!copy)
		return false;
	*copy = *t;
	return parser_ok(&dp->p, names_put(&dp->tree.types, path, (int64_t)(intptr_t)copy));
}

/* int x; self string y; uint64_t a[int], b; */
static bool declaration(struct d_parser *dp)
{
	struct parser *p = &dp->p;
	struct ast_type t = { 0 };
	struct ast_def *def = NULL;
	const char *scope = parser_accept_word(p, "self")   ? "self->"
			    : parser_accept_word(p, "this") ? "this->"
							    : "";

	(void)(parser_accept_word(p, "extern") || parser_accept_word(p, "static"));
	if (!parse_type_base(p, &t, &def))
		return false;
	do {
		if (!parse_stars(p, &t))
			return false;
		if (parser_peek(p, 0)->kind != TOK_WORD) {
			parser_unexpected(p, "a variable's name");
			return false;
		}
		const struct token name = parser_take(p);
		if (!*scope && !parser_ok(p, names_put(&dp->tree.globals, name.text, 1)))
			return false;
		if (!d_record_declare(dp, scope, name.text, &t))
			return false;
		struct ast_type whole = t;
		for (; parser_at(p, '['); whole.n_dims = 1)
			if (!key_types(p))
				return false;
		const char *path = d_joined(p, scope, "", name.text);
		if (!path || !d_declare(dp, path, &whole))
			return false;
	} while (parser_accept(p, ','));
	return parser_end(p, "behind the declaration");
}

/* Whether a declaration stands here: its ';' comes before any block. */
static bool at_declaration(const struct lexer *x)
{
	const char *at = x->at;

	if (!bt_lex_is_word_start(*at))
		return false;
	while (at < x->end && bt_lex_is_word(*at))
		at++;
	if (at == x->end || !strchr(" \t\n\r*`", *at))
		return false;
	for (; at < x->end && !strchr("{/:", *at); at++)
		if (*at == ';')
			return true;
	return false;
}

static bool unsupported(struct d_parser *dp)
{
	static const char *const words[] = { "translator", "provider" };
	const struct lexer *x = &dp->p.pp.lex;

	for (size_t i = 0; i < MEM_LEN(words); i++) {
		if (!text_at(x, words[i]))
			continue;
		(void)diag_error(dp->p.d, bt_lex_pos(x, strlen(words[i])), "not-supported",
				 "'%s' is not supported", words[i]);
		return true;
	}
	return false;
}

/* One thing of the top level, at whose first byte the text stands. */
static bool item(struct d_parser *dp)
{
	struct parser *p = &dp->p;
	const struct lexer *x = &p->pp.lex;

	if (*x->at == ';')
		return parser_accept(p, ';');
	if (*x->at == '}') {
		diag_error(p->d, bt_lex_pos(x, 1), "syntax", "there is no '{' before this");
		return parser_accept(p, '}');
	}
	if (text_at(x, "inline"))
		return parser_accept_word(p, "inline") && inline_value(dp);
	if (text_at(x, "typedef"))
		return parse_top_def(p);
	if (unsupported(dp))
		return false;
	if (at_declaration(x))
		return declaration(dp);
	if (text_at(x, "struct") || text_at(x, "union") || text_at(x, "enum"))
		return parse_top_def(p);
	return clause(dp);
}

/* Behind an error: to the end of what has braces, or a ';' before any. */
static void skip_item(struct parser *p)
{
	p->pp.lex.is_quiet = true;
	for (;;) {
		if (parser_peek(p, 0)->kind == TOK_END)
			break;
		const struct token t = parser_take(p);
		if (p->braces == 0 && t.kind == TOK_PUNCT && (t.punct == ';' || t.punct == '}'))
			break;
	}
	p->pp.lex.is_quiet = false;
}

static void items(struct d_parser *dp)
{
	struct parser *p = &dp->p;

	while (p->r == 0) {
		if (!parser_rewind(p)) {
			pp_drop(&p->pp);
			p->n_ahead = 0;
			skip_item(p);
			continue;
		}
		p->braces = 0;
		if (!parser_ok(p, pp_blank(&p->pp)) || p->pp.lex.at == p->pp.lex.end)
			break;
		if (!item(dp) && p->r == 0)
			skip_item(p);
	}
	if (p->r == 0)
		pp_finish(&p->pp);
}

static int begin(struct d_parser *dp, struct diag *d, struct arena *arena, struct script_ast *s)
{
	struct parser *p = &dp->p;

	p->d = d;
	p->arena = arena;
	p->s = s;
	p->probes_end = &s->probes;
	p->defs_end = &s->defs;
	p->settings_end = &s->settings;
	p->maps_end = &s->maps;
	dp->clauses_end = &dp->tree.clauses;
	dp->inlines_end = &dp->tree.inlines;
	dp->d.stack_frames = dp->d.ustack_frames = 20;
	dp->d.n_specs = 1;
	dp->d.spec_len = SPEC_LEN;
	d->adapt = d_diag_words;
	if (d->text_len > PARSE_BYTES_MOST)
		return diag_error(d, (struct pos){ 0 }, "too-long",
				  "the script has %zu bytes; at most %d", d->text_len,
				  PARSE_BYTES_MOST);
	int r = pp_init(&p->pp, d, arena);
	p->pp.lex.is_d = true;
	p->pp.pragma = d_pragma;
	p->pp.pragma_arg = dp;
	return r;
}

static int set_options(struct d_parser *dp)
{
	int r = 0;

	for (size_t i = 0; r != -ENOMEM && i < dp->opt->n_options; i++) {
		const struct d_option *o = &dp->opt->options[i];
		r = d_option_set(dp, (struct pos){ 0 }, o->name, o->value);
	}
	if (r != -ENOMEM && !dp->has_strsize)
		r = d_option_set(dp, (struct pos){ 0 }, "strsize", "256");
	return r == -ENOMEM ? r : 0;
}

static int finish(struct d_parser *dp)
{
	struct parser *p = &dp->p;

	if (p->r)
		return p->r;
	int r = p->d->n_errors ? 0 : d_lower(dp);
	if (!r)
		r = strbuf_ok(&p->d->out);
	if (r < 0)
		return r;
	if (p->d->n_errors)
		return sonde_fail(-EINVAL, "the script has errors");
	struct ast_d *d = arena_new(p->arena, struct ast_d);
	if (!d)
		return -ENOMEM;
	*d = dp->d;
	p->s->d = d;
	return 0;
}

int parse_d(struct diag *d, struct arena *arena, const struct d_options *opt,
	    struct script_ast *ret)
{
	sonde_auto(fini) struct d_parser p = { .opt = opt };
	struct script_ast s = { 0 };

	int r = begin(&p, d, arena, &s);
	if (!r)
		items(&p);
	if (!r)
		r = set_options(&p);
	if (!r)
		r = finish(&p);
	if (!r)
		*ret = s;
	return r;
}

bool d_is_script(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	const size_t n = end ? (size_t)(end - text) : len;
	static const char word[] = "dtrace";

	if (n < 2 || text[0] != '#' || text[1] != '!')
		return false;
	for (size_t i = 2; i + sizeof(word) - 1 <= n; i++)
		if (!memcmp(text + i, word, sizeof(word) - 1))
			return true;
	return false;
}
