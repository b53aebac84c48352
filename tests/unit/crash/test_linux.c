/* SPDX-License-Identifier: MIT */
/** A dead Linux that is made up, on both machines: what is in it is found, what lies is survived.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "crash/linux/kernel.h"
#include "crash/verbs/value.h"
#include "made_kernel.h"
#include "made_types.h"
#include "test.h"

static const struct made_kernel_how machines[] = {
	{ .layout = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 } },
	{ .layout = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 57 } },
	{ .layout = { .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 39, .upper = true } },
	{ .layout = { .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 48, .upper = true },
	  .pac_mask = 0xffff000000000000 },
	{ .layout = { .tables = SPACE_ARM64,
		      .page_bits = 12,
		      .va_bits = 52,
		      .upper = true,
		      .pa_52 = true },
	  .meta = true,
	  .pac_mask = 0xfff0000000000000 },
	{ .layout = { .tables = SPACE_ARM64, .page_bits = 14, .va_bits = 47, .upper = true },
	  .meta = true },
	{ .layout = { .tables = SPACE_ARM64,
		      .page_bits = 16,
		      .va_bits = 52,
		      .upper = true,
		      .pa_52 = true } },
	{ .layout = { .tables = SPACE_ARM64, .page_bits = 16, .va_bits = 42, .upper = true } },
};
enum { ARM = 3, ARM_META = 4 };

struct opened {
	struct made_kernel k;
	struct crash_core *c;
	struct crash_tasks tasks;
};

static void open_it(struct opened *o)
{
	o->c = made_kernel_open(&o->k);
	EXPECT_EQ(o->c->system->tasks(o->c, &o->tasks), 0);
}

static void close_it(struct opened *o)
{
	crash_tasks_fini(&o->tasks);
	crash_close(o->c);
	made_kernel_fini(&o->k);
}

static const struct crash_task *task(const struct opened *o, unsigned which)
{
	for (size_t i = 0; i < o->tasks.n; i++) {
		if (o->tasks.all[i].addr == o->k.tasks[which])
			return &o->tasks.all[i];
	}
	return NULL;
}

/* The functions' names, and behind them why the stack ends and where user code goes on. */
static void expect_stack(const struct opened *o, unsigned which, const char *wanted)
{
	const struct crash_task *t = task(o, which);
	struct crash_stack s = { 0 };
	char text[8192];
	size_t n = 0;

	EXPECT(t);
	if (!t)
		return;
	EXPECT_EQ(o->c->system->stack(o->c, t, &s), 0);
	for (size_t i = 0; i < s.n && n < sizeof(text) - 80; i++)
		n += (size_t)snprintf(text + n, 64, "%s%s", i ? " " : "",
				      s.frames[i].symbol.name ? s.frames[i].symbol.name : "?");
	if (s.user_pc)
		n += (size_t)snprintf(text + n, 40, "%suser 0x%llx", n ? ", " : "",
				      (unsigned long long)s.user_pc);
	if (s.cut)
		n += (size_t)snprintf(text + n, 80, ": %s", s.cut);
	text[n] = '\0';
	EXPECT_STR(text, wanted);
	crash_stack_fini(&s);
}

TEST(tasks_with_their_stacks)
{
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		struct opened o = { 0 };
		made_kernel_init(&o.k, &machines[i]);
		open_it(&o);
		EXPECT_EQ(o.tasks.n, KERNEL_TASKS);
		EXPECT(!o.tasks.cut);
		const struct crash_task *t = task(&o, T_THREAD);
		EXPECT(t && t->tid == 4 && t->pid == 1 && t->state == 'S' && !t->is_kernel);
		t = task(&o, T_KTHREAD);
		EXPECT(t && t->state == 'I' && t->is_kernel && !strcmp(t->comm, "kthreadd"));
		t = task(&o, T_NEW);
		EXPECT(t && t->state == 'D' && !strcmp(t->comm, "sixteen letters"));
		t = task(&o, T_RUNS);
		EXPECT(t && t->on_cpu && t->cpu == 1 && !t->is_idle);
		t = task(&o, T_IDLE_1);
		EXPECT(t && !t->on_cpu && t->is_idle && t->cpu == 1);
		t = task(&o, T_INIT);
		EXPECT(t && t->vsz == 3ull << machines[i].layout.page_bits);
		expect_stack(&o, T_INIT, "inner middle outer");
		expect_stack(&o, T_KTHREAD, "inner middle outer");
		expect_stack(&o, T_RUNS, ": it was running, and its registers are not in the dump");
		close_it(&o);
	}
}

