/* SPDX-License-Identifier: MIT */
/** Recursive descent with one token of look-ahead, bounded in depth. */
#include "ctf/tsdl_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

struct parser {
	struct lexer *x;
	struct token tok;  /* the one to look at */
	struct token next; /* the one behind it */
	uint32_t end;	   /* of the token before @tok */
	unsigned depth;
};

enum { PATH_WORDS_MAX = 32, NAME_MAX_LEN = 1024 };

static int advance(struct parser *p)
{
	p->end = p->tok.end;
	p->tok = p->next;
	return lex_next(p->x, &p->next);
}

static bool is_punct(const struct parser *p, char c)
{
	return p->tok.kind == TOK_PUNCT && p->tok.punct == c;
}

/** What the present token is called in a message. */
static const char *found(const struct parser *p, char *buf, size_t len)
{
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind == TOK_END)
		return "the end of the text";
	if (n > 40 || memchr(p->x->text.s + p->tok.pos, '\n', n))
		n = 40 < n ? 40 : n;
	(void)snprintf(buf, len, "'%.*s'", (int)n, p->x->text.s + p->tok.pos); /* cut on purpose */
	return buf;
}

static int unexpected(const struct parser *p, const char *wanted)
{
	char buf[64];

	return tsdl_error(&p->x->text, p->tok.pos, "%s, wanted %s", found(p, buf, sizeof(buf)),
			  wanted);
}

static int expect_punct(struct parser *p, char c)
{
	char wanted[4] = { '\'', c, '\'', '\0' };

	if (is_punct(p, c))
		return advance(p);
	// What is missing belongs behind the last token, not before the next line.
	if (c == ';' && p->end) {
		char buf[64];

		return tsdl_error(&p->x->text, p->end, "';' is missing before %s",
				  found(p, buf, sizeof(buf)));
	}
	return unexpected(p, wanted);
}

#define NEW(p, var)                                                   \
	do {                                                          \
		(var) = arena_alloc((p)->x->scratch, sizeof(*(var))); \
		if (!(var))                                           \
			return -ENOMEM;                               \
	} while (0)

/** Words with dots between, any keyword allowed. */
static int parse_path(struct parser *p, struct ast_expr *e)
{
	const char *words[PATH_WORDS_MAX];
	char joined[NAME_MAX_LEN];
	size_t len = 0;

	*e = (struct ast_expr){ .kind = AST_PATH, .pos = p->tok.pos };
	for (;;) {
		if (p->tok.kind != TOK_WORD)
			return unexpected(p, "a name");
		size_t n = strlen(p->tok.str);
		if (e->n_words == PATH_WORDS_MAX || n + 2 > sizeof(joined) - len)
			return tsdl_error(&p->x->text, e->pos, "name is too long");
		memcpy(joined + len, p->tok.str, n);
		len += n;
		words[e->n_words++] = p->tok.str;
		int r = advance(p);
		if (r < 0)
			return r;
		if (p->tok.kind != TOK_DOT)
			break;
		joined[len++] = '.';
		r = advance(p);
		if (r < 0)
			return r;
	}
	e->str = e->n_words == 1 ? words[0] : lex_word(p->x, joined, len);
	e->words = arena_array(p->x->scratch, e->n_words, sizeof(*words));
	if (!e->str || !e->words)
		return -ENOMEM;
	memcpy(e->words, words, e->n_words * sizeof(*words));
	return 0;
}

static int parse_expr(struct parser *p, struct ast_expr *e)
{
	*e = (struct ast_expr){ .kind = AST_INT_VALUE, .pos = p->tok.pos };
	bool sign = false;
	int r;

	while (is_punct(p, '-') || is_punct(p, '+')) {
		sign = true;
		e->negative ^= p->tok.punct == '-';
		r = advance(p);
		if (r < 0)
			return r;
	}
	if (p->tok.kind == TOK_INT || p->tok.kind == TOK_CHAR) {
		// A character stands for its number except where text is wanted.
		e->num = p->tok.num;
		e->str = p->tok.kind == TOK_CHAR ? p->tok.str : NULL;
		if (e->negative && e->num > (uint64_t)INT64_MAX + 1)
			return tsdl_error(&p->x->text, e->pos, "integer does not fit in 64 bits");
		return advance(p);
	}
	if (sign)
		return unexpected(p, "an integer");
	if (p->tok.kind == TOK_STR) {
		e->kind = AST_STR_VALUE;
		e->str = p->tok.str;
		return advance(p);
	}
	if (p->tok.kind == TOK_WORD)
		return parse_path(p, e);
	return unexpected(p, "a value");
}

