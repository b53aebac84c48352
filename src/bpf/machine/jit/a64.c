/* SPDX-License-Identifier: MIT */
/** A64 instructions: 32 bits each, with their operands in place. */
#include "bpf/machine/jit/a64.h"

#include <string.h>

enum { SF = 31, JUMP_RANGE = 1 << 27 };

static void put(struct jit_code *c, uint32_t insn)
{
	jit_code_bytes(c, &insn, sizeof(insn)); // little endian, as instructions always are
}

static uint32_t sf(bool is64)
{
	return (uint32_t)is64 << SF;
}

static uint32_t regs(int dst, int a, int b)
{
	return (uint32_t)b << 16 | (uint32_t)a << 5 | (uint32_t)dst;
}

void a64_op(struct jit_code *c, enum a64_op op, bool is64, int dst, int a, int b)
{
	put(c, (uint32_t)op | sf(is64) | regs(dst, a, b));
}

void a64_msub(struct jit_code *c, bool is64, int dst, int a, int b, int minus)
{
	put(c, 0x1b008000 | sf(is64) | regs(dst, a, b) | (uint32_t)minus << 10);
}

/* Add or subtract, with flags or not: one opcode with two bits. */
static bool put_imm(struct jit_code *c, bool is64, bool flags, bool subtract, int dst, int a,
		    int32_t imm)
{
	// The least number has no opposite, and is out of range either way.
	if (imm < 0 && imm > INT32_MIN) {
		imm = -imm;
		subtract = !subtract;
	}
	if (imm < 0 || imm > 0xfff)
		return false;
	put(c, 0x11000000 | sf(is64) | (uint32_t)subtract << 30 | (uint32_t)flags << 29 |
		       (uint32_t)imm << 10 | regs(dst, a, 0));
	return true;
}

bool a64_add_imm(struct jit_code *c, bool is64, int dst, int a, int32_t imm)
{
	return put_imm(c, is64, false, false, dst, a, imm);
}

bool a64_cmp_imm(struct jit_code *c, bool is64, int a, int32_t imm)
{
	// 0 is not negated: its carry differs.
	return put_imm(c, is64, true, true, A64_ZR, a, imm);
}

/* The bits @low to @high of @a, at the right place: UBFM, SBFM. */
static void bitfield(struct jit_code *c, bool is_signed, bool is64, int dst, int a, unsigned immr,
		     unsigned imms)
{
	put(c, (is_signed ? 0x13000000 : 0x53000000) | sf(is64) | (uint32_t)is64 << 22 |
		       immr << 16 | imms << 10 | regs(dst, a, 0));
}

void a64_shift_imm(struct jit_code *c, enum a64_op op, bool is64, int dst, int a, unsigned by)
{
	const unsigned most = is64 ? 63 : 31;

	by &= most;
	if (op == A64_LSLV)
		bitfield(c, false, is64, dst, a, (0 - by) & most, most - by);
	else
		bitfield(c, op == A64_ASRV, is64, dst, a, by, most);
}

void a64_swap(struct jit_code *c, unsigned bits, int reg)
{
	put(c, (bits == 64   ? 0xdac00c00
		: bits == 32 ? 0x5ac00800
			     : 0x5ac00400) |
		       regs(reg, reg, 0));
	if (bits == 16) // the upper half was reversed, too
		a64_extend(c, 2, false, reg, reg);
}

void a64_mov(struct jit_code *c, bool is64, int dst, int src)
{
	if (!is64 || dst != src)
		a64_op(c, A64_ORR, is64, dst, A64_ZR, src);
}

