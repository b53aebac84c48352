/* SPDX-License-Identifier: MIT */
/** Numbers, strings and characters of a script. */
#include "lang/syntax/lex_literal.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/lex.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static void tell(struct lexer *x, struct pos pos, const char *tag, const char *words)
{
	if (!x->is_quiet)
		diag_error(x->d, pos, tag, "%s", words);
}

/* Digits of @base with '_' between; false: does not fit. */
static bool digits(const char **at, const char *end, unsigned base, uint64_t *ret)
{
	bool fits = true;
	uint64_t n = 0;

	for (; *at < end && (**at == '_' || digit(**at) < (int)base); (*at)++) {
		if (**at == '_')
			continue;
		fits = fits && !__builtin_mul_overflow(n, base, &n) &&
		       !__builtin_add_overflow(n, (uint64_t)digit(**at), &n);
	}
	*ret = n;
	return fits;
}

/* 3e6: *@n times ten to the power of what follows the 'e'. */
static bool exponent(const char **at, const char *end, uint64_t *n)
{
	uint64_t power;

	if (end - *at < 2 || (**at != 'e' && **at != 'E') || digit((*at)[1]) > 9)
		return true;
	(*at)++;
	if (!digits(at, end, 10, &power))
		power = UINT64_MAX;
	for (; power && *n; power--) {
		if (__builtin_mul_overflow(*n, (uint64_t)10, n))
			return false;
	}
	return true;
}

static const struct {
	const char *name;
	uint64_t times;
} suffixes[] = {
	{ "", 1 },
	{ "u", 1 },
	{ "l", 1 },
	{ "ul", 1 },
	{ "lu", 1 },
	{ "ll", 1 },
	{ "ull", 1 },
	{ "llu", 1 },
	// times in ns
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
	{ "d", 86400 * 1000000000ull },
};

/* The factor of the suffix @s; 0: there is none of that name. U and L may be capitals. */
static uint64_t suffix(const char *s, size_t len)
{
	for (size_t i = 0; i < MEM_LEN(suffixes); i++) {
		const char *name = suffixes[i].name;
		bool is_same = strlen(name) == len;

		for (size_t k = 0; is_same && k < len; k++)
			is_same = s[k] == name[k] || (s[k] == 'U' && name[k] == 'u') ||
				  (s[k] == 'L' && name[k] == 'l');
		if (is_same)
			return suffixes[i].times;
	}
	return 0;
}

static bool is_octal(const char *from, const char *end)
{
	return from[0] == '0' && end - from > 1 && digit(from[1]) <= 9;
}

int bt_lex_number(struct lexer *x, struct token *ret)
{
	const char *from = x->at, *at = x->at, *first;
	unsigned base = 10;
	uint64_t n;

	if (from[0] == '0' && x->end - from > 2 && (from[1] == 'x' || from[1] == 'X')) {
		base = 16;
		at += 2;
	} else if (is_octal(from, x->end)) {
		base = 8;
		at++;
	}
	first = at;
	bool fits = digits(&at, x->end, base, &n);
	bool has_digits = at > first;
	if (base == 10)
		fits = exponent(&at, x->end, &n) && fits;

	const char *name = at;
	while (at < x->end && bt_lex_is_word(*at))
		at++;
	uint64_t times = suffix(name, (size_t)(at - name));
	ret->kind = TOK_INT;
	ret->text = from;
	ret->len = (size_t)(at - from);
	ret->pos = bt_lex_pos(x, ret->len);
	x->at = at;
	if (times == 0 || !has_digits || at[-1] == '_')
		tell(x, ret->pos, "bad-number", "this is no number");
	else if (__builtin_mul_overflow(n, times, &ret->num) || !fits)
		tell(x, ret->pos, "bad-number", "this number does not fit into 64 bits");
	return 0;
}