TEST(memory_of_a_process)
{
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		struct opened o = { 0 };
		char text[24];

		made_kernel_init(&o.k, &machines[i]);
		open_it(&o);
		const struct crash_task *t = task(&o, T_INIT);
		EXPECT_EQ(o.c->system->read_user(o.c, t, o.k.user_page + 8, text, 19), 0);
		EXPECT_STR(text, "made in user space");
		EXPECT_EQ(o.c->system->read_user(o.c, t, 0x10, text, 8), -EFAULT);
		EXPECT_EQ(o.c->system->read_user(o.c, t, o.k.va, text, 8), -EFAULT);
		EXPECT_EQ(o.c->system->read_user(o.c, task(&o, T_KTHREAD), 0, text, 8), -EFAULT);
		close_it(&o);
	}
}

static int keep_message(void *arg, const struct crash_message *m)
{
	strbuf_fmt(arg, "%llu<%u>%.*s\n", (unsigned long long)m->ns, m->level, (int)m->len,
		   m->text);
	return 0;
}

TEST(messages_around_the_end_of_the_ring)
{
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		struct opened o = { 0 };
		struct strbuf all = { 0 };

		made_kernel_init(&o.k, &machines[i]);
		open_it(&o);
		EXPECT_EQ(o.c->system->log(o.c, keep_message, &all), 0);
		EXPECT_STR(strbuf_text(&all), "0<6>this is message 0\n1000<6>this is message 1\n"
					      "2000<6>this is message 2\n"
					      "3000<6>this is message 3\n"
					      "4000<6>this is message 4\n");
		strbuf_fini(&all);
		close_it(&o);
	}
}

TEST(symbols_of_the_kernel_and_a_module)
{
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		struct opened o = { 0 };
		struct crash_symbol s = { 0 };

		made_kernel_init(&o.k, &machines[i]);
		open_it(&o);
		EXPECT(o.c->system->symbol_at(o.c, made_kernel_code(&o.k, F_LEAF, 3), &s));
		EXPECT_STR(s.name, "leaf");
		EXPECT(o.c->system->symbol_named(o.c, "made_end", &s));
		EXPECT_STR(s.module, "made");
		EXPECT_EQ(s.size, 0x20);
		EXPECT(o.c->system->symbol_at(o.c, s.start - 1, &s));
		EXPECT_STR(s.name, "made_begin");
		EXPECT(!o.c->system->symbol_named(o.c, "nothing", &s));
		close_it(&o);
	}
}

/* What is at @path of the module's object. */
static const char *thing_at(struct crash_core *c, const char *type, const char *path)
{
	static const struct value_style style = { 0 };
	static char out[256];
	struct strbuf b = { 0 };
	struct crash_symbol s = { 0 };
	struct crash_value v = { 0 };

	EXPECT(c->system->symbol_named(c, "made_thing", &s));
	v.addr = s.start;
	if (crash_type_find(c, type, &v.type) < 0 || crash_value_walk(c, &v, path, &v) < 0)
		return sonde_err_str();
	value_print(c, &v, &style, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
}

TEST(types_of_a_module)
{
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		struct opened o = { 0 };

		made_kernel_init(&o.k, &machines[i]);
		open_it(&o);
		EXPECT_STR(thing_at(o.c, "struct made_thing", "number"), "4711");
		EXPECT_STR(thing_at(o.c, "made_thing@made", "owner->comm"), "\"init\"");
		EXPECT(strstr(thing_at(o.c, "made_thing", "name"), " \"made\""));
		EXPECT_STR(thing_at(o.c, "made_thing@other", "name"),
			   "no types are known of 'other'");
		EXPECT_STR(thing_at(o.c, "task_struct@made", "nothing"),
			   "'nothing': 'task_struct' has no field 'nothing'");
		EXPECT_STR(thing_at(o.c, "struct made_things", ""),
			   "there is no type 'struct made_things'");
		close_it(&o);
	}
}

