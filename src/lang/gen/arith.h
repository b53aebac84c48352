/* SPDX-License-Identifier: MIT */
/** Arithmetic on numbers of either sign. */
#ifndef LANG_ARITH_H
#define LANG_ARITH_H

#include <stdbool.h>

#include "bpf/fn.h"
#include "lang/syntax/ast.h"

struct gen;

struct val gen_arith(struct gen *g, enum op op, struct val a, struct val b, bool is_signed);

#endif
