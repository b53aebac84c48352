/* SPDX-License-Identifier: MIT */
/**
 * The compiler for x86-64: each instruction becomes a few, in the same order.
 *
 *	r0 ... r5: rax rdi rsi rdx rcx r8, as C passes arguments; r6 ... r9: rbx r13 r14 r15;
 *	r10: rbp; r12: the machine; r9 ... r11: for what one instruction needs
 *
 * One machine is one thread's: atomic instructions need no lock.
 */
#include <linux/bpf.h>

#include "bpf/machine/alu.h"
#include "bpf/machine/call.h"
#include "bpf/machine/jit/back.h"
#include "bpf/machine/jit/x86.h"
#include "bpf/machine/map.h"
#include "bpf/machine/verify/verifier.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

enum { MACHINE = R12, TEMP = R11, TEMP2 = R10, TEMP3 = R9 };

static const uint8_t regs[] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP };

/* --- arithmetic --- */

static void put_div_small(struct jit *j, struct alu how, int dst, int32_t imm)
{
	if (how.op == BPF_DIV)
		x86_shift_imm(&j->code, X86_SHR, how.is64, dst,
			      (uint8_t)__builtin_ctz((unsigned)imm));
	else
		x86_ri(&j->code, X86_AND, how.is64, dst, imm - 1);
}

/* Division by what is in TEMP and neither 0 nor, with signs, -1. */
static void put_div_plain(struct jit *j, struct alu how, int dst)
{
	struct jit_code *x = &j->code;

	x86_mov(x, TEMP2, RAX);
	x86_mov(x, TEMP3, RDX);
	x86_mov(x, RAX, dst);
	if (how.is_signed)
		x86_sign_rdx(x, how.is64);
	else
		x86_rr(x, X86_XOR, false, RDX, RDX);
	x86_unary(x, how.is_signed ? X86_IDIV : X86_DIV, how.is64, TEMP);
	x86_mov(x, TEMP, how.op == BPF_DIV ? RAX : RDX);
	x86_mov(x, RAX, TEMP2);
	x86_mov(x, RDX, TEMP3);
	if (how.is64)
		x86_mov(x, dst, TEMP);
	else
		x86_mov32(x, dst, TEMP);
}

static void put_zero(struct jit *j, int dst)
{
	x86_rr(&j->code, X86_XOR, false, dst, dst);
}

/* Without a divisor: 0, or the dividend. With -1, the processor traps on the least number. */
static void put_div(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	struct jit_code *x = &j->code;
	const bool k = BPF_SRC(in->code) == BPF_K;
	size_t ends[2], n = 0;

	if (k && !how.is_signed && in->imm > 0 && (in->imm & (in->imm - 1)) == 0) {
		put_div_small(j, how, dst, in->imm);
		return;
	}
	if (k)
		x86_mov_imm(x, TEMP, how.is64 ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm);
	else
		x86_rr(x, X86_MOV, how.is64, TEMP, regs[in->src_reg]);
	if (!k || in->imm == 0) {
		x86_rr(x, X86_TEST, how.is64, TEMP, TEMP);
		const size_t fine = x86_jump_if(x, X86_NE);
		if (how.op == BPF_DIV)
			put_zero(j, dst);
		else if (!how.is64)
			x86_mov32(x, dst, dst);
		ends[n++] = x86_jump(x);
		x86_land(x, fine);
	}
	if (how.is_signed) {
		x86_ri(x, X86_CMP, how.is64, TEMP, -1);
		const size_t fine = x86_jump_if(x, X86_NE);
		if (how.op == BPF_DIV)
			x86_unary(x, X86_NEG, how.is64, dst);
		else
			put_zero(j, dst);
		ends[n++] = x86_jump(x);
		x86_land(x, fine);
	}
	put_div_plain(j, how, dst);
	while (n > 0)
		x86_land(x, ends[--n]);
}

static void put_shift(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	struct jit_code *x = &j->code;
	const enum x86_shift op = how.op == BPF_LSH   ? X86_SHL
				  : how.op == BPF_RSH ? X86_SHR
						      : X86_SAR;

	if (!how.is64)
		x86_mov32(x, dst, dst); // a shift by 0 may leave the upper half
	if (BPF_SRC(in->code) == BPF_K) {
		x86_shift_imm(x, op, how.is64, dst, (uint8_t)(in->imm & (how.is64 ? 63 : 31)));
		return;
	}
	const int src = regs[in->src_reg];
	if (src == RCX && dst != RCX) {
		x86_shift_cl(x, op, how.is64, dst);
		return;
	}
	x86_mov(x, TEMP, RCX);
	x86_mov(x, RCX, src);
	x86_shift_cl(x, op, how.is64, dst == RCX ? TEMP : dst);
	x86_mov(x, RCX, TEMP);
}

