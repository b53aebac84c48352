/* SPDX-License-Identifier: MIT */
/** Code as text: instructions of each machine, and the listing of a function. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dis/dis.h"
#include "crash/verbs/all.h"
#include "test.h"

/* False: no library; the test is skipped. */
static bool open_dis(enum dump_arch arch, struct dis **ret)
{
	int r = dis_open(arch, ret);

	if (r == -ENOTSUP)
		test_skip(sonde_err_str());
	else
		EXPECT_EQ(r, 0);
	return r == 0;
}

static const struct {
	enum dump_arch arch;
	uint64_t addr;
	unsigned len;
	uint8_t bytes[DIS_INSN_MOST];
	const char *word; /* is in the text */
	uint64_t target;  /* 0: none */
} cases[] = {
	{ DUMP_X86_64, 0xffffffff81000000, 1, { 0x55 }, "push", 0 },
	{ DUMP_X86_64,
	  0xffffffff81000000,
	  5,
	  { 0xe8, 0xfb, 0x0f, 0, 0 },
	  "call",
	  0xffffffff81001000 },
	{ DUMP_X86_64, 0xffffffff81000000, 2, { 0x75, 0xfe }, "jne", 0xffffffff81000000 },
	{ DUMP_X86_64, 0xffffffff81000000, 2, { 0xff, 0xd0 }, "%rax", 0 },
	{ DUMP_X86_64, 0x1000, 7, { 0x48, 0x8b, 0x05, 0x10, 0, 0, 0 }, "(%rip)", 0x1017 },
	{ DUMP_X86_64, 0x1000, 7, { 0x48, 0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff }, "(%rip)", 0xff7 },
	{ DUMP_X86_64, 0x1000, 6, { 0xff, 0x25, 0x10, 0, 0, 0 }, "jmp", 0x1016 },
	{ DUMP_X86_64, 0x1000, 1, { 0x06 }, ".byte 0x6", 0 },
	{ DUMP_I386, 0xc0100000, 5, { 0xe9, 0, 0, 0, 0 }, "jmp", 0xc0100005 },
	{ DUMP_AARCH64, 0xffff800008000000, 4, { 0x02, 0, 0, 0x94 }, "bl", 0xffff800008000008 },
	{ DUMP_AARCH64, 0xffff800008000000, 4, { 0xa0, 0, 0, 0xb4 }, "cbz", 0xffff800008000014 },
	{ DUMP_AARCH64, 0xffff800008000123, 4, { 0, 0, 0, 0x90 }, "adrp", 0xffff800008000000 },
	{ DUMP_AARCH64, 0x1000, 4, { 0xc0, 0x03, 0x5f, 0xd6 }, "ret", 0 },
	{ DUMP_AARCH64, 0x1000, 4, { 0xff, 0xff, 0xff, 0xff }, ".long 0xffffffff", 0 },
};

TEST(instructions)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct dis *d = NULL;
		struct dis_insn insn = { .len = 0 };

		if (!open_dis(cases[i].arch, &d))
			return;
		dis_next(d, cases[i].bytes, cases[i].len, cases[i].addr, &insn);
		EXPECT_EQ(insn.len, cases[i].len);
		if (!strstr(insn.text, cases[i].word))
			EXPECT_STR(insn.text, cases[i].word);
		EXPECT_EQ(insn.has_target ? insn.target : 0, cases[i].target);
		dis_close(d);
	}
}

/* All that bytes can be: each has a length of its own that is in them. */
TEST(any_bytes)
{
	static const enum dump_arch archs[] = { DUMP_X86_64, DUMP_I386, DUMP_AARCH64 };
	uint32_t seed = 12345;

	for (size_t a = 0; a < MEM_LEN(archs); a++) {
		struct dis *d = NULL;

		if (!open_dis(archs[a], &d))
			return;
		for (int i = 0; i < 20000; i++) {
			uint8_t bytes[DIS_INSN_MOST];
			struct dis_insn insn;
			size_t n = 1 + (size_t)i % sizeof(bytes);

			for (size_t b = 0; b < n; b++) {
				seed = seed * 1664525 + 1013904223;
				bytes[b] = (uint8_t)(seed >> 24);
			}
			dis_next(d, bytes, n, UINT64_MAX - 7, &insn);
			if (!insn.len || insn.len > n || !*insn.text)
				test_failed(__FILE__, __LINE__, "%d: %u of %zu: '%s'", i, insn.len,
					    n, insn.text);
		}
		dis_close(d);
	}
}

