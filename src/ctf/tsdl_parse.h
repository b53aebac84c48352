/* SPDX-License-Identifier: MIT */
/** TSDL tokens into a syntax tree (CTF 1.8.3, appendix C.2). */
#ifndef CTF_TSDL_PARSE_H
#define CTF_TSDL_PARSE_H

#include "ctf/tsdl_ast.h"
#include "ctf/tsdl_lex.h"

/** Types nest at most this deep, as written and as built. */
#define TSDL_DEPTH_MAX 64

/**
 * All blocks and declarations of the lexer's text, in their order; the tree is made of the
 * lexer's scratch memory. Returns 0, -EBADMSG or -ENOMEM, with sonde_fail().
 */
SONDE_MUST_CHECK int tsdl_parse(struct lexer *x, struct ast_block **ret);

#endif
