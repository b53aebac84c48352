/* SPDX-License-Identifier: MIT */
/** Arithmetic of eBPF on constants, and operations that a constant makes simpler. */
#ifndef BPF_FN_FOLD_H
#define BPF_FN_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/fn.h"

int64_t fold(enum fn_op op, int64_t a, int64_t b);
int64_t fold_extend(int64_t a, unsigned len, bool is_signed);
int64_t fold_swap(int64_t a, unsigned len);
bool fold_cond(enum fn_cond cond, int64_t a, int64_t b);

/** The condition that holds for (b, a) where @cond does for (a, b). */
enum fn_cond fold_mirror(enum fn_cond cond);
/** The condition that holds where @cond does not; FN_SET has none: false. */
bool fold_invert(enum fn_cond cond, enum fn_cond *ret);

/** What x op n may be written as. */
struct fold_op {
	enum {
		FOLD_IMM,   /* @n */
		FOLD_SAME,  /* x */
		FOLD_NEG,   /* -x */
		FOLD_LOW32, /* the lower half of x */
		FOLD_OP,    /* x @op @n */
	} kind;
	enum fn_op op;
	int64_t n;
};

/** False: there is nothing simpler. Never leaves what the kernel refuses: x / 0, x << 64. */
bool fold_simpler(enum fn_op op, int64_t n, struct fold_op *ret);

#endif
