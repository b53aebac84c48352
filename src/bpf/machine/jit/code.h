/* SPDX-License-Identifier: MIT */
/** Code on its way to being written. */
#ifndef BPF_JIT_CODE_H
#define BPF_JIT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Grows; out of memory sets @failed and drops what follows. */
struct jit_code {
	uint8_t *code; /* owned */
	size_t len, cap;
	bool failed;
};

void jit_code_bytes(struct jit_code *c, const void *bytes, size_t n);

#endif
