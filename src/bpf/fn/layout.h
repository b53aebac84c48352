/* SPDX-License-Identifier: MIT */
/** The order in which a function's code stands. */
#ifndef BPF_FN_LAYOUT_H
#define BPF_FN_LAYOUT_H

#include "base/arena.h"

struct fn;

/**
 * Puts code that is jumped to where the jump is, if nothing else leads into it from above: what
 * was built late, as a prologue, then stands where it belongs. Removes INS_NONE. -ENOMEM.
 */
SONDE_MUST_CHECK int fn_straighten(struct fn *f, struct arena *arena);

#endif
