/* SPDX-License-Identifier: MIT */
/** A dead FreeBSD that is made up: one page of kernel memory and a kernel's file of symbols. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/core.h"
#include "made_minidump.h"
#include "made_script.h"
#include "test.h"

enum { PA = 0x7f0000, PCB = 0x140, MAGIC = 0x063062 };

/** Where in the page what lies. Threads: 0 made the dump, 1 ran on CPU 1, 2 waits. */
enum {
	OFFSETS = 0,
	ALLPROC = 0x40,
	DUMPTID = 0x50,
	MSGBUFP = 0x58,
	MSGBUF = 0x60,
	DUMPPCB = 0x100,
	STOPPCBS = DUMPPCB + PCB,
	PROCS = STOPPCBS + 2 * PCB,
	THREADS = PROCS + 2 * 0x80,
	WAITPCB = THREADS + 3 * 0x80,
	FRAMES = 0x900,
	CODE = 0xf00,
};

struct arch {
	const char *name;
	uint64_t base;
	unsigned pointer, pc, fp, sp; /* in struct pcb */
	int next, ret;		      /* from a frame pointer */
	uint32_t present;
	unsigned shift;
};

static const struct arch archs[] = {
	{ "amd64", 0xffffffff80000000, 8, 56, 32, 40, 0, 8, 3, 0 },
	{ "arm64", 0xffff000000000000, 8, 88, 80, 104, 0, 8, 3, 0 },
	{ "riscv", 0xffffffc000000000, 8, 0, 32, 8, -16, -8, 3, 2 },
	{ "i386", 0xc0000000, 4, 20, 8, 12, 0, 4, 3, 0 },
};

struct made_world {
	const struct arch *arch;
	struct made_minidump how;
	struct made_file core, kernel;
};

static void put(struct made_world *w, unsigned off, uint64_t v, unsigned size)
{
	memcpy(w->how.tables[0].bytes + off, &v, size);
}

static void put_pointer(struct made_world *w, unsigned off, unsigned to)
{
	put(w, off, to ? w->arch->base + to : 0, w->arch->pointer);
}

/* A stack of three functions: at CODE + 0x10 * @n, called from + 1, from + 2. */
static void put_stack(struct made_world *w, unsigned pcb, unsigned n)
{
	const struct arch *a = w->arch;
	unsigned frame = FRAMES + 0x100 * n;

	put_pointer(w, pcb + a->pc, CODE + 0x10 * n);
	put_pointer(w, pcb + a->fp, frame + 0x20);
	put_pointer(w, pcb + a->sp, frame);
	put_pointer(w, frame + 0x20 + (unsigned)a->ret, CODE + 0x10 * n + 1);
	put_pointer(w, frame + 0x20 + (unsigned)a->next, frame + 0x60);
	put_pointer(w, frame + 0x60 + (unsigned)a->ret, CODE + 0x10 * n + 2);
	put(w, frame + 0x60 + (unsigned)a->next, 0, a->pointer);
}

static void put_process(struct made_world *w, unsigned i, int pid, const char *comm,
			unsigned thread)
{
	unsigned at = PROCS + 0x80 * i;

	put_pointer(w, at, i == 0 ? PROCS + 0x80 : 0);
	put_pointer(w, at + 16, thread);
	put(w, at + 32, (uint64_t)pid, 4);
	memcpy(w->how.tables[0].bytes + at + 40, comm, strlen(comm) + 1);
}

static void put_thread(struct made_world *w, unsigned i, const char *name, int cpu, unsigned next)
{
	unsigned at = THREADS + 0x80 * i;

	put_pointer(w, at, next);
	put(w, at + 16, 100 + i, 4);
	memcpy(w->how.tables[0].bytes + at + 24, name, strlen(name) + 1);
	put(w, at + 48, (uint64_t)cpu, 4);
	put_pointer(w, at + 56, WAITPCB);
}

static void put_messages(struct made_world *w)
{
	w->how.messages = "ond\n<4>third\n<5>first\nsec";
	put_pointer(w, MSGBUFP, MSGBUF);
	put_pointer(w, MSGBUF, MSGBUF + 0x40);
	put(w, MSGBUF + w->arch->pointer, MAGIC, 4);
	put(w, MSGBUF + w->arch->pointer + 4, strlen(w->how.messages), 4);
	put(w, MSGBUF + w->arch->pointer + 8, 13, 4);
}