static void put_move(struct jit *j, const struct bpf_insn *in, bool is64, int dst)
{
	struct jit_code *x = &j->code;
	const int src = regs[in->src_reg];

	if (BPF_SRC(in->code) == BPF_K) {
		x86_mov_imm(x, dst, is64 ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm);
	} else if (in->off) {
		x86_extend(x, (unsigned)in->off / 8, true, dst, src);
		if (!is64)
			x86_mov32(x, dst, dst);
	} else if (is64) {
		x86_mov(x, dst, src);
	} else {
		x86_mov32(x, dst, src);
	}
}

static void put_end(struct jit *j, const struct bpf_insn *in, int dst)
{
	const unsigned bits = (unsigned)in->imm;

	if (BPF_CLASS(in->code) == BPF_ALU64 || BPF_SRC(in->code) == BPF_TO_BE)
		x86_bswap(&j->code, bits, dst);
	else if (bits < 64)
		x86_extend(&j->code, bits / 8, false, dst, dst);
}

static void put_alu(struct jit *j, const struct bpf_insn *in)
{
	static const uint8_t ops[16] = {
		[BPF_ADD >> 4] = X86_ADD, [BPF_SUB >> 4] = X86_SUB, [BPF_AND >> 4] = X86_AND,
		[BPF_OR >> 4] = X86_OR,	  [BPF_XOR >> 4] = X86_XOR,
	};
	const struct alu how = { .op = BPF_OP(in->code),
				 .is64 = BPF_CLASS(in->code) == BPF_ALU64,
				 .is_signed = in->off == 1 };
	const bool k = BPF_SRC(in->code) == BPF_K;
	const int dst = regs[in->dst_reg], src = regs[in->src_reg];

	switch (how.op) {
	case BPF_MOV: put_move(j, in, how.is64, dst); break;
	case BPF_END: put_end(j, in, dst); break;
	case BPF_NEG: x86_unary(&j->code, X86_NEG, how.is64, dst); break;
	case BPF_DIV:
	case BPF_MOD: put_div(j, in, how, dst); break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: put_shift(j, in, how, dst); break;
	case BPF_MUL:
		if (k)
			x86_imul_imm(&j->code, how.is64, dst, in->imm);
		else
			x86_imul(&j->code, how.is64, dst, src);
		break;
	default:
		if (k)
			x86_ri(&j->code, ops[how.op >> 4], how.is64, dst, in->imm);
		else
			x86_rr(&j->code, ops[how.op >> 4], how.is64, dst, src);
	}
}

/* --- memory --- */

static void put_fetch(struct jit *j, const struct bpf_insn *in, unsigned len)
{
	static const uint8_t ops[16] = { [BPF_AND >> 4] = X86_AND,
					 [BPF_OR >> 4] = X86_OR,
					 [BPF_XOR >> 4] = X86_XOR };
	const int base = regs[in->dst_reg], src = regs[in->src_reg];
	struct jit_code *x = &j->code;
	int now = src;

	x86_load(x, len, false, TEMP, base, in->off);
	if (in->imm != BPF_XCHG) {
		x86_mov(x, TEMP2, TEMP);
		x86_rr(x, ops[(in->imm & 0xf0) >> 4], len == 8, TEMP2, src);
		now = TEMP2;
	}
	x86_store(x, len, base, in->off, now);
	x86_mov(x, src, TEMP);
}

static void put_atomic(struct jit *j, const struct bpf_insn *in)
{
	const int base = regs[in->dst_reg], src = regs[in->src_reg];
	const unsigned len = access_len(in);
	struct jit_code *x = &j->code;

	switch (in->imm) {
	case BPF_ADD: x86_mem_op(x, X86_ADD, len, base, in->off, src); break;
	case BPF_OR: x86_mem_op(x, X86_OR, len, base, in->off, src); break;
	case BPF_AND: x86_mem_op(x, X86_AND, len, base, in->off, src); break;
	case BPF_XOR: x86_mem_op(x, X86_XOR, len, base, in->off, src); break;
	case BPF_ADD | BPF_FETCH: x86_xadd(x, len, base, in->off, src); break;
	case BPF_CMPXCHG:
		x86_cmpxchg(x, len, base, in->off, src);
		if (len == 4)
			x86_mov32(x, RAX, RAX); // where it was equal, nothing was loaded
		break;
	default: put_fetch(j, in, len); break;
	}
}

