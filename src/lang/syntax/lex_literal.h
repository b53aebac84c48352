/* SPDX-License-Identifier: MIT */
/** Numbers, strings and characters of a script. */
#ifndef LANG_LEX_LITERAL_H
#define LANG_LEX_LITERAL_H

#include <sonde/def.h>

struct lexer;
struct token;

/** Each stands at its first byte; 0 or -ENOMEM (sonde_fail()). */
SONDE_MUST_CHECK int bt_lex_number(struct lexer *x, struct token *ret);
SONDE_MUST_CHECK int bt_lex_string(struct lexer *x, struct token *ret);
SONDE_MUST_CHECK int bt_lex_char(struct lexer *x, struct token *ret);

#endif
