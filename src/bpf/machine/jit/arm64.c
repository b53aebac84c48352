/* SPDX-License-Identifier: MIT */
/**
 * The compiler for aarch64: each instruction becomes a few, in the same order.
 *
 *	r0: x7; r1 ... r5: x0 ... x4, as C passes arguments; r6 ... r9: x19 ... x22;
 *	r10: x24; x23: the machine; x9 ... x12: for what one instruction needs
 *
 * Its divisions give 0 where there is no divisor, and never trap: as eBPF has them.
 */
#include <linux/bpf.h>

#include "bpf/machine/alu.h"
#include "bpf/machine/call.h"
#include "bpf/machine/jit/a64.h"
#include "bpf/machine/jit/back.h"
#include "bpf/machine/map.h"
#include "bpf/machine/verify/verifier.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

enum { R0 = A64_X7, FRAME = A64_X24, MACHINE = A64_X23 };
enum { TEMP = A64_X9, TEMP2, TEMP3, TEMP_OFF };

static const uint8_t regs[] = { R0,	 A64_X0,  A64_X1,  A64_X2,  A64_X3, A64_X4,
				A64_X19, A64_X20, A64_X21, A64_X22, FRAME };

static void load(struct jit *j, unsigned len, bool is_signed, int dst, int base, int32_t off)
{
	a64_load(&j->code, len, is_signed, dst, base, off, TEMP_OFF);
}

static void store(struct jit *j, unsigned len, int src, int base, int32_t off)
{
	a64_store(&j->code, len, src, base, off, TEMP_OFF);
}

/* The second operand in a register. */
static int operand(struct jit *j, const struct bpf_insn *in)
{
	if (BPF_SRC(in->code) == BPF_X)
		return regs[in->src_reg];
	if (in->imm == 0)
		return A64_ZR;
	a64_mov_imm(&j->code, TEMP, (uint64_t)(int64_t)in->imm);
	return TEMP;
}

/* --- arithmetic --- */

static void put_div(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	const int by = operand(j, in);
	const enum a64_op op = how.is_signed ? A64_SDIV : A64_UDIV;

	if (how.op == BPF_DIV) {
		a64_op(&j->code, op, how.is64, dst, dst, by);
		return;
	}
	a64_op(&j->code, op, how.is64, TEMP2, dst, by);
	a64_msub(&j->code, how.is64, dst, TEMP2, by, dst);
}

static void put_move(struct jit *j, const struct bpf_insn *in, bool is64, int dst)
{
	const int src = regs[in->src_reg];

	if (BPF_SRC(in->code) == BPF_K) {
		a64_mov_imm(&j->code, dst, is64 ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm);
		return;
	}
	if (!in->off) {
		a64_mov(&j->code, is64, dst, src);
		return;
	}
	a64_extend(&j->code, (unsigned)in->off / 8, true, dst, src);
	if (!is64)
		a64_mov(&j->code, false, dst, dst);
}

static void put_end(struct jit *j, const struct bpf_insn *in, int dst)
{
	const unsigned bits = (unsigned)in->imm;

	if (BPF_CLASS(in->code) == BPF_ALU64 || BPF_SRC(in->code) == BPF_TO_BE)
		a64_swap(&j->code, bits, dst);
	else if (bits < 64)
		a64_extend(&j->code, bits / 8, false, dst, dst);
}

static void put_shift(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	const enum a64_op op = how.op == BPF_LSH   ? A64_LSLV
			       : how.op == BPF_RSH ? A64_LSRV
						   : A64_ASRV;

	if (BPF_SRC(in->code) == BPF_K)
		a64_shift_imm(&j->code, op, how.is64, dst, dst, (unsigned)in->imm);
	else
		a64_op(&j->code, op, how.is64, dst, dst, regs[in->src_reg]);
}

/* Whether the constant fits into the instruction. */
static bool put_add_imm(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	const bool add = how.op == BPF_ADD, subtract = how.op == BPF_SUB && in->imm > INT32_MIN;

	return BPF_SRC(in->code) == BPF_K && (add || subtract) &&
	       a64_add_imm(&j->code, how.is64, dst, dst, add ? in->imm : -in->imm);
}

static void put_alu(struct jit *j, const struct bpf_insn *in)
{
	static const uint32_t ops[16] = {
		[BPF_ADD >> 4] = A64_ADD, [BPF_SUB >> 4] = A64_SUB, [BPF_AND >> 4] = A64_AND,
		[BPF_OR >> 4] = A64_ORR,  [BPF_XOR >> 4] = A64_EOR, [BPF_MUL >> 4] = A64_MUL,
	};
	const struct alu how = { .op = BPF_OP(in->code),
				 .is64 = BPF_CLASS(in->code) == BPF_ALU64,
				 .is_signed = in->off == 1 };
	const int dst = regs[in->dst_reg];

	switch (how.op) {
	case BPF_MOV: put_move(j, in, how.is64, dst); break;
	case BPF_END: put_end(j, in, dst); break;
	case BPF_NEG: a64_op(&j->code, A64_SUB, how.is64, dst, A64_ZR, dst); break;
	case BPF_DIV:
	case BPF_MOD: put_div(j, in, how, dst); break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: put_shift(j, in, how, dst); break;
	default:
		if (!put_add_imm(j, in, how, dst))
			a64_op(&j->code, (enum a64_op)ops[how.op >> 4], how.is64, dst, dst,
			       operand(j, in));
	}
}

