/* SPDX-License-Identifier: MIT */
/** The program builder: which instructions it makes of what. */
#include <limits.h>
#include <stdio.h>

#include "base/mem.h"
#include "bpf/fn.h"
#include "fn_text.h"
#include "test.h"

TEST(folds_constants)
{
	static const struct {
		enum fn_op op;
		int64_t a, b, wanted;
	} cases[] = {
		{ FN_ADD, INT64_MAX, 1, INT64_MIN },
		{ FN_SUB, INT64_MIN, 1, INT64_MAX },
		{ FN_MUL, INT64_MIN, -1, INT64_MIN },
		{ FN_DIV, -1, 2, INT64_MAX },
		{ FN_DIV, 5, 0, 0 },
		{ FN_MOD, -1, 10, 5 },
		{ FN_MOD, -7, 0, -7 },
		{ FN_AND, 12, 10, 8 },
		{ FN_OR, 12, 10, 14 },
		{ FN_XOR, 12, 10, 6 },
		{ FN_LSH, 1, 63, INT64_MIN },
		{ FN_LSH, 1, 65, 2 },
		{ FN_RSH, -1, 60, 15 },
		{ FN_ARSH, -16, 2, -4 },
		{ FN_ARSH, -16, 64, -16 },
	};
	struct unit *u;
	struct fn *f = fn_begin(&u);

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct val v = fn_op(f, cases[i].op, val_imm(cases[i].a), val_imm(cases[i].b));
		EXPECT_EQ(v.kind, VAL_IMM);
		EXPECT_EQ(v.n, cases[i].wanted);
	}
	EXPECT_EQ(fn_neg(f, val_imm(INT64_MIN)).n, INT64_MIN);
	EXPECT_EQ(fn_not(f, val_imm(5)).n, -6);
	EXPECT_EQ(fn_extend(f, val_imm(0x180), 1, /* is_signed= */ true).n, -128);
	EXPECT_EQ(fn_extend(f, val_imm(-1), 4, /* is_signed= */ false).n, 0xffffffff);
	EXPECT_EQ(fn_extend(f, val_imm(-1), 8, /* is_signed= */ false).n, -1);
	EXPECT_EQ(fn_bswap(f, val_imm(0x11223344), 2).n, 0x4433);
	EXPECT_EQ(fn_bswap(f, val_imm(0x11223344), 4).n, 0x44332211);
	EXPECT_EQ(fn_bswap(f, val_imm(1), 8).n, 1ll << 56);
	unit_free(u);
}

TEST(folds_conditions)
{
	static const struct {
		enum fn_cond cond;
		int64_t a, b;
		bool holds;
	} cases[] = {
		{ FN_EQ, 1, 1, true },	  { FN_NE, 1, 1, false },  { FN_LT, 1, -1, true },
		{ FN_LE, -1, -1, true },  { FN_GT, -1, 1, true },  { FN_GE, 1, -1, false },
		{ FN_SLT, -1, 1, true },  { FN_SLE, 2, 1, false }, { FN_SGT, 1, -1, true },
		{ FN_SGE, -1, 1, false }, { FN_SET, 12, 4, true }, { FN_SET, 12, 3, false },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct unit *u;
		struct fn *f = fn_begin(&u);
		int yes = fn_label(f);
		fn_if(f, cases[i].cond, val_imm(cases[i].a), val_imm(cases[i].b), yes);
		fn_exit(f, val_imm(0));
		fn_place(f, yes);
		fn_exit(f, val_imm(1));
		// The way that is not taken is gone: the kernel refuses code that nothing leads to.
		EXPECT_CODE(u, cases[i].holds ? "r0 = 1\nexit\n" : "r0 = 0\nexit\n");
	}
}

