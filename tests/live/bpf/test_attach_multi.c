/* SPDX-License-Identifier: MIT */
/** One program at many places: by one link where the kernel can, else one by one. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "asm.h"
#include "bpf/attach.h"
#include "counter.h"
#include "test.h"

#define PLACE(name)                                         \
	__attribute__((noinline)) static int name(int x)    \
	{                                                   \
		__asm__ volatile("nop # " #name : "+r"(x)); \
		return x + __LINE__;                        \
	}
PLACE(one)
PLACE(two)
PLACE(three)

static volatile uint16_t semaphore __attribute__((section(".probes"))) = 0;

static void call_all(void)
{
	for (int i = 0; i < HITS; i++)
		(void)(one(i) + two(i) + three(i));
}

struct refusals {
	size_t n, which;
	int err, answer;
};

static int note_refused(void *arg, size_t spec, int err)
{
	struct refusals *r = arg;

	r->n++;
	r->which = spec;
	r->err = err;
	return r->answer;
}

/* Three functions with cookies 1, 10, 100, and in between a place that is no code. */
static struct attach_spec specs[] = {
	{ .cookie = 1 }, { .cookie = 10 }, { .cookie = 1000 }, { .cookie = 100 }
};
static const struct attach_spec *const all[] = { &specs[0], &specs[1], &specs[2], &specs[3] };

static void make_specs(enum attach_kind kind)
{
	int (*const fns[])(int) = { one, two, NULL, three };

	for (size_t i = 0; i < MEM_LEN(specs); i++) {
		specs[i].kind = kind;
		specs[i].path = "/proc/self/exe";
		specs[i].pid = -1;
		specs[i].ref_ctr_off = 0;
		specs[i].off = fns[i] ? file_offset((const void *)(uintptr_t)fns[i]) : 1ULL << 40;
	}
	specs[0].ref_ctr_off = file_offset((const void *)(uintptr_t)&semaphore);
}

static void check_all(struct attachments *a, const struct counter *c, int prog, uint32_t type)
{
	struct refusals no = { 0 };
	const struct attach_many m = { .prog_fd = prog,
				       .multi_type = type,
				       .specs = all,
				       .n = MEM_LEN(all),
				       .refused = note_refused,
				       .arg = &no };

	EXPECT_EQ(attachments_add_multi(a, &m), 3);
	EXPECT_EQ(attachments_n(a), 3);
	EXPECT_EQ(no.n, 1);
	EXPECT_EQ(no.which, 2);
	EXPECT(no.err < 0);
	EXPECT(strstr(sonde_err_str(), "'/proc/self/exe' at offset 0x10000000000"));
	EXPECT_EQ(semaphore, 1);
	call_all();
	EXPECT_EQ(counter_hits(c), 3 * HITS);
	EXPECT_EQ(c->n[1], 111 * HITS);

	no = (struct refusals){ .answer = -ECANCELED };
	EXPECT_EQ(attachments_add_multi(a, &m), -ECANCELED);
}

static void check(enum attach_kind kind, bool multi)
{
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	uint32_t type = 0;

	if (!asm_may() || !counter_init(&c))
		return;
	if (multi) {
		type = attach_multi_type(kind);
		if (!type)
			return test_skip("this kernel has no links to many uprobes");
	}
	make_specs(kind);
	sonde_auto(mem_closep) int prog = counter_load(&c, BPF_PROG_TYPE_KPROBE, type, 0, true);
	EXPECT_EQ(attachments_new(&a), 0);
	if (prog < 0 || !a)
		return;
	check_all(a, &c, prog, type);
	attachments_free(sonde_take(a));
	for (int i = 0; i < 1200 && semaphore; i++)
		usleep(50000);
	EXPECT_EQ(semaphore, 0);
}

TEST(uprobes_one_by_one)
{
	check(ATTACH_UPROBE, false);
}

TEST(uprobes_by_one_link)
{
	check(ATTACH_UPROBE, true);
}

TEST(uretprobes_by_one_link)
{
	check(ATTACH_URETPROBE, true);
}

TEST(programs_that_may_sleep)
{
	struct bpf_insn in[] = { I_MOV(0, 0), I_EXIT };
	struct bpf_code code = ASM(in);
	const struct bpf_load how = { .name = "sleeps",
				      .type = BPF_PROG_TYPE_KPROBE,
				      .sleepable = true };
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	sonde_auto(mem_closep) int prog = -1;
	struct strbuf log = { 0 };
	uint32_t line;

	if (!asm_may())
		return;
	make_specs(ATTACH_UPROBE);
	EXPECT_EQ(bpf_load(&how, &code, NULL, &log, &line, &prog), 0);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add(a, prog, all[1]), 0);
	const struct attach_spec tp = { .kind = ATTACH_TRACEPOINT,
					.group = "syscalls",
					.name = "sys_enter_getppid" };
	EXPECT(attachments_add(a, prog, &tp) < 0);
	strbuf_fini(&log);
}

TEST(a_single_refusal_ends_it)
{
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	if (!asm_may() || !counter_init(&c))
		return;
	make_specs(ATTACH_UPROBE);
	const uint32_t type = attach_multi_type(ATTACH_UPROBE);
	sonde_auto(mem_closep) int prog = counter_load(&c, BPF_PROG_TYPE_KPROBE, type, 0, true);
	const struct attach_many m = {
		.prog_fd = prog, .multi_type = type, .specs = all + 2, .n = 2
	};
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT(attachments_add_multi(a, &m) < 0);
}

TEST(other_kinds_have_no_such_link)
{
	sonde_auto(attachments_freep) struct attachments *a = NULL;
	struct attach_spec tp = { .kind = ATTACH_TRACEPOINT, .group = "sched", .name = "x" };
	const struct attach_spec *const list[] = { &tp };
	const struct attach_many m = { .prog_fd = -1, .multi_type = 48, .specs = list, .n = 1 };

	if (!asm_may())
		return;
	EXPECT_EQ(attach_multi_type(ATTACH_TRACEPOINT), 0);
	EXPECT_EQ(attach_multi_type(ATTACH_NONE), 0);
	EXPECT_EQ(attachments_new(&a), 0);
	EXPECT_EQ(attachments_add_multi(a, &m), -EINVAL);
}
