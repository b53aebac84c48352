/* SPDX-License-Identifier: MIT */
/**
 * Probes of D's providers that come from events of the kernel: what they are in bt, live and over a
 * recorded trace.
 */
#include "lang/syntax/d/lower.h"

#define SWITCH                                                                \
	{                                                                     \
		"rawtracepoint:sched_switch", "tracepoint:sched:sched_switch" \
	}
#define TASK(expr)         \
	"task",            \
	{                  \
		expr, NULL \
	}

/* Where a system call that makes a thread returns in the new thread. */
#define NEW_THREAD                                                                                \
	{                                                                                         \
		"tracepoint:syscalls:sys_exit_clone,tracepoint:syscalls:sys_exit_clone3,"         \
		"tracepoint:syscalls:sys_exit_fork,tracepoint:syscalls:sys_exit_vfork",           \
			"tracepoint:syscalls:sys_exit_clone,tracepoint:syscalls:sys_exit_clone3," \
			"tracepoint:syscalls:sys_exit_fork,tracepoint:syscalls:sys_exit_vfork"    \
	}

#define WAKE                                                                              \
	{                                                                                 \
		"rawtracepoint:sched_wakeup,rawtracepoint:sched_wakeup_new",              \
			"tracepoint:sched:sched_wakeup,tracepoint:sched:sched_wakeup_new" \
	}

#define CONTENDED                                                                \
	{                                                                        \
		"rawtracepoint:contention_end", "tracepoint:lock:contention_end" \
	}
/* Flags of the lock that the thread waited for: 1 by spinning, 2 to read, 4 to write, 32 a mutex.
 */
#define WAITED(flags) \
	.pred = { "@lock_flags[tid] != 0 && " flags, "@lock_flags[tid] != 0 && " flags }
#define LOCK_ARGS                                                                      \
	.args = { { "uint64_t", { NULL }, { "(uint64)args.lock", "args.lock_addr" } }, \
		  { "uint64_t", { NULL }, { "nsecs - @lock_ts[tid]", "nsecs - @lock_ts[tid]" } } }

#define REQUEST_ARGS(recorded)                                                         \
	.args = { { "bufinfo_t", { "request", recorded }, { "args.rq", "0" } },        \
		  { "devinfo_t", { "request", "number" }, { "args.rq", "args.dev" } }, \
		  { "fileinfo_t", { "request", "request" }, { "args.rq", "0" } } }

