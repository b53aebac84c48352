/* SPDX-License-Identifier: MIT */
/** Arithmetic and comparisons of eBPF on numbers that are known. */
#ifndef BPF_MACHINE_ALU_H
#define BPF_MACHINE_ALU_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/** How an arithmetic instruction works. */
struct alu {
	uint8_t op; /* BPF_OP(code): BPF_ADD ... */
	bool is64;
	bool is_signed; /* BPF_DIV, BPF_MOD */
};

static inline int64_t alu_extend(uint64_t v, unsigned bits)
{
	return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

static inline uint64_t alu_sdiv(int64_t a, int64_t b, bool mod)
{
	if (b == 0)
		return mod ? (uint64_t)a : 0;
	if (b == -1) // the processor would trap on the least number
		return mod ? 0 : -(uint64_t)a;
	return (uint64_t)(mod ? a % b : a / b);
}

static inline uint64_t alu_div(struct alu how, uint64_t a, uint64_t b)
{
	const bool mod = how.op == BPF_MOD;

	if (how.is_signed)
		return how.is64 ? alu_sdiv((int64_t)a, (int64_t)b, mod)
				: alu_sdiv((int32_t)a, (int32_t)b, mod);
	if (b == 0)
		return mod ? a : 0;
	return mod ? a % b : a / b;
}

/** @a op @b; but for BPF_MOV and BPF_END. */
static inline uint64_t alu_do(struct alu how, uint64_t a, uint64_t b)
{
	const unsigned mask = how.is64 ? 63 : 31;
	uint64_t r;

	if (!how.is64) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (how.op) {
	case BPF_ADD: r = a + b; break;
	case BPF_SUB: r = a - b; break;
	case BPF_MUL: r = a * b; break;
	case BPF_DIV:
	case BPF_MOD: r = alu_div(how, a, b); break;
	case BPF_AND: r = a & b; break;
	case BPF_OR: r = a | b; break;
	case BPF_XOR: r = a ^ b; break;
	case BPF_LSH: r = a << (b & mask); break;
	case BPF_RSH: r = a >> (b & mask); break;
	case BPF_ARSH:
		r = how.is64 ? (uint64_t)((int64_t)a >> (b & mask))
			     : (uint64_t)((int32_t)a >> (b & mask));
		break;
	default: r = -a; break; // BPF_NEG
	}
	return how.is64 ? r : (uint32_t)r;
}

/** @bits (16, 32, 64) lowest bits of @v with their bytes reversed, the others 0. */
static inline uint64_t alu_swap(uint64_t v, int32_t bits)
{
	return bits == 16   ? __builtin_bswap16((uint16_t)v)
	       : bits == 32 ? __builtin_bswap32((uint32_t)v)
			    : __builtin_bswap64(v);
}

/** BPF_END: an order of bytes that the processor has, or has not. */
static inline uint64_t alu_end(const struct bpf_insn *in, uint64_t v)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	const bool swap =
		BPF_CLASS(in->code) == BPF_ALU64 || (BPF_SRC(in->code) == BPF_TO_BE) == little;

	if (swap)
		return alu_swap(v, in->imm);
	return in->imm == 64 ? v : v & ((1ULL << in->imm) - 1);
}

/** Whether @a and @b fulfil a jump's condition; @op: BPF_OP(code). */
static inline bool alu_cond(uint8_t op, bool is64, uint64_t a, uint64_t b)
{
	const int64_t sa = is64 ? (int64_t)a : (int32_t)a, sb = is64 ? (int64_t)b : (int32_t)b;

	if (!is64) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return (a & b) != 0;
	case BPF_JSGT: return sa > sb;
	case BPF_JSGE: return sa >= sb;
	case BPF_JSLT: return sa < sb;
	default: return sa <= sb; // BPF_JSLE
	}
}

#endif