enum { BASE = 0x2ff0, LEN = 16 };

/* first: push; call second; ret   second: nops, of which the page behind is not in the dump */
static const uint8_t code[LEN] = { 0x55, 0xe8, 0x02, 0, 0, 0, 0xc3, 0x90, 0x90, 0xc3 };

static int read_code(struct crash_core *c, uint64_t va, void *ret, size_t n)
{
	(void)c;
	if (va < BASE || va + n > BASE + LEN)
		return -ENODATA;
	memcpy(ret, code + (va - BASE), n);
	return 0;
}

static bool symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret)
{
	(void)c;
	if (addr < BASE || addr >= BASE + 10)
		return false;
	*ret = addr < BASE + 8 ? (struct crash_symbol){ "first", NULL, BASE, 8 }
			       : (struct crash_symbol){ "second", "mod", BASE + 8, 2 };
	return true;
}

static bool symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret)
{
	return !strcmp(name, "first")	 ? symbol_at(c, BASE, ret)
	       : !strcmp(name, "second") ? symbol_at(c, BASE + 8, ret)
					 : false;
}

static const struct crash_system made = {
	.read = read_code,
	.symbol_at = symbol_at,
	.symbol_named = symbol_named,
};

static char noted[128];

static void note(const char *line)
{
	(void)snprintf(noted, sizeof(noted), "%s", line);
}

/* What `dis A B` shows, or why it fails. */
static const char *shown(const char *a, const char *b, enum crash_format format)
{
	static char text[4096];
	static const struct dump_about about = { .arch = DUMP_X86_64 };
	struct crash_core core = { .system = &made, .about = &about };
	const struct crash_args args = { .format = format };
	char *argv[] = { (char *)a, (char *)b };
	struct sonde_out out;

	*noted = '\0';
	sonde_auto(mem_closep) int fd = memfd_create("out", 0);
	EXPECT_EQ(out_init(&out, fd), 0);
	struct crash_run run = { .core = &core,
				 .args = &args,
				 .argc = b ? 2 : 1,
				 .argv = argv,
				 .out = &out,
				 .note = note };
	int r = crash_dis.run(&run);
	EXPECT_EQ(out_flush(&out), 0);
	out_fini(&out);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return r < 0 ? sonde_err_str() : text;
}

static void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		EXPECT_STR(text, part);
}

TEST(listings)
{
	struct dis *d = NULL;

	if (!open_dis(DUMP_X86_64, &d))
		return;
	dis_close(d);
	expect_in(shown("first", NULL, CRASH_TEXT), "first:\n   0x0000000000002ff0 <+0x0>   55 ");
	expect_in(shown("first", NULL, CRASH_TEXT), "0x2ff8 <second [mod]>\n");
	EXPECT(!strstr(shown("first", NULL, CRASH_TEXT), "=>"));
	expect_in(shown("first+6", NULL, CRASH_TEXT), "\n=> 0x0000000000002ff6 <+0x6>   c3 ");
	expect_in(shown("0x2ff8+1", NULL, CRASH_TEXT),
		  "second [mod]:\n   0x0000000000002ff8 <+0x0>   90 ");
	expect_in(shown("second", "1", CRASH_JSON), "\"addr\": \"0x2ff8\"");
	expect_in(shown("second", "1", CRASH_JSON), "\"bytes\": \"90\"");
	expect_in(shown("first", NULL, CRASH_JSON), "\"target\": \"0x2ff8\"");
	expect_in(shown("first", NULL, CRASH_JSON), "\"target_symbol\": \"second\"");
	expect_in(shown("0x2ff0", "0x2000", CRASH_TEXT), "c3 ");
	EXPECT_STR(noted, "some of it is not in the dump");
	expect_in(shown("0x5000", "16", CRASH_TEXT), "the code at 0x5000 is not in the dump");
	expect_in(shown("0x2ff0", "0", CRASH_TEXT), "0 bytes; 1 .. 1048576 can be shown");
	expect_in(shown("nothing", NULL, CRASH_TEXT), "'nothing' is no address and no symbol");
}
