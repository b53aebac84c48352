/* SPDX-License-Identifier: MIT */
/** A hand-written scanner; words are kept once each. */
#include "ctf/tsdl_lex.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

struct word_slot {
	const char *str; /* NULL: free */
	uint32_t len;
	enum tsdl_keyword kw;
};

static const struct {
	const char *name;
	enum tsdl_keyword kw;
} keywords[] = {
	{ "align", KW_ALIGN },
	{ "callsite", KW_CALLSITE },
	{ "clock", KW_CLOCK },
	{ "enum", KW_ENUM },
	{ "env", KW_ENV },
	{ "event", KW_EVENT },
	{ "floating_point", KW_FLOATING_POINT },
	{ "integer", KW_INTEGER },
	{ "stream", KW_STREAM },
	{ "string", KW_STRING },
	{ "struct", KW_STRUCT },
	{ "trace", KW_TRACE },
	{ "typealias", KW_TYPEALIAS },
	{ "typedef", KW_TYPEDEF },
	{ "variant", KW_VARIANT },
	{ "const", KW_CONST },
	{ "char", KW_CHAR },
	{ "double", KW_DOUBLE },
	{ "float", KW_FLOAT },
	{ "int", KW_INT },
	{ "long", KW_LONG },
	{ "short", KW_SHORT },
	{ "signed", KW_SIGNED },
	{ "unsigned", KW_UNSIGNED },
	{ "void", KW_VOID },
	{ "_Bool", KW_BOOL },
	{ "_Complex", KW_COMPLEX },
	{ "_Imaginary", KW_IMAGINARY },
};

bool lex_is_keyword(const char *s)
{
	for (size_t i = 0; i < MEM_LEN(keywords); i++) {
		if (!strcmp(keywords[i].name, s))
			return true;
	}
	return false;
}

// Seeded, so that nobody can choose words that all fall into one slot.
static uint64_t hash_bytes(const char *s, size_t len, uint64_t seed)
{
	uint64_t h = seed ^ len;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)s[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h ^ h >> 32;
}

static struct word_slot *word_find(const struct words *w, const char *s, size_t len)
{
	size_t i = hash_bytes(s, len, w->seed) & (w->cap - 1);

	while (w->slots[i].str && (w->slots[i].len != len || memcmp(w->slots[i].str, s, len) != 0))
		i = (i + 1) & (w->cap - 1);
	return &w->slots[i];
}

static int words_grow(struct lexer *x)
{
	struct words big = { .cap = x->words.cap ? x->words.cap * 2 : 1024,
			     .n = x->words.n,
			     .seed = x->words.seed };

	big.slots = arena_array(x->scratch, big.cap, sizeof(*big.slots));
	if (!big.slots)
		return -ENOMEM;
	for (size_t i = 0; i < x->words.cap; i++) {
		const struct word_slot *old = &x->words.slots[i];

		if (old->str)
			*word_find(&big, old->str, old->len) = *old;
	}
	x->words = big;
	return 0;
}

static struct word_slot *word_keep(struct lexer *x, const char *s, size_t len)
{
	if (x->words.n * 2 >= x->words.cap && words_grow(x) < 0)
		return NULL;

	struct word_slot *w = word_find(&x->words, s, len);
	if (w->str)
		return w;
	const char *copy = arena_strndup(x->arena, s, len);
	if (!copy)
		return NULL;
	*w = (struct word_slot){ .str = copy, .len = (uint32_t)len };
	x->words.n++;
	return w;
}

const char *lex_word(struct lexer *x, const char *s, size_t len)
{
	const struct word_slot *w = word_keep(x, s, len);

	return w ? w->str : NULL;
}

int lex_init(struct lexer *x, struct tsdl_text text, struct arena *scratch, struct arena *arena)
{
	*x = (struct lexer){ .text = text, .scratch = scratch, .arena = arena };
	x->words.seed = (uint64_t)(uintptr_t)x * 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < MEM_LEN(keywords); i++) {
		struct word_slot *w = word_keep(x, keywords[i].name, strlen(keywords[i].name));

		if (!w)
			return -ENOMEM;
		w->kw = keywords[i].kw;
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/** The value of a digit up to base 16, or 16. */
static unsigned digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/** The byte at @at + @i, 0 behind the end. */
static char peek(const struct lexer *x, uint32_t i)
{
	return i < x->text.len - x->at ? x->text.s[x->at + i] : '\0';
}

/** Skips blanks and comments. */
static int skip_blank(struct lexer *x)
{
	const char *s = x->text.s;

	while (x->at < x->text.len) {
		const char c = s[x->at];

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			x->at++;
		} else if (c == '/' && peek(x, 1) == '/') {
			while (x->at < x->text.len && s[x->at] != '\n')
				x->at++;
		} else if (c == '/' && peek(x, 1) == '*') {
			const char *from = s + x->at + 2;
			const char *end = memmem(from, (size_t)(s + x->text.len - from), "*/", 2);

			if (!end)
				return tsdl_error(&x->text, x->at, "comment without an end");
			x->at = (uint32_t)(end - s) + 2;
		} else {
			return 0;
		}
	}
	return 0;
}

