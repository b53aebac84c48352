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

#include <bpf/libbpf.h>
#include <sonde/err.h>

#include "asm.h"
#include "bpf/attach.h"
#include "bpf/map.h"
#include "test.h"

enum { HITS = 100 };

/* The counter that all programs here add to, seen from this side as well. */
struct counter {
	struct bpf_maps *maps; /* owned */
	uint64_t *n;	       /* [0]: hits of this process, [1]: cookie, [2]: this process */
};

static void counter_fini(struct counter *c)
{
	bpf_maps_free(c->maps);
}

static bool counter_init(struct counter *c)
{
	static const struct bpf_map_spec spec = { .name = "count",
						  .type = BPF_MAP_TYPE_ARRAY,
						  .key_len = 4,
						  .val_len = 24,
						  .max_entries = 1,
						  .flags = BPF_F_MMAPABLE,
						  .inner = -1 };
	void *p = NULL;

	EXPECT_EQ(bpf_maps_new(&spec, 1, &c->maps), 0);
	if (!c->maps)
		return false;
	EXPECT_EQ(bpf_maps_mapped(c->maps, 0, &p), 0);
	if (!p)
		return false;
	c->n = p;
	c->n[2] = (uint64_t)getpid();
	return true;
}

static uint64_t hits(const struct counter *c)
{
	return __atomic_load_n(&c->n[0], __ATOMIC_ACQUIRE);
}

/* n[0]++ for events of this process; with @cookie n[1] = the cookie. */
static int load_counter(const struct counter *c, enum bpf_prog_type type,
			enum bpf_attach_type attach, uint32_t btf_id, bool cookie)
{
	struct bpf_insn in[] = {
		I_MOV_REG(6, 1),
		I_CALL(BPF_FUNC_get_current_pid_tgid),
		I_ALU(BPF_RSH, 0, 32),
		I_VALUE(7, 0, 0),
		I_LDX(BPF_DW, 1, 7, 16),
		I_ALU_REG(BPF_SUB, 1, 0),
		I_IF(BPF_JNE, 1, 0, cookie ? 5 : 2),
		I_MOV(1, 1),
		I_ATOMIC_ADD(7, 0, 1),
		I_MOV(0, 0),
		I_EXIT,
		I_MOV(0, 0),
	};
	struct bpf_insn with[] = {
		I_MOV_REG(6, 1),
		I_CALL(BPF_FUNC_get_current_pid_tgid),
		I_ALU(BPF_RSH, 0, 32),
		I_VALUE(7, 0, 0),
		I_LDX(BPF_DW, 1, 7, 16),
		I_ALU_REG(BPF_SUB, 1, 0),
		I_IF(BPF_JNE, 1, 0, 5),
		I_MOV(1, 1),
		I_ATOMIC_ADD(7, 0, 1),
		I_MOV_REG(1, 6),
		I_CALL(BPF_FUNC_get_attach_cookie),
		I_STX(BPF_DW, 7, 8, 0),
		I_MOV(0, 0),
		I_EXIT,
	};
	struct bpf_code code = cookie ? ASM(with) : asm_code(in, MEM_LEN(in) - 1);

	return asm_load(type, attach, btf_id, &code, c->maps);
}

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

/* Where in this program's file @p lies. */
static uint64_t file_offset(const void *p)
{
	uint64_t begin, end, off, at = (uint64_t)(uintptr_t)p;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &begin, &end, &off) == 3 && at >= begin &&
		    at < end) {
			fclose(f);
			return at - begin + off;
		}
	}
	if (f)
		fclose(f);
	test_failed(__FILE__, __LINE__, "%p is not mapped", p);
	return 0;
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
	EXPECT(hits(c) >= HITS);
	EXPECT(hits(c) <= HITS + 50); // a system call of the C library's own, at most
	EXPECT_EQ(c->n[1], spec->cookie);
	attachments_free(sonde_take(a));

	// Probes by perf events go a little later.
	uint64_t before = 0;
	for (int i = 0; i < 100; i++) {
		before = hits(c);
		event();
		if (hits(c) == before)
			break;
		usleep(50000);
	}
	EXPECT_EQ(hits(c), before);
}

