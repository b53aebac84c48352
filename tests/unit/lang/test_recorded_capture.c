/* SPDX-License-Identifier: MIT */
/** Scripts that capture what a trace would not have. */
#include "lang/recorded/capture.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "fake_tracefs.h"
#include "lang/recorded/context.h"
#include "lang/syntax/parse.h"
#include "test.h"

enum { SCRIPTS_MOST = 2 };

static int capture_of(const char *const *scripts, struct strbuf *ret)
{
	struct arena arena = { 0 };
	struct script_ast ast[SCRIPTS_MOST] = { 0 };
	struct recorded_needs needs[SCRIPTS_MOST];
	const struct recorded_needs *all[SCRIPTS_MOST];
	struct recorded_capture c = { 0 };
	struct diag d = { .name = "x" };
	size_t n = 0;
	int r = 0;

	for (; n < SCRIPTS_MOST && scripts[n] && !r; n++) {
		d.text = scripts[n];
		d.text_len = strlen(scripts[n]);
		all[n] = &needs[n];
		r = parse_bt(&d, &arena, NULL, 0, &ast[n]);
		if (!r)
			r = recorded_context(&arena, &ast[n]);
		if (!r)
			r = recorded_needs(&d, &arena, &ast[n], &needs[n]);
	}
	if (!r)
		r = recorded_capture(&arena, all, n, &c);
	if (!r)
		strbuf_add(ret, strbuf_text(&c.script), c.script.len);
	for (size_t i = 0; !r && i < c.n; i++)
		strbuf_fmt(ret, "%s ", c.events[i].glob);
	recorded_capture_fini(&c);
	diag_fini(&d);
	arena_fini(&arena);
	return r ? r : strbuf_ok(ret);
}

static const struct {
	const char *scripts[SCRIPTS_MOST], *captures;
} cases[] = {
	{ { "t:sched:sched_switch { @[args.prev_comm, comm] = count(); }" }, "" },
	{ { "t:sched:sched_switch { @[args.prev_pid, kstack] = count(); }" },
	  "tracepoint:sched:sched_switch { emit(\"sched_switch\", prev_pid = args.prev_pid, "
	  "callstack_kernel = kstack(126)); }\nsched:sched_switch " },
	{ { "t:sched:sched_wakeup { @[ustack(3)] = count(); }" },
	  "tracepoint:sched:sched_wakeup { emit(\"sched_wakeup\", callstack_user = ustack(127)); "
	  "}\nsched:sched_wakeup " },
	// A field counts whichever script uses it, and a text only where one is read.
	{ { "t:sched:sched_wak* { @[kstack] = count(); }",
	    "event:sched_waking { @[args.pid] = count(); }" },
	  "tracepoint:sched:sched_wakeup { emit(\"sched_wakeup\", pid = args.pid, "
	  "callstack_kernel = kstack(126)); }\n"
	  "tracepoint:sched:sched_waking { emit(\"sched_waking\", pid = args.pid, "
	  "callstack_kernel = kstack(126)); }\nsched:sched_wakeup sched:sched_waking " },
	{ { "t:syscalls:sys_enter_openat { @[args.filename] = count(); }" }, "" },
	{ { "t:syscalls:sys_enter_openat { @[str(args.dfd)] = count(); }" }, "" },
	{ { "t:syscalls:sys_enter_openat { @p[tid] = args.filename; } "
	    "t:syscalls:sys_exit_openat { print((str(@p[tid]), args.ret)); }" },
	  "tracepoint:syscalls:sys_enter_openat { emit(\"sys_enter_openat\", filename = "
	  "str(args.filename)); }\nsyscalls:sys_enter_openat " },
	{ { "config = { max_strlen = 200; } t:syscalls:sys_enter_* { print(str(args.filename)); }",
	    "config = { max_strlen = 99; } BEGIN { exit(); }" },
	  "config = { max_strlen = 200; }\n"
	  "tracepoint:syscalls:sys_enter_newstat { emit(\"sys_enter_newstat\", filename = "
	  "str(args.filename)); }\n"
	  "tracepoint:syscalls:sys_enter_openat { emit(\"sys_enter_openat\", filename = "
	  "str(args.filename)); }\nsyscalls:sys_enter_newstat syscalls:sys_enter_openat " },
	{ { "t:syscalls:sys_enter_openat { join(args.filename); }" }, "" }, // no array
	{ { "t:nothing:there { @[kstack] = count(); }" }, "" },
	{ { "profile:hz:99 { @[kstack] = count(); }" }, "" },
	// What the system is asked for, once; of probes without an event, all that they see.
	{ { "t:sched:sched_wakeup / uid == 3 / { $t = curtask; "
	    "@[curtask->mm->owner, $t->mm->owner, args.pid] = count(); }",
	    "t:sched:sched_wakeup { @[uid, gid] = count(); }" },
	  "tracepoint:sched:sched_wakeup { emit(\"sched_wakeup\", pid = args.pid, context_uid = "
	  "uid, "
	  "context_curtask = curtask, context_curtask__mm__owner = curtask.mm.owner, "
	  "context_gid = gid); }\nsched:sched_wakeup " },
	{ { "uprobe:/bin/x:f, k:g { @[str(arg0), kstack] = count(); } rt:sched_wakeup { @b = "
	    "count(); }",
	    "struct s { int a; }; profile:hz:9 { @[((struct s *)curtask)->a] = count(); }" },
	  "struct s {\n\tint a;\n};\nconfig = { missing_probes = ignore; }\n"
	  "uprobe:/bin/x:f { emit(\"uprobe:/bin/x:f\", context_str_arg0__ad2d0e3f = str(arg0), "
	  "callstack_kernel = kstack(126)); }\n"
	  "k:g { emit(\"k:g\", context_str_arg0__ad2d0e3f = str(arg0), "
	  "callstack_kernel = kstack(126)); }\n"
	  "profile:hz:9 { emit(\"profile:hz:9\", "
	  "context_struct_s_curtask___a_a113ca19 = ((struct s *)curtask).a); }\n"
	  ":uprobe:/bin/x:f :k:g :profile:hz:9 " },
};

