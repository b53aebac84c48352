/* SPDX-License-Identifier: MIT */
/** What single instructions do to what is known: arithmetic, memory, conditions. */
#include <errno.h>

#include "bpf/machine/verify/verifier.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

static struct reg *reg_of(struct vstate *s, unsigned i)
{
	return &vstate_top(s)->all[i];
}

int verify_is_set(const struct verifier *v, const struct vstate *s, size_t i, unsigned reg)
{
	if (s->frames[s->n - 1].all[reg].kind != REG_NONE)
		return 0;
	return verify_refuse(v, i, "r%u is not set", reg);
}

/* The value of @r goes to a second place, too: what is found out of one holds for both. */
static void name_number(struct vstate *s, struct reg *r, size_t i)
{
	if (r->kind == REG_NUMBER && !range_is_const(&r->range))
		vstate_name(s, r, i);
}

/* --- arithmetic --- */

static struct reg moved(struct vstate *s, const struct bpf_insn *in, size_t i)
{
	const bool is64 = BPF_CLASS(in->code) == BPF_ALU64;
	struct reg *src = reg_of(s, in->src_reg);

	if (BPF_SRC(in->code) == BPF_K)
		return reg_number(
			range_const(is64 ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm));
	if (in->off) {
		const unsigned bits = (unsigned)in->off;
		struct range r = range_bits(bits, true);
		if (src->kind == REG_NUMBER && src->range.umax < 1ULL << (bits - 1))
			r = src->range;
		return reg_number(is64 ? r : range_low32(&r));
	}
	if (is64 || (src->kind == REG_NUMBER && src->range.umax <= UINT32_MAX)) {
		name_number(s, src, i);
		return *src;
	}
	return reg_number(src->kind == REG_NUMBER ? range_low32(&src->range)
						  : range_bits(32, false));
}

static bool is_near(const struct range *r)
{
	return r->smin >= -OFFSET_MOST && r->smax <= OFFSET_MOST;
}

/* An address that is @by bytes further. */
static struct reg advanced(const struct reg *p, const struct range *by)
{
	const struct alu add = { .op = BPF_ADD, .is64 = true };
	struct reg r = *p;

	r.id = 0;
	r.flags &= (uint8_t)~REG_RECORD;
	if ((p->flags & REG_NULL) || !is_near(by))
		return reg_number(range_any());
	if (p->kind == REG_STACK) {
		r.range = range_op(add, &p->range, by);
	} else {
		r.range.smin += by->smin;
		r.range.smax -= by->smax;
	}
	return is_near(&r.range) ? r : reg_number(range_any());
}

static bool is_address(const struct reg *r)
{
	return r->kind == REG_STACK || r->kind == REG_MEM;
}

static struct reg combined(struct alu how, const struct reg *a, const struct reg *b)
{
	const struct alu neg = { .op = BPF_NEG, .is64 = true };

	if (a->kind == REG_NUMBER && b->kind == REG_NUMBER)
		return reg_number(range_op(how, &a->range, &b->range));
	if (how.is64 && how.op == BPF_ADD && is_address(a) && b->kind == REG_NUMBER)
		return advanced(a, &b->range);
	if (how.is64 && how.op == BPF_ADD && is_address(b) && a->kind == REG_NUMBER)
		return advanced(b, &a->range);
	if (how.is64 && how.op == BPF_SUB && is_address(a) && b->kind == REG_NUMBER) {
		const struct range minus = range_op(neg, &b->range, &b->range);
		return advanced(a, &minus);
	}
	return reg_number(how.is64 ? range_any() : range_bits(32, false));
}

static struct reg ended(const struct bpf_insn *in, const struct reg *r)
{
	if (r->kind == REG_NUMBER && range_is_const(&r->range))
		return reg_number(range_const(alu_end(in, r->range.umin)));
	return reg_number(range_bits((unsigned)in->imm, false));
}