/** `[len][len]...`; *ret is their list, left to right. */
static int parse_dims(struct parser *p, struct ast_dim **ret)
{
	struct ast_dim **tail = ret;
	unsigned n = 0;

	while (is_punct(p, '[')) {
		struct ast_dim *d;

		if (++n > TSDL_DEPTH_MAX)
			return tsdl_error(&p->x->text, p->tok.pos, "more than %d dimensions",
					  TSDL_DEPTH_MAX);
		NEW(p, d);
		int r = advance(p);
		if (r == 0)
			r = parse_expr(p, &d->len);
		if (r == 0)
			r = expect_punct(p, ']');
		if (r < 0)
			return r;
		*tail = d;
		tail = &d->next;
	}
	return 0;
}

/** Pointers, `const`s, a name if there is one, dimensions. */
static int parse_declarator(struct parser *p, bool abstract, struct ast_declarator **ret)
{
	struct ast_declarator *d;
	int r = 0;

	NEW(p, d);
	d->pos = p->tok.pos;
	while (r == 0 && (is_punct(p, '*') || (p->tok.kind == TOK_WORD && p->tok.kw == KW_CONST))) {
		d->n_pointers += is_punct(p, '*');
		r = advance(p);
	}
	if (r < 0)
		return r;
	if (!abstract) {
		d->pos = p->tok.pos;
		if (p->tok.kind != TOK_WORD)
			return unexpected(p, "a name");
		if (p->tok.kw)
			return unexpected(p, "a name that is no keyword");
		d->name = p->tok.str;
		r = advance(p);
		if (r < 0)
			return r;
	}
	*ret = d;
	return parse_dims(p, &d->dims);
}

static int parse_declarators(struct parser *p, struct ast_declarator **ret)
{
	for (;;) {
		int r = parse_declarator(p, /* abstract= */ false, ret);
		if (r < 0)
			return r;
		ret = &(*ret)->next;
		if (!is_punct(p, ','))
			return 0;
		r = advance(p);
		if (r < 0)
			return r;
	}
}

static int parse_type(struct parser *p, struct ast_type **ret);

/** `path = value;` or `path := type;` */
static int parse_setting(struct parser *p, struct ast_item *it)
{
	struct ast_expr path;
	int r = parse_path(p, &path);
	if (r < 0)
		return r;
	it->path = path.str;
	if (p->tok.kind == TOK_ASSIGN) {
		it->kind = AST_VALUE;
		r = advance(p);
		return r < 0 ? r : parse_expr(p, &it->value);
	}
	if (p->tok.kind != TOK_TYPE_ASSIGN)
		return unexpected(p, "'=' or ':='");
	it->kind = AST_TYPE;
	r = advance(p);
	if (r == 0)
		r = parse_type(p, &it->type);
	return r < 0 ? r : parse_declarator(p, /* abstract= */ true, &it->declarators);
}

static bool starts_c_type(const struct token *t)
{
	return t->kind == TOK_WORD && (t->kw == KW_CONST || t->kw >= KW_FIRST_C);
}

static bool starts_type(const struct token *t)
{
	if (starts_c_type(t))
		return true;
	switch (t->kind == TOK_WORD ? t->kw : KW_NONE) {
	case KW_ENUM:
	case KW_FLOATING_POINT:
	case KW_INTEGER:
	case KW_STRING:
	case KW_STRUCT:
	case KW_VARIANT: return true;
	default: return false;
	}
}

