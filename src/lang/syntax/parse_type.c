/* SPDX-License-Identifier: MIT */
/** Types as C and the language write them, and constants inside of them. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/syntax/const_expr.h"
#include "lang/syntax/parser.h"

enum { SHAPE_WORDS = 6, SHAPE_STARS = 8, CONSTANT_MOST = 4096 };

static const char *const c_words[] = {
	"char", "short", "int", "long", "signed", "unsigned", "float", "double",
};
static const char *const type_words[] = {
	"void",	  "bool",   "_Bool", "string", "int8", "int16", "int32", "int64", "uint8", "uint16",
	"uint32", "uint64", "s8",    "s16",    "s32",  "s64",	"u8",	 "u16",	  "u32",   "u64",
	"__s8",	  "__s16",  "__s32", "__s64",  "__u8", "__u16", "__u32", "__u64",
};

static bool is_one_of(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], word))
			return true;
	}
	return false;
}

static bool is_c_word(const char *word)
{
	return is_one_of(c_words, MEM_LEN(c_words), word);
}

static bool is_tag(const char *word)
{
	return !strcmp(word, "struct") || !strcmp(word, "union") || !strcmp(word, "enum");
}

static bool is_qualifier(const char *word)
{
	static const char *const words[] = { "const", "volatile", "restrict", "__restrict" };

	return is_one_of(words, MEM_LEN(words), word);
}

static bool is_type_name(struct parser *p, const char *word)
{
	size_t len = strlen(word);
	int64_t one;

	return is_c_word(word) || is_one_of(type_words, MEM_LEN(type_words), word) ||
	       (len > 2 && !strcmp(word + len - 2, "_t")) || names_get(&p->typedefs, word, &one);
}

static bool is_punct(const struct token *t, uint32_t punct)
{
	return t->kind == TOK_PUNCT && t->punct == punct;
}

unsigned parse_type_shape(struct parser *p, unsigned i)
{
	const struct token *t = parser_peek(p, i);
	unsigned n = 0;

	if (t->kind != TOK_WORD)
		return 0;
	bool is_c = is_c_word(t->text);
	for (t = parser_peek(p, ++i); is_c && t->kind == TOK_WORD && n < SHAPE_WORDS; n++)
		t = parser_peek(p, ++i);
	for (n = 0; is_punct(t, '*') && n < SHAPE_STARS; n++)
		t = parser_peek(p, ++i);
	for (n = 0; is_punct(t, '[') && n < MEM_LEN(((struct ast_type *)0)->dims); n++) {
		t = parser_peek(p, ++i);
		if (t->kind == TOK_INT || t->kind == TOK_WORD)
			t = parser_peek(p, ++i);
		if (!is_punct(t, ']'))
			return 0;
		t = parser_peek(p, ++i);
	}
	return i;
}

bool parse_at_type(struct parser *p, unsigned i, uint32_t end)
{
	const struct token *t = parser_peek(p, i);

	if (t->kind != TOK_WORD)
		return false;
	if (is_tag(t->text) || is_qualifier(t->text))
		return parser_peek(p, i + 1)->kind == TOK_WORD;
	unsigned stop = parse_type_shape(p, i);
	if (!stop || !is_punct(parser_peek(p, stop), end))
		return false;
	return is_type_name(p, t->text) || is_punct(parser_peek(p, i + 1), '*');
}

static bool lookup(void *ctx, const char *name, int64_t *ret)
{
	const struct parser *p = ctx;

	return names_get(&p->constants, name, ret);
}

struct tokens {
	struct token *list; /* owned */
	size_t n, cap;
};

static void tokens_fini(struct tokens *t)
{
	free(t->list);
}

static bool is_end(const struct token *t, const char *ends)
{
	return t->kind == TOK_END ||
	       (t->kind == TOK_PUNCT && t->punct < 0x80 && strchr(ends, (int)t->punct));
}

bool parse_constant(struct parser *p, const char *ends, int64_t *ret)
{
	const struct const_env env = { .d = p->d, .lookup = lookup, .ctx = p };
	sonde_auto(tokens_fini) struct tokens t = { 0 };
	struct pos pos = parser_peek(p, 0)->pos;

	while (!is_end(parser_peek(p, 0), ends)) {
		if (t.n == CONSTANT_MOST) {
			diag_error(p->d, pos, "bad-constant", "this constant has no end");
			return false;
		}
		if (!parser_ok(p, mem_grow(&t.list, &t.cap, t.n + 1)))
			return false;
		sonde_dcheck(t.list);
		t.list[t.n++] = parser_take(p);
	}
	if (p->r)
		return false;
	if (t.n == 0) {
		parser_unexpected(p, "a number");
		return false;
	}
	return const_eval(&env, t.list, t.n, ret) == 0;
}

bool parse_dims(struct parser *p, struct ast_type *t)
{
	while (parser_at(p, '[')) {
		struct pos pos = parser_take(p).pos;
		int64_t n = 0;

		if (t->n_dims == MEM_LEN(t->dims)) {
			diag_error(p->d, pos, "bad-type", "at most %zu dimensions",
				   MEM_LEN(t->dims));
			return false;
		}
		if (!parser_at(p, ']') && !parse_constant(p, "];{}", &n))
			return false;
		if (n < 0 || n > INT32_MAX) {
			diag_error(p->d, pos, "bad-type", "an array cannot have %lld elements",
				   (long long)n);
			return false;
		}
		t->dims[t->n_dims++] = (uint64_t)n;
		if (!parser_expect(p, ']', "behind the size"))
			return false;
	}
	return true;
}

