/* SPDX-License-Identifier: MIT */
/** Gives each variable of a function a register, or a place on the stack. */
#ifndef BPF_FN_ALLOC_H
#define BPF_FN_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "bpf/fn/frame.h"

struct fn;

enum { PLACE_NONE = -1, PLACE_STACK = -2 };

struct places {
	int *reg; /* owned; per variable: 0 ... 9, or PLACE_... */
	struct frame frame;
};
void places_fini(struct places *p);

/**
 * Places the variables and slots of the tidy function @f. Those on the stack are read by INS_MOV
 * into a register, INS_CALL and INS_EXIT only, and written by INS_MOV from a register and
 * INS_ENTRY: other instructions get further variables, with INS_MOV around them.
 *
 * -ENOMEM; -E2BIG (sonde_fail()): there is no way to place them.
 */
SONDE_MUST_CHECK int fn_alloc(struct fn *f, struct places *ret);

#endif
