/* SPDX-License-Identifier: MIT */
/** Makes the processor's own code of verified programs. */
#ifndef BPF_JIT_JIT_H
#define BPF_JIT_JIT_H

#include "bpf/machine/state.h"

/**
 * Sets @p's native functions; leaves them NULL where the processor is not known or the system
 * allows no code to be made. -ENOMEM.
 */
SONDE_MUST_CHECK int jit_compile(struct machine_prog *p);
void jit_free(struct machine_prog *p);

#endif
