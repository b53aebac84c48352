/* SPDX-License-Identifier: MIT */
/** What the files of the parser share: where it stands, and how it goes on. */
#ifndef LANG_PARSER_H
#define LANG_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"
#include "lang/syntax/names.h"
#include "lang/syntax/pp.h"

enum { PARSER_AHEAD = 32 };

/**
 * Functions below give NULL or false for what they could not parse: then it is told to the diag,
 * or @r is -ENOMEM.
 */
struct parser {
	struct diag *d;
	struct arena *arena;
	struct pp pp;
	struct token ahead[PARSER_AHEAD]; /* a ring */
	unsigned ahead_at, n_ahead;
	struct token last; /* the one taken last */
	const char *const *params;
	size_t n_params;
	struct names typedefs, constants;
	struct script_ast *s;
	struct ast_probe **probes_end;
	struct ast_def **defs_end;
	struct ast_setting **settings_end;
	struct ast_map_decl **maps_end;
	unsigned depth;
	unsigned braces; /* { taken without their } */
	bool in_pred;
	int r;
};

/** Looks @i < PARSER_AHEAD tokens ahead. */
const struct token *parser_peek(struct parser *p, unsigned i);
struct token parser_take(struct parser *p);

bool parser_at(struct parser *p, uint32_t punct);
bool parser_at_word(struct parser *p, const char *word);
bool parser_accept(struct parser *p, uint32_t punct);
bool parser_accept_word(struct parser *p, const char *word);
/** Takes @punct, or tells that it is missing @where ("behind the condition"). */
bool parser_expect(struct parser *p, uint32_t punct, const char *where);

/** The same for a ';' at the end of its line: if that is all that is missing, it is told, but true.
 */
bool parser_end(struct parser *p, const char *where);

/** Gives back the token looked at, so that the text itself is next; false: told. */
bool parser_rewind(struct parser *p);

/** Tells that @what was expected instead of the next token. */
void parser_unexpected(struct parser *p, const char *what);

/** One level deeper; false: too deep, told. Undone by parser_leave(). */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

/** Zeroed memory; NULL sets @r. */
void *parser_alloc(struct parser *p, size_t len);
#define parser_new(p, type) ((type *)parser_alloc((p), sizeof(type)))
struct ast *parser_ast(struct parser *p, enum ast_kind kind, struct pos pos);

/** Sets @r for a negative @r. */
bool parser_ok(struct parser *p, int r);

/* parse_op.c */
/** OP_NONE: no operator. */
enum op parser_binary(const struct token *t);
enum op parser_prefix(const struct token *t);
/** Sets the height of @a above @x; false: too high, told. */
bool parser_raise(struct parser *p, struct ast *a, const struct ast *x);
/** NULL also for @a == NULL. */
struct ast *parser_op(struct parser *p, enum ast_kind kind, struct pos pos, enum op op,
		      struct ast *a);
typedef struct ast *(*parse_one_fn)(struct parser *p);
/** What @one parses, up to @close, becomes the list @first; @n grows by how many. */
bool parser_list(struct parser *p, uint32_t close, struct ast *owner, parse_one_fn one,
		 struct ast **first, size_t *n);

/* parse_expr.c */
struct ast *parse_expr(struct parser *p);

/* parse_type.c: types and constants */
/** Whether token @i begins a type that is followed by @end. */
bool parse_at_type(struct parser *p, unsigned i, uint32_t end);
/** Behind words that look like a type, of a name that may be none: the token's index; else 0. */
unsigned parse_type_shape(struct parser *p, unsigned i);
/** "struct foo *", "uint8[4]". */
const struct ast_type *parse_type(struct parser *p);
/** "struct sock", "unsigned long"; with @ret_def also a definition in braces. */
bool parse_type_base(struct parser *p, struct ast_type *ret, struct ast_def **ret_def);
bool parse_stars(struct parser *p, struct ast_type *t);
bool parse_dims(struct parser *p, struct ast_type *t);
/** Tokens up to one of @ends, which stays, as a number. */
bool parse_constant(struct parser *p, const char *ends, int64_t *ret);

/* parse_def.c */
/** "struct x" stands behind; its body, with the braces. */
struct ast_def *parse_def_body(struct parser *p, enum ast_def_kind kind, const char *name);
/** "struct ... { }" or "typedef ... ;" at the top level. */
bool parse_top_def(struct parser *p);
/** Skips __attribute__(( )); sets *@packed where it says so. */
bool parse_attributes(struct parser *p, bool *packed);

/* parse_stmt.c */
/** "{ ... }"; goes on behind errors inside, NULL only where it has no end or out of memory. */
struct ast *parse_block(struct parser *p);

/* parse_attach.c */
/** The attach points up to '/' or '{', which stays. */
struct ast_attach *parse_attach(struct parser *p);

#endif
