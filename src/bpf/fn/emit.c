/* SPDX-License-Identifier: MIT */
/** One kernel instruction, or a few, for each of ours. */
#include "bpf/fn/emit.h"

#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/fn/alloc.h"
#include "bpf/fn/ins.h"

enum { R0 = BPF_REG_0, R1 = BPF_REG_1, FP = BPF_REG_10 };

/* Moves that happen at once: to[i] becomes what from[i] was. */
struct moves {
	int to[5], from[5];
	unsigned n;
};

void emit_fini(struct emit *e)
{
	bpf_code_fini(&e->code);
	free(e->fns);
	free(e->jumps);
	free(e->labels);
}

static uint32_t put(struct emit *e, struct bpf_insn insn)
{
	uint32_t at = (uint32_t)e->code.n_insns;

	if (!e->err)
		e->err = mem_grow(&e->code.insns, &e->cap_insns, at + 1);
	if (e->err)
		return 0;
	e->code.insns[e->code.n_insns++] = insn;
	return at;
}

static void put_reg(struct emit *e, int code, int dst, int src)
{
	put(e, (struct bpf_insn){ .code = (uint8_t)code,
				  .dst_reg = (uint8_t)(dst & 15),
				  .src_reg = (uint8_t)(src & 15) });
}

static void put_imm(struct emit *e, int code, int dst, int32_t imm)
{
	put(e,
	    (struct bpf_insn){ .code = (uint8_t)code, .dst_reg = (uint8_t)(dst & 15), .imm = imm });
}

static void put_mem(struct emit *e, int code, int dst, int src, int64_t off)
{
	sonde_dcheck(off == (int16_t)off);
	put(e, (struct bpf_insn){ .code = (uint8_t)code,
				  .dst_reg = (uint8_t)(dst & 15),
				  .src_reg = (uint8_t)(src & 15),
				  .off = (int16_t)off });
}

/* A pair; @lo and @hi are the constants of its halves. */
static uint32_t put_wide(struct emit *e, int dst, int src, int32_t lo, int32_t hi)
{
	uint32_t at = put(e, (struct bpf_insn){ .code = BPF_LD | BPF_IMM | BPF_DW,
						.dst_reg = (uint8_t)(dst & 15),
						.src_reg = (uint8_t)(src & 15),
						.imm = lo });
	put(e, (struct bpf_insn){ .imm = hi });
	return at;
}

static void put_mov(struct emit *e, int dst, int src)
{
	if (dst != src)
		put_reg(e, BPF_ALU64 | BPF_MOV | BPF_X, dst, src);
}

static void add_ref(struct emit *e, struct emit_ref **all, size_t *n, size_t *cap,
		    struct emit_ref ref)
{
	if (!e->err)
		e->err = mem_grow(all, cap, *n + 1);
	if (!e->err)
		(*all)[(*n)++] = ref;
}

static void put_map(struct emit *e, int dst, struct val v)
{
	bool is_value = v.kind == VAL_MAP_VALUE;
	int src = is_value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
	uint32_t at = put_wide(e, dst, src, 0, is_value ? (int32_t)v.n : 0);

	if (!e->err)
		e->err = mem_grow(&e->code.relocs, &e->cap_relocs, e->code.n_relocs + 1);
	if (!e->err)
		e->code.relocs[e->code.n_relocs++] =
			(struct bpf_reloc){ .insn = at, .map = (uint32_t)v.id };
}

static void put_const(struct emit *e, int dst, int64_t n)
{
	if (imm_fits(n))
		put_imm(e, BPF_ALU64 | BPF_MOV | BPF_K, dst, (int32_t)n);
	else if (n == (uint32_t)n)
		put_imm(e, BPF_ALU | BPF_MOV | BPF_K, dst, (int32_t)(uint32_t)n);
	else
		put_wide(e, dst, 0, (int32_t)(uint32_t)n, (int32_t)((uint64_t)n >> 32));
}