static void put_memory(struct jit *j, const struct bpf_insn *in)
{
	const int dst = regs[in->dst_reg], src = regs[in->src_reg];
	const unsigned len = access_len(in);

	switch (BPF_CLASS(in->code)) {
	case BPF_LDX:
		x86_load(&j->code, len, BPF_MODE(in->code) == BPF_MEMSX, dst, src, in->off);
		break;
	case BPF_ST: x86_store_imm(&j->code, len, dst, in->off, in->imm); break;
	default:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			put_atomic(j, in);
		else
			x86_store(&j->code, len, dst, in->off, src);
	}
}

/* --- jumps --- */

static enum x86_cond cond_of(uint8_t op)
{
	switch (op) {
	case BPF_JEQ: return X86_E;
	case BPF_JGT: return X86_A;
	case BPF_JGE: return X86_AE;
	case BPF_JLT: return X86_B;
	case BPF_JLE: return X86_BE;
	case BPF_JSGT: return X86_G;
	case BPF_JSGE: return X86_GE;
	case BPF_JSLT: return X86_L;
	case BPF_JSLE: return X86_LE;
	default: return X86_NE; // BPF_JNE, _JSET
	}
}

static void put_compare(struct jit *j, const struct bpf_insn *in)
{
	const bool k = BPF_SRC(in->code) == BPF_K, is64 = BPF_CLASS(in->code) == BPF_JMP;
	const int dst = regs[in->dst_reg], src = regs[in->src_reg];
	const bool is_set = BPF_OP(in->code) == BPF_JSET;

	if (k && is_set)
		x86_test_imm(&j->code, is64, dst, in->imm);
	else if (k && in->imm == 0)
		x86_rr(&j->code, X86_TEST, is64, dst, dst);
	else if (k)
		x86_ri(&j->code, X86_CMP, is64, dst, in->imm);
	else
		x86_rr(&j->code, is_set ? X86_TEST : X86_CMP, is64, dst, src);
}

/* Counts a way back of @n instructions; leaves if there were too many. */
static void put_budget(struct jit *j, int32_t n)
{
	x86_mem_imm(&j->code, X86_SUB, MACHINE, offsetof(struct machine, budget), n);
	jit_fix_exit(j, x86_jump_if(&j->code, X86_S));
}

static void put_jump(struct jit *j, const struct bpf_insn *in, size_t i)
{
	const size_t to = jump_target(in, i);
	size_t skip = 0;

	if (is_conditional(in)) {
		const enum x86_cond cond = cond_of(BPF_OP(in->code));

		put_compare(j, in);
		if (to > i) {
			jit_fix_insn(j, x86_jump_if(&j->code, cond), to);
			return;
		}
		skip = x86_jump_if(&j->code, cond ^ 1);
	}
	if (to <= i)
		put_budget(j, (int32_t)(i + 1 - to));
	jit_fix_insn(j, x86_jump(&j->code), to);
	if (skip)
		x86_land(&j->code, skip);
}

/* --- calls --- */

static void put_array_lookup(struct jit *j, const struct machine_map *map)
{
	struct jit_code *x = &j->code;
	const uint32_t n = map->spec->max_entries;

	x86_load(x, 4, false, RAX, RSI, 0);
	if (n <= INT32_MAX)
		x86_ri(x, X86_CMP, false, RAX, (int32_t)n);
	else
		x86_mov_imm(x, TEMP, n), x86_rr(x, X86_CMP, false, RAX, TEMP);
	const size_t none = x86_jump_if(x, X86_AE);
	if (n == 1) {
		x86_mov_imm(x, RAX, (uintptr_t)map->values);
	} else {
		x86_imul_imm(x, true, RAX, (int32_t)map->stride);
		x86_mov_imm(x, TEMP, (uintptr_t)map->values);
		x86_rr(x, X86_ADD, true, RAX, TEMP);
	}
	const size_t end = x86_jump(x);
	x86_land(x, none);
	put_zero(j, RAX);
	x86_land(x, end);
}

static void put_call(struct jit *j, const void *f)
{
	x86_mov_imm(&j->code, RAX, (uintptr_t)f);
	x86_call(&j->code, RAX);
}

static void put_lookup(struct jit *j, const struct machine_map *map)
{
	if (map->kind == MAP_ARRAY) {
		put_array_lookup(j, map);
		return;
	}
	hash_find_fn *f = hash_finder(map->hash);
	x86_mov_imm(&j->code, RDI, (uintptr_t)map->hash);
	put_call(j, (const void *)(uintptr_t)f);
}

