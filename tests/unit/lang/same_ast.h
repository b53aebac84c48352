/* SPDX-License-Identifier: MIT */
/** Whether two scripts say the same, wherever they say it. */
#ifndef SAME_AST_H
#define SAME_AST_H

#include <stdbool.h>

#include "lang/syntax/ast.h"

bool same_expr(const struct ast *a, const struct ast *b);
bool same_script(const struct script_ast *a, const struct script_ast *b);

#endif
