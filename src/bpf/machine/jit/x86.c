/* SPDX-License-Identifier: MIT */
/** x86-64 instructions: prefixes, opcodes, operands. */
#include "bpf/machine/jit/x86.h"

#include <string.h>

enum { REX = 0x40, REX_W = 8, REX_R = 4, REX_B = 1, OPERAND_16 = 0x66, TWO_BYTE = 0x0f };

static void byte(struct jit_code *x, int b)
{
	jit_code_bytes(x, &(uint8_t){ (uint8_t)b }, 1);
}

void x86_u32(struct jit_code *x, uint32_t n)
{
	jit_code_bytes(x, &n, sizeof(n));
}

/* Prefix and opcode; @op of two bytes: 0x0f in the upper one. @force: also without need. */
static void opcode(struct jit_code *x, int op, bool is64, int reg, int rm, bool force)
{
	const int rex = (is64 ? REX_W : 0) | (reg > 7 ? REX_R : 0) | (rm > 7 ? REX_B : 0);

	if (rex || force)
		byte(x, REX | rex);
	if (op > 0xff)
		byte(x, op >> 8);
	byte(x, op);
}

static void modrm(struct jit_code *x, int mod, int reg, int rm)
{
	byte(x, mod << 6 | (reg & 7) << 3 | (rm & 7));
}

static void op_rr(struct jit_code *x, int op, bool is64, int reg, int rm)
{
	opcode(x, op, is64, reg, rm, false);
	modrm(x, 3, reg, rm);
}

/* The operand *(@base + @off). */
static void place(struct jit_code *x, int reg, int base, int32_t off)
{
	const bool is_near = off == (int8_t)off, is_zero = off == 0 && (base & 7) != RBP;

	modrm(x, is_zero ? 0 : is_near ? 1 : 2, reg, base);
	if ((base & 7) == RSP)
		byte(x, 0x24); // no index
	if (!is_zero && is_near)
		byte(x, off);
	else if (!is_zero)
		x86_u32(x, (uint32_t)off);
}

static void op_mem(struct jit_code *x, int op, bool is64, int reg, int base, int32_t off)
{
	opcode(x, op, is64, reg, base, false);
	place(x, reg, base, off);
}

void x86_rr(struct jit_code *x, enum x86_op op, bool is64, int dst, int src)
{
	op_rr(x, op, is64, src, dst);
}

/* The opcodes of one operation differ in these bits; constants have them elsewhere. */
static int digit_of(enum x86_op op)
{
	return op >> 3 & 7;
}

void x86_ri(struct jit_code *x, enum x86_op op, bool is64, int dst, int32_t imm)
{
	const bool is_small = imm == (int8_t)imm;

	op_rr(x, is_small ? 0x83 : 0x81, is64, digit_of(op), dst);
	if (is_small)
		byte(x, imm);
	else
		x86_u32(x, (uint32_t)imm);
}

void x86_test_imm(struct jit_code *x, bool is64, int dst, int32_t imm)
{
	op_rr(x, 0xf7, is64, 0, dst);
	x86_u32(x, (uint32_t)imm);
}

void x86_imul(struct jit_code *x, bool is64, int dst, int src)
{
	op_rr(x, TWO_BYTE << 8 | 0xaf, is64, dst, src);
}

void x86_imul_imm(struct jit_code *x, bool is64, int dst, int32_t imm)
{
	op_rr(x, 0x69, is64, dst, dst);
	x86_u32(x, (uint32_t)imm);
}

void x86_shift_imm(struct jit_code *x, enum x86_shift op, bool is64, int dst, uint8_t by)
{
	op_rr(x, 0xc1, is64, op, dst);
	byte(x, by);
}

void x86_shift_cl(struct jit_code *x, enum x86_shift op, bool is64, int dst)
{
	op_rr(x, 0xd3, is64, op, dst);
}

void x86_unary(struct jit_code *x, enum x86_unary op, bool is64, int reg)
{
	op_rr(x, 0xf7, is64, op, reg);
}

void x86_sign_rdx(struct jit_code *x, bool is64)
{
	opcode(x, 0x99, is64, 0, 0, false);
}

void x86_bswap(struct jit_code *x, unsigned bits, int reg)
{
	if (bits == 16) {
		byte(x, OPERAND_16);
		x86_shift_imm(x, X86_ROR, false, reg, 8);
		x86_extend(x, 2, false, reg, reg);
		return;
	}
	opcode(x, TWO_BYTE << 8 | 0xc8 | (reg & 7), bits == 64, 0, reg, false);
}

