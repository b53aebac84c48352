/* SPDX-License-Identifier: MIT */
/** Lines that begin with '#'. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/const_expr.h"
#include "lang/syntax/pp.h"

/* The tokens of one line. */
struct line {
	struct token *tokens; /* owned */
	size_t n, cap;
	struct pos pos; /* of the '#' */
};

static void line_fini(struct line *l)
{
	free(l->tokens);
}

static int bad(struct pp *pp, struct pos pos, const char *words)
{
	return diag_error(pp->lex.d, pos, "bad-directive", "%s", words);
}

/* The end of the logical line: behind '\' it goes on, and comments do not end it. */
static const char *line_end(const struct lexer *x)
{
	const char *at = x->at, *end = x->end;
	char quote = '\0';

	while (at < end && *at != '\n') {
		if (*at == '\\' && end - at > 1) {
			at += 2;
		} else if (quote) {
			quote = *at++ == quote ? '\0' : quote;
		} else if (*at == '/' && end - at > 1 && at[1] == '/') {
			at = memchr(at, '\n', (size_t)(end - at));
			return at ? at : end;
		} else if (*at == '/' && end - at > 1 && at[1] == '*') {
			const char *stop = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);

			at = stop ? stop + 2 : end;
		} else {
			quote = *at == '"' || *at == '\'' ? *at : '\0';
			at++;
		}
	}
	return at;
}

static int line_add(struct line *l, const struct token *t)
{
	int r = mem_grow(&l->tokens, &l->cap, l->n + 1);

	if (r == 0)
		l->tokens[l->n++] = *t;
	return r;
}

/* Reads to the end of the line. */
static int line_read(struct pp *pp, struct line *l)
{
	const char *end = pp->lex.end;
	int r;

	pp->lex.end = line_end(&pp->lex);
	for (;;) {
		struct token t;

		r = bt_lex_next(&pp->lex, &t);
		if (r < 0 || t.kind == TOK_END)
			break;
		r = line_add(l, &t);
		if (r < 0)
			break;
	}
	pp->lex.end = end;
	return r;
}

static void line_skip(struct pp *pp)
{
	const char *stop = line_end(&pp->lex);

	// Line by line, so that lines are counted.
	while (pp->lex.at < stop) {
		if (*pp->lex.at == '\n') {
			pp->lex.line += !pp->lex.stays;
			pp->lex.line_start = pp->lex.at + 1;
		}
		pp->lex.at++;
	}
}

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == TOK_WORD && !strcmp(t->text, word);
}

static bool is_punct(const struct token *t, uint32_t punct)
{
	return t->kind == TOK_PUNCT && t->punct == punct;
}

/* The line's rest as it is written: of #include and #error. */
static void rest(struct pp *pp, const char **ret, size_t *ret_len)
{
	const char *at = pp->lex.at, *end = line_end(&pp->lex);

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*ret = at;
	*ret_len = (size_t)(end - at);
}

static int include(struct pp *pp, struct line *l)
{
	const char *text;
	size_t len;

	rest(pp, &text, &len);
	char close = len && *text == '<' ? '>' : '"';
	const char *stop =
		len > 1 && (*text == '<' || *text == '"') ? memchr(text + 1, close, len - 1) : NULL;
	line_skip(pp);
	if (!stop)
		return bad(pp, l->pos, "'#include' wants <FILE> or \"FILE\"");

	struct ast_include *inc = arena_new(pp->lex.arena, struct ast_include);
	if (!inc)
		return -ENOMEM;
	inc->pos = l->pos;
	inc->path = arena_strndup(pp->lex.arena, text + 1, (size_t)(stop - text - 1));
	if (!inc->path)
		return -ENOMEM;
	if (!pp->includes_end)
		pp->includes_end = &pp->includes;
	*pp->includes_end = inc;
	pp->includes_end = &inc->next;
	return 0;
}

