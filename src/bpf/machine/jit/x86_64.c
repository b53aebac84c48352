/* SPDX-License-Identifier: MIT */
/**
 * The compiler for x86-64: each instruction becomes a few, in the same order.
 *
 *	r0 ... r5: rax rdi rsi rdx rcx r8, as C passes arguments; r6 ... r9: rbx r13 r14 r15;
 *	r10: rbp; r12: the machine; r9 ... r11: for what one instruction needs
 *
 * One machine is one thread's: atomic instructions need no lock. Code is written, then made
 * executable and read-only.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "bpf/machine/call.h"
#include "bpf/machine/jit/jit.h"
#include "bpf/machine/jit/x86.h"
#include "bpf/machine/map.h"
#include "bpf/machine/verify/verifier.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

enum { MACHINE = R12, TEMP = R11, TEMP2 = R10, TEMP3 = R9 };

static const uint8_t regs[] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP };

/* A jump to an instruction that may come later. */
struct fix {
	size_t at;
	size_t insn;
};

struct jit {
	struct machine_prog *p;
	struct x86 x;
	size_t *at;	   /* owned; where the code of each instruction begins */
	size_t *fns;	   /* owned; and of each function */
	struct fix *fixes; /* owned */
	size_t n_fixes, cap_fixes;
	struct fix *exits; /* owned; jumps to the end */
	size_t n_exits, cap_exits;
};

static void add_fix(struct jit *j, struct fix **all, size_t *n, size_t *cap, struct fix f)
{
	if (mem_grow(all, cap, *n + 1) < 0)
		j->x.failed = true;
	else
		(*all)[(*n)++] = f;
}

static void fix_insn(struct jit *j, size_t at, size_t insn)
{
	add_fix(j, &j->fixes, &j->n_fixes, &j->cap_fixes, (struct fix){ at, insn });
}

static void fix_exit(struct jit *j, size_t at)
{
	add_fix(j, &j->exits, &j->n_exits, &j->cap_exits, (struct fix){ at, 0 });
}

/* --- arithmetic --- */

static void put_div_small(struct jit *j, struct alu how, int dst, int32_t imm)
{
	if (how.op == BPF_DIV)
		x86_shift_imm(&j->x, X86_SHR, how.is64, dst, (uint8_t)__builtin_ctz((unsigned)imm));
	else
		x86_ri(&j->x, X86_AND, how.is64, dst, imm - 1);
}

/* Division by what is in TEMP and neither 0 nor, with signs, -1. */
static void put_div_plain(struct jit *j, struct alu how, int dst)
{
	struct x86 *x = &j->x;

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
	x86_rr(&j->x, X86_XOR, false, dst, dst);
}

/* Without a divisor: 0, or the dividend. With -1, the processor traps on the least number. */
static void put_div(struct jit *j, const struct bpf_insn *in, struct alu how, int dst)
{
	struct x86 *x = &j->x;
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
	struct x86 *x = &j->x;
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
	struct x86 *x = &j->x;
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
		x86_bswap(&j->x, bits, dst);
	else if (bits < 64)
		x86_extend(&j->x, bits / 8, false, dst, dst);
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
	case BPF_NEG: x86_unary(&j->x, X86_NEG, how.is64, dst); break;
	case BPF_DIV:
	case BPF_MOD: put_div(j, in, how, dst); break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: put_shift(j, in, how, dst); break;
	case BPF_MUL:
		if (k)
			x86_imul_imm(&j->x, how.is64, dst, in->imm);
		else
			x86_imul(&j->x, how.is64, dst, src);
		break;
	default:
		if (k)
			x86_ri(&j->x, ops[how.op >> 4], how.is64, dst, in->imm);
		else
			x86_rr(&j->x, ops[how.op >> 4], how.is64, dst, src);
	}
}

/* --- memory --- */