/* A first frame's pair, which make_task() put there, and the one behind it. */
static uint64_t first_pair(const struct made_kernel *k, unsigned which)
{
	return k->stacks[which] + 0x1000 - 0x300;
}

enum { SECOND_PAIR = 0x40, THIRD_PAIR = 0x80, NO_LR = 99, EL1 = 5 };

/* Code of arm64 that was interrupted in some state of its frame. */
static const struct {
	unsigned pc, lr, lr_off; /* functions */
	uint64_t fp;		 /* from the first pair on */
	const char *stack;
} interrupted[] = {
	{ F_INNER, F_INNER, 0x40, 0, "inner middle outer" },		// another came back
	{ F_INNER, F_MIDDLE, 0x20, 0, "inner middle outer" },		// its frame is made
	{ F_INNER, F_MIDDLE, 0x20, SECOND_PAIR, "inner middle outer" }, // not yet
	{ F_LEAF, F_INNER, 0x24, 0, "leaf inner middle outer" },
	{ F_COLD, F_INNER, 0x24, 0, "inner.cold middle outer" },
	{ F_LEAF, NO_LR, 0, 0, "leaf middle outer" },
};

static void put_interrupted(struct made_kernel *k, size_t i, uint64_t *regs)
{
	memset(regs, 0, LINUX_REGS * sizeof(*regs));
	regs[ARM_PC] = made_kernel_code(k, interrupted[i].pc, 8);
	regs[ARM_FP] = first_pair(k, T_RUNS) + interrupted[i].fp;
	regs[ARM_SP] = regs[ARM_FP] - 0x20;
	regs[ARM_PSTATE] = EL1;
	regs[ARM_LR] = 0x1234;
	if (interrupted[i].lr != NO_LR)
		regs[ARM_LR] = made_kernel_signed(
			k, made_kernel_code(k, interrupted[i].lr, interrupted[i].lr_off));
}

TEST(interrupted_code_of_arm64)
{
	for (size_t i = 0; i < MEM_LEN(interrupted); i++) {
		struct opened o = { 0 };
		uint64_t regs[LINUX_REGS];

		made_kernel_init(&o.k, &machines[i % 2 ? ARM : ARM_META]);
		put_interrupted(&o.k, i, regs);
		made_kernel_regs(&o.k, 1, regs);
		open_it(&o);
		expect_stack(&o, T_RUNS, interrupted[i].stack);
		close_it(&o);
	}
}

/* The same, with its registers on the stack, and a CPU that has begun to handle the interrupt. */
static void try_on_stack(size_t i, const struct made_kernel_how *how)
{
	struct opened o = { 0 };
	uint64_t regs[LINUX_REGS];
	char wanted[64];

	made_kernel_init(&o.k, how);
	put_interrupted(&o.k, i, regs);
	uint64_t at = o.k.stacks[T_RUNS] + 0x200;
	made_kernel_put(&o.k, at, regs, sizeof(regs));
	if (how->meta) {
		made_kernel_put64(&o.k, at + REGS_FRAME + 16, 2);
	} else {
		made_kernel_put64(&o.k, at + REGS_FRAME, regs[ARM_FP]);
		made_kernel_put64(&o.k, at + REGS_FRAME + 8, regs[ARM_PC]);
	}
	regs[ARM_PC] = made_kernel_code(&o.k, F_VECTOR, 0x10);
	regs[ARM_FP] = at + REGS_FRAME;
	made_kernel_regs(&o.k, 1, regs);
	open_it(&o);
	(void)snprintf(wanted, sizeof(wanted), "vector %s", interrupted[i].stack);
	expect_stack(&o, T_RUNS, wanted);
	close_it(&o);
}

TEST(interrupts_of_arm64)
{
	for (size_t i = 0; i < MEM_LEN(interrupted); i++) {
		try_on_stack(i, &machines[ARM]);
		try_on_stack(i, &machines[ARM_META]);
	}
}

