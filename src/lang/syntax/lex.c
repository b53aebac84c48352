/* SPDX-License-Identifier: MIT */
/** A hand-written scanner. */
#include "lang/syntax/lex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/syntax/lex_literal.h"

static const uint32_t puncts[] = {
	P_SET_SHL, P_SET_SHR, P_DOTS,	 P_SHL,	    P_SHR,     P_LE,	 P_GE,	    P_EQ,
	P_NE,	   P_LAND,    P_LOR,	 P_INC,	    P_DEC,     P_ARROW,	 P_RANGE,   P_SET_ADD,
	P_SET_SUB, P_SET_MUL, P_SET_DIV, P_SET_MOD, P_SET_AND, P_SET_OR, P_SET_XOR,
};

void bt_lex_init(struct lexer *x, struct diag *d, struct arena *arena)
{
	const char *text = d->text ? d->text : "";

	*x = (struct lexer){
		.text = text,
		.at = text,
		.end = text + (d->text ? d->text_len : 0),
		.line_start = text,
		.line = 1,
		.is_fresh = true,
		.d = d,
		.arena = arena,
	};
	if (x->end - x->at >= 2 && x->at[0] == '#' && x->at[1] == '!') {
		while (x->at < x->end && *x->at != '\n')
			x->at++;
	}
}

bool bt_lex_is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool bt_lex_is_word(char c)
{
	return bt_lex_is_word_start(c) || (c >= '0' && c <= '9');
}

struct pos bt_lex_pos(const struct lexer *x, size_t len)
{
	return (struct pos){
		.line = x->line,
		.col = (uint32_t)(x->at - x->line_start) + 1,
		.len = (uint32_t)len,
	};
}

static char peek(const struct lexer *x, size_t i)
{
	return (size_t)(x->end - x->at) > i ? x->at[i] : '\0';
}

static void newline(struct lexer *x)
{
	x->at++;
	x->line += !x->stays;
	x->line_start = x->at;
	x->is_fresh = true;
}

static void block_comment(struct lexer *x)
{
	struct pos pos = bt_lex_pos(x, 2);
	bool is_fresh = x->is_fresh;

	x->at += 2;
	while (x->at < x->end) {
		if (*x->at == '*' && peek(x, 1) == '/') {
			x->at += 2;
			x->is_fresh = x->is_fresh && is_fresh;
			return;
		}
		if (*x->at == '\n')
			newline(x);
		else
			x->at++;
	}
	if (!x->is_quiet)
		diag_error(x->d, pos, "unterminated-comment", "this comment has no end");
}

void bt_lex_blank(struct lexer *x)
{
	while (x->at < x->end) {
		char c = *x->at;

		if (c == '\n') {
			newline(x);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
			x->at++;
		} else if (c == '\\' && peek(x, 1) == '\n') {
			x->at++;
			newline(x);
			x->is_fresh = false;
		} else if (c == '/' && peek(x, 1) == '/') {
			while (x->at < x->end && *x->at != '\n')
				x->at++;
		} else if (c == '/' && peek(x, 1) == '*') {
			block_comment(x);
		} else {
			return;
		}
	}
}

/* The word of @skip bytes of sigil and what follows. */
static int word(struct lexer *x, enum token_kind kind, size_t skip, struct token *ret)
{
	const char *from = x->at + skip, *to = from;

	while (to < x->end && (bt_lex_is_word(*to) || (*to == '`' && x->is_d)))
		to++;
	ret->kind = kind;
	ret->len = (size_t)(to - from);
	ret->pos = bt_lex_pos(x, ret->len + skip);
	ret->text = arena_strndup(x->arena, from, ret->len);
	x->at = to;
	return ret->text ? 0 : -ENOMEM;
}

static int param(struct lexer *x, struct token *ret)
{
	const char *from = x->at;

	ret->kind = TOK_PARAM;
	ret->num = 0;
	if (peek(x, 1) == '#') {
		ret->pos = bt_lex_pos(x, 2);
		x->at += 2;
		return 0;
	}
	ret->pos = bt_lex_pos(x, 0);
	ret->is_text = peek(x, 1) == '$';
	x->at += ret->is_text;
	for (x->at++; x->at < x->end && *x->at >= '0' && *x->at <= '9'; x->at++) {
		if (ret->num < UINT32_MAX)
			ret->num = ret->num * 10 + (uint64_t)(*x->at - '0');
	}
	ret->pos.len = (uint32_t)(x->at - from);
	if (ret->num == 0 && !x->is_quiet)
		diag_error(x->d, ret->pos, "bad-parameter", "parameters count from $1");
	return 0;
}

