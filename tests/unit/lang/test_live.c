/* SPDX-License-Identifier: MIT */
/** Attach points to places: what a script's probes become on a kernel whose events we made up. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "fake_tracefs.h"
#include "lang/syntax/diag.h"
#include "show_probe.h"
#include "test.h"

#define NONE      \
	{         \
		0 \
	}
#define FIELDS                 \
	{                      \
		.fields = true \
	}
#define NAME                 \
	{                    \
		.name = true \
	}

/* What is found, in lines of show_probe(); an error is its message. */
struct find_case {
	const char *attach;
	struct probe_wants wants;
	const char *want;
};

static void run(const struct live_options *opt, const struct find_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sonde_auto(mem_freep) char *got =
			show_attach(opt, cases[i].attach, &cases[i].wants);
		if (!got || strcmp(got, cases[i].want))
			test_failed(__FILE__, __LINE__, "'%s' is\n%s, wanted\n%s", cases[i].attach,
				    got ? got : "(null)", cases[i].want);
	}
}

TEST(a_tracefs_to_look_at)
{
	EXPECT(fake_tracefs());
}

TEST(timers_and_counters)
{
	static const struct find_case cases[] = {
		{ "BEGIN", NONE, "BEGIN: none, raw_tracepoint, run once\n" },
		{ "END", NONE, "END: none, raw_tracepoint, run once\n" },
		{ "self:signal:SIGUSR1", NONE,
		  "self:signal:SIGUSR1: none, raw_tracepoint, run once\n" },
		{ "interval:s:1", NONE,
		  "interval:s:1: perf, perf_event, perf 1:0 period 1000000000 on one cpu\n" },
		{ "i:ms:200", NONE,
		  "interval:ms:200: perf, perf_event, perf 1:0 period 200000000 on one cpu\n" },
		{ "i:10ms", NONE,
		  "interval:10ms: perf, perf_event, perf 1:0 period 10000000 on one cpu\n" },
		{ "i:us:0x10", NONE,
		  "interval:us:0x10: perf, perf_event, perf 1:0 period 16000 on one cpu\n" },
		{ "interval:hz:5", NONE,
		  "interval:hz:5: perf, perf_event, perf 1:0 freq 5 on one cpu\n" },
		{ "profile:hz:99", NONE, "profile:hz:99: perf, perf_event, perf 1:0 freq 99\n" },
		{ "p:99", NONE, "profile:99: perf, perf_event, perf 1:0 freq 99\n" },
		{ "p:10us", NONE, "profile:10us: perf, perf_event, perf 1:0 period 10000\n" },
		{ "software:faults:3", NONE,
		  "software:faults:3: perf, perf_event, perf 1:2 period 3\n" },
		{ "s:page-faults", NONE,
		  "software:page-faults: perf, perf_event, perf 1:2 period 100\n" },
		{ "software:cs:", NONE, "software:cs:: perf, perf_event, perf 1:3 period 1000\n" },
		{ "watchpoint:0x10000000:8:wr", NONE,
		  "watchpoint:0x10000000:8:rw: perf, perf_event, watch 10000000:8:rw\n" },
	};

	run(&(struct live_options){ 0 }, cases, MEM_LEN(cases));
}

