/* SPDX-License-Identifier: MIT */
/** What ran, and where it was. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "crash/freebsd/show/show.h"
#include "crash/verbs/frame.h"

enum { LINE_MOST = 256 };

int bsd_crash(struct bsd_show *s)
{
	const struct crash_task *t = NULL;
	struct crash_stack stack = { 0 };

	for (size_t i = 0; i < s->tasks.n && !t; i++)
		t = s->tasks.all[i].crashed ? &s->tasks.all[i] : NULL;
	if (!t) {
		if (s->tasks.n)
			bsd_lack(s, "backtrace", "no thread is the one that made the dump");
		return 0;
	}
	page_fact_fmt(&s->page, "crashed", "Crashed", "CPU %d in thread %lld of %lld %s", t->cpu,
		      (long long)t->tid, (long long)t->pid, t->comm);
	int r = freebsd_stack(s->k->core, t, &stack);
	if (r == 0)
		r = page_stack(&s->page, "stack", "Stack of the crash", &stack);
	crash_stack_fini(&stack);
	return r;
}

static const char *where(struct bsd_show *s, const struct crash_stack *stack)
{
	char text[LINE_MOST] = "";
	size_t len = 0;

	if (!stack->n)
		return stack->user_pc ? "user code" : stack->cut ? stack->cut : "?";
	for (size_t i = 0; i < stack->n && i < 3; i++) {
		const struct crash_frame *f = &stack->frames[i];
		int put;

		if (f->symbol.name)
			put = snprintf(text + len, sizeof(text) - len, "%s%s", i ? " < " : "",
				       f->symbol.name);
		else
			put = snprintf(text + len, sizeof(text) - len, "%s0x%" PRIx64,
				       i ? " < " : "", f->pc);
		len = put < 0 || len + (size_t)put >= sizeof(text) ? len : len + (size_t)put;
	}
	return bsd_keep(s, "%s", text);
}

enum { CPUS_MOST = 4096 };

/* Of each CPU the first thread that is on it; an array of CPUS_MOST, owned by the caller. */
static const struct crash_task **by_cpu(const struct crash_tasks *tasks)
{
	const struct crash_task **on = calloc(CPUS_MOST, sizeof(*on));

	for (size_t i = 0; on && i < tasks->n; i++) {
		const struct crash_task *t = &tasks->all[i];

		if (t->on_cpu && t->cpu >= 0 && t->cpu < CPUS_MOST && !on[t->cpu])
			on[t->cpu] = t;
	}
	return on;
}

int bsd_cpus(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "cpu", "CPU", TABLE_ID },	  { "pid", "PID", TABLE_ID },
		{ "tid", "TID", TABLE_ID },	  { "comm", "THREAD", TABLE_TEXT },
		{ "where", "WHERE", TABLE_TEXT },
	};
	struct crash_stack stack = { 0 };
	struct table t;
	int r = 0;

	sonde_auto(mem_freep) const struct crash_task **on = by_cpu(&s->tasks);
	if (!on)
		return sonde_fail(-ENOMEM, "out of memory");
	table_init(&t, columns, MEM_LEN(columns));
	for (int cpu = 0; r == 0 && cpu < CPUS_MOST; cpu++) {
		const struct crash_task *task = on[cpu];

		if (!task)
			continue;
		r = freebsd_stack(s->k->core, task, &stack);
		table_int(&t, cpu);
		table_int(&t, task->pid);
		table_int(&t, task->tid);
		table_str(&t, task->comm);
		table_str(&t, where(s, &stack));
	}
	if (r == 0)
		r = page_table(&s->page, "cpu_table", "CPUs", &t);
	table_fini(&t);
	crash_stack_fini(&stack);
	return r;
}

static void add_number(struct table *t, uint64_t v)
{
	if (v == CRASH_UNKNOWN)
		table_none(t);
	else
		table_int(t, (int64_t)v);
}

int bsd_threads(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "tid", "TID", TABLE_ID },	  { "pid", "PID", TABLE_ID },
		{ "ppid", "PPID", TABLE_ID },	  { "uid", "UID", TABLE_ID },
		{ "cpu", "CPU", TABLE_ID },	  { "state", "STATE", TABLE_TEXT },
		{ "user_ns", "USER", TABLE_NS },  { "system_ns", "SYSTEM", TABLE_NS },
		{ "comm", "THREAD", TABLE_TEXT },
	};
	struct table t;

	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < s->tasks.n; i++) {
		const struct crash_task *task = &s->tasks.all[i];

		table_int(&t, task->tid);
		table_int(&t, task->pid);
		add_number(&t, task->ppid < 0 ? CRASH_UNKNOWN : (uint64_t)task->ppid);
		add_number(&t, task->uid);
		add_number(&t, task->cpu < 0 ? CRASH_UNKNOWN : (uint64_t)task->cpu);
		table_str(&t, task->state_name);
		add_number(&t, task->user_ns);
		add_number(&t, task->system_ns);
		table_str(&t, task->comm);
	}
	int r = page_table(&s->page, "tasks", "Threads (ps -axlww)", &t);
	table_fini(&t);
	return r;
}
