/* SPDX-License-Identifier: MIT */
/** The program builder: what is removed, which registers are chosen, what goes to the stack. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "bpf/fn.h"
#include "fn_text.h"
#include "test.h"

TEST(removes_what_nothing_leads_to)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int a = fn_label(f), b = fn_label(f);

	fn_jump(f, a);
	fn_unknown(f);
	fn_place(f, b);
	fn_exit(f, val_imm(1));
	fn_place(f, a);
	fn_exit(f, val_imm(2));
	fn_jump(f, b);
	EXPECT_CODE(u, "r0 = 2\nexit\n");
}

TEST(removes_values_that_nobody_reads)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val v = fn_unknown(f);
	struct val a = fn_op(f, FN_MUL, v, val_imm(3)), b = fn_op(f, FN_ADD, a, val_imm(1));

	fn_load(f, 8, false, b, 0);
	// What is left of an exchange is the change.
	fn_atomic(f, FN_ATOMIC_ADD, 8, v, 0, val_imm(2), /* fetch= */ true);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "r5 = 2\n"
		       "r5 = atomic64_fetch_add((u64 *)(r0 +0), r5)\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(follows_jumps_to_jumps)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int a = fn_label(f), b = fn_label(f), end = fn_label(f);

	fn_if(f, FN_EQ, fn_unknown(f), val_imm(0), a);
	fn_unknown(f);
	fn_jump(f, b);
	fn_place(f, a);
	fn_jump(f, b);
	fn_place(f, b);
	fn_jump(f, end);
	fn_place(f, end);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "if r0 == 0x0 goto pc+1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(turns_branches_around)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int then = fn_label(f), other = fn_label(f);

	fn_if(f, FN_SGT, val_imm(5), fn_unknown(f), then); // x s< 5
	fn_jump(f, other);
	fn_place(f, then);
	fn_unknown(f);
	fn_place(f, other);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "if r0 s>= 0x5 goto pc+1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(keeps_branches_that_cannot_be_turned)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int then = fn_label(f), other = fn_label(f);

	fn_if(f, FN_SET, fn_unknown(f), val_imm(5), then);
	fn_jump(f, other);
	fn_place(f, then);
	fn_unknown(f);
	fn_place(f, other);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "if r0 & 0x5 goto pc+1\n"
		       "goto pc+1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(puts_code_where_it_is_jumped_to)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int body = fn_label(f), prologue = fn_label(f), out = fn_label(f);

	fn_jump(f, prologue);
	fn_place(f, body);
	fn_unknown(f);
	fn_place(f, out);
	fn_exit(f, val_imm(0));
	fn_place(f, prologue);
	fn_if(f, FN_NE, fn_load(f, 4, false, val_map_value(0, 0), 0), val_imm(0), out);
	fn_jump(f, body);
	EXPECT_CODE(u, "r5 = map[0][0]+0\n"
		       "r5 = *(u32 *)(r5 +0)\n"
		       "if r5 != 0x0 goto pc+1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(stores_without_extending)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 16);

	fn_store(f, 4, slot, 0, fn_load(f, 4, /* is_signed= */ true, fn_arg(f, 0), 0));
	fn_store(f, 2, slot, 4, fn_extend(f, fn_unknown(f), 4, /* is_signed= */ true));
	// These need it.
	fn_store(f, 8, slot, 8, fn_load(f, 1, /* is_signed= */ true, fn_arg(f, 0), 4));
	fn_store(f, 2, slot, 6, fn_extend(f, fn_unknown(f), 1, /* is_signed= */ false));
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "r6 = r1\n"
		       "r5 = *(u32 *)(r6 +0)\n"
		       "*(u32 *)(r10 -16) = r5\n"
		       "call bpf_ktime_get_ns#5\n"
		       "*(u16 *)(r10 -12) = r0\n"
		       "r5 = *(u8 *)(r6 +4)\n"
		       "r5 <<= 56\n"
		       "r5 s>>= 56\n"
		       "*(u64 *)(r10 -8) = r5\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r0 &= 255\n"
		       "*(u16 *)(r10 -10) = r0\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(survives_jumps_in_a_ring)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	int a = fn_label(f), b = fn_label(f), out = fn_label(f);

	fn_if(f, FN_EQ, fn_unknown(f), val_imm(0), out);
	fn_place(f, a);
	fn_jump(f, b);
	fn_place(f, b);
	fn_jump(f, a);
	fn_place(f, out);
	fn_exit(f, val_imm(0));
	EXPECT_CODE(u, "call bpf_ktime_get_ns#5\n"
		       "if r0 == 0x0 goto pc+1\n"
		       "goto pc-1\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(keeps_values_across_calls)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val a = FN_CALL0(f, BPF_FUNC_ktime_get_ns);
	struct val b = FN_CALL0(f, BPF_FUNC_get_smp_processor_id);
	struct val sum = fn_op(f, FN_ADD, a, b);

	fn_exit(f, fn_op(f, FN_ADD, sum, fn_load(f, 8, false, fn_arg(f, 0), 0)));
	EXPECT_CODE(u, "r7 = r1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r6 = r0\n"
		       "call bpf_get_smp_processor_id#8\n"
		       "r0 += r6\n"
		       "r5 = *(u64 *)(r7 +0)\n"
		       "r0 += r5\n"
		       "exit\n");
}

TEST(zeroes_variables_that_may_be_unset)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val v = fn_reg(f);
	int end = fn_label(f);

	fn_if(f, FN_EQ, fn_load(f, 8, false, fn_arg(f, 0), 0), val_imm(0), end);
	fn_mov(f, v, val_imm(7));
	fn_place(f, end);
	fn_exit(f, v);
	EXPECT_CODE(u, "r0 = 0\n"
		       "r5 = *(u64 *)(r1 +0)\n"
		       "if r5 == 0x0 goto pc+1\n"
		       "r0 = 7\n"
		       "exit\n");
}

