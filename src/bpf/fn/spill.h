/* SPDX-License-Identifier: MIT */
/** Rewrites a function for variables that live on the stack. */
#ifndef BPF_FN_SPILL_H
#define BPF_FN_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct fn;

enum var_kind {
	VAR_REG,   /* wants a register */
	VAR_PART,  /* wants one: a part of a spilled variable's life, between two calls */
	VAR_TINY,  /* wants one for two or three instructions, and must get it */
	VAR_STACK, /* has none */
	VAR_AGAIN, /* is what can be had again wherever it is read; gone after fn_spill() */
	VAR_SPILL, /* shall become one of the two with fn_spill() */
};

struct var {
	uint8_t kind; /* enum var_kind */
	int home;     /* of a VAR_PART, also when it is spilled: the variable; else -1 */
};

struct vars {
	struct var *all; /* owned */
	size_t n, cap;
};

/** Lets @v have as many variables as @f; new ones are VAR_REG. -ENOMEM. */
SONDE_MUST_CHECK int vars_grow(struct vars *v, const struct fn *f);

/**
 * Rewrites all uses of variables that are VAR_SPILL. @makes_parts: into parts that keep a value in
 * a register from one use to the next; else and for parts, into tiny variables. -ENOMEM.
 */
SONDE_MUST_CHECK int fn_spill(struct fn *f, struct vars *v, bool makes_parts);

/** Sets the given variables to 0 at the function's begin. -ENOMEM. */
SONDE_MUST_CHECK int fn_set_unset(struct fn *f, const int *vars, size_t n);

#endif