/* The parameters behind '('; *@at stands there, and behind ')' afterwards. */
static int macro_params(struct pp *pp, const struct line *l, size_t *at, struct pp_macro *m,
			const char *names[PP_PARAMS_MOST])
{
	if (*at < l->n && is_punct(&l->tokens[*at], ')')) {
		++*at;
		return 0;
	}
	for (; *at + 1 < l->n; *at += 2) {
		const struct token *t = &l->tokens[*at];

		if (t->kind != TOK_WORD || m->n_params == PP_PARAMS_MOST)
			return bad(pp, t->pos,
				   "a parameter's name was expected, or there are too many");
		names[m->n_params++] = t->text;
		if (is_punct(&t[1], ')')) {
			*at += 2;
			return 0;
		}
		if (!is_punct(&t[1], ','))
			break;
	}
	return bad(pp, l->pos, "the macro's parameters have no ')'");
}

static int define(struct pp *pp, struct line *l)
{
	const char *names[PP_PARAMS_MOST];
	size_t at = 1;

	if (l->n == 0 || l->tokens[0].kind != TOK_WORD)
		return bad(pp, l->pos, "'#define' wants a name");
	struct pp_macro *m = arena_new(pp->lex.arena, struct pp_macro);
	if (!m)
		return -ENOMEM;
	const struct token *name = &l->tokens[0];
	m->name = name->text;
	m->n_params = 0;
	// "F(x)" has parameters, "F (x)" has not.
	if (l->n > 1 && is_punct(&l->tokens[1], '(') && l->tokens[1].pos.line == name->pos.line &&
	    l->tokens[1].pos.col == name->pos.col + name->pos.len) {
		m->is_function = true;
		at = 2;
		int r = macro_params(pp, l, &at, m, names);
		if (r < 0)
			return r;
	}
	m->n_body = l->n - at;
	struct token *body = arena_array(pp->lex.arena, m->n_body, sizeof(*body));
	if (!body)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_body; i++) {
		body[i] = l->tokens[at + i];
		for (unsigned k = 0; k < m->n_params && body[i].kind == TOK_WORD; k++) {
			if (is_word(&body[i], names[k]))
				body[i] = (struct token){ .kind = TOK_PARAM,
							  .num = k,
							  .is_painted = true };
		}
	}
	m->body = body;
	return pp_define(pp, m);
}

static bool lookup_none(void *ctx, const char *name, int64_t *ret)
{
	(void)ctx, (void)name;
	*ret = 0; // as in C, an unknown name is 0
	return true;
}

/* defined X, defined(X): 1 or 0; @at is behind it afterwards. */
static int replace_defined(struct pp *pp, const struct line *l, size_t *at, struct token *ret)
{
	size_t i = *at + 1;
	bool has_paren = i < l->n && is_punct(&l->tokens[i], '(');

	i += has_paren;
	if (i >= l->n || l->tokens[i].kind != TOK_WORD ||
	    (has_paren && (i + 1 >= l->n || !is_punct(&l->tokens[i + 1], ')'))))
		return bad(pp, l->tokens[*at].pos, "'defined' wants a name");
	*ret = (struct token){
		.kind = TOK_INT,
		.pos = l->tokens[*at].pos,
		.num = pp_find(pp, l->tokens[i].text) != NULL,
	};
	*at = i + has_paren;
	return 0;
}

/* @n tokens with macros of numbers put in; what calls a macro is left to fail as no constant. */
static int condition_add(struct pp *pp, const struct token *tokens, size_t n, unsigned depth,
			 struct line *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct token *t = &tokens[i];
		struct pp_macro *m = t->kind == TOK_WORD ? pp_find(pp, t->text) : NULL;

		if (!m || m->is_function || m->is_active || depth == PP_NESTING_MOST) {
			r = line_add(ret, t);
			continue;
		}
		m->is_active = true;
		r = condition_add(pp, m->body, m->n_body, depth + 1, ret);
		m->is_active = false;
		if (r == 0 && ret->n > PP_TOKENS_MOST)
			r = bad(pp, t->pos, "this condition becomes too long");
	}
	return r;
}

static int condition_tokens(struct pp *pp, const struct line *l, struct line *ret)
{
	int r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++) {
		struct token t = l->tokens[i];

		if (!is_word(&t, "defined")) {
			r = condition_add(pp, &t, 1, 0, ret);
			continue;
		}
		r = replace_defined(pp, l, &i, &t);
		if (r == 0)
			r = line_add(ret, &t);
	}
	return r;
}

