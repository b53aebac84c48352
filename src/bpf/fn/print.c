/* SPDX-License-Identifier: MIT */
/** Kernel instructions as text, in the notation of the kernel's verifier. */
#include <inttypes.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/fn.h"

/* Filled from the kernel's own list. */
#define NAME(helper, ...) [BPF_FUNC_##helper] = #helper
static const char *const helpers[] = { __BPF_FUNC_MAPPER(NAME) };
#undef NAME

static const char *const alu_signs[] = { "+=",	"-=", "*=", "/=", "|=", "&=",  "<<=",
					 ">>=", NULL, "%=", "^=", "=",	"s>>=" };
static const char *const jmp_signs[] = { NULL,	"==", ">",  ">=", "&",	"!=", "s>",
					 "s>=", NULL, NULL, "<",  "<=", "s<", "s<=" };

static const char *sign_of(const char *const *all, size_t n, uint8_t code)
{
	size_t i = code >> 4;

	return i < n && all[i] ? all[i] : "?";
}

static const char *type_of(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B: return "u8";
	case BPF_H: return "u16";
	case BPF_W: return "u32";
	default: return "u64";
	}
}

static void print_alu(const struct bpf_insn *in, struct strbuf *ret)
{
	const char *sign = sign_of(alu_signs, MEM_LEN(alu_signs), in->code);
	char reg = BPF_CLASS(in->code) == BPF_ALU ? 'w' : 'r';

	if (BPF_OP(in->code) == BPF_END)
		strbuf_fmt(ret, "r%d = %s%d r%d", in->dst_reg,
			   BPF_SRC(in->code) == BPF_TO_BE ? "be" : "le", in->imm, in->dst_reg);
	else if (BPF_OP(in->code) == BPF_NEG)
		strbuf_fmt(ret, "%c%d = -%c%d", reg, in->dst_reg, reg, in->dst_reg);
	else if (BPF_SRC(in->code) == BPF_X)
		strbuf_fmt(ret, "%c%d %s %c%d", reg, in->dst_reg, sign, reg, in->src_reg);
	else
		strbuf_fmt(ret, "%c%d %s %d", reg, in->dst_reg, sign, in->imm);
}

static void print_call(const struct bpf_insn *in, struct strbuf *ret)
{
	uint32_t id = (uint32_t)in->imm;

	if (in->src_reg == BPF_PSEUDO_KFUNC_CALL)
		strbuf_fmt(ret, "call kernel-function#%u", id);
	else if (id < MEM_LEN(helpers) && helpers[id])
		strbuf_fmt(ret, "call bpf_%s#%u", helpers[id], id);
	else
		strbuf_fmt(ret, "call #%u", id);
}

static void print_jmp(const struct bpf_insn *in, struct strbuf *ret)
{
	const char *sign = sign_of(jmp_signs, MEM_LEN(jmp_signs), in->code);

	if (BPF_OP(in->code) == BPF_CALL)
		print_call(in, ret);
	else if (BPF_OP(in->code) == BPF_EXIT)
		strbuf_str(ret, "exit");
	else if (BPF_OP(in->code) == BPF_JA)
		strbuf_fmt(ret, "goto pc%+d", in->off);
	else if (BPF_SRC(in->code) == BPF_X)
		strbuf_fmt(ret, "if r%d %s r%d goto pc%+d", in->dst_reg, sign, in->src_reg,
			   in->off);
	else
		strbuf_fmt(ret, "if r%d %s 0x%x goto pc%+d", in->dst_reg, sign, (uint32_t)in->imm,
			   in->off);
}

/* "*(u64 *)(r1 +8)" */
static void print_place(const struct bpf_insn *in, int base, struct strbuf *ret)
{
	strbuf_fmt(ret, "*(%s *)(r%d %+d)", type_of(in->code), base, in->off);
}

static const char *fetch_of(const struct bpf_insn *in)
{
	switch (in->imm & ~BPF_FETCH) {
	case BPF_ADD: return "fetch_add";
	case BPF_OR: return "fetch_or";
	case BPF_AND: return "fetch_and";
	case BPF_XOR: return "fetch_xor";
	default: return "xchg";
	}
}

static void print_atomic(const struct bpf_insn *in, struct strbuf *ret)
{
	const char *wide = BPF_SIZE(in->code) == BPF_DW ? "64" : "";

	if (in->imm == BPF_CMPXCHG) {
		strbuf_fmt(ret, "r0 = atomic%s_cmpxchg((%s *)(r%d %+d), r0, r%d)", wide,
			   type_of(in->code), in->dst_reg, in->off, in->src_reg);
	} else if (in->imm & BPF_FETCH) {
		strbuf_fmt(ret, "r%d = atomic%s_%s((%s *)(r%d %+d), r%d)", in->src_reg, wide,
			   fetch_of(in), type_of(in->code), in->dst_reg, in->off, in->src_reg);
	} else {
		strbuf_str(ret, "lock ");
		print_place(in, in->dst_reg, ret);
		strbuf_fmt(ret, " %s r%d", sign_of(alu_signs, MEM_LEN(alu_signs), (uint8_t)in->imm),
			   in->src_reg);
	}
}

static void print_store(const struct bpf_insn *in, struct strbuf *ret)
{
	print_place(in, in->dst_reg, ret);
	if (BPF_CLASS(in->code) == BPF_STX)
		strbuf_fmt(ret, " = r%d", in->src_reg);
	else
		strbuf_fmt(ret, " = %d", in->imm);
}

/* @map: of the relocation; @at: index of the first of the pair. */
static void print_wide(const struct bpf_insn *in, size_t at, int map, struct strbuf *ret)
{
	strbuf_fmt(ret, "r%d = ", in->dst_reg);
	if (in->src_reg == BPF_PSEUDO_MAP_FD)
		strbuf_fmt(ret, "map[%d]", map);
	else if (in->src_reg == BPF_PSEUDO_MAP_VALUE)
		strbuf_fmt(ret, "map[%d][0]+%u", map, (uint32_t)in[1].imm);
	else if (in->src_reg == BPF_PSEUDO_FUNC)
		strbuf_fmt(ret, "func@%" PRId64, (int64_t)at + in->imm + 1);
	else
		strbuf_fmt(ret, "0x%" PRIx64,
			   (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm);
}

static void print_insn(const struct bpf_insn *in, struct strbuf *ret)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64: print_alu(in, ret); break;
	case BPF_JMP: print_jmp(in, ret); break;
	case BPF_LDX:
		strbuf_fmt(ret, "r%d = ", in->dst_reg);
		print_place(in, in->src_reg, ret);
		break;
	case BPF_ST: print_store(in, ret); break;
	case BPF_STX:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			print_atomic(in, ret);
		else
			print_store(in, ret);
		break;
	default: strbuf_fmt(ret, "(%02x)", in->code); break;
	}
}

void bpf_code_print(const struct bpf_code *c, struct strbuf *ret)
{
	size_t reloc = 0;

	for (size_t i = 0; i < c->n_insns; i++) {
		const struct bpf_insn *in = &c->insns[i];
		bool is_wide = in->code == (BPF_LD | BPF_IMM | BPF_DW) && i + 1 < c->n_insns;
		bool has_reloc = reloc < c->n_relocs && c->relocs[reloc].insn == i;

		strbuf_fmt(ret, "%4zu: ", i);
		if (is_wide)
			print_wide(in, i++, has_reloc ? (int)c->relocs[reloc].map : -1, ret);
		else
			print_insn(in, ret);
		reloc += has_reloc;
		strbuf_str(ret, "\n");
	}
}