/** One word of a type's name added to @name, a blank before it. */
static int add_name(struct parser *p, char *name, size_t *len, const char *word)
{
	size_t n = strlen(word);

	if (n + 2 > NAME_MAX_LEN - *len)
		return tsdl_error(&p->x->text, p->tok.pos, "type name is too long");
	if (*len)
		name[(*len)++] = ' ';
	memcpy(name + *len, word, n);
	*len += n;
	return 0;
}

/** The name behind `typealias ... :=`: all words, then pointers. */
static int parse_alias_name(struct parser *p, const char **ret)
{
	char name[NAME_MAX_LEN];
	size_t len = 0;

	if (p->tok.kind != TOK_WORD)
		return unexpected(p, "a type's new name");
	while (p->tok.kind == TOK_WORD || is_punct(p, '*')) {
		int r = add_name(p, name, &len, p->tok.kind == TOK_WORD ? p->tok.str : "*");
		if (r == 0)
			r = advance(p);
		if (r < 0)
			return r;
	}
	*ret = lex_word(p->x, name, len);
	return *ret ? 0 : -ENOMEM;
}

static int parse_item(struct parser *p, bool in_type, struct ast_item **ret)
{
	struct ast_item *it;
	int r = 0;
	const enum tsdl_keyword kw = p->tok.kind == TOK_WORD ? p->tok.kw : KW_NONE;

	NEW(p, it);
	it->pos = p->tok.pos;
	if (kw == KW_TYPEALIAS) {
		it->kind = AST_ALIAS;
		r = advance(p);
		if (r == 0)
			r = parse_type(p, &it->type);
		if (r == 0)
			r = parse_declarator(p, /* abstract= */ true, &it->declarators);
		if (r == 0 && p->tok.kind != TOK_TYPE_ASSIGN)
			return unexpected(p, "':='");
		if (r == 0)
			r = advance(p);
		if (r == 0)
			r = parse_alias_name(p, &it->alias);
	} else if (kw == KW_TYPEDEF) {
		it->kind = AST_TYPEDEF;
		r = advance(p);
		if (r == 0)
			r = parse_type(p, &it->type);
		if (r == 0)
			r = parse_declarators(p, &it->declarators);
	} else if (in_type || (starts_type(&p->tok) && p->next.kind != TOK_ASSIGN)) {
		it->kind = AST_FIELD;
		r = parse_type(p, &it->type);
		if (r == 0 && !is_punct(p, ';'))
			r = parse_declarators(p, &it->declarators);
	} else {
		r = parse_setting(p, it);
	}
	*ret = it;
	return r < 0 ? r : expect_punct(p, ';');
}

enum body { BODY_SETTINGS, BODY_MEMBERS, BODY_BLOCK };

/** `{ items }` */
static int parse_body(struct parser *p, enum body body, struct ast_item **ret)
{
	const uint32_t from = p->tok.pos;
	int r = expect_punct(p, '{');

	while (r == 0 && !is_punct(p, '}')) {
		if (p->tok.kind == TOK_END)
			return tsdl_error(&p->x->text, from, "'{' without its '}'");
		if (body == BODY_SETTINGS) {
			struct ast_item *it;

			NEW(p, it);
			it->pos = p->tok.pos;
			r = parse_setting(p, it);
			if (r == 0)
				r = expect_punct(p, ';');
			*ret = it;
		} else {
			r = parse_item(p, body == BODY_MEMBERS, ret);
		}
		if (r == 0)
			ret = &(*ret)->next;
	}
	return r < 0 ? r : advance(p);
}

static int parse_struct_tail(struct parser *p, struct ast_type *t)
{
	if (!(p->tok.kind == TOK_WORD && p->tok.kw == KW_ALIGN))
		return 0;
	t->has_align = true;
	int r = advance(p);
	if (r == 0)
		r = expect_punct(p, '(');
	if (r == 0)
		r = parse_expr(p, &t->align);
	return r < 0 ? r : expect_punct(p, ')');
}

