/* SPDX-License-Identifier: MIT */
/** Each way to attach a program: that it runs as often as its event comes, and not afterwards. */
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sonde/err.h>

#include "asm.h"
#include "bpf/attach.h"
#include "counter.h"
#include "test.h"

__attribute__((noinline)) static int traced(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

static void call_traced(void)
{
	for (int i = 0; i < HITS; i++)
		(void)traced(i);
}

/* A place of its own: while the kernel still lets go of another probe there, it wants the same
 * semaphore. */
__attribute__((noinline)) static int marked(int x)
{
	__asm__ volatile("nop" : "+r"(x));
	return x + 2;
}

static void call_marked(void)
{
	for (int i = 0; i < HITS; i++)
		(void)marked(i);
}

static void call_kernel(void)
{
	for (int i = 0; i < HITS; i++)
		(void)syscall(SYS_getppid);
}

/* Attaches, lets @event happen, and looks that each of its HITS was counted, and none later. */
static void check(const struct counter *c, int prog, const struct attach_spec *spec,
		  void (*event)(void))
{
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	EXPECT_EQ(attachments_new(&a), 0);
	if (!a || prog < 0)
		return;
	int r = attachments_add(a, prog, spec);
	if (r < 0) {
		test_failed(__FILE__, __LINE__, "%d: %s", r, sonde_err_str());
		return;
	}
	EXPECT_EQ(attachments_n(a), 1);
	EXPECT_EQ(attachments_enable(a), 0);
	event();
	EXPECT(counter_hits(c) >= HITS);
	EXPECT(counter_hits(c) <= HITS + 50); // a system call of the C library's own, at most
	EXPECT_EQ(c->n[1], spec->cookie * counter_hits(c));
	attachments_free(sonde_take(a));

	// Probes by perf events go a little later.
	uint64_t before = 0;
	for (int i = 0; i < 100; i++) {
		before = counter_hits(c);
		event();
		if (counter_hits(c) == before)
			break;
		usleep(50000);
	}
	EXPECT_EQ(counter_hits(c), before);
}

static void check_kind(enum bpf_prog_type type, const struct attach_spec *spec, uint32_t btf_id,
		       void (*event)(void))
{
	sonde_auto(counter_fini) struct counter c = { 0 };

	if (!asm_may() || !counter_init(&c))
		return;
	enum bpf_attach_type attach = type == BPF_PROG_TYPE_TRACING ? BPF_TRACE_RAW_TP : 0;
	sonde_auto(mem_closep) int prog = counter_load(&c, type, attach, btf_id, spec->cookie != 0);
	check(&c, prog, spec, event);
}

TEST(raw_tracepoint)
{
	const struct attach_spec s = { .kind = ATTACH_RAW_TP, .name = "sys_enter" };

	check_kind(BPF_PROG_TYPE_RAW_TRACEPOINT, &s, 0, call_kernel);
}

TEST(raw_tracepoint_with_cookie)
{
	const struct attach_spec s = { .kind = ATTACH_RAW_TP, .name = "sys_enter", .cookie = 12 };
	struct bpf_insn in[] = { I_CALL(BPF_FUNC_get_attach_cookie), I_EXIT };
	const struct bpf_load how = { .name = "trial", .type = BPF_PROG_TYPE_RAW_TRACEPOINT };
	struct bpf_code code = ASM(in);
	struct strbuf log = { 0 };
	uint32_t line;
	int trial = -1;

	if (!asm_may())
		return;
	int r = bpf_load(&how, &code, NULL, &log, &line, &trial);
	strbuf_fini(&log);
	if (r == -ENOTSUP)
		return test_skip("this kernel knows no cookies there");
	EXPECT_EQ(r, 0);
	close(trial);
	check_kind(BPF_PROG_TYPE_RAW_TRACEPOINT, &s, 0, call_kernel);
}

TEST(typed_tracepoint)
{
	const struct attach_spec s = { .kind = ATTACH_TP_BTF, .name = "sys_enter" };

	if (!asm_may())
		return;
	int id = libbpf_find_vmlinux_btf_id("sys_enter", BPF_TRACE_RAW_TP);
	if (id < 0)
		return test_skip("no BTF of the kernel");
	check_kind(BPF_PROG_TYPE_TRACING, &s, (uint32_t)id, call_kernel);
}

TEST(tracepoint)
{
	const struct attach_spec s = { .kind = ATTACH_TRACEPOINT,
				       .group = "syscalls",
				       .name = "sys_enter_getppid" };

	check_kind(BPF_PROG_TYPE_TRACEPOINT, &s, 0, call_kernel);
}

TEST(tracepoint_with_cookie)
{
	const struct attach_spec s = { .kind = ATTACH_TRACEPOINT,
				       .group = "syscalls",
				       .name = "sys_enter_getppid",
				       .cookie = 0x123456789a };

	check_kind(BPF_PROG_TYPE_TRACEPOINT, &s, 0, call_kernel);
}

static struct attach_spec here(enum attach_kind kind, pid_t pid)
{
	return (struct attach_spec){ .kind = kind,
				     .path = "/proc/self/exe",
				     .off = file_offset((const void *)(uintptr_t)traced),
				     .pid = pid };
}

TEST(uprobe)
{
	struct attach_spec s = here(ATTACH_UPROBE, -1);

	check_kind(BPF_PROG_TYPE_KPROBE, &s, 0, call_traced);
}

TEST(uretprobe_with_cookie_of_one_process)
{
	struct attach_spec s = here(ATTACH_URETPROBE, getpid());

	s.cookie = 77;
	check_kind(BPF_PROG_TYPE_KPROBE, &s, 0, call_traced);
}

static volatile uint16_t semaphore __attribute__((section(".probes"))) = 0;

TEST(semaphore_of_a_marker)
{
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	struct attach_spec s = { .kind = ATTACH_UPROBE,
				 .path = "/proc/self/exe",
				 .off = file_offset((const void *)(uintptr_t)marked),
				 .pid = -1 };

	if (!asm_may() || !counter_init(&c))
		return;
	s.ref_ctr_off = file_offset((const void *)(uintptr_t)&semaphore);
	sonde_auto(mem_closep) int prog = counter_load(&c, BPF_PROG_TYPE_KPROBE, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(semaphore, 0);
	EXPECT_EQ(attachments_add(a, prog, &s), 0);
	EXPECT_EQ(semaphore, 1);
	call_marked();
	EXPECT_EQ(counter_hits(&c), HITS);
	attachments_free(sonde_take(a));
	for (int i = 0; i < 100 && semaphore; i++)
		usleep(50000);
	EXPECT_EQ(semaphore, 0);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Works until @n hits were counted, or for 10 s. */
static void spin(const struct counter *c, uint64_t n)
{
	const double end = seconds(CLOCK_MONOTONIC) + 10;

	while (counter_hits(c) < n && seconds(CLOCK_MONOTONIC) < end)
		;
}

TEST(clock_on_each_cpu)
{
	const struct attach_spec s = { .kind = ATTACH_PERF,
				       .pid = -1,
				       .cpu = -1,
				       .perf_type = PERF_TYPE_SOFTWARE,
				       .perf_config = PERF_COUNT_SW_CPU_CLOCK,
				       .freq = 500 };
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	if (!asm_may() || !counter_init(&c))
		return;
	sonde_auto(mem_closep) int prog = counter_load(&c, BPF_PROG_TYPE_PERF_EVENT, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add(a, prog, &s), 0);
	EXPECT_EQ(attachments_enable(a), 0);
	double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
	spin(&c, 50);
	double used = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
	EXPECT(counter_hits(&c) >= 50);
	EXPECT(used > 0.05); // 50 hits take 0.1 s at 500 a second
	attachments_stop(a);
	uint64_t n = counter_hits(&c);
	begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (seconds(CLOCK_PROCESS_CPUTIME_ID) - begin < 0.05)
		;
	EXPECT_EQ(counter_hits(&c), n);
}

static void touch(void)
{
	char *p =
		mmap(NULL, HITS * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	(void)madvise(p, HITS * 4096, MADV_NOHUGEPAGE); // or there are fewer faults
	for (int i = 0; i < HITS; i++)
		*(volatile char *)(p + 4096 * i) = 1;
	munmap(p, HITS * 4096);
}

TEST(page_faults)
{
	const struct attach_spec s = { .kind = ATTACH_PERF,
				       .pid = -1,
				       .cpu = -1,
				       .perf_type = PERF_TYPE_SOFTWARE,
				       .perf_config = PERF_COUNT_SW_PAGE_FAULTS,
				       .period = 1,
				       .cookie = 5 };

	check_kind(BPF_PROG_TYPE_PERF_EVENT, &s, 0, touch);
}

static const char *getppid_function(void)
{
	static const char *const names[] = { "__x64_sys_getppid", "__arm64_sys_getppid",
					     "__do_sys_getppid" };
	static char line[512];
	const char *found = NULL;
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *name = strrchr(line, ' ');

		for (size_t i = 0; name && i < MEM_LEN(names) && !found; i++) {
			size_t len = strlen(names[i]);

			if (!strncmp(name + 1, names[i], len) && name[1 + len] == '\n')
				found = names[i];
		}
	}
	if (f)
		fclose(f);
	return found;
}

/* Attaches to the kernel's function behind getppid(), where that can be had. */
static void check_function(enum attach_kind kind, uint64_t cookie)
{
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	const bool is_probe = kind == ATTACH_KPROBE || kind == ATTACH_KRETPROBE;
	enum bpf_attach_type type = is_probe		    ? 0
				    : kind == ATTACH_FENTRY ? BPF_TRACE_FENTRY
							    : BPF_TRACE_FEXIT;
	const struct attach_spec s = { .kind = kind, .name = getppid_function(), .cookie = cookie };
	sonde_auto(counter_fini) struct counter c = { 0 };

	if (!asm_may() || !counter_init(&c))
		return;
	if (!s.name)
		return test_skip("getppid has no function of a known name");
	int id = is_probe ? 0 : libbpf_find_vmlinux_btf_id(s.name, type);
	struct bpf_insn in[] = { I_MOV(0, 0), I_EXIT };
	struct bpf_code code = ASM(in);
	struct strbuf log = { 0 };
	uint32_t line;
	const struct bpf_load how = { .name = "trial",
				      .type = is_probe ? BPF_PROG_TYPE_KPROBE
						       : BPF_PROG_TYPE_TRACING,
				      .attach_type = type,
				      .attach_btf_id = id > 0 ? (uint32_t)id : 0 };
	int trial = -1, r = bpf_load(&how, &code, NULL, &log, &line, &trial);
	EXPECT_EQ(attachments_new(&a), 0);
	if (r >= 0)
		r = attachments_add(a, trial, &s);
	if (trial >= 0)
		close(trial);
	strbuf_fini(&log);
	attachments_free(sonde_take(a));
	if (r == -ENOTSUP || r == -EPERM)
		return test_skip("this kernel lets nobody attach to its functions");
	EXPECT_EQ(r, 0);
	sonde_auto(mem_closep) int prog =
		counter_load(&c, how.type, type, how.attach_btf_id, cookie != 0);
	check(&c, prog, &s, call_kernel);
}

TEST(kprobe)
{
	check_function(ATTACH_KPROBE, 0);
}

TEST(kprobe_with_cookie)
{
	check_function(ATTACH_KPROBE, 9);
}

TEST(kretprobe)
{
	check_function(ATTACH_KRETPROBE, 0);
}

TEST(fentry)
{
	check_function(ATTACH_FENTRY, 0);
}

TEST(fexit_with_cookie)
{
	check_function(ATTACH_FEXIT, 6);
}

static volatile uint64_t watched;

static void write_watched(void)
{
	for (int i = 0; i < HITS; i++)
		watched = (uint64_t)i;
}

TEST(watchpoint)
{
	const struct attach_spec s = { .kind = ATTACH_WATCH,
				       .pid = getpid(),
				       .cpu = -1,
				       .addr = (uint64_t)(uintptr_t)&watched,
				       .len = 8,
				       .mode = "w" };

	check_kind(BPF_PROG_TYPE_PERF_EVENT, &s, 0, write_watched);
}

TEST(perf_events_start_when_told)
{
	const struct attach_spec s = { .kind = ATTACH_PERF,
				       .pid = -1,
				       .cpu = -1,
				       .perf_type = PERF_TYPE_SOFTWARE,
				       .perf_config = PERF_COUNT_SW_PAGE_FAULTS,
				       .period = 1 };
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	if (!asm_may() || !counter_init(&c))
		return;
	sonde_auto(mem_closep) int prog = counter_load(&c, BPF_PROG_TYPE_PERF_EVENT, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add(a, prog, &s), 0);
	touch();
	EXPECT_EQ(counter_hits(&c), 0);
	EXPECT_EQ(attachments_enable(a), 0);
	touch();
	EXPECT(counter_hits(&c) >= HITS);
	attachments_stop(a);
	uint64_t n = counter_hits(&c);
	touch();
	EXPECT_EQ(counter_hits(&c), n);
}

static int keep_text(void *arg, const char *text, size_t len)
{
	strbuf_add(arg, text, len);
	return 0;
}

static int stop_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	return len ? -ECANCELED : 0;
}

TEST(iterator)
{
	/* "x" for each task: context { meta { seq } , task } */
	struct bpf_insn in[] = {
		I_LDX(BPF_DW, 6, 1, 0),
		I_LDX(BPF_DW, 7, 1, 8),
		I_IF(BPF_JEQ, 7, 0, 6),
		I_LDX(BPF_DW, 1, 6, 0),
		I_ST(BPF_B, 10, -1, 'x'),
		I_MOV_REG(2, 10),
		I_ALU(BPF_ADD, 2, -1),
		I_MOV(3, 1),
		I_CALL(BPF_FUNC_seq_write),
		I_MOV(0, 0),
		I_EXIT,
	};
	struct bpf_code code = ASM(in);
	struct strbuf text = { 0 };

	if (!asm_may())
		return;
	int id = libbpf_find_vmlinux_btf_id("task", BPF_TRACE_ITER);
	if (id < 0)
		return test_skip("no iterators in this kernel");
	sonde_auto(mem_closep) int prog =
		asm_load(BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, (uint32_t)id, &code, NULL);
	EXPECT_EQ(bpf_iter_run(prog, keep_text, &text), 0);
	EXPECT(text.len > 10);
	for (size_t i = 0; i < text.len; i++)
		EXPECT_EQ(text.data[i], 'x');
	EXPECT_EQ(bpf_iter_run(prog, stop_text, &text), -ECANCELED);
	EXPECT(bpf_iter_run(-1, stop_text, &text) < 0);
	strbuf_fini(&text);
}

/* Attaches @spec, which must be refused with @err. */
static void refuse(enum bpf_prog_type type, const struct attach_spec *spec, int err,
		   const char *words)
{
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	sonde_auto(counter_fini) struct counter c = { 0 };

	if (!counter_init(&c))
		return;
	sonde_auto(mem_closep) int prog = counter_load(&c, type, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add(a, prog, spec), err);
	EXPECT_STR(sonde_err_str(), words);
	EXPECT_EQ(attachments_n(a), 0);
}

TEST(what_is_not_there_is_named)
{
	struct attach_spec s = { .kind = ATTACH_RAW_TP, .name = "no_such" };

	if (!asm_may())
		return;
	refuse(BPF_PROG_TYPE_RAW_TRACEPOINT, &s, -ENOENT,
	       "the kernel has no raw tracepoint 'no_such'");
	s = (struct attach_spec){ .kind = ATTACH_TRACEPOINT, .group = "sched", .name = "no_such" };
	refuse(BPF_PROG_TYPE_TRACEPOINT, &s, -ENOENT,
	       "the kernel has no tracepoint 'sched:no_such'");
	s.group = "../sched";
	refuse(BPF_PROG_TYPE_TRACEPOINT, &s, -ENOENT,
	       "'../sched:no_such' is no name of a tracepoint");
	s = (struct attach_spec){ .kind = ATTACH_UPROBE, .path = "/nonexistent", .pid = -1 };
	refuse(BPF_PROG_TYPE_KPROBE, &s, -ENOENT,
	       "cannot probe '/nonexistent' at offset 0x0: No such file or directory");
	s = (struct attach_spec){ .kind = ATTACH_PERF,
				  .pid = -1,
				  .cpu = 8000,
				  .period = 1,
				  .perf_type = PERF_TYPE_SOFTWARE };
	refuse(BPF_PROG_TYPE_PERF_EVENT, &s, -ENODEV, "CPU 8000 is not online");
	s = (struct attach_spec){ .kind = ATTACH_PERF, .pid = -1, .cpu = -1 };
	refuse(BPF_PROG_TYPE_PERF_EVENT, &s, -EINVAL, "a perf event has a period or a frequency");
	s = (struct attach_spec){ .kind = ATTACH_WATCH, .pid = -1, .cpu = -1, .mode = "q" };
	refuse(BPF_PROG_TYPE_PERF_EVENT, &s, -EINVAL, "watchpoint: 'q' is none of r, w, rw, x");
}

/* Attaches to many places, all of them slow to let go; the program, or -1. */
static int attach_slowly(struct attachments *a, const struct counter *c)
{
	static const char *const names[] = { "close",	  "dup",     "dup2",	"dup3",
					     "fcntl",	  "flock",   "fsync",	"getcwd",
					     "getdents",  "getegid", "geteuid", "getgid",
					     "getgroups", "getpgid", "getpgrp", "getppid",
					     "getsid",	  "getuid",  "link",	"lseek" };
	int prog = counter_load(c, BPF_PROG_TYPE_TRACEPOINT, 0, 0, true);

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		char name[64];
		struct attach_spec s = { .kind = ATTACH_TRACEPOINT,
					 .group = "syscalls",
					 .name = name,
					 .cookie = i % 4 == 0 };

		(void)snprintf(name, sizeof(name), "sys_exit_%s", names[i]);
		EXPECT_EQ(attachments_add(a, prog, &s), 0);
	}
	return prog;
}

TEST(detaching_does_not_wait)
{
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	if (!asm_may() || !counter_init(&c))
		return;
	EXPECT_EQ(attachments_new(&a), 0);
	sonde_auto(mem_closep) int prog = attach_slowly(a, &c);
	EXPECT(prog >= 0);
	call_kernel();
	EXPECT(counter_hits(&c) >= HITS);
	double begin = seconds(CLOCK_MONOTONIC);
	attachments_free(sonde_take(a));
	double ms = (seconds(CLOCK_MONOTONIC) - begin) * 1000;
	printf("# detached in %.2f ms\n", ms);
	EXPECT(ms < 300); // each takes the kernel some 50 ms
}

static uint32_t prog_id(int prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog, &info, &len) == 0 ? info.id : 0;
}

