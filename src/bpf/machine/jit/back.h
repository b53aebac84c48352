/* SPDX-License-Identifier: MIT */
/** Between what compilers for all processors share, and the one for this processor. */
#ifndef BPF_JIT_BACK_H
#define BPF_JIT_BACK_H

#include "bpf/machine/jit/code.h"
#include "bpf/machine/state.h"

/** A jump to an instruction that may come later. */
struct jit_fix {
	size_t at;
	size_t insn;
};

struct jit {
	struct machine_prog *p;
	uint32_t uses; /* a bit for each eBPF register that instructions name */
	struct jit_code code;
	size_t *at;	       /* owned; where the code of each instruction begins */
	size_t *fns;	       /* owned; and of each function */
	struct jit_fix *fixes; /* owned */
	size_t n_fixes, cap_fixes;
	struct jit_fix *exits; /* owned; jumps to the end */
	size_t n_exits, cap_exits;
};

/* Of all: jit.c. */

/** The jump at @at leads to instruction @insn, or out of the function with any result. */
void jit_fix_insn(struct jit *j, size_t at, size_t insn);
void jit_fix_exit(struct jit *j, size_t at);

/* Of each processor: x86_64.c, arm64.c. */

/** Begin and end of a machine_fn. */
void jit_put_entry(struct jit *j);
void jit_put_exit(struct jit *j);
void jit_put_insn(struct jit *j, size_t i);
/** What ends the program, where the verifier saw that nothing comes. */
void jit_put_unreached(struct jit *j);
/** A jump, for jit_set_target(): where it is. */
size_t jit_put_jump(struct jit *j);
void jit_set_target(struct jit *j, size_t at, size_t target);

#endif