TEST(moves_arguments_in_rings)
{
	struct unit *u;
	struct fn *f = fn_begin(&u), *g = unit_fn(u, 4);

	FN_CALL(f, BPF_FUNC_loop, val_imm(10), val_fn(fn_index(g)), val_imm(0), val_imm(0));
	fn_exit(f, val_imm(0));
	FN_CALL(g, BPF_FUNC_map_update_elem, fn_arg(g, 1), fn_arg(g, 2), fn_arg(g, 0), fn_arg(g, 3),
		fn_arg(g, 3));
	fn_exit(g, val_imm(0));
	EXPECT_CODE(u, "r1 = 10\n"
		       "r2 = func@8\n"
		       "r3 = 0\n"
		       "r4 = 0\n"
		       "call bpf_loop#181\n"
		       "r0 = 0\n"
		       "exit\n"
		       "r5 = r3\n"
		       "r3 = r1\n"
		       "r1 = r2\n"
		       "r2 = r5\n"
		       "r5 = r4\n"
		       "call bpf_map_update_elem#2\n"
		       "r0 = 0\n"
		       "exit\n");
}

TEST(removes_functions_that_nothing_calls)
{
	struct unit *u;
	struct fn *f = fn_begin(&u), *g = unit_fn(u, 2);

	fn_exit(f, val_imm(0));
	fn_exit(g, val_imm(1));
	EXPECT_CODE(u, "r0 = 0\n"
		       "exit\n");
}

TEST(moves_rings_before_calls)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val a = fn_load(f, 8, false, fn_arg(f, 0), 0);
	struct val b = fn_load(f, 8, false, fn_arg(f, 0), 8);
	int other = fn_label(f);

	fn_if(f, FN_GT, a, b, other);
	fn_exit(f, FN_CALL(f, BPF_FUNC_map_lookup_elem, a, b));
	fn_place(f, other);
	fn_exit(f, FN_CALL(f, BPF_FUNC_map_delete_elem, b, a));
	EXPECT_CODE(u, "r5 = r1\n"
		       "r1 = *(u64 *)(r5 +0)\n"
		       "r2 = *(u64 *)(r5 +8)\n"
		       "if r1 > r2 goto pc+2\n"
		       "call bpf_map_lookup_elem#1\n"
		       "exit\n"
		       "r0 = r2\n"
		       "r2 = r1\n"
		       "r1 = r0\n"
		       "call bpf_map_delete_elem#3\n"
		       "exit\n");
}