static int64_t slot_off(const struct emit *e, struct val v)
{
	return v.n + e->p->frame.slots[v.id];
}

static void put_add(struct emit *e, int dst, int64_t n)
{
	if (n)
		put_imm(e, BPF_ALU64 | BPF_ADD, dst, (int32_t)n);
}

/* Sets register @dst to any value. */
static void put_val(struct emit *e, int dst, struct val v)
{
	switch (v.kind) {
	case VAL_REG:
		if (e->p->reg[v.id] == PLACE_STACK)
			put_mem(e, BPF_LDX | BPF_MEM | BPF_DW, dst, FP, e->p->frame.vars[v.id]);
		else
			put_mov(e, dst, e->p->reg[v.id]);
		break;
	case VAL_IMM: put_const(e, dst, v.n); break;
	case VAL_SLOT:
		put_mov(e, dst, FP);
		put_add(e, dst, slot_off(e, v));
		break;
	case VAL_MAP:
	case VAL_MAP_VALUE: put_map(e, dst, v); break;
	case VAL_FN:
		add_ref(e, &e->fns, &e->n_fns, &e->cap_fn_refs,
			(struct emit_ref){ (uint32_t)e->code.n_insns, v.id, e->line });
		put_wide(e, dst, BPF_PSEUDO_FUNC, 0, 0);
		break;
	case VAL_NONE: sonde_check(false);
	}
}

static int reg_of(const struct emit *e, int var)
{
	int reg = e->p->reg[var];

	sonde_check(reg >= 0);
	return reg;
}

static bool is_source(const struct moves *m, int reg)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (m->from[i] == reg)
			return true;
	}
	return false;
}

/* A register that no move touches; eleven of them and five moves leave one. */
static int spare(const struct moves *m)
{
	for (int reg = R0; reg < FP; reg++) {
		bool is_used = is_source(m, reg);
		for (unsigned i = 0; i < m->n; i++)
			is_used |= m->to[i] == reg;
		if (!is_used)
			return reg;
	}
	sonde_check(false);
	return R0;
}

/* Moves whose target nobody reads any more first; then, what is left are rings. */
static void put_moves(struct emit *e, struct moves *m, int scratch)
{
	while (m->n > 0) {
		unsigned i = 0;
		while (i < m->n && m->to[i] != m->from[i] && is_source(m, m->to[i]))
			i++;
		if (i < m->n) {
			put_mov(e, m->to[i], m->from[i]);
			m->to[i] = m->to[m->n - 1];
			m->from[i] = m->from[--m->n];
			continue;
		}
		int broken = m->from[0];
		put_mov(e, scratch, broken);
		for (i = 0; i < m->n; i++) {
			if (m->from[i] == broken)
				m->from[i] = scratch;
		}
	}
}

static void emit_entry(struct emit *e)
{
	struct moves m = { .n = 0 };

	for (unsigned i = 0; i < e->f->n_args; i++) {
		int reg = e->p->reg[i], from = R1 + (int)i;
		if (reg == PLACE_STACK) {
			put_mem(e, BPF_STX | BPF_MEM | BPF_DW, FP, from, e->p->frame.vars[i]);
		} else if (reg >= 0) {
			m.to[m.n] = reg;
			m.from[m.n++] = from;
		}
	}
	// Nothing but the arguments lives here, so any other register will do.
	int scratch = spare(&m);
	put_moves(e, &m, scratch);
}