static const struct {
	const char *name;
	unsigned off, size;
	bool is_code;
} symbols[] = {
	{ "proc_off_p_pid", OFFSETS, 4, false },
	{ "proc_off_p_comm", OFFSETS + 4, 4, false },
	{ "proc_off_p_list", OFFSETS + 8, 4, false },
	{ "proc_off_p_threads", OFFSETS + 12, 4, false },
	{ "thread_off_td_tid", OFFSETS + 16, 4, false },
	{ "thread_off_td_name", OFFSETS + 20, 4, false },
	{ "thread_off_td_oncpu", OFFSETS + 24, 4, false },
	{ "thread_off_td_pcb", OFFSETS + 28, 4, false },
	{ "thread_off_td_plist", OFFSETS + 32, 4, false },
	{ "pcb_size", OFFSETS + 36, 4, false },
	{ "allproc", ALLPROC, 8, false },
	{ "dumptid", DUMPTID, 4, false },
	{ "msgbufp", MSGBUFP, 8, false },
	{ "dumppcb", DUMPPCB, PCB, false },
	{ "stoppcbs", STOPPCBS, 2 * PCB, false },
	{ "panic", CODE, 0x10, true },
	{ "cpustop", CODE + 0x10, 0x10, true },
	{ "wait", CODE + 0x20, 0x10, true },
	{ "calltrap", CODE + 0x40, 0x10, true },
};

static void make_kernel(struct made_world *w)
{
	struct made_file *f = &w->kernel;
	Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_EXEC,
			 .e_machine = EM_X86_64,
			 .e_ehsize = sizeof(h),
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 4 };
	size_t table = sizeof(h) + sizeof(Elf64_Sym), n = MEM_LEN(symbols);
	size_t names = sizeof(h) + (n + 1) * sizeof(Elf64_Sym), len = 1;

	made_put(f, names, "", 1);
	for (size_t i = 0; i < n; i++) {
		Elf64_Sym s = { .st_name = (Elf64_Word)len,
				.st_info = ELF64_ST_INFO(
					STB_GLOBAL, symbols[i].is_code ? STT_FUNC : STT_OBJECT),
				.st_shndx = 1,
				.st_value = w->arch->base + symbols[i].off,
				.st_size = symbols[i].size };

		made_put(f, table + i * sizeof(s), &s, sizeof(s));
		made_put(f, names + len, symbols[i].name, strlen(symbols[i].name) + 1);
		len += strlen(symbols[i].name) + 1;
	}
	h.e_shoff = (f->len + 7) & ~7ull;
	Elf64_Shdr s[4] = {
		{ 0 },
		{ .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC, .sh_addr = w->arch->base },
		{ .sh_type = SHT_SYMTAB,
		  .sh_offset = sizeof(h),
		  .sh_link = 3,
		  .sh_info = 1,
		  .sh_size = (n + 1) * sizeof(Elf64_Sym),
		  .sh_entsize = sizeof(Elf64_Sym) },
		{ .sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = len },
	};
	made_put(f, h.e_shoff, s, sizeof(s));
	made_put(f, 0, &h, sizeof(h));
}

static void make(struct made_world *w, const struct arch *a)
{
	static const uint32_t offsets[] = { 32, 40, 0, 16, 16, 24, 48, 56, 0, PCB };
	static uint64_t map;

	*w = (struct made_world){ .arch = a };
	w->how.arch = a->name;
	w->how.version = 1;
	w->how.kernbase = a->base;
	w->how.n_tables = 1;
	w->how.tables[0].pa = PA;
	map = (uint64_t)PA >> a->shift | a->present;
	w->how.map = &map;
	w->how.map_len = a->pointer;
	memcpy(w->how.tables[0].bytes + OFFSETS, offsets, sizeof(offsets));
	put_pointer(w, ALLPROC, PROCS);
	put(w, DUMPTID, 100, 4);
	put_process(w, 0, 800, "sysctl", THREADS);
	put_process(w, 1, 28, "pagedaemon", THREADS + 0x80);
	put_thread(w, 0, "sysctl", 0, 0);
	put_thread(w, 1, "dom0", 1, THREADS + 0x100);
	put_thread(w, 2, "uma", -1, 0);
	put_stack(w, DUMPPCB, 0);
	put_stack(w, STOPPCBS + PCB, 1);
	put_stack(w, WAITPCB, 2);
	put_messages(w);
	make_kernel(w);
}

