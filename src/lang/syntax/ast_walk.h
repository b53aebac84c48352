/* SPDX-License-Identifier: MIT */
/** Looks at all that a statement or expression is made of. */
#ifndef LANG_AST_WALK_H
#define LANG_AST_WALK_H

#include "lang/syntax/ast.h"

/** Calls @f for @x (NULL: none) and all within it, outer ones first, until it gives true. */
bool ast_walk(const struct ast *x, bool (*f)(void *arg, const struct ast *x), void *arg);

#endif
