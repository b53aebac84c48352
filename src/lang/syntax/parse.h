/* SPDX-License-Identifier: MIT */
/** The bt front end: text of the bpftrace language to a tree. */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include <sonde/def.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"

enum {
	PARSE_DEPTH_MOST = 200,	   /* parentheses, prefixes and blocks in each other */
	PARSE_HEIGHT_MOST = 4000,  /* levels of an expression's tree: a + b + c has three */
	PARSE_BYTES_MOST = 1 << 20 /* longest script */
};

/**
 * Parses the text of @d into @ret, in @arena. Positional parameters: @params, for those inside of
 * attach points ("uprobe:$1:main"); elsewhere they stay AST_POSITIONAL.
 * Goes on behind an error, to tell all of them. 0; -EINVAL: @d says what is wrong; -ENOMEM.
 */
SONDE_MUST_CHECK int parse_bt(struct diag *d, struct arena *arena, const char *const *params,
			      size_t n_params, struct script_ast *ret);

/** Any expression, for tests. */
SONDE_MUST_CHECK int parse_bt_expr(struct diag *d, struct arena *arena, struct ast **ret);

#endif
