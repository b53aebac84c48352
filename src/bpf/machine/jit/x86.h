/* SPDX-License-Identifier: MIT */
/** Writes x86-64 instructions: Intel's manual, volume 2. */
#ifndef BPF_JIT_X86_H
#define BPF_JIT_X86_H

#include "bpf/machine/jit/code.h"

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/** Opcodes of the form "op r/m, r"; that of "op r, r/m" is 2 more. */
enum x86_op {
	X86_ADD = 0x01,
	X86_OR = 0x09,
	X86_AND = 0x21,
	X86_SUB = 0x29,
	X86_XOR = 0x31,
	X86_CMP = 0x39,
	X86_TEST = 0x85,
	X86_MOV = 0x89,
};

enum x86_shift { X86_ROR = 1, X86_SHL = 4, X86_SHR = 5, X86_SAR = 7 };

/** One-operand instructions of opcode 0xf7. */
enum x86_unary { X86_NEG = 3, X86_DIV = 6, X86_IDIV = 7 };

enum x86_cond {
	X86_B = 2,
	X86_AE,
	X86_E,
	X86_NE,
	X86_BE,
	X86_A,
	X86_S,
	X86_L = 12,
	X86_GE,
	X86_LE,
	X86_G,
};

void x86_u32(struct jit_code *x, uint32_t n);

/** @dst op= @src. */
void x86_rr(struct jit_code *x, enum x86_op op, bool is64, int dst, int src);
/** The same with a constant; not of X86_TEST. */
void x86_ri(struct jit_code *x, enum x86_op op, bool is64, int dst, int32_t imm);
/** Test @dst & @imm. */
void x86_test_imm(struct jit_code *x, bool is64, int dst, int32_t imm);
void x86_imul(struct jit_code *x, bool is64, int dst, int src);
void x86_imul_imm(struct jit_code *x, bool is64, int dst, int32_t imm);
void x86_shift_imm(struct jit_code *x, enum x86_shift op, bool is64, int dst, uint8_t by);
void x86_shift_cl(struct jit_code *x, enum x86_shift op, bool is64, int dst);
void x86_unary(struct jit_code *x, enum x86_unary op, bool is64, int reg);
/** The upper half of a dividend: the sign of rax in rdx. */
void x86_sign_rdx(struct jit_code *x, bool is64);
void x86_bswap(struct jit_code *x, unsigned bits, int reg);

/** @dst = @src; nothing where that is the same. */
void x86_mov(struct jit_code *x, int dst, int src);
void x86_mov32(struct jit_code *x, int dst, int src);
void x86_mov_imm(struct jit_code *x, int dst, uint64_t n);
/** @dst = the lowest @len bytes of @src, extended. */
void x86_extend(struct jit_code *x, unsigned len, bool is_signed, int dst, int src);

void x86_load(struct jit_code *x, unsigned len, bool is_signed, int dst, int base, int32_t off);
void x86_store(struct jit_code *x, unsigned len, int base, int32_t off, int src);
void x86_store_imm(struct jit_code *x, unsigned len, int base, int32_t off, int32_t imm);
/** *(@base + @off) op= @src, of 4 or 8 bytes. */
void x86_mem_op(struct jit_code *x, enum x86_op op, unsigned len, int base, int32_t off, int src);
void x86_mem_imm(struct jit_code *x, enum x86_op op, int base, int32_t off, int32_t imm);
void x86_xadd(struct jit_code *x, unsigned len, int base, int32_t off, int src);
void x86_cmpxchg(struct jit_code *x, unsigned len, int base, int32_t off, int src);

void x86_push(struct jit_code *x, int reg);
void x86_pop(struct jit_code *x, int reg);
void x86_call(struct jit_code *x, int reg);
void x86_ret(struct jit_code *x);

/** A jump whose target comes later: where its offset is, for x86_land() or x86_set_target(). */
size_t x86_jump(struct jit_code *x);
size_t x86_jump_if(struct jit_code *x, enum x86_cond cond);
/** Jump @at comes here, or to @target. */
void x86_land(struct jit_code *x, size_t at);
void x86_set_target(struct jit_code *x, size_t at, size_t target);

#endif