void x86_mov(struct jit_code *x, int dst, int src)
{
	if (dst != src)
		x86_rr(x, X86_MOV, true, dst, src);
}

void x86_mov32(struct jit_code *x, int dst, int src)
{
	x86_rr(x, X86_MOV, false, dst, src);
}

void x86_mov_imm(struct jit_code *x, int dst, uint64_t n)
{
	const bool is_signed = (int64_t)n < 0 && (int64_t)n == (int32_t)(uint32_t)n;

	if (n == 0) {
		x86_rr(x, X86_XOR, false, dst, dst);
	} else if (is_signed) {
		op_rr(x, 0xc7, true, 0, dst);
		x86_u32(x, (uint32_t)n);
	} else {
		opcode(x, 0xb8 | (dst & 7), n > UINT32_MAX, 0, dst, false);
		jit_code_bytes(x, &n, n > UINT32_MAX ? 8 : 4);
	}
}

/* "mov" with extension from @len bytes. */
static int load_op(unsigned len, bool is_signed)
{
	switch (len) {
	case 1: return TWO_BYTE << 8 | (is_signed ? 0xbe : 0xb6);
	case 2: return TWO_BYTE << 8 | (is_signed ? 0xbf : 0xb7);
	case 4: return is_signed ? 0x63 : 0x8b;
	default: return 0x8b;
	}
}

void x86_extend(struct jit_code *x, unsigned len, bool is_signed, int dst, int src)
{
	// Of a byte without a REX prefix, numbers from 4 on mean other registers.
	opcode(x, load_op(len, is_signed), is_signed, dst, src, len == 1);
	modrm(x, 3, dst, src);
}

void x86_load(struct jit_code *x, unsigned len, bool is_signed, int dst, int base, int32_t off)
{
	op_mem(x, load_op(len, is_signed), is_signed || len == 8, dst, base, off);
}

void x86_store(struct jit_code *x, unsigned len, int base, int32_t off, int src)
{
	if (len == 2)
		byte(x, OPERAND_16);
	opcode(x, len == 1 ? 0x88 : X86_MOV, len == 8, src, base, len == 1);
	place(x, src, base, off);
}

void x86_store_imm(struct jit_code *x, unsigned len, int base, int32_t off, int32_t imm)
{
	if (len == 2)
		byte(x, OPERAND_16);
	op_mem(x, len == 1 ? 0xc6 : 0xc7, len == 8, 0, base, off);
	jit_code_bytes(x, &imm, len == 8 ? 4 : len);
}

void x86_mem_op(struct jit_code *x, enum x86_op op, unsigned len, int base, int32_t off, int src)
{
	op_mem(x, op, len == 8, src, base, off);
}

void x86_mem_imm(struct jit_code *x, enum x86_op op, int base, int32_t off, int32_t imm)
{
	const bool is_small = imm == (int8_t)imm;

	op_mem(x, is_small ? 0x83 : 0x81, false, digit_of(op), base, off);
	if (is_small)
		byte(x, imm);
	else
		x86_u32(x, (uint32_t)imm);
}

void x86_xadd(struct jit_code *x, unsigned len, int base, int32_t off, int src)
{
	op_mem(x, TWO_BYTE << 8 | 0xc1, len == 8, src, base, off);
}

void x86_cmpxchg(struct jit_code *x, unsigned len, int base, int32_t off, int src)
{
	op_mem(x, TWO_BYTE << 8 | 0xb1, len == 8, src, base, off);
}

void x86_push(struct jit_code *x, int reg)
{
	opcode(x, 0x50 | (reg & 7), false, 0, reg, false);
}

void x86_pop(struct jit_code *x, int reg)
{
	opcode(x, 0x58 | (reg & 7), false, 0, reg, false);
}

void x86_call(struct jit_code *x, int reg)
{
	op_rr(x, 0xff, false, 2, reg);
}

void x86_ret(struct jit_code *x)
{
	byte(x, 0xc3);
}

size_t x86_jump(struct jit_code *x)
{
	byte(x, 0xe9);
	x86_u32(x, 0);
	return x->len - 4;
}

size_t x86_jump_if(struct jit_code *x, enum x86_cond cond)
{
	byte(x, TWO_BYTE);
	byte(x, 0x80 | (int)cond);
	x86_u32(x, 0);
	return x->len - 4;
}

void x86_set_target(struct jit_code *x, size_t at, size_t target)
{
	const int32_t by = (int32_t)((int64_t)target - (int64_t)(at + 4));

	if (!x->failed)
		memcpy(x->code + at, &by, sizeof(by));
}

void x86_land(struct jit_code *x, size_t at)
{
	x86_set_target(x, at, x->len);
}