static int lex_int(struct lexer *x, struct token *ret)
{
	unsigned base = 10;
	const uint32_t from = x->at;
	uint32_t digits = 0;

	if (peek(x, 0) == '0') {
		base = (peek(x, 1) | 0x20) == 'x' ? 16 : (peek(x, 1) | 0x20) == 'b' ? 2 : 8;
		if (base != 8)
			x->at += 2;
	}
	ret->kind = TOK_INT;
	for (; x->at < x->text.len && digit_value(peek(x, 0)) < base; x->at++, digits++) {
		if (__builtin_mul_overflow(ret->num, (uint64_t)base, &ret->num) ||
		    __builtin_add_overflow(ret->num, (uint64_t)digit_value(peek(x, 0)), &ret->num))
			return tsdl_error(&x->text, from, "integer does not fit in 64 bits");
	}
	// C's suffixes, in any order; they mean nothing here.
	while (x->at < x->text.len && digits && strchr("uUlL", peek(x, 0)))
		x->at++;
	if (!digits || (x->at < x->text.len && is_word(peek(x, 0))))
		return tsdl_error(&x->text, x->at, "not a digit of a base-%u integer", base);
	return 0;
}

/** One character or escape of a literal. */
static int lex_char(struct lexer *x, unsigned char *ret)
{
	static const char from[] = "abfnrtv\\'\"?", to[] = "\a\b\f\n\r\t\v\\'\"?";
	unsigned v = 0;
	const uint32_t at = x->at;

	if (peek(x, 0) != '\\') {
		*ret = (unsigned char)x->text.s[x->at++];
		return *ret ? 0 : tsdl_error(&x->text, at, "NUL byte in a literal");
	}
	x->at++;
	const char c = peek(x, 0);
	const char *known = c ? strchr(from, c) : NULL;
	if (known) {
		x->at++;
		v = (unsigned char)to[known - from];
	} else if (c == 'x' && digit_value(peek(x, 1)) < 16) {
		x->at++;
		for (; x->at < x->text.len && digit_value(peek(x, 0)) < 16 && v < 256; x->at++)
			v = v * 16 + digit_value(peek(x, 0));
	} else if (digit_value(c) < 8) {
		for (int i = 0; i < 3 && x->at < x->text.len && digit_value(peek(x, 0)) < 8;
		     i++, x->at++)
			v = v * 8 + digit_value(peek(x, 0));
	} else {
		return tsdl_error(&x->text, at, "unknown escape in a literal");
	}
	if (!v || v > 255)
		return tsdl_error(&x->text, at, "escape of value %u, wanted 1 to 255", v);
	*ret = (unsigned char)v;
	return 0;
}

/** A string or character literal, from its quote on. */
static int lex_quoted(struct lexer *x, struct token *ret)
{
	const char quote = peek(x, 0);
	const uint32_t from = x->at++;
	size_t cap = 0, len = 0;

	while (cap < x->text.len - x->at && x->text.s[x->at + cap] != quote &&
	       x->text.s[x->at + cap] != '\n')
		cap += 1 + (x->text.s[x->at + cap] == '\\');

	// An escape never stands for more bytes than it is written with.
	char *s = arena_alloc(x->arena, cap + 1);
	if (!s)
		return -ENOMEM;
	for (;;) {
		unsigned char c;

		if (x->at >= x->text.len || peek(x, 0) == '\n')
			return tsdl_error(&x->text, from, "literal without a closing quote");
		if (peek(x, 0) == quote)
			break;
		int r = lex_char(x, &c);
		if (r < 0)
			return r;
		s[len++] = (char)c;
	}
	x->at++;
	ret->str = s;
	ret->kind = quote == '"' ? TOK_STR : TOK_CHAR;
	if (quote == '\'' && len != 1)
		return tsdl_error(&x->text, from, "character literal of %zu bytes", len);
	ret->num = (unsigned char)s[0];
	return 0;
}

static int lex_word_token(struct lexer *x, struct token *ret)
{
	const uint32_t from = x->at;

	while (x->at < x->text.len && is_word(x->text.s[x->at]))
		x->at++;
	const struct word_slot *w = word_keep(x, x->text.s + from, x->at - from);
	if (!w)
		return -ENOMEM;
	ret->kind = TOK_WORD;
	ret->kw = w->kw;
	ret->str = w->str;
	return 0;
}

static int lex_punct(struct lexer *x, struct token *ret)
{
	const char c = peek(x, 0), d = peek(x, 1);
	uint32_t len = 1;

	if (c == '.' && d == '.' && peek(x, 2) == '.') {
		ret->kind = TOK_DOTS;
		len = 3;
	} else if (c == ':' && d == '=') {
		ret->kind = TOK_TYPE_ASSIGN;
		len = 2;
	} else if (c == '-' && d == '>') {
		ret->kind = TOK_DOT;
		len = 2;
	} else if (c == '.') {
		ret->kind = TOK_DOT;
	} else if (c == '=') {
		ret->kind = TOK_ASSIGN;
	} else if (c && strchr("{}[]()<>;,:*+-", c)) {
		ret->kind = TOK_PUNCT;
		ret->punct = c;
	} else {
		return tsdl_error(&x->text, x->at, "byte 0x%02x has no meaning here",
				  (unsigned char)c);
	}
	x->at += len;
	return 0;
}

int lex_next(struct lexer *x, struct token *ret)
{
	int r = skip_blank(x);
	if (r < 0)
		return r;

	*ret = (struct token){ .kind = TOK_END, .pos = x->at };
	if (x->at < x->text.len) {
		const char c = peek(x, 0);

		if (is_digit(c))
			r = lex_int(x, ret);
		else if (c == '"' || c == '\'')
			r = lex_quoted(x, ret);
		else if (c == 'L' && (peek(x, 1) == '"' || peek(x, 1) == '\''))
			r = (x->at++, lex_quoted(x, ret));
		else if (is_word(c))
			r = lex_word_token(x, ret);
		else
			r = lex_punct(x, ret);
	}
	ret->end = x->at;
	return r;
}