/* A system call's registers at the stack's end; and a CPU that runs user code. */
TEST(user_code_of_arm64)
{
	for (unsigned which = ARM; which <= ARM_META; which++) {
		struct opened o = { 0 };
		uint64_t regs[LINUX_REGS] = { [ARM_PC] = 0x412340, [ARM_FP] = 0x7ff0 };

		made_kernel_init(&o.k, &machines[which]);
		uint64_t at = first_pair(&o.k, T_INIT) + 0xe0;
		made_kernel_put(&o.k, at, regs, sizeof(regs));
		made_kernel_put64(&o.k, at + REGS_FRAME + 16, machines[which].meta);
		made_kernel_put64(&o.k, first_pair(&o.k, T_INIT) + SECOND_PAIR, at + REGS_FRAME);
		made_kernel_regs(&o.k, 1, regs);
		open_it(&o);
		expect_stack(&o, T_INIT, "inner middle outer, user 0x412340");
		expect_stack(&o, T_RUNS, "user 0x412340");
		close_it(&o);
	}
}

/* An ELF note with a CPU's registers. */
struct __attribute__((packed)) status {
	uint32_t head[3];
	char name[8];
	uint8_t before[32];
	uint32_t pid;
	uint8_t between[76];
	uint64_t regs[LINUX_REGS];
	uint64_t fp_valid;
};
_Static_assert(sizeof(struct status) == 20 + 392, "as in the file");