TEST(makes_simpler_operations)
{
	static const struct {
		enum fn_op op;
		int64_t n;
		const char *wanted;
	} cases[] = {
		{ FN_ADD, 0, "" },
		{ FN_SUB, 5, "r0 += -5\n" },
		{ FN_SUB, INT32_MIN, "r0 -= -2147483648\n" },
		{ FN_MUL, 0, "r0 = 0\n" },
		{ FN_MUL, 1, "" },
		{ FN_MUL, -1, "r0 = -r0\n" },
		{ FN_MUL, 8, "r0 <<= 3\n" },
		{ FN_MUL, 10, "r0 *= 10\n" },
		{ FN_DIV, 0, "r0 = 0\n" },
		{ FN_DIV, 4096, "r0 >>= 12\n" },
		{ FN_DIV, INT64_MIN, "r0 >>= 63\n" },
		{ FN_MOD, 0, "" },
		{ FN_MOD, 1, "r0 = 0\n" },
		{ FN_MOD, 64, "r0 &= 63\n" },
		{ FN_MOD, 1ll << 32, "w0 = w0\n" },
		{ FN_AND, 0, "r0 = 0\n" },
		{ FN_AND, -1, "" },
		{ FN_AND, 0xffffffff, "w0 = w0\n" },
		{ FN_OR, 0, "" },
		{ FN_OR, -1, "r0 = -1\n" },
		{ FN_XOR, -1, "r0 ^= -1\n" },
		{ FN_LSH, 64, "" },
		{ FN_RSH, 67, "r0 >>= 3\n" },
		{ FN_ARSH, 128, "" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct unit *u;
		struct fn *f = fn_begin(&u);
		struct val v = fn_unknown(f);
		char text[200];
		fn_exit(f, fn_op(f, cases[i].op, v, val_imm(cases[i].n)));
		snprintf(text, sizeof(text), "call bpf_ktime_get_ns#5\n%sexit\n", cases[i].wanted);
		EXPECT_CODE(u, text);
	}
}

/* The result of an operation is a new variable, whatever the operation came to. */
TEST(results_are_new_variables)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val v = fn_unknown(f);
	struct val before = fn_op(f, FN_ADD, v, val_imm(0));

	fn_op_to(f, FN_ADD, v, val_imm(1));
	fn_exit(f, fn_op(f, FN_XOR, v, before));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "r5 = r0\n"
		       "r0 += 1\n"
		       "r0 ^= r5\n"
		       "exit\n");
}

TEST(makes_large_constants)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 8), v = fn_unknown(f);
	int end = fn_label(f);

	fn_store(f, 8, slot, 0, val_imm(0x1122334455667788));
	fn_if(f, FN_GT, v, val_imm(0xffffffff), end);
	v = fn_op(f, FN_AND, v, val_imm(INT64_MIN));
	v = fn_op(f, FN_ADD, v, val_imm(INT32_MIN));
	fn_store(f, 8, slot, 0, v);
	fn_place(f, end);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "r5 = 0x1122334455667788\n"
		       "*(u64 *)(r10 -8) = r5\n"
		       "w5 = -1\n"
		       "if r0 > r5 goto pc+5\n"
		       "r5 = 0x8000000000000000\n"
		       "r0 &= r5\n"
		       "r0 += -2147483648\n"
		       "*(u64 *)(r10 -8) = r0\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(stores_small_constants_directly)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 16);

	fn_store(f, 8, slot, 0, val_imm(-1));
	fn_store(f, 4, slot, 8, val_imm(0xffffffff));
	fn_store(f, 2, slot, 12, val_imm(0x12345));
	fn_store(f, 1, slot, 14, val_imm('a'));
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "*(u64 *)(r10 -16) = -1\n"
		       "*(u32 *)(r10 -8) = -1\n"
		       "*(u16 *)(r10 -4) = 74565\n"
		       "*(u8 *)(r10 -2) = 97\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(extends_and_swaps)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val v = fn_unknown(f);

	v = fn_extend(f, v, 4, /* is_signed= */ true);
	v = fn_extend(f, v, 2, /* is_signed= */ false);
	v = fn_extend(f, v, 4, /* is_signed= */ false);
	v = fn_extend(f, v, 1, /* is_signed= */ true);
	fn_exit(f, fn_neg(f, v));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "r0 <<= 32\n"
		       "r0 s>>= 32\n"
		       "r0 &= 65535\n"
		       "w0 = w0\n"
		       "r0 <<= 56\n"
		       "r0 s>>= 56\n"
		       "r0 = -r0\n"
		       "exit\n");
}

TEST(loads_with_a_sign)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);

	fn_exit(f, fn_load(f, 2, /* is_signed= */ true, fn_arg(f, 0), 6));
	EXPECT_CODE(u, "r0 = *(u16 *)(r1 +6)\n"
		       "r0 <<= 48\n"
		       "r0 s>>= 48\n"
		       "exit\n");
}

TEST(reaches_far_offsets)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val v = fn_load(f, 8, false, fn_arg(f, 0), INT16_MAX);
	struct val w = fn_load(f, 8, false, val_at(v, -1000), INT16_MIN);

	fn_exit(f, fn_load(f, 1, false, val_at(w, 0x100000000), 1));
	EXPECT_CODE(u, "r5 = *(u64 *)(r1 +32767)\n"
		       "r5 += -33768\n"
		       "r4 = *(u64 *)(r5 +0)\n"
		       "r5 = 0x100000001\n"
		       "r5 += r4\n"
		       "r0 = *(u8 *)(r5 +0)\n"
		       "exit\n");
}