/* Attaches, tells the program's number, and waits to be killed. */
static void be_killed(int to)
{
	struct counter c = { 0 };
	struct attachments *a = NULL;

	if (!counter_init(&c) || attachments_new(&a) < 0)
		_exit(1);
	uint32_t id = prog_id(attach_slowly(a, &c));
	if (write(to, &id, sizeof(id)) != sizeof(id))
		_exit(1);
	for (;;)
		pause();
}

TEST(a_killed_process_leaves_nothing)
{
	uint32_t id = 0;
	int ends[2], status = 0, prog = -1;

	if (!asm_may() || pipe(ends) < 0)
		return;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		be_killed(ends[1]);
	close(ends[1]);
	EXPECT_EQ(read(ends[0], &id, sizeof(id)), sizeof(id));
	close(ends[0]);
	EXPECT(id);
	double begin = seconds(CLOCK_MONOTONIC);
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	printf("# gone in %.2f ms\n", (seconds(CLOCK_MONOTONIC) - begin) * 1000);
	EXPECT(seconds(CLOCK_MONOTONIC) - begin < 0.4);
	for (int i = 0; i < 200; i++) {
		prog = bpf_prog_get_fd_by_id(id);
		if (prog < 0)
			break;
		close(prog);
		usleep(50000);
	}
	EXPECT_EQ(prog, -ENOENT);
}