static void emit_call(struct emit *e, const struct ins *in)
{
	const struct val *args = e->f->vals + in->args;
	struct moves m = { .n = 0 };

	for (int i = 0; i < in->len; i++) {
		if (args[i].kind != VAL_REG || e->p->reg[args[i].id] == PLACE_STACK)
			continue;
		m.to[m.n] = R1 + i;
		m.from[m.n++] = reg_of(e, args[i].id);
	}
	// r0 is no argument and dies: when only rings are left, nobody reads it any more.
	put_moves(e, &m, R0);
	for (int i = 0; i < in->len; i++) {
		if (args[i].kind != VAL_REG || e->p->reg[args[i].id] == PLACE_STACK)
			put_val(e, R1 + i, args[i]);
	}
	put(e, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
				  .src_reg = in->flag ? BPF_PSEUDO_KFUNC_CALL : 0,
				  .imm = in->to });
	if (e->p->reg[in->dst] >= 0)
		put_mov(e, e->p->reg[in->dst], R0);
}

static void emit_op(struct emit *e, const struct ins *in)
{
	static const uint8_t codes[] = {
		[FN_ADD] = BPF_ADD, [FN_SUB] = BPF_SUB, [FN_MUL] = BPF_MUL,   [FN_DIV] = BPF_DIV,
		[FN_MOD] = BPF_MOD, [FN_AND] = BPF_AND, [FN_OR] = BPF_OR,     [FN_XOR] = BPF_XOR,
		[FN_LSH] = BPF_LSH, [FN_RSH] = BPF_RSH, [FN_ARSH] = BPF_ARSH,
	};
	int code = BPF_ALU64 | codes[in->op], dst = reg_of(e, in->dst);

	if (in->b.kind == VAL_IMM) {
		put_val(e, dst, in->a);
		put_imm(e, code | BPF_K, dst, (int32_t)in->b.n);
		return;
	}
	int b = reg_of(e, in->b.id);
	if (dst == b && in->a.kind == VAL_REG && op_commutes(in->op)) {
		put_reg(e, code | BPF_X, dst, reg_of(e, in->a.id));
		return;
	}
	put_val(e, dst, in->a);
	put_reg(e, code | BPF_X, dst, b);
}

static void put_extend(struct emit *e, int dst, unsigned len, bool is_signed)
{
	int32_t count = (int32_t)(64 - 8 * len);

	put_imm(e, BPF_ALU64 | BPF_LSH | BPF_K, dst, count);
	put_imm(e, BPF_ALU64 | (is_signed ? BPF_ARSH : BPF_RSH) | BPF_K, dst, count);
}

static void emit_unary(struct emit *e, const struct ins *in)
{
	// Of the two orders of bytes, the one that this machine has not is the swap.
	const int swap = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? BPF_TO_BE : BPF_TO_LE;
	int dst = reg_of(e, in->dst);

	if (in->kind == INS_EXTEND && in->len == 4 && !in->flag) {
		put_reg(e, BPF_ALU | BPF_MOV | BPF_X, dst, reg_of(e, in->a.id));
		return;
	}
	put_val(e, dst, in->a);
	if (in->kind == INS_NEG)
		put_imm(e, BPF_ALU64 | BPF_NEG, dst, 0);
	else if (in->kind == INS_SWAP)
		put_imm(e, BPF_ALU | BPF_END | swap, dst, 8 * in->len);
	else if (in->flag)
		put_extend(e, dst, in->len, /* is_signed= */ true);
	else
		put_imm(e, BPF_ALU64 | BPF_AND | BPF_K, dst, in->len == 1 ? 0xff : 0xffff);
}

static int size_of(unsigned len)
{
	return len == 1 ? BPF_B : len == 2 ? BPF_H : len == 4 ? BPF_W : BPF_DW;
}

/* The register that an address is relative to, and by how much. */
static int base_of(const struct emit *e, struct val v, int64_t *ret_off)
{
	if (v.kind == VAL_SLOT) {
		*ret_off = slot_off(e, v);
		return FP;
	}
	*ret_off = v.n;
	return reg_of(e, v.id);
}