TEST(looks_up_and_adds)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val key = fn_slot(f, 8);
	int out = fn_label(f);

	fn_store(f, 8, key, 0, fn_load(f, 8, false, fn_arg(f, 0), 16));
	struct val v = FN_CALL(f, BPF_FUNC_map_lookup_elem, val_map(3), key);
	fn_if(f, FN_EQ, v, val_imm(0), out);
	fn_atomic(f, FN_ATOMIC_ADD, 8, v, 0, val_imm(1), false);
	fn_place(f, out);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "r5 = *(u64 *)(r1 +16)\n"
		       "*(u64 *)(r10 -8) = r5\n"
		       "r1 = map[3]\n"
		       "r2 = r10\n"
		       "r2 += -8\n"
		       "call bpf_map_lookup_elem#1\n"
		       "if r0 == 0x0 goto pc+2\n"
		       "r5 = 1\n"
		       "lock *(u64 *)(r0 +0) += r5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(reaches_map_values_by_address)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val g = val_map_value(2, 64);

	// One address for accesses that are near, made anew behind a call.
	fn_store(f, 4, g, 0, val_imm(1));
	fn_store(f, 8, g, 8, fn_load(f, 8, false, g, 16));
	fn_unknown(f);
	fn_store(f, 4, g, 100000, val_imm(2));
	fn_exit(f, val_imm(0));

	struct bpf_code c = fn_finish(u);
	EXPECT_EQ(c.n_relocs, 2);
	for (size_t i = 0; i < c.n_relocs; i++) {
		const struct bpf_insn *in = &c.insns[c.relocs[i].insn];
		EXPECT_EQ(in->code, BPF_LD | BPF_IMM | BPF_DW);
		EXPECT_EQ(in->src_reg, BPF_PSEUDO_MAP_VALUE);
		EXPECT_EQ(in->imm, 0);
		EXPECT_EQ(in[1].imm, i ? 100064 : 64);
		EXPECT_EQ(c.relocs[i].map, 2);
	}
	EXPECT_TEXT(&c, "r4 = map[2][0]+64\n"
			"*(u32 *)(r4 +0) = 1\n"
			"r5 = *(u64 *)(r4 +16)\n"
			"*(u64 *)(r4 +8) = r5\n"
			"call bpf_ktime_get_ns#5\n"
			"r5 = map[2][0]+100064\n"
			"*(u32 *)(r5 +0) = 2\n"
			"r0 = 0\n"
			"exit\n");
	bpf_code_fini(&c);
}

TEST(changes_atomically)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val p = fn_unknown(f);
	struct val was = fn_atomic(f, FN_ATOMIC_OR, 4, p, 4, val_imm(8), /* fetch= */ true);

	fn_atomic(f, FN_ATOMIC_AND, 8, p, 8, was, /* fetch= */ false);
	was = fn_atomic(f, FN_ATOMIC_XCHG, 8, p, 16, val_imm(0), /* fetch= */ true);
	was = fn_cmpxchg(f, 8, p, 24, was, val_imm(7));
	// The upper half of r0 must be 0 before 4 bytes are compared.
	was = fn_cmpxchg(f, 4, p, 32, was, val_imm(7));
	was = fn_cmpxchg(f, 4, p, 36, val_imm(-1), was);
	fn_exit(f, was);
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "r3 = r0\n"
		       "r5 = 8\n"
		       "r5 = atomic_fetch_or((u32 *)(r3 +4), r5)\n"
		       "lock *(u64 *)(r3 +8) &= r5\n"
		       "r0 = 0\n"
		       "r0 = atomic64_xchg((u64 *)(r3 +16), r0)\n"
		       "r5 = 7\n"
		       "r0 = atomic64_cmpxchg((u64 *)(r3 +24), r0, r5)\n"
		       "r5 = 7\n"
		       "w0 = w0\n"
		       "r0 = atomic_cmpxchg((u32 *)(r3 +32), r0, r5)\n"
		       "r4 = r0\n"
		       "w0 = -1\n"
		       "r0 = atomic_cmpxchg((u32 *)(r3 +36), r0, r4)\n"
		       "exit\n");
}