static int open_world(struct made_world *w, struct crash_core **ret)
{
	struct made_memory m;

	made_ranges(&m, 1, 1, 1 << 14, true);
	made_minidump(&m, &w->how, &w->core);
	made_write(&w->core);
	made_write(&w->kernel);
	const char *paths[] = { w->core.path };
	return crash_open(paths, 1, w->kernel.path, ret);
}

static void fini(struct made_world *w)
{
	made_fini(&w->core);
	made_fini(&w->kernel);
}

static void expect_stack(const struct made_world *w, struct crash_core *c,
			 const struct crash_task *t, const char *function, unsigned n)
{
	struct crash_stack s = { 0 };

	EXPECT_EQ(c->system->stack(c, t, &s), 0);
	EXPECT_EQ(s.n, 3);
	for (unsigned i = 0; i < s.n; i++) {
		EXPECT_EQ(s.frames[i].pc, w->arch->base + CODE + 0x10 * n + i);
		EXPECT_STR(s.frames[i].symbol.name, function);
	}
	EXPECT(!s.cut);
	crash_stack_fini(&s);
}

TEST(threads_and_stacks)
{
	for (size_t i = 0; i < MEM_LEN(archs); i++) {
		sonde_auto(crash_closep) struct crash_core *c = NULL;
		struct crash_tasks t = { 0 };
		struct made_world w;

		make(&w, &archs[i]);
		if (open_world(&w, &c) < 0 || c->system->tasks(c, &t) < 0) {
			test_failed(__FILE__, __LINE__, "%s: %s", archs[i].name, sonde_err_str());
			fini(&w);
			continue;
		}
		EXPECT_EQ(t.n, 3);
		EXPECT(!t.cut);
		if (t.n == 3) {
			EXPECT_STR(t.all[0].comm, "sysctl");
			EXPECT(t.all[0].crashed && t.all[0].on_cpu && t.all[0].pid == 800);
			EXPECT_STR(t.all[1].comm, "pagedaemon/dom0");
			EXPECT(!t.all[1].crashed && t.all[1].cpu == 1 && t.all[1].tid == 101);
			EXPECT_STR(t.all[2].comm, "pagedaemon/uma");
			EXPECT(!t.all[2].on_cpu && t.all[2].cpu == -1 && t.all[2].pid == 28);
			expect_stack(&w, c, &t.all[0], "panic", 0);
			expect_stack(&w, c, &t.all[1], "cpustop", 1);
			expect_stack(&w, c, &t.all[2], "wait", 2);
		}
		crash_tasks_fini(&t);
		fini(&w);
	}
}

static int collect(void *arg, const struct crash_message *m)
{
	char *text = arg;
	size_t n = strlen(text);

	(void)snprintf(text + n, 100 - n, "%u %.*s|", m->level, (int)m->len, m->text);
	return 0;
}

TEST(messages_from_the_ring)
{
	for (size_t i = 0; i < MEM_LEN(archs); i++) {
		sonde_auto(crash_closep) struct crash_core *c = NULL;
		char text[100] = "";
		struct made_world w;

		make(&w, &archs[i]);
		EXPECT_EQ(open_world(&w, &c), 0);
		if (c)
			EXPECT_EQ(c->system->log(c, collect, text), 0);
		EXPECT_STR(text, "5 first|6 second|4 third|");
		fini(&w);
	}
}

/* The code that was interrupted is told, and where user code goes on. */
TEST(traps_on_amd64)
{
	for (unsigned user = 0; user < 2; user++) {
		sonde_auto(crash_closep) struct crash_core *c = NULL;
		struct crash_tasks t = { 0 };
		struct crash_stack s = { 0 };
		struct made_world w;
		unsigned frame = FRAMES + 0x60; // whose caller is the trap's entry

		make(&w, &archs[0]);
		put_pointer(&w, frame + 8, CODE + 0x42);
		put(&w, frame + 16 + 152, user ? 0x401000 : archs[0].base + CODE + 0x25, 8);
		put(&w, frame + 16 + 160, user ? 0x43 : 0x20, 8);
		put(&w, frame + 16 + 64, 0, 8);
		EXPECT_EQ(open_world(&w, &c), 0);
		if (c && c->system->tasks(c, &t) == 0 && t.n == 3) {
			EXPECT_EQ(c->system->stack(c, &t.all[0], &s), 0);
			EXPECT_EQ(s.n, user ? 3 : 4);
			EXPECT_STR(s.n > 2 ? s.frames[2].symbol.name : "", "calltrap");
			EXPECT_EQ(s.user_pc, user ? 0x401000 : 0);
			if (s.n == 4) {
				EXPECT(s.frames[3].exact);
				EXPECT_STR(s.frames[3].symbol.name, "wait");
			}
		}
		crash_stack_fini(&s);
		crash_tasks_fini(&t);
		fini(&w);
	}
}