/** `<path>` */
static int parse_tag(struct parser *p, struct ast_type *t)
{
	if (t->has_tag)
		return unexpected(p, "one tag");
	t->has_tag = true;
	int r = advance(p);
	if (r == 0)
		r = parse_path(p, &t->tag);
	return r < 0 ? r : expect_punct(p, '>');
}

static int parse_enumerator(struct parser *p, struct ast_enumerator **ret)
{
	struct ast_enumerator *e;
	int r;

	NEW(p, e);
	e->pos = p->tok.pos;
	if (p->tok.kind == TOK_WORD)
		e->label = p->tok.str;
	else if (p->tok.kind == TOK_STR)
		e->label = lex_word(p->x, p->tok.str, strlen(p->tok.str));
	else
		return unexpected(p, "a label");
	if (!e->label)
		return -ENOMEM;
	*ret = e;
	r = advance(p);
	if (r < 0 || p->tok.kind != TOK_ASSIGN)
		return r;
	e->has_lo = true;
	r = advance(p);
	if (r == 0)
		r = parse_expr(p, &e->lo);
	if (r < 0 || p->tok.kind != TOK_DOTS)
		return r;
	e->has_hi = true;
	r = advance(p);
	return r < 0 ? r : parse_expr(p, &e->hi);
}

