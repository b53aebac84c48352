/* SPDX-License-Identifier: MIT */
/** Markers of programs: arguments as assemblers write them, and the notes of a real program. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <sonde/err.h>

#include "sym/probe/elf_funcs.h"
#include "sym/probe/usdt.h"
#include "test.h"

/* struct pt_regs of x86-64, as the kernel has it. */
struct x86_regs {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		flags, sp, ss;
};

#define REG(name) ((int16_t)offsetof(struct x86_regs, name))

enum { PC = 0x1000 };

static bool symbol(void *arg, const char *name, uint64_t *ret)
{
	*ret = 0x4000;
	return !arg && !strcmp(name, "counter");
}

struct arg_case {
	const char *text;
	struct usdt_arg wanted;
};

static void check_args(enum usdt_machine machine, const struct arg_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct usdt_arg *w = &cases[i].wanted;
		struct usdt_arg a = usdt_arg_parse(machine, cases[i].text, strlen(cases[i].text),
						   PC, symbol, NULL);

		if (a.kind != w->kind || a.n != w->n)
			printf("# %s\n", cases[i].text);
		EXPECT_EQ(a.kind, w->kind);
		EXPECT_EQ(a.len, w->len);
		if (a.kind == USDT_UNKNOWN)
			continue;
		EXPECT_EQ(a.n, w->n);
		EXPECT_EQ(a.reg, w->reg);
		EXPECT_EQ(a.index, w->index);
		EXPECT_EQ(a.scale, w->scale ? w->scale : 1);
		EXPECT_EQ(a.shift, w->shift);
	}
}

#define CONST(bytes, value)                                \
	{                                                  \
		(bytes), USDT_CONST, -1, -1, 1, 0, (value) \
	}
#define IN_REG(bytes, reg)                            \
	{                                             \
		(bytes), USDT_REG, (reg), -1, 1, 0, 0 \
	}
#define IN_MEM(bytes, reg, value)                           \
	{                                                   \
		(bytes), USDT_MEM, (reg), -1, 1, 0, (value) \
	}
#define UNKNOWN(bytes)                                 \
	{                                              \
		(bytes), USDT_UNKNOWN, -1, -1, 1, 0, 0 \
	}

