/* SPDX-License-Identifier: MIT */
/** The program builder: which instructions it makes of what. */
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "bpf/fn.h"
#include "test.h"

/* Ends @u, and gives its instructions as text without their numbers. */
static char *text_of(struct unit *u)
{
	struct bpf_code c = { 0 };
	struct strbuf b = { 0 }, ret = { 0 };

	int r = unit_finish(u, &c);
	EXPECT_EQ(r, 0);
	if (r < 0)
		printf("# %s\n", sonde_err_str());
	bpf_code_print(&c, &b);
	for (const char *s = strbuf_text(&b); *s;) {
		size_t len = strcspn(s, "\n") + 1;
		strbuf_add(&ret, s + 6, len - 6);
		s += len;
	}
	bpf_code_fini(&c);
	strbuf_fini(&b);
	return ret.data;
}

static void expect_text(struct unit *u, const char *wanted)
{
	char *s = text_of(u);

	if (!s || strcmp(s, wanted))
		test_failed(__FILE__, __LINE__, "got:\n%s\nwanted:\n%s", s ? s : "(null)", wanted);
	free(s);
	unit_free(u);
}

static struct fn *begin(struct unit **ret)
{
	*ret = NULL;
	EXPECT_EQ(unit_new(ret), 0);
	return unit_fn(*ret, 1);
}

TEST(returns_constants)
{
	struct unit *u;
	struct fn *f = begin(&u);

	fn_exit(f, fn_op(f, FN_ADD, val_imm(40), val_imm(2)));
	expect_text(u, "r0 = 42\nexit\n");
}

TEST(looks_up_and_adds)
{
	struct unit *u;
	struct fn *f = begin(&u);
	struct val key = fn_slot(f, 8);
	int out = fn_label(f);

	fn_store(f, 8, key, 0, fn_load(f, 8, false, fn_arg(f, 0), 16));
	struct val v = FN_CALL(f, BPF_FUNC_map_lookup_elem, val_map(3), key);
	fn_if(f, FN_EQ, v, val_imm(0), out);
	fn_atomic(f, FN_ATOMIC_ADD, 8, v, 0, val_imm(1), false);
	fn_place(f, out);
	fn_exit(f, val_imm(0));
	expect_text(u, "r5 = *(u64 *)(r1 +16)\n"
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

TEST(keeps_the_context_across_calls)
{
	struct unit *u;
	struct fn *f = begin(&u);
	struct val ctx = fn_arg(f, 0);

	struct val a = FN_CALL0(f, BPF_FUNC_ktime_get_ns);
	struct val b = FN_CALL0(f, BPF_FUNC_get_smp_processor_id);
	struct val sum = fn_op(f, FN_ADD, a, b);
	fn_exit(f, fn_op(f, FN_ADD, sum, fn_load(f, 8, false, ctx, 0)));
	expect_text(u, "r7 = r1\n"
		       "call bpf_ktime_get_ns#5\n"
		       "r6 = r0\n"
		       "call bpf_get_smp_processor_id#8\n"
		       "r6 += r0\n"
		       "r0 = *(u64 *)(r7 +0)\n"
		       "r0 += r6\n"
		       "exit\n");
}