TEST(mistakes_in_attach_points)
{
	static const struct find_case cases[] = {
		{ "trcepoint:a:b", NONE,
		  "unknown kind of probe 'trcepoint'; did you mean 'tracepoint'? "
		  "[unknown-probe-type]" },
		{ "zzz", NONE, "unknown kind of probe 'zzz' [unknown-probe-type]" },
		{ "tracepoint:sched", NONE,
		  "'tracepoint:sched' is not of the form tracepoint:GROUP:NAME "
		  "[bad-attach-point]" },
		{ "BEGIN:x", NONE, "'BEGIN:x' is not of the form BEGIN [bad-attach-point]" },
		{ "self:signal:SIGHUP", NONE,
		  "'self:signal:SIGHUP' is not of the form self:signal:SIGUSR1 "
		  "[bad-attach-point]" },
		{ "interval:5", NONE,
		  "'interval:5' has no unit: s, ms, us or hz [bad-attach-point]" },
		{ "interval:m:5", NONE,
		  "unknown unit 'm': there are s, ms, us and hz [bad-attach-point]" },
		{ "interval:s:five", NONE,
		  "'five' is no number, in interval:s|ms|us|hz:N [bad-attach-point]" },
		{ "interval:s:5x", NONE,
		  "'5x' is no number, in interval:s|ms|us|hz:N [bad-attach-point]" },
		{ "interval:s:-1", NONE,
		  "'-1' is no number, in interval:s|ms|us|hz:N [bad-attach-point]" },
		{ "interval:s:0", NONE, "'interval:s:0' never comes: it is 0 [bad-attach-point]" },
		{ "interval:s:99999999999999999999", NONE,
		  "'99999999999999999999' is no number, in interval:s|ms|us|hz:N "
		  "[bad-attach-point]" },
		{ "interval:s:10000000000", NONE, "10000000000 s is too much [bad-attach-point]" },
		{ "profile:hz:1000001", NONE, "1000001 hz is too much [bad-attach-point]" },
		{ "software:page-fault:1", NONE,
		  "no software event 'page-fault'; did you mean 'page-faults'? "
		  "[unknown-event]" },
		{ "software:faults:0", NONE,
		  "'0' is no count of events, in software:EVENT[:COUNT] [bad-attach-point]" },
		{ "hardware:cicles:1", NONE,
		  "no hardware event 'cicles'; did you mean 'cycles'? [unknown-event]" },
		{ "watchpoint:0x1001:8:w", NONE,
		  "'0x1001' is no multiple of 8 [bad-attach-point]" },
		{ "watchpoint:0x1000:3:w", NONE,
		  "'3' bytes cannot be watched: 1, 2, 4 or 8 can [bad-attach-point]" },
		{ "watchpoint:0x1000:8:rwx", NONE,
		  "'rwx' is no way to watch: r, w, rw and x are [bad-attach-point]" },
	};

	run(&(struct live_options){ 0 }, cases, MEM_LEN(cases));
}

TEST(tracepoints)
{
	static const struct find_case cases[] = {
		{ "tracepoint:sched:sched_switch", NONE,
		  "tracepoint:sched:sched_switch: none, raw_tracepoint, raw_tp sched_switch\n" },
		// Made at run time under a name that the kernel has too.
		{ "tracepoint:mine:sched_switch", NONE,
		  "tracepoint:mine:sched_switch: none, tracepoint, perf mine:sched_switch\n" },
		{ "t:sched:sched_switch", FIELDS,
		  "tracepoint:sched:sched_switch: format, tracepoint, perf sched:sched_switch\n"
		  "\tchar[16] prev_comm at 8, 16 bytes\n"
		  "\tpid_t prev_pid at 24, 4 bytes signed\n"
		  "\tlong prev_state at 32, 8 bytes signed\n" },
		{ "t:block:block_name", FIELDS,
		  "tracepoint:block:block_name: format, tracepoint, perf block:block_name\n"
		  "\tchar[] name at 8, 4 bytes by data_loc\n"
		  "\tchar[] rel at 12, 4 bytes by rel_loc\n" },
		{ "t:sched:sched_w*", NONE,
		  "tracepoint:sched:sched_wakeup: none, raw_tracepoint, raw_tp sched_wakeup\n"
		  "+ tracepoint:sched:sched_waking: none, raw_tracepoint, raw_tp sched_waking\n" },
		{ "t:sched:sched_w*", NAME,
		  "tracepoint:sched:sched_wakeup: none, raw_tracepoint, raw_tp sched_wakeup\n"
		  "tracepoint:sched:sched_waking: none, raw_tracepoint, raw_tp sched_waking\n" },
		{ "t:sc*:*_switch", NONE,
		  "tracepoint:sched:sched_switch: none, raw_tracepoint, raw_tp sched_switch\n" },
		{ "t:sched:sched_swich", NONE,
		  "no tracepoint 'sched_swich' in the group 'sched'; did you mean "
		  "'sched_switch'? [unknown-event]" },
		{ "t:shed:sched_switch", NONE,
		  "no tracepoint group 'shed'; did you mean 'sched'? [unknown-event]" },
		{ "t:sched:x*", NONE, "no tracepoint matches 'sched:x*' [no-match]" },
		{ "t:../sched:sched_switch", NONE,
		  "no tracepoint group '../sched'; did you mean 'sched'? [unknown-event]" },
	};

	run(&(struct live_options){ 0 }, cases, MEM_LEN(cases));
}