/* A dying kernel takes the others offline; QEMU has notes of all, and says whose they are. */
TEST(registers_are_those_of_the_cpu_that_had_them)
{
	static const struct {
		uint64_t online, active;
		uint32_t pids[2];
		const char *stack;
	} cases[] = {
		{ 3, 3, { 1, 2 }, "user 0x412340" }, { 2, 3, { 1, 2 }, "user 0x412340" },
		{ 2, 2, { 1, 2 }, "user 0x412340" }, { 2, 3, { 70, 71 }, "user 0x412340" },
		{ 2, 2, { 70, 71 }, "user 0x1110" }, // of those online alone, by their order
		{ 2, 2, { 1, 71 }, "user 0x1110" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct opened o = { 0 };
		struct made_kernel_how how = machines[ARM];
		struct status notes[2] = { 0 };

		for (size_t cpu = 0; cpu < 2; cpu++) {
			notes[cpu] = (struct status){ .head = { 5, 392, 1 },
						      .name = "CORE",
						      .pid = cases[i].pids[cpu] };
			notes[cpu].regs[ARM_PC] = cpu ? 0x412340 : 0x1110;
		}
		how.online = cases[i].online;
		how.active = cases[i].active;
		made_kernel_init(&o.k, &how);
		o.k.image.notes = notes;
		o.k.image.notes_len = sizeof(notes);
		open_it(&o);
		expect_stack(&o, T_RUNS, cases[i].stack);
		close_it(&o);
	}
}

TEST(stacks_of_arm64_that_lie)
{
	struct opened o = { 0 };
	uint64_t pair[KERNEL_TASKS];

	made_kernel_init(&o.k, &machines[ARM]);
	for (unsigned i = 0; i < KERNEL_TASKS; i++)
		pair[i] = first_pair(&o.k, i);
	made_kernel_put64(&o.k, pair[T_INIT], pair[T_INIT]);
	made_kernel_put64(&o.k, pair[T_THREAD] + SECOND_PAIR, pair[T_THREAD]);
	made_kernel_put64(&o.k, pair[T_KTHREAD], pair[T_KTHREAD] + 4);
	made_kernel_put64(&o.k, pair[T_NEW], 0x1000);
	open_it(&o);
	expect_stack(&o, T_INIT, "inner: it goes round");
	expect_stack(&o, T_THREAD,
		     "inner middle outer middle outer middle outer middle outer middle: it goes "
		     "round");
	expect_stack(&o, T_KTHREAD, "inner middle: its stack is not in the dump");
	expect_stack(&o, T_NEW, "inner middle: its stack is not in the dump");
	close_it(&o);
}

/* What was called by a pointer that is no function's is left by what the call pushed. */
TEST(calls_of_nothing)
{
	static const uint64_t where[] = { 0, 0x1234, 0x7ffffffff000, 0xffffff0000000000 };

	for (size_t i = 0; i < MEM_LEN(where); i++) {
		struct opened o = { 0 };
		uint64_t regs[LINUX_REGS] = { 0 };

		made_kernel_init(&o.k, &machines[0]);
		uint64_t at = o.k.stacks[T_RUNS] + 0x200;
		regs[X86_IP] = where[i];
		regs[X86_SP] = o.k.stacks[T_RUNS] + 0x400;
		regs[X86_BP] = first_pair(&o.k, T_RUNS);
		regs[X86_CS] = 0x10;
		made_kernel_put64(&o.k, regs[X86_SP], made_kernel_code(&o.k, F_INNER, 0x24));
		made_kernel_put(&o.k, at, regs, X86_REGS * 8ul);
		regs[X86_IP] = made_kernel_code(&o.k, F_VECTOR, 8);
		regs[X86_SP] = at;
		made_kernel_regs(&o.k, 1, regs);
		open_it(&o);
		expect_stack(&o, T_RUNS, "vector ? inner middle outer");
		close_it(&o);
	}
}

TEST(interrupts_of_x86)
{
	struct opened o = { 0 };
	uint64_t regs[LINUX_REGS] = { 0 };

	made_kernel_init(&o.k, &machines[0]);
	uint64_t at = o.k.stacks[T_RUNS] + 0x200;
	regs[X86_IP] = made_kernel_code(&o.k, F_LEAF, 8);
	regs[X86_SP] = o.k.stacks[T_RUNS] + 0x400;
	regs[X86_BP] = first_pair(&o.k, T_RUNS);
	regs[X86_CS] = 0x10;
	made_kernel_put64(&o.k, regs[X86_SP], made_kernel_code(&o.k, F_INNER, 0x24));
	made_kernel_put(&o.k, at, regs, X86_REGS * 8ul);
	regs[X86_IP] = made_kernel_code(&o.k, F_VECTOR, 8);
	regs[X86_SP] = at;
	made_kernel_regs(&o.k, 1, regs);
	at = o.k.stacks[T_IDLE] + 0x200;
	made_kernel_put64(&o.k, at + X86_IP * 8ul, 0x412340);
	made_kernel_put64(&o.k, at + X86_CS * 8ul, 0x33);
	regs[X86_SP] = at;
	made_kernel_regs(&o.k, 0, regs);
	// Frames that lead to each other.
	at = first_pair(&o.k, T_KTHREAD);
	made_kernel_put64(&o.k, at + 8, made_kernel_code(&o.k, F_INNER, 0x20));
	made_kernel_put64(&o.k, at, at);
	open_it(&o);
	expect_stack(&o, T_RUNS, "vector leaf inner middle outer");
	expect_stack(&o, T_IDLE, "vector, user 0x412340");
	expect_stack(&o, T_KTHREAD, "inner inner: it goes round");
	close_it(&o);
}

/* One link of a list of tasks that lies, and why there may be more. */
TEST(lists_that_lie)
{
	static const struct {
		unsigned task, off, to, to_off;
		const char *cut;
	} lies[] = {
		{ T_NEW, 0, T_KTHREAD, 0, "the list of processes goes round" },
		{ T_KTHREAD, 0, T_KTHREAD, 0, "the list has no end" },
		{ T_THREAD, TASK_THREAD_NODE, T_THREAD, TASK_THREAD_NODE, "the list has no end" },
		{ T_NEW, 0, KERNEL_TASKS, 0, "a task is not in the dump" },
	};

	for (size_t i = 0; i < MEM_LEN(lies); i++) {
		struct opened o = { 0 };

		made_kernel_init(&o.k, &machines[i % 2 ? ARM : 0]);
		uint64_t to = lies[i].to == KERNEL_TASKS ? 0x10 : o.k.tasks[lies[i].to];
		made_kernel_put64(&o.k, o.k.tasks[lies[i].task] + lies[i].off, to + lies[i].to_off);
		open_it(&o);
		EXPECT(o.tasks.cut);
		if (o.tasks.cut)
			EXPECT_STR(o.tasks.cut, lies[i].cut);
		EXPECT(o.tasks.n >= 4 && o.tasks.n <= KERNEL_TASKS);
		close_it(&o);
	}
}

/* All that can be asked, of a dump that may not open; the answers do not matter. */
static void survive(const char *path, const struct made_kernel *k)
{
	struct crash_core *c = NULL;
	struct crash_tasks tasks = { 0 };
	struct crash_stack s = { 0 };
	struct crash_symbol sym;
	char text[64];

	if (crash_open(&path, 1, NULL, &c) < 0)
		return;
	struct strbuf log = { 0 };
	int r = c->system->log(c, keep_message, &log);
	EXPECT(r == 0 || r == -ENODATA || r == -EBADMSG);
	EXPECT(log.len < 1 << 20);
	strbuf_fini(&log);
	(void)c->system->symbol_named(c, "made_end", &sym); // opens the module
	(void)c->system->symbol_at(c, k->va + 3, &sym);
	const struct ctype *t;
	(void)c->system->types(c, "made");
	EXPECT(crash_type_find(c, "made_thing", &t) <= 0);
	r = c->system->tasks(c, &tasks);
	EXPECT(r == 0 || r == -EBADMSG);
	for (size_t i = 0; r == 0 && i < tasks.n; i++) {
		EXPECT(!c->system->stack(c, &tasks.all[i], &s));
		EXPECT(s.n <= CRASH_FRAMES_MOST);
		(void)c->system->read_user(c, &tasks.all[i], k->user_page, text, sizeof(text));
	}
	EXPECT(tasks.n <= 2 * KERNEL_TASKS);
	crash_stack_fini(&s);
	crash_tasks_fini(&tasks);
	crash_close(c);
}

TEST(dumps_that_are_cut_off)
{
	for (unsigned m = 0; m <= ARM; m += ARM) {
		struct made_kernel k;

		made_kernel_init(&k, &machines[m]);
		made_kernel_write(&k);
		for (size_t len = k.image.elf.len; len > 0; len -= len < 512 ? len : 512) {
			EXPECT_EQ(truncate(k.image.elf.path, (off_t)len), 0);
			survive(k.image.elf.path, &k);
		}
		made_kernel_fini(&k);
	}
}

TEST(damage_is_survived)
{
	static const uint64_t odd[] = {
		0, 1, 0x1000, 1ull << 31, 1ull << 47, INT64_MAX, UINT64_MAX
	};

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct made_memory random = { 0 };
		struct made_kernel k;

		made_ranges(&random, seed, 0, 1, true);
		made_kernel_init(&k, &machines[seed % 2 ? ARM : 0]);
		for (unsigned i = 0; i < 40; i++) {
			uint64_t at = k.va + made_random(&random, k.used) / 8 * 8;
			uint64_t v = odd[made_random(&random, MEM_LEN(odd))];

			// Also addresses that are near right ones.
			if (made_random(&random, 2))
				v = k.va + made_random(&random, k.used);
			made_kernel_put64(&k, at, v);
		}
		made_kernel_write(&k);
		survive(k.image.elf.path, &k);
		made_kernel_fini(&k);
	}
}

