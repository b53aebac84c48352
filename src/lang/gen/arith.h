/* SPDX-License-Identifier: MIT */
/** Arithmetic on numbers of either sign. */
#ifndef LANG_ARITH_H
#define LANG_ARITH_H

#include <stdbool.h>

#include "bpf/fn.h"
#include "lang/syntax/ast.h"

struct gen;

struct val gen_arith(struct gen *g, enum op op, struct val a, struct val b, bool is_signed);
/** 1 or 0: whether @a OP @b holds. */
struct val gen_compare(struct gen *g, enum op op, struct val a, struct val b, bool is_signed);
/** 1 or 0: whether @v is not 0. */
struct val gen_not_zero(struct gen *g, struct val v);

#endif