static void put_fetch(struct jit *j, const struct bpf_insn *in, unsigned len)
{
	static const uint8_t ops[16] = { [BPF_AND >> 4] = X86_AND,
					 [BPF_OR >> 4] = X86_OR,
					 [BPF_XOR >> 4] = X86_XOR };
	const int base = regs[in->dst_reg], src = regs[in->src_reg];
	struct x86 *x = &j->x;
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
	struct x86 *x = &j->x;

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
		x86_load(&j->x, len, BPF_MODE(in->code) == BPF_MEMSX, dst, src, in->off);
		break;
	case BPF_ST: x86_store_imm(&j->x, len, dst, in->off, in->imm); break;
	default:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			put_atomic(j, in);
		else
			x86_store(&j->x, len, dst, in->off, src);
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
		x86_test_imm(&j->x, is64, dst, in->imm);
	else if (k && in->imm == 0)
		x86_rr(&j->x, X86_TEST, is64, dst, dst);
	else if (k)
		x86_ri(&j->x, X86_CMP, is64, dst, in->imm);
	else
		x86_rr(&j->x, is_set ? X86_TEST : X86_CMP, is64, dst, src);
}

/* Counts a way back of @n instructions; leaves if there were too many. */
static void put_budget(struct jit *j, int32_t n)
{
	x86_mem_imm(&j->x, X86_SUB, MACHINE, offsetof(struct machine, budget), n);
	fix_exit(j, x86_jump_if(&j->x, X86_S));
}

static void put_jump(struct jit *j, const struct bpf_insn *in, size_t i)
{
	const size_t to = jump_target(in, i);
	size_t skip = 0;

	if (is_conditional(in)) {
		const enum x86_cond cond = cond_of(BPF_OP(in->code));

		put_compare(j, in);
		if (to > i) {
			fix_insn(j, x86_jump_if(&j->x, cond), to);
			return;
		}
		skip = x86_jump_if(&j->x, cond ^ 1);
	}
	if (to <= i)
		put_budget(j, (int32_t)(i + 1 - to));
	fix_insn(j, x86_jump(&j->x), to);
	if (skip)
		x86_land(&j->x, skip);
}

/* --- calls --- */

static void put_array_lookup(struct jit *j, const struct machine_map *map)
{
	struct x86 *x = &j->x;
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
	x86_mov_imm(&j->x, RAX, (uintptr_t)f);
	x86_call(&j->x, RAX);
}

static void put_lookup(struct jit *j, const struct machine_map *map)
{
	if (map->kind == MAP_ARRAY) {
		put_array_lookup(j, map);
		return;
	}
	hash_find_fn *f = hash_finder(map->hash);
	x86_mov_imm(&j->x, RDI, (uintptr_t)map->hash);
	put_call(j, (const void *)(uintptr_t)f);
}

static void put_comm(struct jit *j)
{
	const int32_t off = offsetof(struct machine, now.comm);

	x86_load(&j->x, 8, false, TEMP, MACHINE, off);
	x86_load(&j->x, 8, false, TEMP2, MACHINE, off + 8);
	x86_store(&j->x, 8, RDI, 0, TEMP);
	x86_store(&j->x, 8, RDI, 8, TEMP2);
	put_zero(j, RAX);
}

static void put_now(struct jit *j, unsigned len, size_t off)
{
	x86_load(&j->x, len, false, RAX, MACHINE, (int32_t)off);
}

