/* SPDX-License-Identifier: MIT */
/** Where on the stack a function's slots and spilled variables are. */
#ifndef BPF_FN_FRAME_H
#define BPF_FN_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct fn;
struct live;

struct frame {
	int32_t *slots; /* owned; offset of each slot from the frame pointer, negative */
	int32_t *vars;	/* owned; of each variable, where it is on the stack */
	size_t len;
};
void frame_fini(struct frame *fr);

/**
 * Places all slots, and the variables whose @regs is PLACE_STACK. What is not needed at the same
 * time shares its place. -ENOMEM; -E2BIG (sonde_fail()): more than 512 bytes.
 */
SONDE_MUST_CHECK int frame_init(struct frame *fr, const struct fn *f, const struct live *l,
				const int *regs);

#endif