static bool punct(struct lexer *x, struct token *ret)
{
	size_t len = 1;

	if (!*x->at || !strchr("(){}[];:,.?=<>+-*/%&|^!~", *x->at))
		return false;
	ret->punct = (unsigned char)*x->at;
	for (size_t i = 0; i < MEM_LEN(puncts); i++) {
		uint32_t p = puncts[i];

		if ((p & 0xff) == (unsigned char)*x->at &&
		    (p >> 8 & 0xff) == (unsigned char)peek(x, 1) &&
		    (!(p >> 16) || p >> 16 == (unsigned char)peek(x, 2))) {
			ret->punct = p;
			len = p >> 16 ? 3 : 2;
			break;
		}
	}
	ret->kind = TOK_PUNCT;
	ret->pos = bt_lex_pos(x, len);
	x->at += len;
	return true;
}

static bool starts_token(char c)
{
	return bt_lex_is_word(c) || c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
	       (c && strchr("(){}[];:,.?=<>+-*/%&|^!~\"'$@\\", c));
}

/* One message for all bytes of a kind that nothing begins with. */
static void bad_bytes(struct lexer *x)
{
	const char *from = x->at;
	struct pos pos = bt_lex_pos(x, 1);
	unsigned char c = (unsigned char)*x->at;

	do
		x->at++;
	while (x->at < x->end && !starts_token(*x->at));
	pos.len = (uint32_t)(x->at - from);
	if (x->is_quiet)
		return;
	if (c > ' ' && c < 0x7f)
		diag_error(x->d, pos, "bad-character", "'%c' means nothing here", c);
	else
		diag_error(x->d, pos, "bad-character", "byte 0x%02x means nothing here", c);
}

int bt_lex_next(struct lexer *x, struct token *ret)
{
	*ret = (struct token){ 0 };
	for (;;) {
		bt_lex_blank(x);
		if (x->at == x->end) {
			ret->at = x->at;
			ret->pos = bt_lex_pos(x, 0);
			return 0;
		}
		x->is_fresh = false;
		ret->at = x->at;

		char c = *x->at, next = peek(x, 1);
		if (bt_lex_is_word_start(c))
			return word(x, TOK_WORD, 0, ret);
		if (c >= '0' && c <= '9')
			return bt_lex_number(x, ret);
		if (c == '"')
			return bt_lex_string(x, ret);
		if (c == '\'')
			return bt_lex_char(x, ret);
		if (c == '@')
			return word(x, TOK_MAP, 1, ret);
		if (c == '$' && bt_lex_is_word_start(next))
			return word(x, TOK_VAR, 1, ret);
		if (c == '$' && (next == '#' || bt_lex_is_word(next)))
			return param(x, ret);
		if (x->is_d && c == '$' && next == '$' && bt_lex_is_word(peek(x, 2)))
			return param(x, ret);
		if (x->is_d && c == '`' && bt_lex_is_word_start(next))
			return word(x, TOK_WORD, 0, ret);
		if (punct(x, ret))
			return 0;
		bad_bytes(x);
	}
}

const char *bt_lex_show(const struct token *t, char buf[LEX_SHOW])
{
	int len = t->len < 40 ? (int)t->len : 40;

	switch (t->kind) {
	case TOK_END: return "the end of the script";
	case TOK_STR: return "a string";
	case TOK_INT:
	case TOK_WORD: snprintf(buf, LEX_SHOW, "'%.*s'", len, t->text); break;
	case TOK_VAR: snprintf(buf, LEX_SHOW, "'$%.*s'", len, t->text); break;
	case TOK_MAP: snprintf(buf, LEX_SHOW, "'@%.*s'", len, t->text); break;
	case TOK_PARAM:
		if (!t->num)
			return "'$#'";
		snprintf(buf, LEX_SHOW, "'$%llu'", (unsigned long long)t->num);
		break;
	case TOK_PUNCT: {
		const char text[4] = { (char)t->punct, (char)(t->punct >> 8),
				       (char)(t->punct >> 16) };
		snprintf(buf, LEX_SHOW, "'%s'", text);
		break;
	}
	}
	return buf;
}