TEST(loops_with_a_counter)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val i = fn_reg(f), sum = fn_reg(f);
	int again = fn_label(f), end = fn_label(f);

	fn_mov(f, i, val_imm(0));
	fn_mov(f, sum, val_imm(0));
	fn_place(f, again);
	fn_if(f, FN_GE, i, val_imm(10), end);
	fn_op_to(f, FN_ADD, sum, fn_unknown(f));
	fn_op_to(f, FN_ADD, i, val_imm(1));
	fn_jump(f, again);
	fn_place(f, end);
	fn_exit(f, sum);
	EXPECT_CODE(u, "r6 = 0\n"
		       "r7 = 0\n"
		       "if r6 >= 0xa goto pc+4\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r7 += r0\n"
		       "r6 += 1\n"
		       "goto pc-5\n"
		       "r0 = r7\n"
		       "exit\n");
}

/* Sums @n values that are all kept across calls. */
static size_t stack_of(int n, struct val (*make)(struct fn *, int))
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val all[64], sum = val_imm(0);

	for (int i = 0; i < n; i++)
		all[i] = make(f, i);
	fn_unknown(f);
	for (int i = 0; i < n; i++)
		sum = fn_op(f, FN_ADD, sum, all[i]);
	fn_exit(f, sum);
	struct bpf_code c = fn_finish(u);
	size_t len = c.stack_len;
	bpf_code_fini(&c);
	return len;
}

static struct val make_unknown(struct fn *f, int i)
{
	(void)i;
	return fn_unknown(f);
}

static struct val make_constant(struct fn *f, int i)
{
	struct val v = fn_reg(f);

	fn_mov(f, v, val_imm(i * 0x123456789));
	return v;
}

static struct val make_address(struct fn *f, int i)
{
	struct val v = fn_reg(f);

	fn_mov(f, v, val_map_value(0, i));
	return v;
}

TEST(spills_what_cannot_be_made_again)
{
	EXPECT_EQ(stack_of(4, make_unknown), 0);
	EXPECT_EQ(stack_of(5, make_unknown), 8);
	EXPECT_EQ(stack_of(64, make_unknown), 480);
	EXPECT_EQ(stack_of(64, make_constant), 0);
	EXPECT_EQ(stack_of(64, make_address), 0);
}

TEST(spilled_variables_share_the_stack)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 8);

	for (int n = 0; n < 5; n++) {
		struct val all[10];
		for (int i = 0; i < 10; i++)
			all[i] = fn_unknown(f);
		for (int i = 0; i < 10; i++)
			fn_atomic(f, FN_ATOMIC_ADD, 8, slot, 0, all[i], /* fetch= */ false);
	}
	fn_exit(f, val_imm(0));
	struct bpf_code c = fn_finish(u);
	EXPECT_EQ(c.stack_len, 8 + 5 * 8); // nine live across a call, four in registers
	bpf_code_fini(&c);
}

static void use(struct fn *f, struct val slot)
{
	FN_CALL(f, BPF_FUNC_get_current_comm, slot, val_imm(16));
}

TEST(slots_share_the_stack)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);

	for (int n = 0; n < 100; n++)
		use(f, fn_slot(f, 16));
	EXPECT_EQ(fn_slots_len(f), 1600);
	fn_exit(f, val_imm(0));
	struct bpf_code c = fn_finish(u);
	EXPECT_EQ(c.stack_len, 16);
	bpf_code_fini(&c);
}

TEST(slots_do_not_share_what_is_still_needed)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val a = fn_slot(f, 16), b = fn_slot(f, 16), c = fn_slot(f, 16), d = fn_slot(f, 16);
	struct val escaped = fn_reg(f);
	int again = fn_label(f);

	fn_mov(f, escaped, d); // used somewhere, anywhere
	use(f, a);
	fn_place(f, again); // b and c: each comes after the other
	use(f, b);
	use(f, c);
	fn_if(f, FN_NE, fn_unknown(f), val_imm(0), again);
	use(f, a);
	fn_exit(f, fn_load(f, 8, false, escaped, 0));
	struct bpf_code code = fn_finish(u);
	EXPECT_EQ(code.stack_len, 64);
	bpf_code_fini(&code);
}

TEST(tells_of_too_large_frames)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val a = fn_slot(f, 400), b = fn_slot(f, 120);

	fn_line(f, 12, 3);
	use(f, a);
	use(f, b);
	use(f, a);
	fn_exit(f, val_imm(0));
	EXPECT_FAILURE(u, -E2BIG, "line 12: more than 512 bytes of stack");

	f = fn_begin(&u);
	use(f, fn_slot(f, SIZE_MAX));
	fn_exit(f, val_imm(0));
	EXPECT_FAILURE(u, -E2BIG, "line 0: more than 512 bytes of stack");
}