TEST(arguments_of_x86_64)
{
	static const struct arg_case cases[] = {
		{ "-4@%eax", IN_REG(-4, REG(ax)) },
		{ "8@%rax", IN_REG(8, REG(ax)) },
		{ "1@%al", IN_REG(1, REG(ax)) },
		{ "1@%ah", { 1, USDT_REG, REG(ax), -1, 1, 8, 0 } },
		{ "-2@%bx", IN_REG(-2, REG(bx)) },
		{ "1@%sil", IN_REG(1, REG(si)) },
		{ "1@%bpl", IN_REG(1, REG(bp)) },
		{ "8@%rdi", IN_REG(8, REG(di)) },
		{ "8@%r8", IN_REG(8, REG(r8)) },
		{ "4@%r10d", IN_REG(4, REG(r10)) },
		{ "2@%r15w", IN_REG(2, REG(r15)) },
		{ "1@%r9b", IN_REG(1, REG(r9)) },
		{ "8@%rsp", IN_REG(8, REG(sp)) },
		{ "%rcx", IN_REG(8, REG(cx)) },
		{ "4@$5", CONST(4, 5) },
		{ "-4@$-1", CONST(-4, -1) },
		{ "8@$0xffffffffffffffff", CONST(8, -1) },
		{ "1@$-56", CONST(1, 200) },
		{ "-1@$200", CONST(-1, -56) },
		{ "4@$-294967296", CONST(4, 4000000000) },
		{ "8@$counter", CONST(8, 0x4000) },
		{ "8@-8(%rbp)", IN_MEM(8, REG(bp), -8) },
		{ "8@(%rdx)", IN_MEM(8, REG(dx), 0) },
		{ "-4@0x10(%rsp)", IN_MEM(-4, REG(sp), 16) },
		{ "4@8+4(%rsp)", IN_MEM(4, REG(sp), 12) },
		{ "4@8+-4(%rsp)", IN_MEM(4, REG(sp), 4) },
		{ "8@(%rax,%rbx,4)", { 8, USDT_MEM, REG(ax), REG(bx), 4, 0, 0 } },
		{ "8@24(%rax,%rbx)", { 8, USDT_MEM, REG(ax), REG(bx), 1, 0, 24 } },
		{ "8@16(,%rbx,8)", { 8, USDT_MEM, -1, REG(bx), 8, 0, 16 } },
		{ "8@counter(%rip)", IN_MEM(8, REG(ip), 0x4000 - PC) },
		{ "8@counter+8(%rip)", IN_MEM(8, REG(ip), 0x4008 - PC) },
		{ "8@8+counter(%rip)", IN_MEM(8, REG(ip), 0x4008 - PC) },
		{ "4@counter", IN_MEM(4, -1, 0x4000) },
		{ "8@nobody(%rip)", UNKNOWN(8) },
		{ "8@16(%rip)", UNKNOWN(8) },
		{ "8f@%xmm0", UNKNOWN(8) },
		{ "3@%eax", UNKNOWN(8) },
		{ "16@%rax", UNKNOWN(8) },
		{ "8@%zax", UNKNOWN(8) },
		{ "8@%", UNKNOWN(8) },
		{ "8@$", UNKNOWN(8) },
		{ "8@", UNKNOWN(8) },
		{ "", UNKNOWN(8) },
		{ "8@(", UNKNOWN(8) },
		{ "8@(%rax", UNKNOWN(8) },
		{ "8@(%rax,", UNKNOWN(8) },
		{ "8@(%rax,%rbx,3)", UNKNOWN(8) },
		{ "8@(%rax)x", UNKNOWN(8) },
		{ "8@%fs:16", UNKNOWN(8) },
		{ "8@$99999999999999999999", UNKNOWN(8) },
		{ "8@*%rax", UNKNOWN(8) },
	};

	check_args(USDT_X86_64, cases, sizeof(cases) / sizeof(*cases));
}

TEST(arguments_of_aarch64)
{
	static const struct arg_case cases[] = {
		{ "-4@w0", IN_REG(-4, 0) },
		{ "8@x30", IN_REG(8, 240) },
		{ "8@sp", IN_REG(8, 248) },
		{ "4@5", CONST(4, 5) },
		{ "-8@-12", CONST(-8, -12) },
		{ "8@#3", CONST(8, 3) },
		{ "8@xzr", CONST(8, 0) },
		{ "8@[sp, 16]", IN_MEM(8, 248, 16) },
		{ "8@[sp,#16]", IN_MEM(8, 248, 16) },
		{ "4@[x19, -4]", IN_MEM(4, 152, -4) },
		{ "8@[x1]", IN_MEM(8, 8, 0) },
		{ "8@[x1, x2]", { 8, USDT_MEM, 8, 16, 1, 0, 0 } },
		{ "8@[x1, x2, lsl 3]", { 8, USDT_MEM, 8, 16, 8, 0, 0 } },
		{ "8@[x1, x2, lsl #2]", { 8, USDT_MEM, 8, 16, 4, 0, 0 } },
		{ "8@x31", UNKNOWN(8) },
		{ "8@v0", UNKNOWN(8) },
		{ "8@[x1", UNKNOWN(8) },
		{ "8@[x1, ", UNKNOWN(8) },
		{ "8@[x1, x2, lsl 9]", UNKNOWN(8) },
		{ "8@[", UNKNOWN(8) },
		{ "8@", UNKNOWN(8) },
	};

	check_args(USDT_AARCH64, cases, sizeof(cases) / sizeof(*cases));
}