/* False: it must be called. */
static bool put_inline(struct jit *j, const struct helper *h, const struct insn_note *note)
{
	switch (h->how) {
	case INLINE_TIME: put_now(j, 8, offsetof(struct machine, now.ts_ns)); return true;
	case INLINE_PID_TGID: put_now(j, 8, offsetof(struct machine, now.pid_tgid)); return true;
	case INLINE_UID_GID: put_now(j, 8, offsetof(struct machine, now.uid_gid)); return true;
	case INLINE_CPU: put_now(j, 4, offsetof(struct machine, now.cpu)); return true;
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
	x86_mov(&j->x, R9, MACHINE);
	put_call(j, (const void *)(uintptr_t)h->f);
	if (h->args[1] != ARG_LOOP_FN && h->args[1] != ARG_EACH_FN)
		return;
	x86_mem_imm(&j->x, X86_CMP, MACHINE, offsetof(struct machine, budget), 0);
	fix_exit(j, x86_jump_if(&j->x, X86_L));
}

/* --- functions --- */

static const uint8_t saved[] = { RBP, RBX, R12, R13, R14, R15 };

static void put_entry(struct jit *j)
{
	for (size_t i = 0; i < MEM_LEN(saved); i++)
		x86_push(&j->x, saved[i]);
	x86_ri(&j->x, X86_SUB, true, RSP, 8); // aligned to 16 for what is called
	x86_mov(&j->x, MACHINE, R9);
	x86_load(&j->x, 8, false, RBP, MACHINE, offsetof(struct machine, fp));
}

static void put_exit(struct jit *j)
{
	x86_ri(&j->x, X86_ADD, true, RSP, 8);
	for (size_t i = MEM_LEN(saved); i-- > 0;)
		x86_pop(&j->x, saved[i]);
	x86_ret(&j->x);
}

/* The verifier saw that nothing comes here. */
static void put_unreached(struct jit *j)
{
	x86_store_imm(&j->x, 4, MACHINE, offsetof(struct machine, budget), -1);
	fix_exit(j, x86_jump(&j->x));
}

static void put_insn(struct jit *j, size_t i)
{
	const struct bpf_insn *in = &j->p->insns[i];

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64: put_alu(j, in); break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX: put_memory(j, in); break;
	case BPF_LD:
		x86_mov_imm(&j->x, regs[in->dst_reg],
			    (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm);
		break;
	default:
		if (in->code == (BPF_JMP | BPF_EXIT))
			put_exit(j);
		else if (in->code == (BPF_JMP | BPF_CALL))
			put_helper(j, in, &j->p->notes[i]);
		else
			put_jump(j, in, i);
	}
}

static void put_insns(struct jit *j)
{
	const struct machine_prog *p = j->p;
	bool is_dead = false; // what was put last is for instructions that are not reached

	for (size_t i = 0; i < p->n_insns; i++) {
		const bool reached = p->notes[i].reached;

		j->at[i] = !reached && is_dead ? j->at[i - 1] : j->x.len;
		if (reached)
			put_insn(j, i);
		else if (!is_dead)
			put_unreached(j);
		is_dead = !reached;
		if (reached && is_wide(&p->insns[i]))
			j->at[++i] = j->x.len;
	}
}

static void put_program(struct jit *j)
{
	struct x86 *x = &j->x;

	for (size_t f = j->p->n_fns; f-- > 0;) {
		j->fns[f] = x->len;
		put_entry(j);
		if (f > 0) // the program itself goes on behind it
			fix_insn(j, x86_jump(x), j->p->fns[f].insn);
	}
	put_insns(j);
	const size_t end = x->len;
	put_exit(j);
	for (size_t i = 0; i < j->n_exits; i++)
		x86_set_target(x, j->exits[i].at, end);
	for (size_t i = 0; i < j->n_fixes; i++)
		x86_set_target(x, j->fixes[i].at, j->at[j->fixes[i].insn]);
}

/* Makes the code executable; where the system forbids that, the interpreter has to do. */
static int publish(struct jit *j)
{
	struct machine_prog *p = j->p;
	machine_fn **native = calloc(p->n_fns, sizeof(machine_fn *));

	if (!native)
		return -ENOMEM;
	void *code =
		mmap(NULL, j->x.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED) {
		free(native);
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	memcpy(code, j->x.code, j->x.len);
	if (mprotect(code, j->x.len, PROT_READ | PROT_EXEC) < 0) {
		munmap(code, j->x.len);
		free(native);
		return 0;
	}
	for (size_t f = 0; f < p->n_fns; f++)
		native[f] = (machine_fn *)((uintptr_t)code + j->fns[f]);
	p->native = native;
	p->code = code;
	p->code_len = j->x.len;
	return 0;
}

int jit_compile(struct machine_prog *p)
{
	struct jit j = { .p = p };
	int r = -ENOMEM;

	j.at = calloc(p->n_insns, sizeof(*j.at));
	j.fns = calloc(p->n_fns, sizeof(*j.fns));
	if (j.at && j.fns) {
		put_program(&j);
		if (!j.x.failed)
			r = publish(&j);
	}
	free(j.at);
	free(j.fns);
	free(j.fixes);
	free(j.exits);
	free(j.x.code);
	return r < 0 ? sonde_fail(r, "out of memory") : 0;
}

void jit_free(struct machine_prog *p)
{
	if (p->code)
		munmap(p->code, p->code_len);
	free(p->native);
}
