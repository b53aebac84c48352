/* SPDX-License-Identifier: MIT */
/** Where there is no compiler for the processor: the interpreter runs all. */
#include "bpf/machine/jit/jit.h"

int jit_compile(struct machine_prog *p)
{
	(void)p;
	return 0;
}

void jit_free(struct machine_prog *p)
{
	(void)p;
}
