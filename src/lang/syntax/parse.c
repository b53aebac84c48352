/* SPDX-License-Identifier: MIT */
/** The top level: probes, definitions, settings. */
#include "lang/syntax/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/syntax/parser.h"

static void parser_fini(struct parser *p)
{
	pp_fini(&p->pp);
	names_fini(&p->typedefs);
	names_fini(&p->constants);
}

static bool probe(struct parser *p)
{
	struct ast_probe *probe = parser_new(p, struct ast_probe);

	if (!probe)
		return false;
	probe->attach = parse_attach(p);
	if (!probe->attach)
		return false;
	probe->pos = probe->attach->pos;
	if (*p->pp.lex.at == '/') {
		(void)parser_take(p); // the '/'
		p->in_pred = true;
		probe->pred = parse_expr(p);
		bool is_good = probe->pred && parser_expect(p, '/', "behind the predicate");
		p->in_pred = false;
		if (p->r)
			return false;
		p->pp.lex.is_quiet = !is_good;
		while (!is_good && !parser_at(p, '{') && parser_peek(p, 0)->kind != TOK_END)
			(void)parser_take(p); // to tell what is wrong in the block, too
		p->pp.lex.is_quiet = false;
	}
	probe->body = parse_block(p);
	if (!probe->body)
		return false;
	*p->probes_end = probe;
	p->probes_end = &probe->next;
	return true;
}

/* A setting's value as text. */
static const char *setting_value(struct parser *p)
{
	char number[24];
	bool is_negative = parser_accept(p, '-');
	const struct token *t = parser_peek(p, 0);

	if (t->kind != TOK_INT && (is_negative || (t->kind != TOK_WORD && t->kind != TOK_STR))) {
		parser_unexpected(p, "a value");
		return NULL;
	}
	struct token taken = parser_take(p);
	if (taken.kind == TOK_WORD)
		return taken.text;
	if (taken.kind == TOK_INT) {
		int n = snprintf(number, sizeof(number), "%s%" PRIu64, is_negative ? "-" : "",
				 taken.num);

		taken.text = number;
		taken.len = n > 0 ? (size_t)n : 0;
	} else if (memchr(taken.text, '\0', taken.len)) {
		diag_error(p->d, taken.pos, "bad-setting", "a 0 byte cannot be in a setting");
		return NULL;
	}
	const char *ret = arena_strndup(p->arena, taken.text, taken.len);
	if (!ret)
		p->r = -ENOMEM;
	return ret;
}

/* config = { name = value; ... } behind the word. */
static bool config(struct parser *p)
{
	if (!parser_expect(p, '=', "behind 'config'") ||
	    !parser_expect(p, '{', "behind 'config ='"))
		return false;
	while (!parser_at(p, '}')) {
		if (parser_accept(p, ';') || parser_accept(p, ','))
			continue;
		struct ast_setting *s = parser_new(p, struct ast_setting);
		if (!s)
			return false;
		if (parser_peek(p, 0)->kind != TOK_WORD) {
			parser_unexpected(p, "a setting's name");
			return false;
		}
		struct token name = parser_take(p);
		s->pos = name.pos;
		s->name = name.text;
		if (!parser_expect(p, '=', "behind the setting's name"))
			return false;
		s->value = setting_value(p);
		if (!s->value)
			return false;
		*p->settings_end = s;
		p->settings_end = &s->next;
	}
	(void)parser_take(p); // the '}'
	return true;
}

/* let @x = hash(100); behind the word. */
static bool map_decl(struct parser *p)
{
	struct ast_map_decl *m = parser_new(p, struct ast_map_decl);
	int64_t n;

	if (!m)
		return false;
	if (parser_peek(p, 0)->kind != TOK_MAP) {
		parser_unexpected(p, "a @map");
		return false;
	}
	struct token name = parser_take(p);
	m->pos = name.pos;
	m->name = name.text;
	if (!parser_expect(p, '=', "behind the map's name"))
		return false;
	if (parser_peek(p, 0)->kind != TOK_WORD) {
		parser_unexpected(p, "a kind of map, as 'hash',");
		return false;
	}
	m->kind = parser_take(p).text;
	if (!parser_expect(p, '(', "behind the kind of map"))
		return false;
	struct pos pos = parser_peek(p, 0)->pos;
	if (!parse_constant(p, ");{}", &n) || !parser_expect(p, ')', "behind the size"))
		return false;
	if (n <= 0 || n > UINT32_MAX) {
		diag_error(p->d, pos, "bad-constant", "a map cannot have %" PRId64 " keys", n);
		return false;
	}
	m->max_entries = (uint64_t)n;
	*p->maps_end = m;
	p->maps_end = &m->next;
	return parser_end(p, "behind the map");
}