/* The value of #if and #elif. */
static int condition(struct pp *pp, const struct line *l, bool *ret)
{
	const struct const_env env = { .d = pp->lex.d, .lookup = lookup_none };
	sonde_auto(line_fini) struct line value = { 0 };
	int64_t n = 0;

	*ret = false;
	if (l->n == 0)
		return bad(pp, l->pos, "a condition is missing");
	int r = condition_tokens(pp, l, &value);
	if (r == 0)
		r = const_eval(&env, value.tokens, value.n, &n);
	*ret = n != 0;
	return r;
}

static int ifdef(struct pp *pp, const struct line *l, bool *ret)
{
	*ret = false;
	if (l->n == 0 || l->tokens[0].kind != TOK_WORD)
		return bad(pp, l->pos, "a name is missing");
	*ret = pp_find(pp, l->tokens[0].text) != NULL;
	return 0;
}

enum branch { BRANCH_NONE, BRANCH_IF, BRANCH_ELSE, BRANCH_ENDIF };

/* A directive of conditions. *@ret: what follows is to be read. */
static int cond(struct pp *pp, const char *name, const struct line *l, bool *ret)
{
	struct pp_cond *c = pp->n_conds ? &pp->conds[pp->n_conds - 1] : NULL;
	int r = 0;

	if (!strncmp(name, "if", 2)) {
		if (pp->n_conds == PP_CONDS_MOST)
			return bad(pp, l->pos, "too many '#if' in each other");
		r = !strcmp(name, "if") ? condition(pp, l, ret) : ifdef(pp, l, ret);
		if (!strcmp(name, "ifndef"))
			*ret = !*ret;
		pp->conds[pp->n_conds++] = (struct pp_cond){ .pos = l->pos, .was_taken = *ret };
		return r;
	}
	if (!c)
		return bad(pp, l->pos, "there is no '#if' before this");
	if (!strcmp(name, "endif")) {
		pp->n_conds--;
		*ret = true;
		return 0;
	}
	if (c->has_else)
		r = bad(pp, l->pos, "this is behind '#else'");
	c->has_else = c->has_else || !strcmp(name, "else");
	*ret = !c->was_taken;
	if (*ret && !strcmp(name, "elif"))
		r = condition(pp, l, ret);
	c->was_taken = c->was_taken || *ret;
	return r;
}

static enum branch branch_of(const char *name)
{
	if (!strcmp(name, "if") || !strcmp(name, "ifdef") || !strcmp(name, "ifndef"))
		return BRANCH_IF;
	if (!strcmp(name, "else") || !strcmp(name, "elif"))
		return BRANCH_ELSE;
	return !strcmp(name, "endif") ? BRANCH_ENDIF : BRANCH_NONE;
}

/* The directive's name; "" where there is none. */
static int directive_name(struct pp *pp, const char **ret)
{
	const char *end = pp->lex.end;
	struct token t = { 0 };

	pp->lex.end = line_end(&pp->lex);
	int r = 0;
	bt_lex_blank(&pp->lex);
	if (pp->lex.at < pp->lex.end && bt_lex_is_word_start(*pp->lex.at))
		r = bt_lex_next(&pp->lex, &t);
	pp->lex.end = end;
	*ret = t.kind == TOK_WORD ? t.text : "";
	return r;
}

/* In a branch that is not taken, at the beginning of a line: to the next directive's '#'. */
static bool next_directive(struct lexer *x)
{
	while (x->at < x->end) {
		bt_lex_blank(x);
		if (x->at < x->end && *x->at == '#' && x->is_fresh)
			return true;
		// A comment may begin inside of the line; quotes hide one.
		char quote = '\0';
		while (x->at < x->end && *x->at != '\n') {
			char c = *x->at;

			if (!quote && c == '/' && x->end - x->at > 1 &&
			    (x->at[1] == '*' || x->at[1] == '/'))
				break;
			if (c == '\\' && x->end - x->at > 1 && x->at[1] != '\n')
				x->at++;
			else if (quote || c == '"')
				quote = c == quote ? '\0' : (quote ? quote : c);
			x->at++;
			x->is_fresh = false;
		}
	}
	return false;
}

