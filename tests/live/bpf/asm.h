/* SPDX-License-Identifier: MIT */
/** Programs by hand: instructions as the kernel takes them, with the index of a map as imm. */
#ifndef TESTS_LIVE_BPF_ASM_H
#define TESTS_LIVE_BPF_ASM_H

#include <linux/bpf.h>

#include "bpf/fn.h"
#include "bpf/load.h"
#include "bpf/map.h"

#define I_ALU(op, d, i)                                              \
	(struct bpf_insn)                                            \
	{                                                            \
		.code = BPF_ALU64 | (op), .dst_reg = (d), .imm = (i) \
	}
#define I_ALU_REG(op, d, s)                                                      \
	(struct bpf_insn)                                                        \
	{                                                                        \
		.code = BPF_ALU64 | (op) | BPF_X, .dst_reg = (d), .src_reg = (s) \
	}
#define I_MOV(d, i)	I_ALU(BPF_MOV, d, i)
#define I_MOV_REG(d, s) I_ALU_REG(BPF_MOV, d, s)
#define I_LDX(size, d, s, o)                                                                   \
	(struct bpf_insn)                                                                      \
	{                                                                                      \
		.code = BPF_LDX | BPF_MEM | (size), .dst_reg = (d), .src_reg = (s), .off = (o) \
	}
#define I_STX(size, d, o, s)                                                                   \
	(struct bpf_insn)                                                                      \
	{                                                                                      \
		.code = BPF_STX | BPF_MEM | (size), .dst_reg = (d), .src_reg = (s), .off = (o) \
	}
#define I_ST(size, d, o, i)                                                               \
	(struct bpf_insn)                                                                 \
	{                                                                                 \
		.code = BPF_ST | BPF_MEM | (size), .dst_reg = (d), .off = (o), .imm = (i) \
	}
#define I_ATOMIC_ADD(d, o, s)                                                                      \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = (d), .src_reg = (s), .off = (o), \
		.imm = BPF_ADD                                                                     \
	}
/* Jumps over @o instructions. */
#define I_IF(op, d, i, o)                                                      \
	(struct bpf_insn)                                                      \
	{                                                                      \
		.code = BPF_JMP | (op), .dst_reg = (d), .imm = (i), .off = (o) \
	}
#define I_GOTO(o)                                    \
	(struct bpf_insn)                            \
	{                                            \
		.code = BPF_JMP | BPF_JA, .off = (o) \
	}
#define I_CALL(helper)                                      \
	(struct bpf_insn)                                   \
	{                                                   \
		.code = BPF_JMP | BPF_CALL, .imm = (helper) \
	}
#define I_EXIT                             \
	(struct bpf_insn)                  \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}
/* Two instructions each. */
#define I_LD64(d, s, i, j)                                                                    \
	(struct bpf_insn){                                                                    \
		.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = (d), .src_reg = (s), .imm = (i) \
	},                                                                                    \
		(struct bpf_insn)                                                             \
	{                                                                                     \
		.imm = (j)                                                                    \
	}
#define I_MAP(d, map)	    I_LD64(d, BPF_PSEUDO_MAP_FD, map, 0)
#define I_VALUE(d, map, o)  I_LD64(d, BPF_PSEUDO_MAP_VALUE, map, o)
#define I_FN(d, insns_away) I_LD64(d, BPF_PSEUDO_FUNC, insns_away, 0)

/** @insns with relocations found; lent until the next call. */
struct bpf_code asm_code(struct bpf_insn *insns, size_t n);
#define ASM(insns) asm_code((insns), sizeof(insns) / sizeof((insns)[0]))

/** Loads a program that must be taken; its descriptor, or -1 and a failed test. */
int asm_load(enum bpf_prog_type type, enum bpf_attach_type attach, uint32_t btf_id,
	     const struct bpf_code *code, const struct bpf_maps *maps);

/** false: not root; the test is marked as skipped. */
bool asm_may(void);

#endif
