/* SPDX-License-Identifier: MIT */
/** Writes A64 instructions: Arm's architecture reference manual for A-profile, part C. */
#ifndef BPF_JIT_A64_H
#define BPF_JIT_A64_H

#include "bpf/machine/jit/code.h"

/** Number 31 is the zero register, or the stack pointer as a base of loads and stores. */
enum a64_reg {
	A64_X0,
	A64_X1,
	A64_X2,
	A64_X3,
	A64_X4,
	A64_X5,
	A64_X7 = 7,
	A64_X9 = 9,
	A64_X10,
	A64_X11,
	A64_X12,
	A64_X19 = 19,
	A64_X20,
	A64_X21,
	A64_X22,
	A64_X23,
	A64_X24,
	A64_FP = 29,
	A64_LR,
	A64_ZR,
	A64_SP = A64_ZR,
};

/** Instructions of two registers and a result. */
enum a64_op {
	A64_ADD = 0x0b000000,
	A64_SUB = 0x4b000000,
	A64_SUBS = 0x6b000000,
	A64_AND = 0x0a000000,
	A64_ANDS = 0x6a000000,
	A64_ORR = 0x2a000000,
	A64_EOR = 0x4a000000,
	A64_MUL = 0x1b007c00,
	A64_UDIV = 0x1ac00800,
	A64_SDIV = 0x1ac00c00,
	A64_LSLV = 0x1ac02000,
	A64_LSRV = 0x1ac02400,
	A64_ASRV = 0x1ac02800,
};

enum a64_cond {
	A64_EQ,
	A64_NE,
	A64_HS,
	A64_LO,
	A64_MI,
	A64_PL,
	A64_HI = 8,
	A64_LS,
	A64_GE,
	A64_LT,
	A64_GT,
	A64_LE,
};

void a64_op(struct jit_code *c, enum a64_op op, bool is64, int dst, int a, int b);
/** @dst = @minus - @a * @b. */
void a64_msub(struct jit_code *c, bool is64, int dst, int a, int b, int minus);
/** @dst = @a + @imm, or with flags @a - @imm; false: the constant has no place in there. */
bool a64_add_imm(struct jit_code *c, bool is64, int dst, int a, int32_t imm);
bool a64_cmp_imm(struct jit_code *c, bool is64, int a, int32_t imm);
/** A shift, @op as with registers. */
void a64_shift_imm(struct jit_code *c, enum a64_op op, bool is64, int dst, int a, unsigned by);
/** Reverses the bytes of the lowest @bits (16, 32, 64); the others become 0. */
void a64_swap(struct jit_code *c, unsigned bits, int reg);

void a64_mov(struct jit_code *c, bool is64, int dst, int src);
void a64_mov_imm(struct jit_code *c, int dst, uint64_t n);
/** @dst = the lowest @len bytes of @src, extended to 64 or, without sign, 32 bits. */
void a64_extend(struct jit_code *c, unsigned len, bool is_signed, int dst, int src);

/** Any offset; @temp is changed where it is a large one. */
void a64_load(struct jit_code *c, unsigned len, bool is_signed, int dst, int base, int32_t off,
	      int temp);
void a64_store(struct jit_code *c, unsigned len, int src, int base, int32_t off, int temp);
void a64_push2(struct jit_code *c, int a, int b);
void a64_pop2(struct jit_code *c, int a, int b);

void a64_call(struct jit_code *c, int reg);
void a64_ret(struct jit_code *c);

/** A jump whose target comes later: where it is, for a64_set_target(). Reaches all code. */
size_t a64_jump(struct jit_code *c);
size_t a64_jump_if(struct jit_code *c, enum a64_cond cond);
void a64_set_target(struct jit_code *c, size_t at, size_t target);

#endif