TEST(tells_of_too_large_frames_together)
{
	for (size_t len = 224; len <= 256; len += 32) {
		struct unit *u;
		struct fn *f = fn_begin(&u), *g = unit_fn(u, 2);
		struct val slot = fn_slot(f, 256);
		FN_CALL(f, BPF_FUNC_loop, val_imm(10), val_fn(fn_index(g)), slot, val_imm(0));
		fn_exit(f, val_imm(0));
		use(g, fn_slot(g, len + 8));
		fn_exit(g, val_imm(0));
		if (len == 224) {
			struct bpf_code c = fn_finish(u);
			EXPECT_EQ(c.stack_len, 256);
			bpf_code_fini(&c);
		} else {
			EXPECT_FAILURE(u, -E2BIG,
				       "more than 512 bytes of stack in calls that nest");
		}
	}
}

TEST(tells_of_functions_that_call_themselves)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);

	FN_CALL(f, BPF_FUNC_loop, val_imm(10), val_fn(0), val_imm(0), val_imm(0));
	fn_exit(f, val_imm(0));
	EXPECT_FAILURE(u, -E2BIG, "more than 512 bytes of stack in calls that nest");
}

TEST(tells_of_too_far_jumps)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val slot = fn_slot(f, 8);
	int end = fn_label(f);

	fn_line(f, 7, 1);
	fn_if(f, FN_EQ, fn_unknown(f), val_imm(0), end);
	for (int i = 0; i <= INT16_MAX; i++)
		fn_store(f, 1, slot, 0, val_imm(0));
	fn_place(f, end);
	fn_exit(f, val_imm(0));
	EXPECT_FAILURE(u, -E2BIG, "line 7: a jump over 32768 instructions, 32767 is the most");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Half of it straight, half of it branches; as many variables live as the stack can take. */
TEST(makes_large_functions_fast)
{
	struct unit *u;
	struct fn *f = fn_begin(&u);
	struct val all[40];

	for (int i = 0; i < 40; i++)
		all[i] = fn_unknown(f);
	for (int i = 0; i < 4000; i++) {
		int skip = fn_label(f);
		fn_if(f, FN_GT, all[i % 40], all[i * 7 % 40], skip);
		fn_op_to(f, FN_ADD, all[i * 3 % 40], fn_op(f, FN_XOR, all[i % 40], val_imm(i)));
		fn_op_to(f, FN_MUL, all[i * 11 % 40], fn_unknown(f));
		fn_place(f, skip);
	}
	fn_exit(f, all[0]);
	double begin = now();
	struct bpf_code c = fn_finish(u);
	double took = now() - begin;
	EXPECT(c.n_insns > 20000);
	EXPECT(took < 2); // some 30 ms; much more if anything were quadratic
	printf("# %zu instructions in %.1f ms\n", c.n_insns, took * 1e3);
	bpf_code_fini(&c);
}

/* All sorts of instructions, with spills, in two functions. */
static int build_all(void)
{
	struct unit *u = NULL;
	struct bpf_code c = { 0 };

	int r = unit_new(&u);
	if (r < 0)
		return r;
	struct fn *f = unit_fn(u, 1), *g = unit_fn(u, 2);
	struct val slot = fn_slot(f, 16), all[12], unset = fn_reg(f);
	int again = fn_label(f);
	fn_zero(f, slot, 0, 16, 8);
	for (int i = 0; i < 12; i++)
		all[i] = fn_load(f, 8, false, fn_arg(f, 0), 8 * i);
	fn_place(f, again);
	FN_CALL(f, BPF_FUNC_loop, val_imm(3), val_fn(fn_index(g)), slot, val_imm(0));
	for (int i = 0; i < 12; i++)
		fn_op_to(f, FN_ADD, unset, fn_bswap(f, all[i], 4));
	fn_cmpxchg(f, 8, val_map_value(0, 8), 0, unset, all[3]);
	fn_if(f, FN_LT, unset, all[1], again);
	fn_exit(f, unset);
	fn_exit(g, fn_neg(g, fn_arg(g, 1)));
	r = unit_finish(u, &c);
	unit_free(u);
	bpf_code_fini(&c);
	return r;
}

TEST(survives_out_of_memory)
{
	test_oom(build_all);
}
