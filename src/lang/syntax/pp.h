/* SPDX-License-Identifier: MIT */
/** The small preprocessor: directives, macros; gives the tokens that the parser sees. */
#ifndef LANG_PP_H
#define LANG_PP_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "lang/syntax/ast.h"
#include "lang/syntax/lex.h"
#include "lang/syntax/names.h"

enum {
	PP_CONDS_MOST = 64,	  /* #if in each other */
	PP_NESTING_MOST = 64,	  /* macros in each other */
	PP_PARAMS_MOST = 32,	  /* of one macro */
	PP_TOKENS_MOST = 1 << 18, /* that macros give, in all */
};

struct pp_macro {
	const char *name;
	const struct token *body; /* of a parameter: TOK_PARAM, its index in @num, is_painted */
	size_t n_body;
	unsigned n_params;
	bool is_function;
	bool is_gone;	/* #undef */
	bool is_active; /* being expanded */
};

/** Tokens that come before the text. */
struct pp_frame {
	const struct token *tokens;
	size_t n, at;
	struct pp_macro *macro;
};

struct pp_cond {
	struct pos pos;
	bool was_taken; /* one of its branches */
	bool has_else;
};

struct pp {
	struct lexer lex;
	struct pp_macro **macros; /* owned; what they point to is in the arena */
	size_t n_macros, macros_cap;
	struct names names; /* to an index in @macros */
	struct pp_frame frames[PP_NESTING_MOST];
	unsigned n_frames;
	struct pp_cond conds[PP_CONDS_MOST];
	unsigned n_conds;
	unsigned nesting; /* of calls of macros in arguments */
	size_t n_made;	  /* tokens so far */
	bool is_full;	  /* too many of them: macros stay words */
	struct token back;
	bool has_back;
	struct ast_include *includes, **includes_end; /* in the arena */
	/** What #pragma says, up to the line's end; NULL: it means nothing. 0 or -ENOMEM. */
	int (*pragma)(void *arg, struct pos pos, const char *text, size_t len);
	void *pragma_arg;
};

/** Begins at the text of @d. 0 or -ENOMEM (sonde_fail()). */
SONDE_MUST_CHECK int pp_init(struct pp *pp, struct diag *d, struct arena *arena);
void pp_fini(struct pp *pp);

/** The next token behind macros and directives. 0 or -ENOMEM. */
SONDE_MUST_CHECK int pp_next(struct pp *pp, struct token *ret);

/** Skips blanks, comments and directives, so that the text itself may be looked at. */
SONDE_MUST_CHECK int pp_blank(struct pp *pp);

/** No token of a macro waits: the text itself is next. */
bool pp_is_plain(const struct pp *pp);

/** Forgets the tokens of macros that wait. */
void pp_drop(struct pp *pp);

/** Tells of an #if without #endif; at the end. */
void pp_finish(struct pp *pp);

/** What is in one directive; for pp.c alone. The lexer stands behind the '#'. */
SONDE_MUST_CHECK int pp_directive(struct pp *pp);
SONDE_MUST_CHECK int pp_define(struct pp *pp, struct pp_macro *m);
struct pp_macro *pp_find(const struct pp *pp, const char *name);

#endif
