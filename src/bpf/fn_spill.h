/* SPDX-License-Identifier: MIT */
/** Rewrites a function for variables that live on the stack. */
#ifndef BPF_FN_SPILL_H
#define BPF_FN_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct fn;

enum var_kind {
	VAR_REG,   /* wants a register */
	VAR_TINY,  /* wants one for two or three instructions, and must get it */
	VAR_STACK, /* has none */
	VAR_AGAIN, /* is a constant or an address that is made again wherever it is read */
	VAR_SPILL, /* shall become VAR_STACK or VAR_AGAIN with fn_spill() */
};

struct var_kinds {
	uint8_t *all; /* owned; enum var_kind of each variable */
	size_t n, cap;
};

/** Lets @k have as many variables as @f; new ones are of the kind @fresh. -ENOMEM. */
SONDE_MUST_CHECK int var_kinds_grow(struct var_kinds *k, const struct fn *f, enum var_kind fresh);

/** Rewrites all uses of variables that are VAR_SPILL. -ENOMEM. */
SONDE_MUST_CHECK int fn_spill(struct fn *f, struct var_kinds *k);

/** Sets the given variables to 0 at the function's begin. -ENOMEM. */
SONDE_MUST_CHECK int fn_set_unset(struct fn *f, const int *vars, size_t n);

#endif