static void put_comm(struct jit *j)
{
	const int32_t off = offsetof(struct machine, now.comm);

	x86_load(&j->code, 8, false, TEMP, MACHINE, off);
	x86_load(&j->code, 8, false, TEMP2, MACHINE, off + 8);
	x86_store(&j->code, 8, RDI, 0, TEMP);
	x86_store(&j->code, 8, RDI, 8, TEMP2);
	put_zero(j, RAX);
}

static void put_now(struct jit *j, unsigned len, size_t off)
{
	x86_load(&j->code, len, false, RAX, MACHINE, (int32_t)off);
}

/* False: it must be called. */
static bool put_inline(struct jit *j, const struct helper *h, const struct insn_note *note)
{
	switch (h->how) {
	case INLINE_TIME: put_now(j, 8, offsetof(struct machine, now.ts_ns)); return true;
	case INLINE_PID_TGID: put_now(j, 8, offsetof(struct machine, now.pid_tgid)); return true;
	case INLINE_UID_GID: put_now(j, 8, offsetof(struct machine, now.uid_gid)); return true;
	case INLINE_CPU: put_now(j, 4, offsetof(struct machine, now.cpu)); return true;
	case INLINE_PLACE: put_now(j, 4, offsetof(struct machine, now.place)); return true;
	case INLINE_ZERO: put_zero(j, RAX); return true;
	case INLINE_COMM:
		if (note->is_several || note->size != sizeof(j->p->m->now.comm))
			return false;
		put_comm(j);
		return true;
	case INLINE_LOOKUP:
		if (note->is_several || note->map < 0)
			return false;
		put_lookup(j, &j->p->m->maps[note->map]);
		return true;
	default: return false;
	}
}

static void put_helper(struct jit *j, const struct bpf_insn *in, const struct insn_note *note)
{
	const struct helper *h = helper_find(in->imm);

	if (put_inline(j, h, note))
		return;
	x86_mov(&j->code, R9, MACHINE);
	put_call(j, (const void *)(uintptr_t)helper_fit(h, note));
	if (h->args[1] != ARG_LOOP_FN && h->args[1] != ARG_EACH_FN)
		return;
	x86_mem_imm(&j->code, X86_CMP, MACHINE, offsetof(struct machine, budget), 0);
	jit_fix_exit(j, x86_jump_if(&j->code, X86_L));
}

/* --- what the common part asks for --- */

/* What the function must give back as it was, of an odd number: what is called finds the stack
 * aligned to 16. */
static size_t saved(const struct jit *j, uint8_t ret[static 7])
{
	size_t n = 0;

	ret[n++] = MACHINE;
	for (unsigned r = BPF_REG_6; r <= BPF_REG_10; r++)
		if (j->uses & 1u << r)
			ret[n++] = regs[r];
	if (n % 2 == 0)
		ret[n++] = MACHINE;
	return n;
}

void jit_put_entry(struct jit *j)
{
	uint8_t regs_saved[7];
	const size_t n = saved(j, regs_saved);

	for (size_t i = 0; i < n; i++)
		x86_push(&j->code, regs_saved[i]);
	x86_mov(&j->code, MACHINE, R9);
	if (j->uses & 1u << BPF_REG_10)
		x86_load(&j->code, 8, false, RBP, MACHINE, offsetof(struct machine, fp));
}

void jit_put_exit(struct jit *j)
{
	uint8_t regs_saved[7];

	for (size_t i = saved(j, regs_saved); i-- > 0;)
		x86_pop(&j->code, regs_saved[i]);
	x86_ret(&j->code);
}

size_t jit_put_jump(struct jit *j)
{
	return x86_jump(&j->code);
}

void jit_set_target(struct jit *j, size_t at, size_t target)
{
	x86_set_target(&j->code, at, target);
}

void jit_put_unreached(struct jit *j)
{
	x86_store_imm(&j->code, 4, MACHINE, offsetof(struct machine, budget), -1);
	jit_fix_exit(j, x86_jump(&j->code));
}

void jit_put_insn(struct jit *j, size_t i)
{
	const struct bpf_insn *in = &j->p->insns[i];

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64: put_alu(j, in); break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX: put_memory(j, in); break;
	case BPF_LD:
		x86_mov_imm(&j->code, regs[in->dst_reg],
			    (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm);
		break;
	default:
		if (in->code == (BPF_JMP | BPF_EXIT))
			jit_put_exit(j);
		else if (in->code == (BPF_JMP | BPF_CALL))
			put_helper(j, in, &j->p->notes[i]);
		else
			put_jump(j, in, i);
	}
}