/* --- memory: one machine is one thread's, so nothing need be atomic --- */

static void put_exchange(struct jit *j, const struct bpf_insn *in, unsigned len)
{
	const int base = regs[in->dst_reg], src = regs[in->src_reg];

	load(j, len, false, TEMP, base, in->off);
	a64_op(&j->code, A64_SUBS, len == 8, A64_ZR, TEMP, R0);
	const size_t other = a64_jump_if(&j->code, A64_NE);
	store(j, len, src, base, in->off);
	a64_set_target(&j->code, other, j->code.len);
	a64_mov(&j->code, true, R0, TEMP);
}

static void put_atomic(struct jit *j, const struct bpf_insn *in)
{
	static const uint32_t ops[16] = { [BPF_ADD >> 4] = A64_ADD,
					  [BPF_OR >> 4] = A64_ORR,
					  [BPF_AND >> 4] = A64_AND,
					  [BPF_XOR >> 4] = A64_EOR };
	const int base = regs[in->dst_reg], src = regs[in->src_reg];
	const unsigned len = access_len(in);

	if (in->imm == BPF_CMPXCHG) {
		put_exchange(j, in, len);
		return;
	}
	load(j, len, false, TEMP, base, in->off);
	if (in->imm == BPF_XCHG) {
		store(j, len, src, base, in->off);
	} else {
		a64_op(&j->code, (enum a64_op)ops[(in->imm & 0xf0) >> 4], len == 8, TEMP2, TEMP,
		       src);
		store(j, len, TEMP2, base, in->off);
	}
	if (in->imm & BPF_FETCH)
		a64_mov(&j->code, true, src, TEMP);
}

static void put_store_imm(struct jit *j, unsigned len, int base, int32_t off, int32_t imm)
{
	int src = A64_ZR;

	if (imm != 0)
		a64_mov_imm(&j->code, src = TEMP, (uint64_t)(int64_t)imm);
	store(j, len, src, base, off);
}

static void put_memory(struct jit *j, const struct bpf_insn *in)
{
	const int dst = regs[in->dst_reg], src = regs[in->src_reg];
	const unsigned len = access_len(in);

	switch (BPF_CLASS(in->code)) {
	case BPF_LDX: load(j, len, BPF_MODE(in->code) == BPF_MEMSX, dst, src, in->off); break;
	case BPF_ST: put_store_imm(j, len, dst, in->off, in->imm); break;
	default:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			put_atomic(j, in);
		else
			store(j, len, src, dst, in->off);
	}
}

/* --- jumps --- */

static enum a64_cond cond_of(uint8_t op)
{
	switch (op) {
	case BPF_JEQ: return A64_EQ;
	case BPF_JGT: return A64_HI;
	case BPF_JGE: return A64_HS;
	case BPF_JLT: return A64_LO;
	case BPF_JLE: return A64_LS;
	case BPF_JSGT: return A64_GT;
	case BPF_JSGE: return A64_GE;
	case BPF_JSLT: return A64_LT;
	case BPF_JSLE: return A64_LE;
	default: return A64_NE; // BPF_JNE, _JSET
	}
}

static void put_compare(struct jit *j, const struct bpf_insn *in)
{
	const bool is64 = BPF_CLASS(in->code) == BPF_JMP;
	const bool is_set = BPF_OP(in->code) == BPF_JSET;
	const int dst = regs[in->dst_reg];

	if (!is_set && BPF_SRC(in->code) == BPF_K && a64_cmp_imm(&j->code, is64, dst, in->imm))
		return;
	a64_op(&j->code, is_set ? A64_ANDS : A64_SUBS, is64, A64_ZR, dst, operand(j, in));
}

/* Counts a way back of @n instructions; leaves if there were too many. */
static void put_budget(struct jit *j, int32_t n)
{
	load(j, 4, false, TEMP, MACHINE, offsetof(struct machine, budget));
	a64_mov_imm(&j->code, TEMP2, (uint64_t)n);
	a64_op(&j->code, A64_SUBS, false, TEMP, TEMP, TEMP2);
	store(j, 4, TEMP, MACHINE, offsetof(struct machine, budget));
	jit_fix_exit(j, a64_jump_if(&j->code, A64_MI));
}