static int step_alu(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	const struct alu how = { .op = BPF_OP(in->code),
				 .is64 = BPF_CLASS(in->code) == BPF_ALU64,
				 .is_signed = in->off == 1 };
	const bool x = BPF_SRC(in->code) == BPF_X && how.op != BPF_END;
	struct reg *dst = reg_of(s, in->dst_reg);

	int r = x ? verify_is_set(v, s, i, in->src_reg) : 0;
	if (r == 0 && how.op != BPF_MOV)
		r = verify_is_set(v, s, i, in->dst_reg);
	if (r < 0)
		return r;
	if (how.op == BPF_MOV) {
		const struct reg val = moved(s, in, i);
		*dst = val;
		return 0;
	}
	if (how.op == BPF_END) {
		*dst = ended(in, dst);
		return 0;
	}
	const struct reg imm = reg_number(range_const((uint64_t)(int64_t)in->imm));
	*dst = combined(how, dst, x ? reg_of(s, in->src_reg) : &imm);
	return 0;
}

static void step_wide(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	const struct insn_note *note = &v->p->notes[i];
	const uint64_t n = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;
	struct reg *dst = reg_of(s, in->dst_reg);

	switch (in->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		*dst = (struct reg){ .kind = REG_MAP, .of = (uint32_t)note->map };
		break;
	case BPF_PSEUDO_MAP_VALUE: {
		const struct machine_map *m = &v->p->m->maps[note->map];
		*dst = reg_mem(note->size, (int64_t)m->spec->val_len - note->size, REG_WRITABLE);
		break;
	}
	case BPF_PSEUDO_FUNC: *dst = (struct reg){ .kind = REG_FN, .of = (uint32_t)n }; break;
	default: *dst = reg_number(range_const(n)); break;
	}
}

/* --- memory --- */

static int access_stack(const struct verifier *v, const struct vstate *s, size_t i,
			const struct reg *p, int64_t off, int64_t len)
{
	if (p->frame >= s->n)
		return verify_refuse(v, i, "the stack of a function that has ended");
	const long long first = p->range.smin + off, last = p->range.smax + off;
	if (first < -FRAME_LEN || last + len > 0)
		return verify_refuse(v, i, "%lld bytes at %lld ... %lld of the stack, which has %d",
				     (long long)len, first, last, FRAME_LEN);
	return 0;
}

int verify_access(const struct verifier *v, const struct vstate *s, size_t i, unsigned reg,
		  int64_t off, int64_t len, bool write)
{
	const struct reg *p = &s->frames[s->n - 1].all[reg];

	if (p->kind == REG_STACK)
		return access_stack(v, s, i, p, off, len);
	if (p->kind == REG_NONE)
		return verify_refuse(v, i, "r%u is not set", reg);
	if (p->kind != REG_MEM)
		return verify_refuse(v, i, "r%u is no address", reg);
	if (p->flags & REG_NULL)
		return verify_refuse(v, i, "r%u may be NULL", reg);
	if (write && !(p->flags & REG_WRITABLE))
		return verify_refuse(v, i, "r%u points to what is only read", reg);
	if (p->range.smin + off < 0 || p->range.smax - off < len)
		return verify_refuse(v, i,
				     "%lld bytes at r%u%+lld, where %lld bytes before and %lld "
				     "behind it are known",
				     (long long)len, reg, (long long)off, (long long)p->range.smin,
				     (long long)p->range.smax);
	return 0;
}

/* The word that all @len bytes at @off of @p are; NULL: they are none. */
static struct reg *word_of(struct vstate *s, const struct reg *p, int64_t off, unsigned len)
{
	if (p->kind != REG_STACK || !range_is_const(&p->range) || len != 8)
		return NULL;
	off += p->range.smin;
	return off % 8 == 0 ? frame_word(&s->frames[p->frame], off) : NULL;
}

static int step_load(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	const unsigned len = access_len(in);
	struct reg *dst = reg_of(s, in->dst_reg), *src = reg_of(s, in->src_reg);

	int r = verify_access(v, s, i, in->src_reg, in->off, len, /* write= */ false);
	if (r < 0)
		return r;
	struct reg *word = word_of(s, src, in->off, len);
	struct reg val = reg_number(range_bits(8 * len, BPF_MODE(in->code) == BPF_MEMSX));
	if (word && word->kind != REG_NONE) {
		name_number(s, word, i);
		val = *word;
	}
	*dst = val;
	return 0;
}

/* What a write to @p does to what is known of the stack. */
static void forget(struct vstate *s, const struct reg *p, int64_t off, int64_t len)
{
	if (p->kind == REG_STACK)
		vstate_clobber(s, p->frame, p->range.smin + off,
			       p->range.smax - p->range.smin + len);
}