/* The text stands at the word @s, and that is no provider. */
static bool text_at(const struct lexer *x, const char *s)
{
	size_t len = strlen(s);

	return (size_t)(x->end - x->at) > len && !memcmp(x->at, s, len) &&
	       !bt_lex_is_word(x->at[len]) && x->at[len] != ':';
}

static bool unsupported(struct parser *p)
{
	static const char *const words[] = { "fn", "macro", "import", "subprog" };
	const struct lexer *x = &p->pp.lex;

	for (size_t i = 0; i < MEM_LEN(words); i++) {
		if (!text_at(x, words[i]))
			continue;
		diag_error(p->d, bt_lex_pos(x, strlen(words[i])), "not-supported",
			   "'%s' is not supported", words[i]);
		return true;
	}
	return false;
}

/* One thing of the top level, at whose first byte the text stands. */
static bool item(struct parser *p)
{
	const struct lexer *x = &p->pp.lex;

	if (*x->at == ';')
		return parser_accept(p, ';');
	if (*x->at == '}') {
		diag_error(p->d, bt_lex_pos(x, 1), "syntax", "there is no '{' before this");
		return parser_accept(p, '}');
	}
	if (text_at(x, "struct") || text_at(x, "union") || text_at(x, "enum") ||
	    text_at(x, "typedef"))
		return parse_top_def(p);
	if (text_at(x, "config"))
		return parser_accept_word(p, "config") && config(p);
	if (text_at(x, "let"))
		return parser_accept_word(p, "let") && map_decl(p);
	if (unsupported(p))
		return false;
	return probe(p);
}

/* Behind an error: to the end of what has braces, or a ';' before any. */
static void skip_item(struct parser *p)
{
	p->pp.lex.is_quiet = true;
	for (;;) {
		if (parser_peek(p, 0)->kind == TOK_END)
			break;
		struct token t = parser_take(p);
		if (p->braces == 0 && t.kind == TOK_PUNCT && (t.punct == ';' || t.punct == '}'))
			break;
	}
	p->pp.lex.is_quiet = false;
}

static void items(struct parser *p)
{
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
		if (!item(p) && p->r == 0)
			skip_item(p);
	}
	if (p->r == 0)
		pp_finish(&p->pp);
}

static int begin(struct parser *p, struct diag *d, struct arena *arena, struct script_ast *s)
{
	p->d = d;
	p->arena = arena;
	p->s = s;
	p->probes_end = &s->probes;
	p->defs_end = &s->defs;
	p->settings_end = &s->settings;
	p->maps_end = &s->maps;
	if (d->text_len > PARSE_BYTES_MOST)
		return diag_error(d, (struct pos){ 0 }, "too-long",
				  "the script has %zu bytes; at most %d", d->text_len,
				  PARSE_BYTES_MOST);
	return pp_init(&p->pp, d, arena);
}

static int finish(struct parser *p)
{
	if (p->r)
		return p->r;
	int r = strbuf_ok(&p->d->out);
	if (r < 0)
		return r;
	return p->d->n_errors ? sonde_fail(-EINVAL, "the script has errors") : 0;
}

int parse_bt(struct diag *d, struct arena *arena, const char *const *params, size_t n_params,
	     struct script_ast *ret)
{
	sonde_auto(parser_fini) struct parser p = { .params = params, .n_params = n_params };
	struct script_ast s = { 0 };

	int r = begin(&p, d, arena, &s);
	if (r < 0)
		return r;
	items(&p);
	s.includes = p.pp.includes;
	r = finish(&p);
	if (r == 0)
		*ret = s;
	return r;
}

int parse_bt_expr(struct diag *d, struct arena *arena, struct ast **ret)
{
	sonde_auto(parser_fini) struct parser p = { .params = NULL };
	struct script_ast s = { 0 };

	int r = begin(&p, d, arena, &s);
	if (r < 0)
		return r;
	struct ast *x = parse_expr(&p);
	if (x && parser_peek(&p, 0)->kind != TOK_END)
		parser_unexpected(&p, "the end");
	pp_finish(&p.pp);
	r = finish(&p);
	if (r == 0)
		*ret = x;
	return r;
}