static void emit_memory(struct emit *e, const struct ins *in)
{
	int64_t off;
	int base = base_of(e, in->a, &off), size = size_of(in->len);

	if (in->kind == INS_LOAD) {
		int dst = reg_of(e, in->dst);
		put_mem(e, BPF_LDX | BPF_MEM | size, dst, base, off);
		if (in->flag)
			put_extend(e, dst, in->len, /* is_signed= */ true);
	} else if (in->b.kind == VAL_REG) {
		put_mem(e, BPF_STX | BPF_MEM | size, base, reg_of(e, in->b.id), off);
	} else {
		put(e, (struct bpf_insn){ .code = (uint8_t)(BPF_ST | BPF_MEM | size),
					  .dst_reg = (uint8_t)(base & 15),
					  .off = (int16_t)off,
					  .imm = (int32_t)in->b.n });
	}
}

static void put_atomic(struct emit *e, const struct ins *in, int src, int imm)
{
	int64_t off;
	int base = base_of(e, in->a, &off);

	put(e, (struct bpf_insn){ .code = (uint8_t)(BPF_STX | BPF_ATOMIC | size_of(in->len)),
				  .dst_reg = (uint8_t)(base & 15),
				  .src_reg = (uint8_t)(src & 15),
				  .off = (int16_t)off,
				  .imm = imm });
}

static void emit_atomic(struct emit *e, const struct ins *in)
{
	static const int codes[] = {
		[FN_ATOMIC_ADD] = BPF_ADD, [FN_ATOMIC_OR] = BPF_OR,	[FN_ATOMIC_AND] = BPF_AND,
		[FN_ATOMIC_XOR] = BPF_XOR, [FN_ATOMIC_XCHG] = BPF_XCHG,
	};

	if (in->kind == INS_CMPXCHG) {
		// The kernel means to clear the upper half of r0 after 4 bytes, but not all its
		// versions do so on all ways; where it is clear before, it stays so.
		if (in->len == 4 && in->b.kind == VAL_REG)
			put_reg(e, BPF_ALU | BPF_MOV | BPF_X, R0, reg_of(e, in->b.id));
		else
			put_val(e, R0, in->b);
		put_atomic(e, in, reg_of(e, in->c.id), BPF_CMPXCHG);
		put_mov(e, reg_of(e, in->dst), R0);
		return;
	}
	if (!in->flag) {
		put_atomic(e, in, reg_of(e, in->b.id), codes[in->op]);
		return;
	}
	int dst = reg_of(e, in->dst);
	put_val(e, dst, in->b);
	put_atomic(e, in, dst, codes[in->op] | BPF_FETCH);
}

static void emit_jump(struct emit *e, const struct ins *in)
{
	static const uint8_t codes[] = {
		[FN_EQ] = BPF_JEQ,   [FN_NE] = BPF_JNE,	  [FN_LT] = BPF_JLT,   [FN_LE] = BPF_JLE,
		[FN_GT] = BPF_JGT,   [FN_GE] = BPF_JGE,	  [FN_SLT] = BPF_JSLT, [FN_SLE] = BPF_JSLE,
		[FN_SGT] = BPF_JSGT, [FN_SGE] = BPF_JSGE, [FN_SET] = BPF_JSET,
	};

	add_ref(e, &e->jumps, &e->n_jumps, &e->cap_jumps,
		(struct emit_ref){ (uint32_t)e->code.n_insns, in->to, in->line });
	if (in->kind == INS_JUMP)
		put_imm(e, BPF_JMP | BPF_JA, 0, 0);
	else if (in->b.kind == VAL_REG)
		put_reg(e, BPF_JMP | codes[in->op] | BPF_X, reg_of(e, in->a.id),
			reg_of(e, in->b.id));
	else
		put_imm(e, BPF_JMP | codes[in->op] | BPF_K, reg_of(e, in->a.id), (int32_t)in->b.n);
}