static int parse_enum_tail(struct parser *p, struct ast_type *t)
{
	int r = 0;

	if (is_punct(p, ':')) {
		r = advance(p);
		if (r == 0)
			r = parse_type(p, &t->container);
	}
	if (r < 0 || !is_punct(p, '{'))
		return r;
	t->has_body = true;
	r = advance(p);

	struct ast_enumerator **tail = &t->enumerators;
	while (r == 0 && !is_punct(p, '}')) {
		r = parse_enumerator(p, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		if (is_punct(p, ','))
			r = advance(p);
		else if (!is_punct(p, '}'))
			return unexpected(p, "',' or '}'");
	}
	return r < 0 ? r : advance(p);
}

/** Behind `struct`, `variant` or `enum`: name, tag, container, body, alignment. */
static int parse_compound(struct parser *p, struct ast_type *t)
{
	int r = 0;

	if (p->tok.kind == TOK_WORD && !p->tok.kw) {
		t->name = p->tok.str;
		r = advance(p);
	}
	if (r == 0 && t->kind == AST_VARIANT && is_punct(p, '<'))
		r = parse_tag(p, t);
	if (r == 0 && t->kind == AST_ENUM)
		r = parse_enum_tail(p, t);
	else if (r == 0 && is_punct(p, '{')) {
		t->has_body = true;
		r = parse_body(p, BODY_MEMBERS, &t->items);
		if (r == 0 && t->kind == AST_STRUCT)
			r = parse_struct_tail(p, t);
	}
	if (r == 0 && t->kind == AST_VARIANT && is_punct(p, '<'))
		r = parse_tag(p, t);
	if (r == 0 && !t->name && !t->has_body)
		return unexpected(p, "a name or '{'");
	return r;
}

/** Words of an alias's name: the last of several identifiers is what is declared. */
static int parse_named(struct parser *p, struct ast_type *t)
{
	char name[NAME_MAX_LEN], bare[NAME_MAX_LEN];
	size_t len = 0, bare_len = 0;
	bool got_type = false;

	t->kind = AST_NAMED;
	while (p->tok.kind == TOK_WORD) {
		const bool is_type_word = starts_c_type(&p->tok);

		if (p->tok.kw && !is_type_word)
			break;
		if (!p->tok.kw && got_type && p->next.kind != TOK_WORD &&
		    !(p->next.kind == TOK_PUNCT && p->next.punct == '*'))
			break;
		int r = add_name(p, name, &len, p->tok.str);
		if (r == 0 && p->tok.kw != KW_CONST) {
			got_type = true;
			r = add_name(p, bare, &bare_len, p->tok.str);
		}
		if (r == 0)
			r = advance(p);
		if (r < 0)
			return r;
		// `const struct x`: the qualifier changes nothing.
		if (!got_type && starts_type(&p->tok) && !starts_c_type(&p->tok))
			return 1;
	}
	if (!got_type)
		return unexpected(p, "a type");
	t->name = lex_word(p->x, name, len);
	t->bare = lex_word(p->x, bare, bare_len);
	return t->name && t->bare ? 0 : -ENOMEM;
}

/** `integer { ... }`, `floating_point { ... }`, `string`, `string { ... }` */
static int parse_scalar(struct parser *p, struct ast_type *t, enum ast_type_kind kind)
{
	t->kind = kind;
	int r = advance(p);
	if (r < 0)
		return r;
	t->has_body = is_punct(p, '{');
	if (kind == AST_STRING && !t->has_body)
		return 0;
	return parse_body(p, BODY_SETTINGS, &t->items);
}

static int parse_type_kind(struct parser *p, struct ast_type *t)
{
	switch (p->tok.kind == TOK_WORD ? p->tok.kw : KW_NONE) {
	case KW_INTEGER: return parse_scalar(p, t, AST_INTEGER);
	case KW_FLOATING_POINT: return parse_scalar(p, t, AST_FLOATING);
	case KW_STRING: return parse_scalar(p, t, AST_STRING);
	case KW_STRUCT: t->kind = AST_STRUCT; break;
	case KW_VARIANT: t->kind = AST_VARIANT; break;
	case KW_ENUM: t->kind = AST_ENUM; break;
	default: {
		int r = parse_named(p, t);

		return r == 1 ? parse_type_kind(p, t) : r;
	}
	}
	int r = advance(p);
	return r < 0 ? r : parse_compound(p, t);
}

static int parse_type(struct parser *p, struct ast_type **ret)
{
	struct ast_type *t;

	NEW(p, t);
	t->pos = p->tok.pos;
	if (p->depth == TSDL_DEPTH_MAX)
		return tsdl_error(&p->x->text, t->pos, "types nest more than %d deep",
				  TSDL_DEPTH_MAX);
	p->depth++;
	int r = parse_type_kind(p, t);
	p->depth--;
	*ret = t;
	return r;
}

static int parse_block(struct parser *p, struct ast_block **ret)
{
	static const struct {
		enum tsdl_keyword kw;
		enum ast_block_kind kind;
	} kinds[] = {
		{ KW_TRACE, AST_TRACE },   { KW_ENV, AST_ENV },	    { KW_CLOCK, AST_CLOCK },
		{ KW_STREAM, AST_STREAM }, { KW_EVENT, AST_EVENT }, { KW_CALLSITE, AST_CALLSITE },
	};
	struct ast_block *b;
	int r;

	NEW(p, b);
	b->pos = p->tok.pos;
	*ret = b;
	for (size_t i = 0; i < MEM_LEN(kinds) && p->tok.kind == TOK_WORD; i++) {
		if (p->tok.kw != kinds[i].kw)
			continue;
		b->kind = kinds[i].kind;
		r = advance(p);
		if (r == 0)
			r = parse_body(p, BODY_BLOCK, &b->items);
		return r < 0 ? r : expect_punct(p, ';');
	}
	if (!starts_type(&p->tok) &&
	    !(p->tok.kind == TOK_WORD && (p->tok.kw == KW_TYPEALIAS || p->tok.kw == KW_TYPEDEF)))
		return unexpected(p, "a block (trace, env, clock, stream, event) or a declaration");
	b->kind = AST_ROOT;
	return parse_item(p, /* in_type= */ true, &b->items);
}

int tsdl_parse(struct lexer *x, struct ast_block **ret)
{
	struct parser p = { .x = x };
	struct ast_block *first = NULL, **tail = &first;

	int r = lex_next(x, &p.tok);
	if (r == 0)
		r = lex_next(x, &p.next);
	while (r == 0 && p.tok.kind != TOK_END) {
		r = is_punct(&p, ';') ? advance(&p) : parse_block(&p, tail);
		if (*tail)
			tail = &(*tail)->next;
	}
	if (r == 0)
		*ret = first;
	return r;
}
