/* SPDX-License-Identifier: MIT */
/** Random functions: built with bpf/fn.h, and reckoned up by a small evaluator of their own. */
#ifndef FN_RANDOM_H
#define FN_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/fn.h"

enum { RANDOM_VARS = 40, RANDOM_INPUTS = 8, RANDOM_MEM = 128, RANDOM_STEPS = 600 };

enum step_kind {
	STEP_OP,     /* dst = a op b, in a new variable that is moved */
	STEP_OP_TO,  /* dst = dst op b */
	STEP_SUM_OF, /* dst = ((a op b) + a) op b: values that live shortly */
	STEP_MOV,
	STEP_NEG,
	STEP_NOT,
	STEP_EXTEND,
	STEP_SWAP,
	STEP_LOAD,    /* dst = memory at off */
	STEP_STORE,   /* memory at off = a */
	STEP_ATOMIC,  /* dst = memory at off, which becomes op a */
	STEP_CMPXCHG, /* a: expected, b: new */
	STEP_ZERO,
	STEP_COPY,   /* from the other memory */
	STEP_CALL,   /* dst = a + a helper's result that is 0 */
	STEP_UPDATE, /* a helper of four arguments: the element @off of the map becomes a */
	STEP_IF,     /* then: the next n steps, else: the n_else behind them */
	STEP_BOX,    /* a and b go into memory of their own; the next n steps; dst = a ^ b */
	STEP_INDEX,  /* the next n steps, then dst = memory at off + index, if that of a is < 32 */
	STEP_LOOP,   /* the next n steps, count times */
	STEP_LEAVE,  /* out of the innermost loop, or to the end, if a cond b */
};

/* Which memory a step works on. */
enum mem_kind { MEM_SLOT, MEM_MAP, MEM_POINTER, N_MEM };

/* The bits of a STEP_INDEX's a that are its index: too large ones reach over all memory. */
enum { INDEX_BITS = 0x1001f };

struct operand {
	int var; /* or -1 */
	int64_t n;
};

struct step {
	enum step_kind kind;
	int op; /* fn_op, fn_cond or fn_atomic */
	int dst;
	struct operand a, b;
	unsigned len, off, off2;
	enum mem_kind mem, mem2;
	bool flag;
	int count, n, n_else;
};

struct random_fn {
	uint64_t state; /* of the random numbers */
	int n_vars;
	bool sets_all; /* all variables are set before anything else */
	struct step steps[RANDOM_STEPS];
	int n_steps;
};

/* What a run leaves behind: the map's value. */
struct random_result {
	uint64_t vars[RANDOM_VARS];
	uint8_t map[RANDOM_MEM], pointed[RANDOM_MEM];
	uint8_t slot[RANDOM_MEM];
	uint64_t element;
};

/* Maps: 0 is an array of one struct random_result, 1 an array of one u64. */
void random_fn_make(struct random_fn *r, uint64_t seed);
void random_fn_build(const struct random_fn *r, struct fn *f);
void random_fn_eval(const struct random_fn *r, const uint64_t *inputs, struct random_result *ret);

uint64_t random_next(uint64_t *state);

#endif