static void check_kind(enum bpf_prog_type type, const struct attach_spec *spec, uint32_t btf_id,
		       void (*event)(void))
{
	sonde_auto(counter_fini) struct counter c = { 0 };

	if (!asm_may() || !counter_init(&c))
		return;
	enum bpf_attach_type attach = type == BPF_PROG_TYPE_TRACING ? BPF_TRACE_RAW_TP : 0;
	sonde_auto(mem_closep) int prog = load_counter(&c, type, attach, btf_id, spec->cookie != 0);
	check(&c, prog, spec, event);
}

TEST(raw_tracepoint)
{
	const struct attach_spec s = { .kind = ATTACH_RAW_TP, .name = "sys_enter" };

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
	sonde_auto(mem_closep) int prog = load_counter(&c, BPF_PROG_TYPE_KPROBE, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(semaphore, 0);
	EXPECT_EQ(attachments_add(a, prog, &s), 0);
	EXPECT_EQ(semaphore, 1);
	call_marked();
	EXPECT_EQ(hits(&c), HITS);
	attachments_free(sonde_take(a));
	for (int i = 0; i < 100 && semaphore; i++)
		usleep(50000);
	EXPECT_EQ(semaphore, 0);
}

static void spin(void)
{
	struct timespec begin, t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while ((t.tv_sec - begin.tv_sec) * 1000 + (t.tv_nsec - begin.tv_nsec) / 1000000 < 200);
}

TEST(clock_on_each_cpu)
{
	const struct attach_spec s = { .kind = ATTACH_PERF,
				       .pid = -1,
				       .cpu = -1,
				       .perf_type = PERF_TYPE_SOFTWARE,
				       .perf_config = PERF_COUNT_SW_CPU_CLOCK,
				       .freq = 620 };

	check_kind(BPF_PROG_TYPE_PERF_EVENT, &s, 0, spin);
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
	sonde_auto(mem_closep) int prog = load_counter(&c, BPF_PROG_TYPE_PERF_EVENT, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add(a, prog, &s), 0);
	touch();
	EXPECT_EQ(hits(&c), 0);
	EXPECT_EQ(attachments_enable(a), 0);
	touch();
	EXPECT(hits(&c) >= HITS);
	attachments_stop(a);
	uint64_t n = hits(&c);
	touch();
	EXPECT_EQ(hits(&c), n);
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
	sonde_auto(mem_closep) int prog = load_counter(&c, type, 0, 0, false);
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

/* How long it takes to let go of many tracepoints; each takes the kernel some 50 ms. */
TEST(detaching_does_not_wait)
{
	static const char *const names[] = { "close",	  "dup",     "dup2",	"dup3",
					     "fcntl",	  "flock",   "fsync",	"getcwd",
					     "getdents",  "getegid", "geteuid", "getgid",
					     "getgroups", "getpgid", "getpgrp", "getppid",
					     "getsid",	  "getuid",  "link",	"lseek" };
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	struct timespec begin, end;

	if (!asm_may() || !counter_init(&c))
		return;
	sonde_auto(mem_closep) int prog = load_counter(&c, BPF_PROG_TYPE_TRACEPOINT, 0, 0, false);
	EXPECT_EQ(attachments_new(&a), 0);
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		char name[64];
		struct attach_spec s = { .kind = ATTACH_TRACEPOINT,
					 .group = "syscalls",
					 .name = name };

		(void)snprintf(name, sizeof(name), "sys_exit_%s", names[i]);
		EXPECT_EQ(attachments_add(a, prog, &s), 0);
	}
	call_kernel();
	EXPECT(hits(&c) >= HITS);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	attachments_free(sonde_take(a));
	clock_gettime(CLOCK_MONOTONIC, &end);
	double ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 +
		    (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
	printf("# %zu tracepoints detached in %.2f ms\n", MEM_LEN(names), ms);
	EXPECT(ms < 100);
}
