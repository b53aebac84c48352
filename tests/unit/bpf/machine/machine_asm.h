/* SPDX-License-Identifier: MIT */
/** Instructions by hand, and a machine with a few maps to try them on. */
#ifndef MACHINE_ASM_H
#define MACHINE_ASM_H

#include <linux/bpf.h>

#include "base/strbuf.h"
#include "bpf/machine.h"

#define REG(r) (uint8_t)((r)&15)
#define I64(op, dst, n)                                       \
	{                                                     \
		BPF_ALU64 | (op) | BPF_K, REG(dst), 0, 0, (n) \
	}
#define R64(op, dst, src)                                          \
	{                                                          \
		BPF_ALU64 | (op) | BPF_X, REG(dst), REG(src), 0, 0 \
	}
#define I32(op, dst, n)                                     \
	{                                                   \
		BPF_ALU | (op) | BPF_K, REG(dst), 0, 0, (n) \
	}
#define R32(op, dst, src)                                        \
	{                                                        \
		BPF_ALU | (op) | BPF_X, REG(dst), REG(src), 0, 0 \
	}
#define SET(dst, n)    I64(BPF_MOV, dst, n)
#define MOVE(dst, src) R64(BPF_MOV, dst, src)
#define ADD(dst, n)    I64(BPF_ADD, dst, n)
#define LOAD(size, dst, src, off)                                        \
	{                                                                \
		BPF_LDX | BPF_MEM | (size), REG(dst), REG(src), (off), 0 \
	}
#define STORE(size, dst, off, src)                                       \
	{                                                                \
		BPF_STX | BPF_MEM | (size), REG(dst), REG(src), (off), 0 \
	}
#define STORE_N(size, dst, off, n)                                 \
	{                                                          \
		BPF_ST | BPF_MEM | (size), REG(dst), 0, (off), (n) \
	}
#define ATOMIC(size, op, dst, off, src)                                        \
	{                                                                      \
		BPF_STX | BPF_ATOMIC | (size), REG(dst), REG(src), (off), (op) \
	}
#define IF(op, dst, n, off)                                     \
	{                                                       \
		BPF_JMP | (op) | BPF_K, REG(dst), 0, (off), (n) \
	}
#define IF_R(op, dst, src, off)                                      \
	{                                                            \
		BPF_JMP | (op) | BPF_X, REG(dst), REG(src), (off), 0 \
	}
#define GOTO(off)                                \
	{                                        \
		BPF_JMP | BPF_JA, 0, 0, (off), 0 \
	}
#define CALL(helper)                                  \
	{                                             \
		BPF_JMP | BPF_CALL, 0, 0, 0, (helper) \
	}
#define EXIT                                   \
	{                                      \
		BPF_JMP | BPF_EXIT, 0, 0, 0, 0 \
	}
#define WIDE(dst, src, lo, hi)                                      \
	{ BPF_LD | BPF_IMM | BPF_DW, REG(dst), REG(src), 0, (lo) }, \
	{                                                           \
		0, 0, 0, 0, (hi)                                    \
	}
#define MAP(dst, map)	     WIDE(dst, BPF_PSEUDO_MAP_FD, map, 0)
#define VALUE(dst, map, off) WIDE(dst, BPF_PSEUDO_MAP_VALUE, map, off)
#define FN(dst, off)	     WIDE(dst, BPF_PSEUDO_FUNC, off, 0)

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

enum { CTX_LEN = 32, TEXT_END = 0x1800 /* a 0 in the memory that read() has */ };

/** array: u32 -> 40 bytes, 4 of them; one: an array of one of 72; hash: u64 -> 24 bytes, 8 of them;
 * ring. */
enum { ARRAY, ONE, HASH, RING, N_MAPS };

struct asm_seen {
	uint8_t record[256];
	size_t len, n;
};

/** A machine with these maps; records go to @seen, memory from 0x1000 on reads as 'm'. */
struct machine *asm_machine(struct asm_seen *seen);

/** Loads instructions; which map a constant means stands in it. */
SONDE_MUST_CHECK int asm_load(struct machine *m, const struct bpf_insn *insns, size_t n,
			      enum machine_how how, struct strbuf *log, struct machine_prog **ret);

#endif