static void put_jump(struct jit *j, const struct bpf_insn *in, size_t i)
{
	const size_t to = jump_target(in, i);
	size_t skip = 0;

	if (is_conditional(in)) {
		const enum a64_cond cond = cond_of(BPF_OP(in->code));

		put_compare(j, in);
		if (to > i) {
			jit_fix_insn(j, a64_jump_if(&j->code, cond), to);
			return;
		}
		skip = a64_jump_if(&j->code, cond ^ 1);
	}
	if (to <= i)
		put_budget(j, (int32_t)(i + 1 - to));
	jit_fix_insn(j, a64_jump(&j->code), to);
	if (skip)
		a64_set_target(&j->code, skip, j->code.len);
}

/* --- calls --- */

static void put_array_lookup(struct jit *j, const struct machine_map *map)
{
	struct jit_code *c = &j->code;
	const uint32_t n = map->spec->max_entries;

	load(j, 4, false, TEMP, A64_X1, 0);
	a64_mov_imm(c, TEMP2, n);
	a64_mov_imm(c, R0, 0);
	a64_op(c, A64_SUBS, false, A64_ZR, TEMP, TEMP2);
	const size_t none = a64_jump_if(c, A64_HS);
	a64_mov_imm(c, R0, (uintptr_t)map->values);
	if (n > 1) {
		a64_mov_imm(c, TEMP2, map->stride);
		a64_op(c, A64_MUL, true, TEMP, TEMP, TEMP2);
		a64_op(c, A64_ADD, true, R0, R0, TEMP);
	}
	a64_set_target(c, none, c->len);
}

static void put_call(struct jit *j, const void *f)
{
	a64_mov_imm(&j->code, TEMP, (uintptr_t)f);
	a64_call(&j->code, TEMP);
	a64_mov(&j->code, true, R0, A64_X0);
}

static void put_lookup(struct jit *j, const struct machine_map *map)
{
	if (map->kind == MAP_ARRAY) {
		put_array_lookup(j, map);
		return;
	}
	hash_find_fn *f = hash_finder(map->hash);
	a64_mov_imm(&j->code, A64_X0, (uintptr_t)map->hash);
	put_call(j, (const void *)(uintptr_t)f);
}

static void put_comm(struct jit *j)
{
	const int32_t off = offsetof(struct machine, now.comm);

	load(j, 8, false, TEMP, MACHINE, off);
	load(j, 8, false, TEMP2, MACHINE, off + 8);
	store(j, 8, TEMP, A64_X0, 0);
	store(j, 8, TEMP2, A64_X0, 8);
	a64_mov_imm(&j->code, R0, 0);
}

static void put_now(struct jit *j, unsigned len, size_t off)
{
	load(j, len, false, R0, MACHINE, (int32_t)off);
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
	case INLINE_ZERO: a64_mov_imm(&j->code, R0, 0); return true;
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
	a64_mov(&j->code, true, A64_X5, MACHINE);
	put_call(j, (const void *)(uintptr_t)helper_fit(h, note));
	if (h->args[1] != ARG_LOOP_FN && h->args[1] != ARG_EACH_FN)
		return;
	load(j, 4, false, TEMP, MACHINE, offsetof(struct machine, budget));
	(void)a64_cmp_imm(&j->code, false, TEMP, 0); // 0 has a place
	jit_fix_exit(j, a64_jump_if(&j->code, A64_LT));
}

/* --- what the common part asks for --- */

void jit_put_entry(struct jit *j)
{
	struct jit_code *c = &j->code;

	a64_push2(c, A64_FP, A64_LR);
	a64_push2(c, A64_X19, A64_X20);
	a64_push2(c, A64_X21, A64_X22);
	a64_push2(c, MACHINE, FRAME);
	a64_mov(c, true, MACHINE, A64_X5);
	load(j, 8, false, FRAME, MACHINE, offsetof(struct machine, fp));
}

void jit_put_exit(struct jit *j)
{
	struct jit_code *c = &j->code;

	a64_mov(c, true, A64_X0, R0);
	a64_pop2(c, MACHINE, FRAME);
	a64_pop2(c, A64_X21, A64_X22);
	a64_pop2(c, A64_X19, A64_X20);
	a64_pop2(c, A64_FP, A64_LR);
	a64_ret(c);
}

size_t jit_put_jump(struct jit *j)
{
	return a64_jump(&j->code);
}

void jit_set_target(struct jit *j, size_t at, size_t target)
{
	a64_set_target(&j->code, at, target);
}

void jit_put_unreached(struct jit *j)
{
	put_store_imm(j, 4, MACHINE, offsetof(struct machine, budget), -1);
	jit_fix_exit(j, a64_jump(&j->code));
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
		a64_mov_imm(&j->code, regs[in->dst_reg],
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
