/* SPDX-License-Identifier: MIT */
/**
 * The instructions that a function of bpf/fn.h is kept as, until it has registers.
 *
 * Operands are made fit while building: what stands here maps onto one kernel instruction, or a
 * few, without further variables.
 */
#ifndef BPF_FN_INS_H
#define BPF_FN_INS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/fn.h"

enum ins_kind {
	INS_NONE,    /* removed */
	INS_ENTRY,   /* the first: sets the arguments, variables 0 ... n_args - 1 */
	INS_MOV,     /* dst = a, of any kind */
	INS_OP,	     /* dst = a op b; b: VAL_REG or VAL_IMM of 32 bits */
	INS_NEG,     /* dst = -a */
	INS_EXTEND,  /* dst = the lowest @len bytes of a; @flag: by its sign */
	INS_SWAP,    /* dst = the lowest @len bytes of a, reversed */
	INS_LOAD,    /* dst = *a; @flag: by its sign. a.n is an offset of 16 bits, also below */
	INS_STORE,   /* *a = b; b: VAL_REG or VAL_IMM of 32 bits */
	INS_ATOMIC,  /* *a op= b; @flag: dst = what was there. b: VAL_REG, with @flag any kind */
	INS_CMPXCHG, /* dst = *a; if that is b: *a = c. c, and b of 4 bytes: VAL_REG; b: VAL_IMM,
			too */
	INS_CALL,    /* dst = helper @to, or kernel function with @flag; @len values from @args */
	INS_LABEL,   /* @to is here */
	INS_JUMP,    /* goes to @to */
	INS_IF,	     /* goes to @to if a cond b; a: VAL_REG, b: VAL_REG or VAL_IMM of 32 bits */
	INS_EXIT,    /* ends with a */
};

struct ins {
	uint8_t kind; /* enum ins_kind */
	uint8_t op;   /* enum fn_op, fn_cond, fn_atomic */
	uint8_t len;
	bool flag;
	int dst; /* variable, or -1 */
	int to;
	uint32_t args; /* index in fn.vals */
	uint32_t line, col;
	struct val a, b, c;
};

struct fn {
	struct unit *unit; /* borrowed: its owner */
	int index;
	unsigned n_args;
	int n_vars, n_labels;
	uint32_t *slots; /* owned: their lengths */
	size_t n_slots, cap_slots, slots_len;
	struct ins *ins; /* owned */
	size_t n, cap;
	struct val *vals; /* owned: arguments of calls */
	size_t n_vals, cap_vals;
	uint32_t line, col;  /* of what comes now */
	struct val last_map; /* VAL_MAP_VALUE that variable @last_var has, or VAL_NONE */
	int last_var;
};

struct unit {
	int err;	 /* the first failure, kept for unit_finish(); nothing is built after it */
	struct fn **fns; /* owned, as are they */
	size_t n, cap;
	struct fn broken; /* stands for a function that there was no memory for */
};

enum { FN_USES_MOST = 5, FN_INS_MOST = 1000000, FN_STACK_MOST = 512 };

static inline bool imm_fits(int64_t n)
{
	return n == (int32_t)n;
}

static inline bool op_commutes(enum fn_op op)
{
	return op == FN_ADD || op == FN_MUL || op == FN_AND || op == FN_OR || op == FN_XOR;
}

/** Puts pointers to the operands that are variables into @ret; returns how many. */
unsigned ins_uses(struct fn *f, struct ins *in, struct val *ret[static FN_USES_MOST]);

/** Whether @use, of ins_uses(), is still read when dst is written already. */
bool ins_reads_late(const struct ins *in, const struct val *use);

/** Whether it does nothing but to set dst. */
bool ins_is_pure(const struct ins *in);

/** Appends a copy; the unit remembers a failure. */
void fn_add(struct fn *f, const struct ins *in);

/** A variable that holds @v. */
struct val fn_in_reg(struct fn *f, struct val v);
/** @v, or a variable that holds it: VAL_REG or a VAL_IMM of 32 bits. */
struct val fn_reg_or_imm(struct fn *f, struct val v);
/** A VAL_REG whose n is 0, or another kind as it is. */
struct val fn_plain(struct fn *f, struct val v);

#endif