const struct d_row d_rows[] = {
	/* --- proc --- */
	{
		.provider = "proc",
		.name = "create",
		.attach = { "rawtracepoint:sched_process_fork",
			    "tracepoint:sched:sched_process_fork" },
		.pred = { "args.child->tgid == args.child->pid", NULL },
		.args = { { "psinfo_t", { "task", "child" }, { "args.child", "0" } } },
	},
	{
		.provider = "proc",
		.name = "lwp-create",
		.attach = { "rawtracepoint:sched_process_fork" },
		.pred = { "args.child->tgid != args.child->pid" },
		.args = { { "lwpsinfo_t", { "task", "task" }, { "args.child" } },
			  { "psinfo_t", { "task", "task" }, { "args.child" } } },
	},
	{
		.provider = "proc",
		.name = "start",
		.attach = NEW_THREAD,
		.pred = { "args.ret == 0 && pid == tid", "args.ret == 0" },
	},
	{
		.provider = "proc",
		.name = "lwp-start",
		.attach = NEW_THREAD,
		.pred = { "args.ret == 0", "args.ret == 0" },
	},
	{
		.provider = "proc",
		.name = "exec",
		.attach = { "tracepoint:syscalls:sys_enter_execve,"
			    "tracepoint:syscalls:sys_enter_execveat",
			    "tracepoint:syscalls:sys_enter_execve,"
			    "tracepoint:syscalls:sys_enter_execveat" },
		.args = { { "string", { NULL }, { "str(args.filename)", "str(args.filename)" } } },
	},
	{
		.provider = "proc",
		.name = "exec-success",
		.attach = { "rawtracepoint:sched_process_exec",
			    "tracepoint:sched:sched_process_exec" },
		.about = D_NEW_IMAGE,
	},
	{
		.provider = "proc",
		.name = "exec-failure",
		.attach = { "tracepoint:syscalls:sys_exit_execve,"
			    "tracepoint:syscalls:sys_exit_execveat",
			    "tracepoint:syscalls:sys_exit_execve,"
			    "tracepoint:syscalls:sys_exit_execveat" },
		.pred = { "args.ret < 0", "args.ret < 0" },
		.args = { { "int", { NULL }, { "-args.ret", "-args.ret" } } },
	},
	{
		.provider = "proc",
		.name = "exit",
		.attach = { "rawtracepoint:sched_process_exit",
			    "tracepoint:sched:sched_process_exit" },
		// The last thread takes the process with it.
		.pred = { "curtask->signal->live.counter == 0", "pid == tid" },
		// CLD_EXITED, CLD_KILLED, CLD_DUMPED
		.args = { { "int",
			    { NULL },
			    { "(curtask->exit_code & 127) == 0 ? 1 : "
			      "(curtask->exit_code & 128) != 0 ? 3 : 2" } } },
	},
	{
		.provider = "proc",
		.name = "lwp-exit",
		.attach = { "rawtracepoint:sched_process_exit",
			    "tracepoint:sched:sched_process_exit" },
	},
	{
		.provider = "proc",
		.name = "signal-send",
		.attach = { "rawtracepoint:signal_generate", "tracepoint:signal:signal_generate" },
		.args = { { "lwpsinfo_t", { "task", "peer" }, { "args.task", "0" } },
			  { "psinfo_t", { "task", "peer" }, { "args.task", "0" } },
			  { "int", { NULL }, { "(int64)args.sig", "args.sig" } } },
	},
	{
		.provider = "proc",
		.name = "signal-discard",
		.attach = { "rawtracepoint:signal_generate", "tracepoint:signal:signal_generate" },
		.pred = { "args.result == 1", "args.result == 1" },
		.args = { { "lwpsinfo_t", { "task", "peer" }, { "args.task", "0" } },
			  { "psinfo_t", { "task", "peer" }, { "args.task", "0" } },
			  { "int", { NULL }, { "(int64)args.sig", "args.sig" } } },
	},
	{
		.provider = "proc",
		.name = "signal-handle",
		.attach = { "rawtracepoint:signal_deliver", "tracepoint:signal:signal_deliver" },
		// SIG_DFL and SIG_IGN are no handlers.
		.pred = { "(uint64)args.ka->sa.sa_handler > 1", "args.sa_handler > 1" },
		.args = { { "int", { NULL }, { "(int64)args.sig", "args.sig" } },
			  { "siginfo_t *", { NULL }, { "args.info", NULL } },
			  { "uint64_t",
			    { NULL },
			    { "(uint64)args.ka->sa.sa_handler", "args.sa_handler" } } },
	},
	/* --- sched --- */
	{
		.provider = "sched",
		.name = "on-cpu",
		.attach = SWITCH,
		.about = D_NEXT,
	},
	{
		.provider = "sched",
		.name = "off-cpu",
		.attach = SWITCH,
		.args = { { "lwpsinfo_t", { "task", "next" }, { "args.next", "0" } },
			  { "psinfo_t", { "task", "next" }, { "args.next", "0" } } },
	},
	{
		.provider = "sched",
		.name = "sleep",
		.attach = SWITCH,
		.pred = { "args.prev->__state != 0 && !args.preempt",
			  "(args.prev_state & 255) != 0" },
	},
	{
		.provider = "sched",
		.name = "preempt",
		.attach = SWITCH,
		.pred = { "(args.prev->__state == 0 || args.preempt) && args.prev->pid != 0",
			  "(args.prev_state & 255) == 0 && args.prev_pid != 0" },
	},
	{
		.provider = "sched",
		.name = "dequeue",
		.attach = SWITCH,
		.pred = { "args.next->pid != 0", "args.next_pid != 0" },
		.args = { { "lwpsinfo_t", { "task", "next" }, { "args.next", "0" } },
			  { "psinfo_t", { "task", "next" }, { "args.next", "0" } },
			  { "cpuinfo_t", { "here", "here" }, { "0", "0" } } },
	},
	{
		.provider = "sched",
		.name = "enqueue",
		.attach = WAKE,
		.args = { { "lwpsinfo_t", { "task", "peer" }, { "args.p", "0" } },
			  { "psinfo_t", { "task", "peer" }, { "args.p", "0" } },
			  { "cpuinfo_t", { "task", "peer" }, { "args.p", "0" } },
			  { "int", { NULL }, { "1", "1" } } },
	},
	{
		// One that could go on stays in the queue.
		.provider = "sched",
		.name = "enqueue",
		.attach = SWITCH,
		.pred = { "(args.prev->__state == 0 || args.preempt) && args.prev->pid != 0",
			  "(args.prev_state & 255) == 0 && args.prev_pid != 0" },
		.args = { { "lwpsinfo_t", { "task", "current" }, { "args.prev", "0" } },
			  { "psinfo_t", { "task", "current" }, { "args.prev", "0" } },
			  { "cpuinfo_t", { "here", "here" }, { "0", "0" } },
			  { "int", { NULL }, { "0", "0" } } },
	},
	{
		.provider = "sched",
		.name = "wakeup",
		.attach = WAKE,
		.args = { { "lwpsinfo_t", { "task", "peer" }, { "args.p", "0" } },
			  { "psinfo_t", { "task", "peer" }, { "args.p", "0" } } },
	},
	{
		.provider = "sched",
		.name = "change-pri",
		.attach = { "rawtracepoint:sched_pi_setprio", "tracepoint:sched:sched_pi_setprio" },
		.args = { { "lwpsinfo_t", { "task", "peer" }, { "args.tsk", "0" } },
			  { "psinfo_t", { "task", "peer" }, { "args.tsk", "0" } },
			  { "int",
			    { NULL },
			    { "args.pi_task != 0 ? args.pi_task->prio : args.tsk->normal_prio",
			      "args.newprio" } } },
	},
	{
		.provider = "sched",
		.name = "tick",
		.attach = { "profile:hz:100" },
		.args = { { "lwpsinfo_t", { "task", "task" }, { "curtask" } },
			  { "psinfo_t", { "task", "task" }, { "curtask" } } },
	},
	/* --- io --- */
	{
		.provider = "io",
		.name = "start",
		.attach = { "rawtracepoint:block_rq_issue", "tracepoint:block:block_rq_issue" },
		REQUEST_ARGS("issued"),
	},
	{
		.provider = "io",
		.name = "done",
		.attach = { "rawtracepoint:block_rq_complete",
			    "tracepoint:block:block_rq_complete" },
		REQUEST_ARGS("done"),
	},
	/* --- vminfo --- */
	{
		.provider = "vminfo",
		.name = "as_fault",
		.attach = { "software:page-faults:1", "tracepoint:exceptions:page_fault_user" },
		.args = { { "uint64_t", { NULL }, { "1", "1" } } },
	},
	{
		.provider = "vminfo",
		.name = "maj_fault",
		.attach = { "software:major-faults:1" },
		.args = { { "uint64_t", { NULL }, { "1", "1" } } },
	},
	/* --- lockstat --- */
	{
		.provider = "lockstat",
		.name = "adaptive-block",
		.attach = CONTENDED,
		WAITED("(@lock_flags[tid] & 33) == 32"),
		LOCK_ARGS,
	},
	{
		.provider = "lockstat",
		.name = "adaptive-spin",
		.attach = CONTENDED,
		WAITED("(@lock_flags[tid] & 33) == 33"),
		LOCK_ARGS,
	},
	{
		.provider = "lockstat",
		.name = "spin-spin",
		.attach = CONTENDED,
		WAITED("(@lock_flags[tid] & 39) == 1"),
		LOCK_ARGS,
	},
	{
		.provider = "lockstat",
		.name = "rw-block",
		.attach = CONTENDED,
		WAITED("(@lock_flags[tid] & 6) != 0 && (@lock_flags[tid] & 1) == 0"),
		LOCK_ARGS,
	},
	{
		.provider = "lockstat",
		.name = "rw-spin",
		.attach = CONTENDED,
		WAITED("(@lock_flags[tid] & 6) != 0 && (@lock_flags[tid] & 1) != 0"),
		LOCK_ARGS,
	},
	{ .provider = NULL },
};
