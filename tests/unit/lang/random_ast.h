/* SPDX-License-Identifier: MIT */
/** Random trees, of the shapes that a script can have. */
#ifndef RANDOM_AST_H
#define RANDOM_AST_H

#include <stdint.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"

/** In @arena; the same for the same @seed. Aborts without memory. */
struct ast *random_expr(struct arena *arena, uint64_t seed);
void random_script(struct arena *arena, uint64_t seed, struct script_ast *ret);

#endif