static const char escapes[][2] = {
	{ 'n', '\n' }, { 't', '\t' }, { 'r', '\r' }, { '"', '"' },  { '\'', '\'' }, { '\\', '\\' },
	{ 'a', '\a' }, { 'b', '\b' }, { 'f', '\f' }, { 'v', '\v' }, { 'e', 033 },
};

/* Up to @most digits behind the backslash (and the x). */
static uint8_t escape_digits(struct lexer *x, unsigned base, unsigned most, struct pos pos)
{
	unsigned n = 0, count = 0;

	while (count < most && x->at < x->end && digit(*x->at) < (int)base) {
		n = n * base + (unsigned)digit(*x->at++);
		count++;
	}
	if (count == 0)
		tell(x, pos, "bad-escape", "'\\x' wants hexadecimal digits");
	else if (n > UINT8_MAX)
		tell(x, pos, "bad-escape", "this does not fit into a byte");
	return (uint8_t)n;
}

/* Stands at a backslash that is not the last byte. */
static char escape(struct lexer *x)
{
	struct pos pos = bt_lex_pos(x, 2);
	char c = x->at[1];

	if (c == 'x') {
		x->at += 2;
		return (char)escape_digits(x, 16, 2, pos);
	}
	if (c >= '0' && c <= '7') {
		x->at++;
		return (char)escape_digits(x, 8, 3, pos);
	}
	x->at += 2;
	for (size_t i = 0; i < MEM_LEN(escapes); i++) {
		if (escapes[i][0] == c)
			return escapes[i][1];
	}
	tell(x, pos, "bad-escape", "no such escape; for a backslash write two");
	return c;
}

/* Whether one more byte of the literal ending in @quote is there. */
static bool in_literal(const struct lexer *x, char quote)
{
	return x->at < x->end && *x->at != quote && *x->at != '\n';
}

static char literal_byte(struct lexer *x)
{
	if (*x->at == '\\' && x->end - x->at > 1 && x->at[1] != '\n')
		return escape(x);
	return *x->at++;
}

int bt_lex_string(struct lexer *x, struct token *ret)
{
	const char *from = x->at++, *stop = x->at;

	while (stop < x->end && *stop != '"' && *stop != '\n')
		stop += *stop == '\\' && x->end - stop > 1 && stop[1] != '\n' ? 2 : 1;
	ret->kind = TOK_STR;
	// Escapes only make a string shorter; a 0 stays behind it.
	char *text = arena_alloc(x->arena, (size_t)(stop - from) + 1);
	if (!text)
		return -ENOMEM;
	while (in_literal(x, '"'))
		text[ret->len++] = literal_byte(x);
	ret->text = text;
	bool is_closed = x->at < x->end && *x->at == '"';
	if (is_closed)
		x->at++;
	size_t len = (size_t)(x->at - from);
	x->at = from;
	ret->pos = bt_lex_pos(x, len);
	x->at = from + len;
	if (!is_closed)
		tell(x, ret->pos, "unterminated-string", "this string has no end on its line");
	return 0;
}

int bt_lex_char(struct lexer *x, struct token *ret)
{
	const char *from = x->at;

	ret->kind = TOK_INT;
	ret->text = from;
	ret->pos = bt_lex_pos(x, 1);
	x->at++;
	bool is_good = in_literal(x, '\'');
	if (is_good)
		ret->num = (unsigned char)literal_byte(x);
	is_good = is_good && x->at < x->end && *x->at == '\'';
	// Of "'ab'" all is skipped; an apostrophe alone is skipped alone.
	const char *stop = memchr(x->at, '\'', (size_t)(x->end - x->at));
	if (stop && !memchr(x->at, '\n', (size_t)(stop - x->at)))
		x->at = stop + 1;
	ret->len = (size_t)(x->at - from);
	ret->pos.len = (uint32_t)ret->len;
	if (!is_good)
		tell(x, ret->pos, "bad-character", "a character is one byte between two quotes");
	return 0;
}