TEST(zeroes_and_copies)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 32), p = fn_unknown(f);

	fn_zero(f, slot, 1, 15, 1);
	fn_copy(f, slot, 16, p, 8, 14, 4);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "*(u8 *)(r10 -31) = 0\n"
		       "*(u8 *)(r10 -30) = 0\n"
		       "*(u8 *)(r10 -29) = 0\n"
		       "*(u8 *)(r10 -28) = 0\n"
		       "*(u8 *)(r10 -27) = 0\n"
		       "*(u8 *)(r10 -26) = 0\n"
		       "*(u8 *)(r10 -25) = 0\n"
		       "*(u8 *)(r10 -24) = 0\n"
		       "*(u8 *)(r10 -23) = 0\n"
		       "*(u8 *)(r10 -22) = 0\n"
		       "*(u8 *)(r10 -21) = 0\n"
		       "*(u8 *)(r10 -20) = 0\n"
		       "*(u8 *)(r10 -19) = 0\n"
		       "*(u8 *)(r10 -18) = 0\n"
		       "*(u8 *)(r10 -17) = 0\n"
		       "r5 = *(u32 *)(r0 +8)\n"
		       "*(u32 *)(r10 -16) = r5\n"
		       "r5 = *(u32 *)(r0 +12)\n"
		       "*(u32 *)(r10 -12) = r5\n"
		       "r5 = *(u32 *)(r0 +16)\n"
		       "*(u32 *)(r10 -8) = r5\n"
		       "r5 = *(u16 *)(r0 +20)\n"
		       "*(u16 *)(r10 -4) = r5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(calls_kernel_functions_and_callbacks)
{
	struct unit *u;
	struct fn *f = fn_begin(&u), *body = unit_fn(u, 2);
	struct val args[] = { fn_arg(f, 0) };

	EXPECT_EQ(fn_index(body), 1);
	fn_kfunc(f, 1234, 1, args);
	FN_CALL(f, BPF_FUNC_loop, val_imm(10), val_fn(1), val_imm(0), val_imm(0));
	fn_exit(f, val_imm(0));
	fn_exit(body, fn_arg(body, 0));
	struct bpf_code c = fn_finish(u);
	EXPECT_EQ(c.n_fns, 2);
	EXPECT_EQ(c.fns[0].insn, 0);
	EXPECT_EQ(c.fns[0].n_args, 1);
	EXPECT_EQ(c.fns[1].insn, 9);
	EXPECT_EQ(c.fns[1].n_args, 2);
	EXPECT_EQ(c.insns[0].src_reg, BPF_PSEUDO_KFUNC_CALL);
	EXPECT_EQ(c.insns[2].src_reg, BPF_PSEUDO_FUNC);
	EXPECT_EQ(c.insns[2].imm, 9 - 2 - 1);
	EXPECT_TEXT(&c, "call kernel-function#1234\n"
			"r1 = 10\n"
			"r2 = func@9\n"
			"r3 = 0\n"
			"r4 = 0\n"
			"call bpf_loop#181\n"
			"r0 = 0\n"
			"exit\n"
			"r0 = r1\n"
			"exit\n");
	bpf_code_fini(&c);
}

TEST(notes_lines)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);

	fn_line(f, 3, 1);
	struct val v = fn_unknown(f);
	fn_line(f, 4, 2);
	struct val w = fn_op(f, FN_ADD, v, val_imm(0)); // nothing is left of it
	fn_line(f, 5, 7);
	fn_exit(f, fn_op(f, FN_ADD, w, val_imm(1)));
	struct bpf_code c = fn_finish(u);
	EXPECT_EQ(c.n_lines, 2);
	EXPECT_EQ(c.lines[0].insn, 0);
	EXPECT_EQ(c.lines[0].line, 3);
	EXPECT_EQ(c.lines[1].insn, 1);
	EXPECT_EQ(c.lines[1].line, 5);
	EXPECT_EQ(c.lines[1].col, 7);
	bpf_code_fini(&c);
}

TEST(prints_what_it_does_not_make)
{
	static const struct {
		struct bpf_insn in;
		const char *wanted;
	} cases[] = {
		{ { BPF_ALU | BPF_ADD | BPF_X, 1, 2, 0, 0 }, "w1 += w2\n" },
		{ { BPF_ALU64 | 0xe0, 1, 0, 0, 5 }, "r1 ? 5\n" },
		{ { BPF_ALU | BPF_END | BPF_TO_LE, 3, 0, 0, 16 }, "r3 = le16 r3\n" },
		{ { BPF_JMP | BPF_JSLT | BPF_X, 1, 2, -3, 0 }, "if r1 s< r2 goto pc-3\n" },
		{ { BPF_JMP | BPF_CALL, 0, 0, 0, 100000 }, "call #100000\n" },
		{ { BPF_JMP | BPF_CALL, 0, 0, 0, -1 }, "call #4294967295\n" },
		{ { BPF_STX | BPF_ATOMIC | BPF_W, 1, 2, 4, BPF_XOR | BPF_FETCH },
		  "r2 = atomic_fetch_xor((u32 *)(r1 +4), r2)\n" },
		{ { BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 4, BPF_AND | BPF_FETCH },
		  "r2 = atomic64_fetch_and((u64 *)(r1 +4), r2)\n" },
		{ { BPF_LD | BPF_ABS, 0, 0, 0, 0 }, "(20)\n" },
		// Half a pair, at the end.
		{ { BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 7 }, "(18)\n" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct bpf_insn in = cases[i].in;
		EXPECT_TEXT(&((struct bpf_code){ .insns = &in, .n_insns = 1 }), cases[i].wanted);
	}
}