/* Lists and frames that lead back to themselves end, and say so. */
TEST(loops_end)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		sonde_auto(crash_closep) struct crash_core *c = NULL;
		struct crash_tasks t = { 0 };
		struct crash_stack s = { 0 };
		struct made_world w;

		make(&w, &archs[0]);
		if (kind == 0)
			put_pointer(&w, PROCS + 0x80, PROCS);
		else if (kind == 1)
			put_pointer(&w, THREADS + 0x100, THREADS + 0x80);
		else
			put_pointer(&w, FRAMES + 0x60, FRAMES + 0x20);
		EXPECT_EQ(open_world(&w, &c), 0);
		if (c && c->system->tasks(c, &t) == 0) {
			EXPECT(t.n >= 3 && t.n < 10);
			EXPECT((t.cut != NULL) == (kind < 2));
			EXPECT_EQ(c->system->stack(c, &t.all[0], &s), 0);
			EXPECT((s.cut != NULL) == (kind == 2));
			EXPECT(s.n < 10);
		}
		crash_stack_fini(&s);
		crash_tasks_fini(&t);
		fini(&w);
	}
}

TEST(what_is_missing_is_named)
{
	struct crash_core *c = NULL;
	struct crash_tasks t;
	struct made_world w;

	make(&w, &archs[0]);
	put(&w, OFFSETS + 8, UINT32_MAX, 4);
	EXPECT_EQ(open_world(&w, &c), 0);
	if (c) {
		EXPECT_EQ(c->system->tasks(c, &t), -ENOENT);
		EXPECT(strstr(sonde_err_str(), "'proc_off_p_list'"));
	}
	crash_close(c);
	c = NULL;
	const char *paths[] = { w.core.path };
	EXPECT_EQ(crash_open(paths, 1, NULL, &c), 0);
	if (c)
		EXPECT_EQ(c->system->tasks(c, &t), -ENOENT);
	crash_close(c);
	fini(&w);
}

TEST(scripts)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "iter:task { printf(\"%d %d %s %d\\n\", pid, tid, comm, cpu); }",
		  "800 100 sysctl 0\n28 101 pagedaemon/dom0 1\n28 102 pagedaemon/uma 0\n\n\n" },
		{ "iter:task /pid == 800/ { printf(\"%s\", kstack); exit(); } END { "
		  "printf(\"end\"); }",
		  "\n        panic+0\n        panic+1\n        panic+2\nend\n\n" },
		{ "iter:task { @[comm] = max(tid); } BEGIN { printf(\"%s\\n\", "
		  "ksym(kaddr(\"wait\"))); }",
		  "wait\n\n\n@[sysctl]: 100\n@[pagedaemon/dom0]: 101\n@[pagedaemon/uma]: 102\n" },
		{ "iter:task { @ = sum(*(uint32*)(kaddr(\"pcb_size\"))); }", "\n\n@: 960\n" },
		{ "interval:s:1 { exit(); }", "nothing happens in a dump" },
		{ "iter:task_file { exit(); }", "it has BEGIN, END, iter:task [" },
		{ "iter:task { print(ctx->task->td_tid); }",
		  "of 'struct thread' only the name is known here" },
		{ "iter:task { print(ustack); }", "have no memory of programs" },
		{ "BEGIN { print(pid); }", "it is of the thread that a walk is at" },
	};
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	struct made_world w;

	make(&w, &archs[0]);
	EXPECT_EQ(open_world(&w, &c), 0);
	for (size_t i = 0; c && i < 2 * MEM_LEN(cases); i++) {
		char text[4096];

		made_script(c, cases[i / 2].text, i % 2 ? MACHINE_INTERPRETER : MACHINE_JIT, text,
			    sizeof(text));
		if (!strstr(text, cases[i / 2].wanted))
			EXPECT_STR(text, cases[i / 2].wanted);
	}
	fini(&w);
}