static struct usdt_marker marker(const struct usdt *u, const char *name)
{
	struct usdt_marker none = { .args_text = "" };
	size_t n;
	const struct usdt_marker *m = usdt_markers(u, &n);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(m[i].name, name))
			return m[i];
	}
	test_failed(__FILE__, __LINE__, "no marker '%s'", name);
	return none;
}

static void check_program(const char *path)
{
	struct usdt *u = NULL;
	struct elf_funcs *f = NULL;
	struct elf_func s = { 0 };
	size_t n = 0;

	EXPECT_EQ(usdt_open(path, &u), 0);
	EXPECT_EQ(elf_funcs_open(SUBJECTS "/subject", &f), 0);
	(void)usdt_markers(u, &n);
	EXPECT_EQ(n, 2);
	struct usdt_marker m = marker(u, "add");
	EXPECT_STR(m.provider, "subject");
	EXPECT_EQ(elf_funcs_symbol(f, "subject_marker", &s), 0);
	EXPECT_EQ(m.off, s.off);
	EXPECT_EQ(m.ref_ctr_off, 0);
	EXPECT_EQ(m.n_args, 3);
	EXPECT_EQ(m.args[0].kind, USDT_REG);
	EXPECT_EQ(m.args[0].len, -4);
	EXPECT_EQ(m.args[1].n, 5);
	EXPECT_EQ(m.args[2].kind, USDT_MEM);
	// Its note says addresses that are 0x1000 too high, as is that of .stapsdt.base.
	m = marker(u, "walk");
	EXPECT_EQ(elf_funcs_symbol(f, "subject_moved", &s), 0);
	EXPECT_EQ(m.off, s.off);
	uint64_t pc = s.addr;
	EXPECT_EQ(elf_funcs_symbol(f, "subject_semaphore", &s), 0);
	EXPECT_EQ(m.ref_ctr_off, s.off);
	EXPECT_EQ(m.n_args, 1);
	EXPECT_EQ(elf_funcs_symbol(f, "subject_list", &s), 0);
#if defined(__x86_64__)
	EXPECT_EQ(m.args[0].kind, USDT_MEM);
	EXPECT_EQ(m.args[0].reg, REG(ip));
	EXPECT_EQ(m.args[0].n, s.addr - pc);
#else
	EXPECT_EQ(m.args[0].kind, USDT_REG);
	(void)pc;
#endif
	usdt_free(u);
	elf_funcs_free(f);
}

TEST(markers_of_a_program)
{
	check_program(SUBJECTS "/subject");
}

TEST(the_semaphore_is_where_the_file_says)
{
	struct usdt *u = NULL;
	uint8_t bytes[2] = { 0 };

	EXPECT_EQ(usdt_open(SUBJECTS "/subject", &u), 0);
	FILE *f = fopen(SUBJECTS "/subject", "rb");
	EXPECT(f && !fseek(f, (long)marker(u, "walk").ref_ctr_off, SEEK_SET));
	EXPECT(f && fread(bytes, 1, 2, f) == 2);
	EXPECT_EQ(bytes[0] | bytes[1] << 8, 0x5a5b);
	if (f)
		(void)fclose(f);
	usdt_free(u);
}

static int open_once(void)
{
	struct usdt *u = NULL;
	int r = usdt_open(SUBJECTS "/subject", &u);

	usdt_free(u);
	return r;
}

TEST(out_of_memory)
{
	EXPECT_EQ(open_once(), 0);
	test_oom(open_once);
}

TEST(files_without_markers)
{
	struct usdt *u = NULL;
	size_t n = 1;

	EXPECT_EQ(usdt_open(SUBJECTS "/libsubject_versions.so", &u), 0);
	(void)usdt_markers(u, &n);
	EXPECT_EQ(n, 0);
	usdt_free(u);
	EXPECT_EQ(usdt_open("/nonexistent/x", &u), -ENOENT);
	EXPECT_EQ(usdt_open("/dev/null", &u), -EBADMSG);
}