TEST(events_that_read_the_same_fields_share_a_program)
{
	static const char *const pid[] = { "pid" }, *const cpu[] = { "pid", "target_cpu" };
	const struct find_case cases[] = {
		{ "t:sched:sched_w*",
		  { .fields = true, .field_names = pid, .n_field_names = 1 },
		  "tracepoint:sched:sched_wakeup: format, tracepoint, perf sched:sched_wakeup\n"
		  "\tchar[16] comm at 8, 16 bytes\n"
		  "\tpid_t pid at 24, 4 bytes signed\n"
		  "+ tracepoint:sched:sched_waking: format, tracepoint, perf "
		  "sched:sched_waking\n" },
		{ "t:sched:sched_w*",
		  { .fields = true, .field_names = cpu, .n_field_names = 2 },
		  "tracepoint:sched:sched_wakeup: format, tracepoint, perf sched:sched_wakeup\n"
		  "\tchar[16] comm at 8, 16 bytes\n"
		  "\tpid_t pid at 24, 4 bytes signed\n"
		  "tracepoint:sched:sched_waking: format, tracepoint, perf sched:sched_waking\n"
		  "\tchar[16] comm at 8, 16 bytes\n"
		  "\tpid_t pid at 24, 4 bytes signed\n"
		  "\tint target_cpu at 32, 4 bytes signed\n" },
		{ "t:sched:sched_o*",
		  { .fields = true, .field_names = pid, .n_field_names = 1 },
		  "tracepoint:sched:sched_other: format, tracepoint, perf sched:sched_other\n"
		  "\tint pid at 8, 4 bytes signed\n" },
	};

	run(&(struct live_options){ 0 }, cases, MEM_LEN(cases));
}

TEST(system_calls)
{
	static const char *const filename[] = { "filename" }, *const ret[] = { "ret" };
	const struct find_case cases[] = {
		{ "t:syscalls:sys_enter_openat", NONE,
		  "tracepoint:syscalls:sys_enter_openat: syscall, raw_tracepoint, raw_tp "
		  "sys_enter, calls 257\n" },
		{ "t:syscalls:sys_enter_openat", FIELDS,
		  "tracepoint:syscalls:sys_enter_openat: syscall, raw_tracepoint, raw_tp "
		  "sys_enter, calls 257\n"
		  "\tint __syscall_nr at 8, 4 bytes signed\n"
		  "\tint dfd at 16, 4 bytes signed\n"
		  "\tchar * filename at 24, 8 bytes\n" },
		{ "t:syscalls:sys_enter_[a-z]*", NONE,
		  "no tracepoint matches 'syscalls:sys_enter_[a-z]*' [no-match]" },
		// One program for all whose numbers are known.
		{ "t:syscalls:sys_enter_*", NONE,
		  "tracepoint:syscalls:sys_enter_*: syscall, raw_tracepoint, raw_tp sys_enter, "
		  "calls 0 1 4 257\n"
		  "tracepoint:syscalls:sys_enter_unheard_of: none, tracepoint, perf "
		  "syscalls:sys_enter_unheard_of\n" },
		{ "t:syscalls:*_read", NONE,
		  "tracepoint:syscalls:sys_enter_read: syscall, raw_tracepoint, raw_tp sys_enter, "
		  "calls 0\n"
		  "tracepoint:syscalls:sys_exit_read: syscall exit, raw_tracepoint, raw_tp "
		  "sys_exit, calls 0\n" },
		{ "t:syscalls:sys_exit_*",
		  { .fields = true, .field_names = ret, .n_field_names = 1 },
		  "tracepoint:syscalls:sys_exit_*: syscall exit, raw_tracepoint, raw_tp sys_exit, "
		  "calls 0 257\n"
		  "\tint __syscall_nr at 8, 4 bytes signed\n"
		  "\tlong ret at 16, 8 bytes signed\n" },
		{ "t:syscalls:sys_exit_*", NAME,
		  "tracepoint:syscalls:sys_exit_*: syscall exit, raw_tracepoint, raw_tp sys_exit, "
		  "calls 0 tracepoint:syscalls:sys_exit_read 257 "
		  "tracepoint:syscalls:sys_exit_openat\n" },
		{ "t:syscalls:sys_enter_*at",
		  { .fields = true, .field_names = filename, .n_field_names = 1 },
		  "tracepoint:syscalls:sys_enter_newstat: syscall, raw_tracepoint, raw_tp "
		  "sys_enter, calls 4\n"
		  "\tint __syscall_nr at 8, 4 bytes signed\n"
		  "\tchar * filename at 16, 8 bytes\n"
		  "tracepoint:syscalls:sys_enter_openat: syscall, raw_tracepoint, raw_tp "
		  "sys_enter, calls 257\n"
		  "\tint __syscall_nr at 8, 4 bytes signed\n"
		  "\tint dfd at 16, 4 bytes signed\n"
		  "\tchar * filename at 24, 8 bytes\n" },
		{ "t:raw_syscalls:sys_enter", NONE,
		  "tracepoint:raw_syscalls:sys_enter: syscall, raw_tracepoint, raw_tp "
		  "sys_enter\n" },
		{ "t:raw_syscalls:sys_exit", FIELDS,
		  "tracepoint:raw_syscalls:sys_exit: syscall exit, raw_tracepoint, raw_tp "
		  "sys_exit\n"
		  "\tlong id at 8, 8 bytes signed\n"
		  "\tlong ret at 16, 8 bytes signed\n" },
		{ "t:syscalls:sys_enter_opena", NONE,
		  "no tracepoint 'sys_enter_opena' in the group 'syscalls'; did you mean "
		  "'sys_enter_openat'? [unknown-event]" },
	};

	run(&(struct live_options){ .machine = "x86_64" }, cases, MEM_LEN(cases));
}