/* 16 bits at a time; those that are not named are all alike. */
void a64_mov_imm(struct jit_code *c, int dst, uint64_t n)
{
	unsigned zeros = 0, ones = 0;

	for (unsigned i = 0; i < 4; i++) {
		zeros += (uint16_t)(n >> 16 * i) == 0;
		ones += (uint16_t)(n >> 16 * i) == UINT16_MAX;
	}
	const bool invert = ones > zeros;
	const uint16_t rest = invert ? UINT16_MAX : 0;
	bool first = true;
	for (unsigned i = 0; i < 4; i++) {
		const uint16_t part = (uint16_t)(n >> 16 * i);

		if (part == rest && !(first && i == 3))
			continue;
		const uint32_t op = !first ? 0xf2800000 : invert ? 0x92800000 : 0xd2800000;
		const uint16_t bits = first && invert ? (uint16_t)~part : part;
		put(c, op | i << 21 | (uint32_t)bits << 5 | (uint32_t)dst);
		first = false;
	}
}

void a64_extend(struct jit_code *c, unsigned len, bool is_signed, int dst, int src)
{
	if (!is_signed && len == 4)
		a64_mov(c, false, dst, src);
	else if (len == 8)
		a64_mov(c, true, dst, src);
	else
		bitfield(c, is_signed, is_signed, dst, src, 0, 8 * len - 1);
}

enum access { STORE, LOAD, LOAD_SIGNED };

/* Scaled offsets from 0 on, others near 0, or those that a register holds. */
static void access(struct jit_code *c, enum access what, unsigned len, int reg, int base,
		   int32_t off, int temp)
{
	const unsigned shift = (unsigned)__builtin_ctz(len);
	const uint32_t head = shift << 30 | (uint32_t)what << 22;

	if (off >= 0 && off % (int32_t)len == 0 && off >> shift <= 0xfff) {
		put(c, 0x39000000 | head | (uint32_t)off >> shift << 10 | regs(reg, base, 0));
	} else if (off >= -256 && off <= 255) {
		put(c, 0x38000000 | head | ((uint32_t)off & 0x1ff) << 12 | regs(reg, base, 0));
	} else {
		a64_mov_imm(c, temp, (uint64_t)(int64_t)off);
		put(c, 0x38206800 | head | regs(reg, base, temp));
	}
}

void a64_load(struct jit_code *c, unsigned len, bool is_signed, int dst, int base, int32_t off,
	      int temp)
{
	access(c, is_signed && len < 8 ? LOAD_SIGNED : LOAD, len, dst, base, off, temp);
}

void a64_store(struct jit_code *c, unsigned len, int src, int base, int32_t off, int temp)
{
	access(c, STORE, len, src, base, off, temp);
}

static uint32_t pair(int a, int b)
{
	return (uint32_t)b << 10 | (uint32_t)A64_SP << 5 | (uint32_t)a;
}

void a64_push2(struct jit_code *c, int a, int b)
{
	put(c, 0xa9bf0000 | pair(a, b)); // stp a, b, [sp, #-16]!
}

void a64_pop2(struct jit_code *c, int a, int b)
{
	put(c, 0xa8c10000 | pair(a, b)); // ldp a, b, [sp], #16
}

void a64_call(struct jit_code *c, int reg)
{
	put(c, 0xd63f0000 | (uint32_t)reg << 5);
}

void a64_ret(struct jit_code *c)
{
	put(c, 0xd65f03c0);
}

size_t a64_jump(struct jit_code *c)
{
	put(c, 0x14000000);
	return c->len - 4;
}

/* Conditions reach 1 MiB only, and a program may be longer: the opposite one goes over a jump. */
size_t a64_jump_if(struct jit_code *c, enum a64_cond cond)
{
	put(c, 0x54000000 | 2 << 5 | ((uint32_t)cond ^ 1));
	return a64_jump(c);
}

void a64_set_target(struct jit_code *c, size_t at, size_t target)
{
	const int64_t by = (int64_t)target - (int64_t)at;
	const uint32_t insn = 0x14000000 | ((uint32_t)(by / 4) & 0x3ffffff);

	if (by >= JUMP_RANGE || by < -JUMP_RANGE)
		c->failed = true;
	if (!c->failed)
		memcpy(c->code + at, &insn, sizeof(insn));
}
