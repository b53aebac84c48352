/* SPDX-License-Identifier: MIT */
/** The interpreter: the reference for what compiled programs do. Every access is checked. */
#include <linux/bpf.h>
#include <string.h>

#include "bpf/machine/alu.h"
#include "bpf/machine/call.h"
#include "bpf/machine/verify/verifier.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

/* A function that runs. */
struct run {
	uint64_t regs[11];
	struct machine *m;
	const struct bpf_insn *in;
	bool ended; /* at a mistake or because it ran too long */
};

static void fault(struct run *r)
{
	r->m->faults++;
	r->m->budget = -1;
	r->ended = true;
}

static bool may(struct run *r, uint64_t addr, unsigned len, bool write)
{
	if (machine_may_access(r->m, addr, len, write))
		return true;
	fault(r);
	return false;
}

static uint64_t get(uint64_t addr, unsigned len)
{
	const void *p = (const void *)(uintptr_t)addr;
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t d;

	switch (len) {
	case 1: memcpy(&b, p, 1); return b;
	case 2: memcpy(&h, p, 2); return h;
	case 4: memcpy(&w, p, 4); return w;
	default: memcpy(&d, p, 8); return d;
	}
}

static void put(uint64_t addr, unsigned len, uint64_t v)
{
	void *p = (void *)(uintptr_t)addr;
	const uint8_t b = (uint8_t)v;
	const uint16_t h = (uint16_t)v;
	const uint32_t w = (uint32_t)v;

	switch (len) {
	case 1: memcpy(p, &b, 1); break;
	case 2: memcpy(p, &h, 2); break;
	case 4: memcpy(p, &w, 4); break;
	default: memcpy(p, &v, 8); break;
	}
}

static void do_alu(struct run *r, const struct bpf_insn *in)
{
	const struct alu how = { .op = BPF_OP(in->code),
				 .is64 = BPF_CLASS(in->code) == BPF_ALU64,
				 .is_signed = in->off == 1 };
	const bool x = BPF_SRC(in->code) == BPF_X;
	uint64_t *dst = &r->regs[in->dst_reg],
		 v = x ? r->regs[in->src_reg] : (uint64_t)(int64_t)in->imm;

	if (how.op == BPF_END) {
		*dst = alu_end(in, *dst);
	} else if (how.op != BPF_MOV) {
		*dst = alu_do(how, *dst, v);
	} else {
		if (in->off)
			v = (uint64_t)alu_extend(v, (unsigned)in->off);
		*dst = how.is64 ? v : (uint32_t)v;
	}
}

static void do_load(struct run *r, const struct bpf_insn *in)
{
	const uint64_t addr = r->regs[in->src_reg] + (uint64_t)(int64_t)in->off;
	const unsigned len = access_len(in);

	if (!may(r, addr, len, false))
		return;
	uint64_t v = get(addr, len);
	if (BPF_MODE(in->code) == BPF_MEMSX)
		v = (uint64_t)alu_extend(v, 8 * len);
	r->regs[in->dst_reg] = v;
}

static uint64_t changed(int32_t op, uint64_t old, uint64_t by)
{
	switch (op & ~BPF_FETCH) {
	case BPF_ADD: return old + by;
	case BPF_OR: return old | by;
	case BPF_AND: return old & by;
	case BPF_XOR: return old ^ by;
	default: return by; // exchanged
	}
}

static void do_atomic(struct run *r, const struct bpf_insn *in)
{
	const uint64_t addr = r->regs[in->dst_reg] + (uint64_t)(int64_t)in->off;
	const unsigned len = access_len(in);
	uint64_t *src = &r->regs[in->src_reg];

	if (!may(r, addr, len, true))
		return;
	const uint64_t old = get(addr, len);
	if (in->imm == BPF_CMPXCHG) {
		const uint64_t want = len == 4 ? (uint32_t)r->regs[0] : r->regs[0];
		if (old == want)
			put(addr, len, *src);
		r->regs[0] = old;
		return;
	}
	put(addr, len, changed(in->imm, old, *src));
	if (in->imm & BPF_FETCH)
		*src = old;
}

static void do_store(struct run *r, const struct bpf_insn *in)
{
	const uint64_t addr = r->regs[in->dst_reg] + (uint64_t)(int64_t)in->off;
	const unsigned len = access_len(in);

	if (BPF_CLASS(in->code) == BPF_STX && BPF_MODE(in->code) == BPF_ATOMIC) {
		do_atomic(r, in);
		return;
	}
	if (may(r, addr, len, true))
		put(addr, len,
		    BPF_CLASS(in->code) == BPF_STX ? r->regs[in->src_reg]
						   : (uint64_t)(int64_t)in->imm);
}

static void do_call(struct run *r, const struct bpf_insn *in)
{
	const struct helper *h = helper_find(in->imm);
	uint64_t *x = r->regs;

	if (!h) {
		fault(r);
		return;
	}
	x[0] = h->f(x[1], x[2], x[3], x[4], x[5], r->m);
	r->ended = r->m->budget < 0;
}

static const struct bpf_insn *do_jump(struct run *r, const struct bpf_insn *in)
{
	const bool x = BPF_SRC(in->code) == BPF_X, is64 = BPF_CLASS(in->code) == BPF_JMP;
	const int32_t off = in->code == (BPF_JMP32 | BPF_JA) ? in->imm : in->off;

	if (is_conditional(in) && !alu_cond(BPF_OP(in->code), is64, r->regs[in->dst_reg],
					    x ? r->regs[in->src_reg] : (uint64_t)(int64_t)in->imm))
		return in + 1;
	if (off < 0) {
		r->m->budget += off;
		r->ended = r->m->budget < 0;
	}
	return in + 1 + off;
}

uint64_t interp_run(const struct machine_prog *p, uint32_t at, const uint64_t args[static 5],
		    struct machine *m)
{
	struct run r = { .m = m };
	const struct bpf_insn *in = p->insns + at;

	memcpy(&r.regs[1], args, 5 * sizeof(r.regs[0]));
	r.regs[10] = (uintptr_t)m->fp;
	while (!r.ended) {
		if (!p->notes[in - p->insns].reached) {
			fault(&r);
			break;
		}
		switch (BPF_CLASS(in->code)) {
		case BPF_ALU:
		case BPF_ALU64: do_alu(&r, in++); break;
		case BPF_LDX: do_load(&r, in++); break;
		case BPF_ST:
		case BPF_STX: do_store(&r, in++); break;
		case BPF_LD:
			r.regs[in->dst_reg] =
				(uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;
			in += 2;
			break;
		default:
			if (in->code == (BPF_JMP | BPF_EXIT))
				return r.regs[0];
			if (in->code == (BPF_JMP | BPF_CALL))
				do_call(&r, in++);
			else
				in = do_jump(&r, in);
		}
	}
	return 0;
}
