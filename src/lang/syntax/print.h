/* SPDX-License-Identifier: MIT */
/** What the files of the printer share. */
#ifndef LANG_PRINT_H
#define LANG_PRINT_H

#include <stddef.h>

#include "base/strbuf.h"
#include "lang/syntax/ast.h"

struct print_level;

struct printer {
	struct strbuf *out;
	/** The way down the left side of expressions: not in the C stack, as it may be long. */
	struct print_level *levels; /* owned */
	size_t n, cap;
	unsigned indent;
};

void ast_print_fini(struct printer *p);

void print_expr(struct printer *p, const struct ast *x);

/** "struct sock *", without dimensions where @name has to come before them: "char name[16]". */
void print_type(struct printer *p, const struct ast_type *t);
void print_dims(struct printer *p, const struct ast_type *t);

/** A string with its quotes and escapes. */
void print_string(struct printer *p, const char *data, size_t len);

#endif