/* Where a script names several points, one that is not there is told once, and no error. */
TEST(one_of_several_points_may_be_missing)
{
	const char *const parts[] = { "t", "sched", "sched_swich" };
	const struct ast_attach ap = { .text = "t", .parts = parts, .n_parts = 3 };
	struct diag d = { .name = "t", .text = "", .lenient = true };
	struct arena arena = { 0 };
	const struct probe *first = NULL;
	struct world *w = NULL;

	EXPECT_EQ(live_world_new(&(struct live_options){ 0 }, &w), 0);
	if (!w)
		return;
	EXPECT_EQ(w->ops->probes(w, &d, &arena, &ap, &(struct probe_wants){ 0 }, &first), -EINVAL);
	EXPECT(!first && d.n_errors == 0 && d.n_warnings == 1);
	world_free(w);
	arena_fini(&arena);
	diag_fini(&d);
}

/* Text of pieces that attach points are made of: all of it is answered, somehow. */
TEST(random_attach_points)
{
	static const char *const pieces[] = {
		"BEGIN",
		"t",
		"k",
		"kr",
		"u",
		"ur",
		"usdt",
		"rt",
		"p",
		"i",
		"s",
		"h",
		"w",
		"iter",
		"f",
		"self",
		":",
		":",
		":",
		":",
		"*",
		"?",
		"+",
		"0x",
		"99",
		"ms",
		"sched",
		"sys_enter_",
		"sched_",
		"..",
		"/",
		"-",
		"libc",
		"cpp",
		"%s%n",
		"\xff",
		"18446744073709551616",
		"signal",
		"~",
		" ",
	};
	const struct live_options opt = { .machine = "x86_64" };
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		struct strbuf text = { 0 };
		for (int n = 0; n < 8; n++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			strbuf_str(&text, pieces[seed % MEM_LEN(pieces)]);
		}
		const struct probe_wants wants = { .fields = i % 2, .name = i % 3 == 0 };
		sonde_auto(mem_freep) char *got = show_attach(&opt, strbuf_text(&text), &wants);
		EXPECT(got && *got);
		strbuf_fini(&text);
	}
}

static int find_all(void)
{
	const struct live_options opt = { .machine = "x86_64" };
	const struct probe_wants wants = { .fields = true };
	const char *const parts[] = { "tracepoint", "*", "*" };
	const struct ast_attach ap = { .text = "t:*:*", .parts = parts, .n_parts = 3 };
	struct diag d = { .name = "t", .text = "" };
	struct arena arena = { 0 };
	const struct probe *first = NULL;
	struct world *w = NULL;

	int r = live_world_new(&opt, &w);
	if (r >= 0)
		r = w->ops->probes(w, &d, &arena, &ap, &wants, &first);
	EXPECT(r < 0 || first->next);
	world_free(w);
	arena_fini(&arena);
	diag_fini(&d);
	return r;
}

TEST(many_places_out_of_memory)
{
	test_oom(find_all);
}

TEST(the_tracefs_goes)
{
	fake_tracefs_remove();
}
