/* SPDX-License-Identifier: MIT */
/** TSDL text into tokens (CTF 1.8.3, appendix C.1). */
#ifndef CTF_TSDL_LEX_H
#define CTF_TSDL_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "ctf/tsdl_text.h"

enum tok_kind {
	TOK_END,
	TOK_WORD, /* identifiers and keywords */
	TOK_INT,
	TOK_STR,
	TOK_CHAR,
	TOK_ASSIGN, /* = */
	TOK_TYPE_ASSIGN,
	TOK_DOTS,  /* ... */
	TOK_DOT,   /* . and -> */
	TOK_PUNCT, /* one byte: @punct */
};

enum tsdl_keyword {
	KW_NONE,
	KW_ALIGN,
	KW_CALLSITE,
	KW_CLOCK,
	KW_ENUM,
	KW_ENV,
	KW_EVENT,
	KW_FLOATING_POINT,
	KW_INTEGER,
	KW_STREAM,
	KW_STRING,
	KW_STRUCT,
	KW_TRACE,
	KW_TYPEALIAS,
	KW_TYPEDEF,
	KW_VARIANT,
	KW_CONST,
	KW_FIRST_C, /* from here on: words of C that make up type names */
	KW_CHAR = KW_FIRST_C,
	KW_DOUBLE,
	KW_FLOAT,
	KW_INT,
	KW_LONG,
	KW_SHORT,
	KW_SIGNED,
	KW_UNSIGNED,
	KW_VOID,
	KW_BOOL,
	KW_COMPLEX,
	KW_IMAGINARY,
};

struct token {
	enum tok_kind kind;
	enum tsdl_keyword kw; /* TOK_WORD */
	uint32_t pos, end;    /* in the text */
	char punct;
	const char *str; /* TOK_WORD: equal words are one pointer; TOK_STR: its bytes and a 0 */
	uint64_t num;	 /* TOK_INT, TOK_CHAR */
};

/** All words of a text, each once. */
struct words {
	struct word_slot *slots; /* in scratch memory */
	size_t n, cap;		 /* cap: a power of two or 0 */
	uint64_t seed;
};

struct lexer {
	struct tsdl_text text;
	uint32_t at;
	struct arena *scratch; /* borrowed; freed after the parse */
	struct arena *arena;   /* borrowed; words and strings live there */
	struct words words;
};

/** Starts at the text's begin. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int lex_init(struct lexer *x, struct tsdl_text text, struct arena *scratch,
			      struct arena *arena);

/** The next token. Returns 0, -EBADMSG or -ENOMEM, with sonde_fail(). */
SONDE_MUST_CHECK int lex_next(struct lexer *x, struct token *ret);

/** The one pointer that stands for the word @s of @len bytes, or NULL (-ENOMEM). */
const char *lex_word(struct lexer *x, const char *s, size_t len);

/** Whether @s is a word that cannot be a name. */
bool lex_is_keyword(const char *s);

#endif