static int step_store(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	const bool x = BPF_CLASS(in->code) == BPF_STX;
	const unsigned len = access_len(in);
	struct reg *dst = reg_of(s, in->dst_reg);

	int r = x ? verify_is_set(v, s, i, in->src_reg) : 0;
	if (r == 0)
		r = verify_access(v, s, i, in->dst_reg, in->off, len, /* write= */ true);
	if (r < 0)
		return r;
	forget(s, dst, in->off, len);
	struct reg *word = word_of(s, dst, in->off, len);
	if (word && x) {
		name_number(s, reg_of(s, in->src_reg), i);
		*word = *reg_of(s, in->src_reg);
	} else if (word) {
		*word = reg_number(range_const((uint64_t)(int64_t)in->imm));
	}
	return 0;
}

static int step_atomic(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	const unsigned len = access_len(in);
	const struct reg was = reg_number(range_bits(8 * len, false));

	int r = verify_is_set(v, s, i, in->src_reg);
	if (r == 0 && in->imm == BPF_CMPXCHG)
		r = verify_is_set(v, s, i, BPF_REG_0);
	if (r == 0)
		r = verify_access(v, s, i, in->dst_reg, in->off, len, /* write= */ true);
	if (r < 0)
		return r;
	forget(s, reg_of(s, in->dst_reg), in->off, len);
	if (in->imm == BPF_CMPXCHG)
		*reg_of(s, BPF_REG_0) = was;
	else if (in->imm & BPF_FETCH)
		*reg_of(s, in->src_reg) = was;
	return 0;
}

int verify_step(struct verifier *v, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64: return step_alu(v, s, i);
	case BPF_LDX: return step_load(v, s, i);
	case BPF_LD: step_wide(v, s, i); return 0;
	default:
		return BPF_MODE(in->code) == BPF_ATOMIC && BPF_CLASS(in->code) == BPF_STX
			       ? step_atomic(v, s, i)
			       : step_store(v, s, i);
	}
}

/* --- conditions --- */

static bool is_zero(const struct reg *r)
{
	return r->kind == REG_NUMBER && range_is_const(&r->range) && r->range.umin == 0;
}

/* What is known of both where the condition holds or not; false: it cannot. */
static bool refine(struct vstate *s, const struct bpf_insn *in, bool yes)
{
	const bool x = BPF_SRC(in->code) == BPF_X, is64 = BPF_CLASS(in->code) == BPF_JMP;
	const uint8_t op = BPF_OP(in->code);
	struct reg *dst = reg_of(s, in->dst_reg);
	struct reg imm =
		reg_number(range_const(is64 ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm));
	struct reg *src = x ? reg_of(s, in->src_reg) : &imm;

	if (dst->kind == REG_NUMBER && src->kind == REG_NUMBER) {
		struct reg a = *dst, b = *src;

		if (!range_refine(op, is64, yes, &a.range, &b.range))
			return false;
		vstate_set_same(s, dst, &a);
		if (x && in->dst_reg != in->src_reg)
			vstate_set_same(s, src, &b);
		return true;
	}
	struct reg *p = is_zero(src) ? dst : src;
	if (!is64 || !(p->flags & REG_NULL) || (!is_zero(src) && !is_zero(dst)) ||
	    (op != BPF_JEQ && op != BPF_JNE))
		return true;
	struct reg now = *p;
	now.flags &= (uint8_t)~REG_NULL;
	if ((op == BPF_JEQ) == yes)
		now = reg_number(range_const(0));
	vstate_set_same(s, p, &now);
	return true;
}

int verify_branch(struct verifier *v, struct vstate *s, struct vstate *jumped, size_t i,
		  bool ret_ways[static 2])
{
	const struct bpf_insn *in = &v->p->insns[i];

	int r = verify_is_set(v, s, i, in->dst_reg);
	if (r == 0 && BPF_SRC(in->code) == BPF_X)
		r = verify_is_set(v, s, i, in->src_reg);
	if (r < 0)
		return r;
	jumped->n = s->n;
	for (unsigned f = 0; f < s->n; f++)
		jumped->frames[f] = s->frames[f];
	ret_ways[0] = refine(s, in, /* yes= */ false);
	ret_ways[1] = refine(jumped, in, /* yes= */ true);
	return 0;
}