/* From a branch that is not taken to the directive that ends it. */
static int skip_branch(struct pp *pp)
{
	unsigned inner = 0;

	while (next_directive(&pp->lex)) {
		sonde_auto(line_fini) struct line l = { .pos = bt_lex_pos(&pp->lex, 1) };
		const char *name;
		bool is_taken = false;

		pp->lex.at++;
		pp->lex.is_fresh = false;
		int r = directive_name(pp, &name);
		if (r < 0)
			return r;
		enum branch b = branch_of(name);
		if (b == BRANCH_NONE || inner || b == BRANCH_IF) {
			inner += b == BRANCH_IF;
			inner -= b == BRANCH_ENDIF;
			line_skip(pp);
			continue;
		}
		r = line_read(pp, &l);
		if (r == 0)
			r = cond(pp, name, &l, &is_taken);
		if (r == -ENOMEM || is_taken)
			return r;
	}
	return 0;
}

/* # 12 "script.d": what comes is line 12 of that; text of other files has no lines of its own. */
static void marker(struct pp *pp, const struct line *l)
{
	const char *name = pp->lex.d->name ? pp->lex.d->name : "";
	const struct token *n = &l->tokens[0], *file = l->n > 1 ? &l->tokens[1] : NULL;

	if (file && file->kind == TOK_STR)
		pp->lex.stays = strcmp(file->text, name) != 0 && !strpbrk(name, "\"\\\n");
	// The end of this line is still to come.
	if (!pp->lex.stays && n->num && n->num <= UINT32_MAX)
		pp->lex.line = (uint32_t)n->num - 1;
}

/* The others: what is not about conditions. */
static int plain(struct pp *pp, const char *name, struct line *l)
{
	const char *text;
	size_t len;

	if (!strcmp(name, "include"))
		return include(pp, l);
	if (!strcmp(name, "error") || !strcmp(name, "warning")) {
		rest(pp, &text, &len);
		line_skip(pp);
		diag_add(pp->lex.d, *name == 'e' ? DIAG_ERROR : DIAG_WARNING, l->pos, name, "%.*s",
			 len < 200 ? (int)len : 200, text);
		return 0;
	}
	if (!strcmp(name, "pragma") && pp->pragma) {
		rest(pp, &text, &len);
		line_skip(pp);
		return pp->pragma(pp->pragma_arg, l->pos, text, len);
	}
	if (!strcmp(name, "pragma")) {
		line_skip(pp);
		return 0;
	}
	int r = line_read(pp, l);
	if (r < 0)
		return r;
	if ((*name == '\0' || !strcmp(name, "line")) && l->n && l->tokens[0].kind == TOK_INT) {
		marker(pp, l);
		return 0;
	}
	if (!strcmp(name, "define"))
		return define(pp, l);
	if (!strcmp(name, "undef")) {
		struct pp_macro *m =
			l->n ? pp_find(pp, l->tokens[0].kind == TOK_WORD ? l->tokens[0].text : "")
			     : NULL;
		if (m)
			m->is_gone = true;
		return 0;
	}
	if (*name == '\0' && l->n == 0)
		return 0;
	return diag_error(pp->lex.d, l->pos, "bad-directive", "unknown directive '#%s'", name);
}

int pp_directive(struct pp *pp)
{
	sonde_auto(line_fini) struct line l = { .pos = bt_lex_pos(&pp->lex, 1) };
	bool is_taken = true;
	const char *name;

	if (l.pos.col > 1)
		l.pos.col--;
	int r = directive_name(pp, &name);
	if (r < 0)
		return r;
	if (branch_of(name) == BRANCH_NONE) {
		r = plain(pp, name, &l);
		return r == -EINVAL ? 0 : r;
	}
	r = line_read(pp, &l);
	if (r == 0)
		r = cond(pp, name, &l, &is_taken);
	if (r == -ENOMEM)
		return r;
	return is_taken || pp->n_conds == 0 ? 0 : skip_branch(pp);
}