TEST(only_what_a_trace_has_not_is_captured)
{
	EXPECT(fake_tracefs());
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct strbuf got = { 0 };

		EXPECT_EQ(capture_of(cases[i].scripts, &got), 0);
		EXPECT_STR(strbuf_text(&got), cases[i].captures);
		strbuf_fini(&got);
	}
	fake_tracefs_remove();
}

TEST(of_some_processes_alone_but_for_ticks)
{
	static const char text[] = "i:s:1 { @[ncpus] = 1; } u:/bin/x:f { @a[arg0] = 1; }";
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };
	struct recorded_needs needs;
	const struct recorded_needs *all = &needs;
	struct recorded_capture c = { .only_map = "few" };
	struct diag d = { .name = "x", .text = text, .text_len = sizeof(text) - 1 };

	EXPECT(fake_tracefs());
	EXPECT_EQ(parse_bt(&d, &arena, NULL, 0, &ast), 0);
	EXPECT_EQ(recorded_context(&arena, &ast), 0);
	EXPECT_EQ(recorded_needs(&d, &arena, &ast, &needs), 0);
	EXPECT_EQ(recorded_capture(&arena, &all, 1, &c), 0);
	EXPECT(strstr(strbuf_text(&c.script),
		      "\ni:s:1 { emit(\"i:s:1\", context_ncpus = ncpus); }\n"));
	EXPECT(strstr(strbuf_text(&c.script),
		      "\nu:/bin/x:f { if (@few[pid]) { emit(\"u:/bin/x:f\", "
		      "context_arg0 = arg0); } }\n"));
	recorded_capture_fini(&c);
	diag_fini(&d);
	arena_fini(&arena);
	fake_tracefs_remove();
}

TEST(arrays_of_texts_end_at_a_zero)
{
	static const char *const scripts[SCRIPTS_MOST] = {
		"t:syscalls:sys_enter_execve { join(args.argv); @[args.argv] = 1; }"
	};
	static const char *const wanted[] = {
		"config = { max_strlen = 1024; }\n",
		"{ $argv_0 = (uint64)args.argv[0]; $argv_1 = $argv_0 ? (uint64)args.argv[1] : 0; ",
		"emit(\"sys_enter_execve\", argv_0 = str(uptr($argv_0)), ",
		", argv_15 = str(uptr($argv_15))); }\n",
	};
	struct strbuf got = { 0 };

	EXPECT(fake_tracefs());
	fake_event("syscalls", "sys_enter_execve",
		   "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
		   "\tfield:const char *const * argv;\toffset:16;\tsize:8;\tsigned:0;\n");
	EXPECT_EQ(capture_of(scripts, &got), 0);
	for (size_t i = 0; i < MEM_LEN(wanted); i++)
		EXPECT(strstr(strbuf_text(&got), wanted[i]));
	EXPECT(!strstr(strbuf_text(&got), "argv_16"));
	strbuf_fini(&got);
	fake_tracefs_remove();
}

static int once(void)
{
	struct strbuf got = { 0 };
	const char *const scripts[SCRIPTS_MOST] = {
		"struct s { int a; }; t:sched:sched_* { @[ustack, ((struct s *)uid)->a] = count(); "
		"} "
		"uprobe:/bin/x:f { @[arg0, str(arg1)] = count(); } "
		"t:syscalls:* { join(args.argv); print(str(args.filename)); }"
	};
	const int r = capture_of(scripts, &got);

	strbuf_fini(&got);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	EXPECT(fake_tracefs());
	test_oom(once);
	fake_tracefs_remove();
}