/* Sizes and links in what was made up: of no machine's kernel, all in a row. */
TEST(sizes_that_are_absurd)
{
	for (unsigned m = 0; m <= ARM; m += ARM) {
		for (unsigned i = 0; i < 8; i++) {
			struct made_kernel k;

			made_kernel_init(&k, &machines[m]);
			const uint64_t at[] = { k.ring,	     k.ring + 16,
						k.ring + 24, k.ring + 32,
						k.ring + 40, k.ring + 48,
						k.module,    k.module + MODULE_KALLSYMS };
			made_kernel_put64(&k, at[i], UINT64_MAX >> i);
			made_kernel_put32(&k, k.module + MODULE_MEM + 8, UINT32_MAX);
			made_kernel_write(&k);
			survive(k.image.elf.path, &k);
			made_kernel_fini(&k);
		}
	}
}

static struct made_kernel to_open; // test_oom() has no argument

static int all_of_it(void)
{
	struct crash_core *c = NULL;
	struct crash_tasks tasks = { 0 };
	struct crash_stack s = { 0 };
	const char *path = to_open.image.elf.path;

	int r = crash_open(&path, 1, NULL, &c);
	if (!r)
		r = c->system->tasks(c, &tasks);
	for (size_t i = 0; !r && i < tasks.n; i++)
		r = c->system->stack(c, &tasks.all[i], &s);
	crash_stack_fini(&s);
	crash_tasks_fini(&tasks);
	crash_close(c);
	return r;
}

TEST(without_memory)
{
	for (unsigned m = 0; m <= ARM; m += ARM) {
		made_kernel_init(&to_open, &machines[m]);
		made_kernel_write(&to_open);
		test_oom(all_of_it);
		made_kernel_fini(&to_open);
	}
}
