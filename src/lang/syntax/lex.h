/* SPDX-License-Identifier: MIT */
/** Text of a script to tokens; knows nothing of macros. */
#ifndef LANG_LEX_H
#define LANG_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"

enum token_kind {
	TOK_END,
	TOK_INT,   /* @num; @text is as written, without a 0 behind */
	TOK_STR,   /* @text, @len: escapes are resolved */
	TOK_WORD,  /* @text */
	TOK_VAR,   /* @text: $x without the $ */
	TOK_MAP,   /* @text: @x without the @ */
	TOK_PARAM, /* @num: $1; 0 for $# */
	TOK_PUNCT, /* @punct */
};

/** Punctuation of one byte is that byte; longer ones: */
enum {
#define PUNCT2(a, b)	((uint32_t)(a) | (uint32_t)(b) << 8)
#define PUNCT3(a, b, c) (PUNCT2(a, b) | (uint32_t)(c) << 16)
	P_SHL = PUNCT2('<', '<'),
	P_SHR = PUNCT2('>', '>'),
	P_LE = PUNCT2('<', '='),
	P_GE = PUNCT2('>', '='),
	P_EQ = PUNCT2('=', '='),
	P_NE = PUNCT2('!', '='),
	P_LAND = PUNCT2('&', '&'),
	P_LOR = PUNCT2('|', '|'),
	P_INC = PUNCT2('+', '+'),
	P_DEC = PUNCT2('-', '-'),
	P_ARROW = PUNCT2('-', '>'),
	P_RANGE = PUNCT2('.', '.'),
	P_SET_ADD = PUNCT2('+', '='),
	P_SET_SUB = PUNCT2('-', '='),
	P_SET_MUL = PUNCT2('*', '='),
	P_SET_DIV = PUNCT2('/', '='),
	P_SET_MOD = PUNCT2('%', '='),
	P_SET_AND = PUNCT2('&', '='),
	P_SET_OR = PUNCT2('|', '='),
	P_SET_XOR = PUNCT2('^', '='),
	P_SET_SHL = PUNCT3('<', '<', '='),
	P_SET_SHR = PUNCT3('>', '>', '='),
	P_DOTS = PUNCT3('.', '.', '.'),
};

struct token {
	enum token_kind kind;
	struct pos pos;
	uint32_t punct;
	uint64_t num;
	const char *text;
	size_t len;
	const char *at;	 /* where it begins in the script */
	bool is_painted; /* a macro's name inside of the macro: stays as it is */
	bool is_text;	 /* of $$1: always a string */
};

/** All zero but @text, @end, @line, @d and @arena is at its beginning. */
struct lexer {
	const char *text, *end, *at; /* borrowed; @at NULL: not begun */
	const char *line_start;
	uint32_t line;
	bool stays;    /* in text of another file: @line is where that was asked for */
	bool is_fresh; /* nothing but blanks since the line began */
	bool is_quiet; /* skipping behind an error: tell no others */
	bool is_d;     /* words may hold '`'; $$1 is a TOK_PARAM with @is_text */
	struct diag *d;
	struct arena *arena;
};

void bt_lex_init(struct lexer *x, struct diag *d, struct arena *arena);

/** Skips blanks and comments. */
void bt_lex_blank(struct lexer *x);

/**
 * The next token; TOK_END at the end. What is no token is told to @d and skipped.
 * 0 or -ENOMEM (sonde_fail()).
 */
SONDE_MUST_CHECK int bt_lex_next(struct lexer *x, struct token *ret);

/** The place where it stands. */
struct pos bt_lex_pos(const struct lexer *x, size_t len);

bool bt_lex_is_word_start(char c);
bool bt_lex_is_word(char c);

enum { LEX_SHOW = 80 }; /* room for bt_lex_show() */

/** A token as messages show it: "'foo'", "end of the script"; in @buf. */
const char *bt_lex_show(const struct token *t, char buf[LEX_SHOW]);

#endif