bool parse_stars(struct parser *p, struct ast_type *t)
{
	for (;;) {
		const struct token *next = parser_peek(p, 0);

		if (next->kind == TOK_WORD && is_qualifier(next->text)) {
			(void)parser_take(p); // says nothing about the layout
		} else if (!is_punct(next, '*')) {
			return true;
		} else if (++t->n_ptrs > SHAPE_STARS) {
			diag_error(p->d, next->pos, "bad-type", "at most %d stars", SHAPE_STARS);
			return false;
		} else {
			(void)parser_take(p); // known
		}
	}
}

/* Counts of C's words for one type, in the order of @c_words. */
enum { W_CHAR, W_SHORT, W_INT, W_LONG, W_SIGNED, W_UNSIGNED, W_FLOAT, W_DOUBLE };

static const char *c_name(const unsigned n[MEM_LEN(c_words)])
{
	bool is_unsigned = n[W_UNSIGNED];

	if (n[W_FLOAT])
		return "float";
	if (n[W_DOUBLE])
		return n[W_LONG] ? "long double" : "double";
	if (n[W_CHAR])
		return is_unsigned ? "unsigned char" : (n[W_SIGNED] ? "signed char" : "char");
	if (n[W_SHORT])
		return is_unsigned ? "unsigned short" : "short";
	if (n[W_LONG] > 1)
		return is_unsigned ? "unsigned long long" : "long long";
	if (n[W_LONG])
		return is_unsigned ? "unsigned long" : "long";
	return is_unsigned ? "unsigned int" : "int";
}

static bool c_base(struct parser *p, struct ast_type *ret)
{
	unsigned n[MEM_LEN(c_words)] = { 0 };

	for (;;) {
		const struct token *t = parser_peek(p, 0);

		if (t->kind != TOK_WORD || (!is_c_word(t->text) && !is_qualifier(t->text)))
			break;
		for (size_t i = 0; i < MEM_LEN(c_words); i++)
			n[i] += !strcmp(c_words[i], t->text);
		(void)parser_take(p); // counted
	}
	unsigned kinds = n[W_CHAR] + n[W_SHORT] + n[W_FLOAT] + n[W_DOUBLE] + (n[W_LONG] > 0);
	bool is_real = n[W_FLOAT] || n[W_DOUBLE];
	bool has_sign = n[W_SIGNED] || n[W_UNSIGNED];
	if (n[W_LONG] > 2 || n[W_INT] > 1 || n[W_SIGNED] + n[W_UNSIGNED] > 1 ||
	    (n[W_INT] && (n[W_CHAR] || is_real)) || (is_real && has_sign) ||
	    (kinds > 1 && !(kinds == 2 && n[W_LONG] == 1 && n[W_DOUBLE] == 1))) {
		diag_error(p->d, ret->pos, "bad-type", "these words make no type together");
		return false;
	}
	ret->name = c_name(n);
	return true;
}

static const char *join(struct parser *p, const char *tag, const char *name)
{
	size_t tag_len = strlen(tag), len = tag_len + 1 + strlen(name);
	char *ret = parser_alloc(p, len + 1);

	if (ret) {
		memcpy(ret, tag, tag_len);
		ret[tag_len] = ' ';
		memcpy(ret + tag_len + 1, name, len - tag_len - 1);
	}
	return ret;
}

static bool tag_base(struct parser *p, struct ast_type *ret, struct ast_def **ret_def)
{
	struct token tag = parser_take(p);
	const char *name = "";
	bool packed = false;

	if (ret_def && !parse_attributes(p, &packed))
		return false;
	bool has_name = parser_peek(p, 0)->kind == TOK_WORD;
	if (has_name)
		name = parser_take(p).text;
	if (!has_name && !(ret_def && parser_at(p, '{'))) {
		parser_unexpected(p, "a name");
		return false;
	}
	ret->name = has_name ? join(p, tag.text, name) : tag.text;
	if (!ret->name)
		return false;
	if (!ret_def || !parser_at(p, '{'))
		return true;
	enum ast_def_kind kind = *tag.text == 's' ? AST_DEF_STRUCT : AST_DEF_UNION;
	*ret_def = parse_def_body(p, *tag.text == 'e' ? AST_DEF_ENUM : kind, name);
	if (!*ret_def)
		return false;
	(*ret_def)->pos = tag.pos;
	(*ret_def)->packed = packed;
	return parse_attributes(p, &(*ret_def)->packed);
}

bool parse_type_base(struct parser *p, struct ast_type *ret, struct ast_def **ret_def)
{
	const struct token *t = parser_peek(p, 0);

	ret->pos = t->pos;
	while (t->kind == TOK_WORD && is_qualifier(t->text)) {
		(void)parser_take(p); // says nothing about the layout
		t = parser_peek(p, 0);
	}
	if (t->kind != TOK_WORD) {
		parser_unexpected(p, "a type");
		return false;
	}
	if (is_tag(t->text))
		return tag_base(p, ret, ret_def);
	if (is_c_word(t->text))
		return c_base(p, ret);
	ret->name = parser_take(p).text;
	if (!strcmp(ret->name, "_Bool"))
		ret->name = "bool";
	return true;
}

const struct ast_type *parse_type(struct parser *p)
{
	struct ast_type *t = parser_new(p, struct ast_type);

	if (!t || !parse_type_base(p, t, NULL) || !parse_stars(p, t) || !parse_dims(p, t))
		return NULL;
	t->pos.len = p->last.pos.line == t->pos.line
			     ? p->last.pos.col + p->last.pos.len - t->pos.col
			     : t->pos.len;
	return t;
}
