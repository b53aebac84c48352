/* SPDX-License-Identifier: MIT */
/** Stacks: their frames are kept in a map, and known by their hash. */
#include <linux/bpf.h>
#include <stdio.h>

#include "base/mem.h"
#include "lang/gen/gen.h"

/** What the kernel calls between a tracepoint and a program on it: one, and one more if there are
 * several programs. Each has some 100 bytes. */
static const char *const callers[] = { "__bpf_trace_", "__traceiter_" };
enum { CALLER_SIZE = 256 };

static bool is_raw(const struct gen *g)
{
	const enum attach_kind kind = g->point->attach.kind;

	return kind == ATTACH_RAW_TP || kind == ATTACH_TP_BTF;
}

/* Adds one to @flags if the frame is one of @name. */
static void pass(struct gen *g, struct val frame, const char *name, struct val flags)
{
	struct world *w = g->check->world;
	char symbol[128];
	const int len = snprintf(symbol, sizeof(symbol), "%s%s", name, g->point->attach.name);
	const uint64_t addr =
		len > 0 && (size_t)len < sizeof(symbol) ? w->ops->address(w, NULL, symbol) : 0;
	const int l_other = fn_label(g->f);

	if (!addr)
		return;
	fn_if(g->f, FN_GE, fn_op(g->f, FN_SUB, frame, val_imm((int64_t)addr)), val_imm(CALLER_SIZE),
	      l_other);
	fn_op_to(g->f, FN_ADD, flags, val_imm(1));
	fn_place(g->f, l_other);
}

/*
 * Flags of a stack in the kernel. On a raw tracepoint it begins with the program itself and what
 * called it; of few frames (@exact) none are left for the kernel's calls of programs, which are a
 * matter of how many programs there are just now.
 */
static struct val kernel_flags(struct gen *g, bool exact)
{
	enum { N = MEM_LEN(callers) };

	if (!is_raw(g))
		return val_imm(0);
	if (!exact || !g->check->world->ops->address || !g->point->attach.name)
		return val_imm(2);
	struct val frames = fn_slot(g->f, 8ULL * N), flags = fn_reg(g->f);
	fn_zero(g->f, frames, 0, 8ULL * N, 8);
	FN_CALL(g->f, BPF_FUNC_get_stack, gen_ctx(g), frames, val_imm(8LL * N), val_imm(2));
	fn_mov(g->f, flags, val_imm(2));
	for (unsigned i = 0; i < N; i++)
		pass(g, fn_load(g->f, 8, false, frames, 8LL * i), callers[i], flags);
	return flags;
}

struct val gen_caller(struct gen *g, bool user)
{
	const struct val flags = user ? val_imm(BPF_F_USER_STACK) : kernel_flags(g, true);
	struct val frames = fn_slot(g->f, 16);

	fn_zero(g->f, frames, 0, 16, 8);
	FN_CALL(g->f, BPF_FUNC_get_stack, gen_ctx(g), frames, val_imm(16), flags);
	return fn_load(g->f, 8, false, frames, 8);
}

/*
 * The frames' hash: each word is mixed in and multiplied by 2^32's golden ratio. Two stacks of one
 * hash in 2^64 would be shown as one.
 */
static struct val hash_frames(struct gen *g, struct val frames, struct val n)
{
	struct val h = fn_reg(g->f), i = fn_reg(g->f);
	int l_again = fn_label(g->f), l_end = fn_label(g->f);

	fn_mov(g->f, h, n);
	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_again);
	fn_if(g->f, FN_GE, i, n, l_end);
	fn_if(g->f, FN_GE, i, val_imm(STACK_MOST), l_end);
	struct val at = fn_reg(g->f);
	fn_mov(g->f, at, i);
	fn_op_to(g->f, FN_LSH, at, val_imm(3));
	struct val p = fn_reg(g->f);
	fn_mov(g->f, p, frames);
	fn_op_to(g->f, FN_ADD, p, at);
	fn_op_to(g->f, FN_XOR, h, fn_load(g->f, 8, false, p, 0));
	fn_op_to(g->f, FN_MUL, h, val_imm((int64_t)0x9E3779B97F4A7C15));
	fn_op_to(g->f, FN_XOR, h, fn_op(g->f, FN_RSH, h, val_imm(29)));
	fn_op_to(g->f, FN_ADD, i, val_imm(1));
	fn_jump(g->f, l_again);
	fn_place(g->f, l_end);
	return fn_op(g->f, FN_OR, h, val_imm(1)); // never 0, which is no stack
}

static int stack_map(struct gen *g)
{
	if (g->script->stack_map < 0) {
		const struct bpf_map_spec s = {
			.name = "stacks",
			.type = BPF_MAP_TYPE_HASH,
			.key_len = 8,
			.val_len = 8 * STACK_MOST,
			.max_entries = 1 << 16,
			.flags = BPF_F_NO_PREALLOC,
			.inner = -1,
		};
		g->script->stack_map = gen_bpf_map(g, &s);
	}
	return g->script->stack_map;
}

void gen_stack(struct gen *g, const struct type *t, struct val dst, int64_t off)
{
	const bool user = t->kind == TYPE_USTACK;
	struct val frames = gen_scratch(g, 8 * STACK_MOST);
	struct val n = fn_reg(g->f), id = fn_reg(g->f), slot = fn_slot(g->f, 8);
	int l_none = fn_label(g->f), l_there = fn_label(g->f);
	const int map = stack_map(g);

	// Only as many as are asked for; the others are zero, so that all of it is one key.
	if (t->stack_depth < STACK_MOST)
		fn_zero(g->f, frames, 8LL * t->stack_depth, 8ULL * (STACK_MOST - t->stack_depth),
			8);
	fn_mov(g->f, n, val_imm(0));
	fn_mov(g->f, id, val_imm(0));
	struct val got = FN_CALL(
		g->f, BPF_FUNC_get_stack, gen_ctx(g), frames, val_imm(8LL * t->stack_depth),
		user ? val_imm(BPF_F_USER_STACK) : kernel_flags(g, t->stack_depth < STACK_MOST));
	fn_if(g->f, FN_SLE, got, val_imm(0), l_none);
	fn_mov(g->f, n, fn_op(g->f, FN_RSH, got, val_imm(3)));
	fn_mov(g->f, id, hash_frames(g, frames, n));
	fn_store(g->f, 8, slot, 0, id);
	struct val p = FN_CALL(g->f, BPF_FUNC_map_lookup_elem, val_map(map), slot);
	fn_if(g->f, FN_NE, p, val_imm(0), l_there);
	struct val r = FN_CALL(g->f, BPF_FUNC_map_update_elem, val_map(map), slot, frames,
			       val_imm(BPF_ANY));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_there);
	gen_count(g, offsetof(struct script_globals, stacks));
	fn_place(g->f, l_there);
	fn_place(g->f, l_none);
	fn_store(g->f, 8, dst, off, id);
	fn_store(g->f, 4, dst, off + 8, user ? gen_process_id(g, false) : val_imm(0));
	fn_store(g->f, 4, dst, off + 12, n);
}
