/* SPDX-License-Identifier: MIT */
/** Scripts over a Linux kernel that was never alive, and over the memory of its one program. */
#include <string.h>

#include "base/mem.h"
#include "made_linux.h"
#include "made_script.h"
#include "test.h"

static struct made_file core;

static const struct {
	const char *text, *wanted;
} cases[] = {
	{ "iter:task { printf(\"%d %s %d\\n\", tid, comm, ctx->task->tgid); }",
	  "1 sh\033]0;x 1\n" },
	{ "iter:task { @[kstack] = count(); }", "@[\n    schedule+5\n" },
	// The program's own memory, by the tables of its address space.
	{ "iter:task { printf(\"%s!\\n\", str(0x600000)); }", "hello, dump!\n" },
	{ "iter:task { print(*(uint64 *)0x600018); }", "4194816\n" },
	{ "iter:task { printf(\"%s|\\n\", str(0x700000)); }", "|\n" },
	// Where it was, by its registers and frames; the files that this is in.
	{ "iter:task { printf(\"%s\", ustack); }",
	  "        /made\033[1m+0x3104\n        /made\033[1m+0x3200\n        "
	  "/made\033[1m+0x3300\n" },
	{ "iter:task { @[ustack(1), comm] = count(); }",
	  "@[\n    /made\033[1m+0x3104\n, sh\033]0;x]: 1\n" },
	{ "iter:task { printf(\"%s\\n\", usym(0x600010)); }", "0x600010\n" },
	{ "iter:task_file { printf(\"%d %d\\n\", ctx.fd, ctx->file->f_pos); }",
	  "0 0\n1 0\n2 42\n3 0\n" },
	{ "iter:task_vma { printf(\"%x-%x %d %d\\n\", ctx->vma->vm_start, ctx->vma->vm_end,"
	  " ctx->vma->vm_file != 0, ctx->task->pid); }",
	  "400000-402000 1 1\n600000-601000 0 1\n" },
	{ "iter:task_vma { @[comm] = sum(ctx->vma->vm_end - ctx->vma->vm_start); }",
	  "@[sh\033]0;x]: 12288\n" },
	// What was left out is 0, and told once where it is read twice.
	{ "iter:task { $p = (uint64 *)0xffffffff81800000; printf(\"%d %d [%s]\\n\", *$p, $p[0], "
	  "str($p)); }",
	  "0 0 []\nnote: 1 reads gave 0 or no text, as that memory is not in the dump; "
	  "memory at 0xffffffff81800000: physical address 0x1800000 was left out when the dump was "
	  "written\n" },
	{ "interval:s:1 { exit(); }",
	  "it has BEGIN, END, iter:task, iter:task_file and iter:task_vma" },
	{ "BEGIN { print(ustack); }", "it is of the thread that a walk is at" },
	{ "END { printf(\"over\\n\"); } iter:task { exit(); }", "over\n" },
};

TEST(scripts)
{
	sonde_auto(crash_closep) struct crash_core *c = NULL;

	made_linux(MADE_LINUX, &core);
	made_write(&core);
	const char *paths[] = { core.path };
	EXPECT_EQ(crash_open(paths, 1, NULL, &c), 0);
	for (size_t i = 0; c && i < 2 * MEM_LEN(cases); i++) {
		char text[4096];

		made_script(c, cases[i / 2].text, i % 2 ? MACHINE_INTERPRETER : MACHINE_JIT, text,
			    sizeof(text));
		if (!strstr(text, cases[i / 2].wanted))
			EXPECT_STR(text, cases[i / 2].wanted);
	}
	made_fini(&core);
}

static const struct {
	const char *text, *wanted;
} with_lines[] = {
	{ "iter:task { @[kstack] = count(); }", "@[\n    wait_a_while (" },
	{ "iter:task { @[kstack] = count(); }", "/linux_lines.c:9) (inlined)\n    schedule+5 (" },
	{ "iter:task { @[kstack] = count(); }", "/linux_lines.c:15)\n]: 1\n" },
	{ "iter:task { print(kstack(perf, 1)); }", "\n\tffffffff81001005 wait_a_while (" },
	{ "iter:task { print(kstack(perf, 1)); }", "\n\tffffffff81001005 schedule+5 (" },
	{ "iter:task { print(kstack(raw)); }", "\nffffffff81001005\n\n" },
};

/* With a file of lines a stack has them, and what was put inline; the mode raw has neither. */
TEST(lines_of_stacks)
{
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	char text[4096];

	made_linux(MADE_LINUX, &core);
	made_write(&core);
	const char *paths[] = { core.path };
	EXPECT_EQ(crash_open(paths, 1, MADE_LINES, &c), 0);
	for (size_t i = 0; c && i < MEM_LEN(with_lines); i++) {
		made_script(c, with_lines[i].text, MACHINE_JIT, text, sizeof(text));
		if (!strstr(text, with_lines[i].wanted))
			EXPECT_STR(text, with_lines[i].wanted);
	}
	made_fini(&core);
}