static void emit_mov(struct emit *e, const struct ins *in)
{
	if (e->p->reg[in->dst] == PLACE_STACK)
		put_mem(e, BPF_STX | BPF_MEM | BPF_DW, FP, reg_of(e, in->a.id),
			e->p->frame.vars[in->dst]);
	else
		put_val(e, reg_of(e, in->dst), in->a);
}

static void emit_ins(struct emit *e, const struct ins *in)
{
	switch ((enum ins_kind)in->kind) {
	case INS_NONE: break;
	case INS_ENTRY: emit_entry(e); break;
	case INS_MOV: emit_mov(e, in); break;
	case INS_OP: emit_op(e, in); break;
	case INS_NEG:
	case INS_EXTEND:
	case INS_SWAP: emit_unary(e, in); break;
	case INS_LOAD:
	case INS_STORE: emit_memory(e, in); break;
	case INS_ATOMIC:
	case INS_CMPXCHG: emit_atomic(e, in); break;
	case INS_CALL: emit_call(e, in); break;
	case INS_LABEL: e->labels[in->to] = (uint32_t)e->code.n_insns; break;
	case INS_JUMP:
	case INS_IF: emit_jump(e, in); break;
	case INS_EXIT:
		put_val(e, R0, in->a);
		put_imm(e, BPF_JMP | BPF_EXIT, 0, 0);
		break;
	}
}

static void note_line(struct emit *e, const struct ins *in)
{
	if (e->has_line && (in->kind == INS_NONE || in->kind == INS_LABEL ||
			    (in->line == e->line && in->col == e->col)))
		return;
	struct bpf_code *c = &e->code;
	uint32_t at = (uint32_t)c->n_insns;
	e->has_line = true;
	e->line = in->line;
	e->col = in->col;
	// Instructions that came to nothing leave their place to the next one.
	if (c->n_lines == 0 || c->lines[c->n_lines - 1].insn != at) {
		if (!e->err)
			e->err = mem_grow(&c->lines, &e->cap_lines, c->n_lines + 1);
		if (e->err)
			return;
		c->n_lines++;
	}
	c->lines[c->n_lines - 1] = (struct bpf_line_info_){ at, in->line, in->col };
}

/* A jump to what comes next: what was between them turned out to be dead. */
static bool is_needless(const struct fn *f, size_t i)
{
	int to = f->ins[i].to;

	if (f->ins[i].kind != INS_JUMP)
		return false;
	for (i++; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (in->kind == INS_LABEL && in->to == to)
			return true;
		if (in->kind != INS_LABEL && in->kind != INS_NONE)
			return false;
	}
	return false;
}

static int patch_jumps(struct emit *e)
{
	for (size_t i = 0; i < e->n_jumps; i++) {
		const struct emit_ref *j = &e->jumps[i];
		int64_t off = (int64_t)e->labels[j->to] - j->insn - 1;
		if (off != (int16_t)off)
			return sonde_fail(-E2BIG,
					  "line %u: a jump over %lld instructions, %d is the most",
					  j->line, (long long)(off < 0 ? -off : off), INT16_MAX);
		e->code.insns[j->insn].off = (int16_t)off;
	}
	return 0;
}

int emit_fn(struct emit *e, const struct fn *f, const struct places *p)
{
	struct bpf_code *c = &e->code;

	e->f = f;
	e->p = p;
	e->n_jumps = 0;
	e->has_line = false;
	e->err = mem_grow(&e->labels, &e->cap_labels, (size_t)f->n_labels + 1);
	if (!e->err)
		e->err = mem_grow(&c->fns, &e->cap_fns, c->n_fns + 1);
	if (e->err)
		return e->err;
	c->fns[c->n_fns++] = (struct bpf_fn_info){ (uint32_t)c->n_insns, f->n_args };
	for (size_t i = 0; i < f->n && !e->err; i++) {
		note_line(e, &f->ins[i]);
		if (!is_needless(f, i))
			emit_ins(e, &f->ins[i]);
	}
	return e->err ? e->err : patch_jumps(e);
}
