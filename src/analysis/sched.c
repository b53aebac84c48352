/* SPDX-License-Identifier: MIT */
/** Report sched: how late threads got a CPU, how long they ran and waited, and who took it from
 * them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "analysis/spread.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"

enum { ROWS = 15, ROWS_PREEMPTORS = 10, LONGEST = 10 };

/* One thread, by its index. */
struct thread_sched {
	struct spread late; /* from being woken to running */
	struct spread ran;  /* stretches on a CPU */
	int64_t waited_ns;  /* in all, for a CPU */
	uint64_t preempted;
	/* As the one that takes a CPU from others that could go on. */
	uint64_t taken;
	int64_t taken_ns; /* how long those then waited */
	/* Since when and by whom, while it is preempted. */
	const struct kernel_thread *by;
	int64_t since_ns;
};

/* One of the longest waits. */
struct wait {
	const struct kernel_thread *thread, *before; /* .before had the CPU then; or NULL */
	uint32_t cpu;
	int64_t begin_ns, end_ns;
};

struct sched_report {
	struct report report;
	struct kernel *kernel;	      /* owned */
	struct thread_sched *threads; /* owned; by thread index */
	size_t cap_threads;
	struct wait longest[LONGEST]; /* the longest first */
	size_t n_longest;
	const struct kernel_thread *before; /* of the switch that is being told */
	bool failed;			    /* out of memory */
};

static struct thread_sched *sched_of(struct sched_report *s, const struct kernel_thread *t)
{
	const size_t old = s->cap_threads;

	if (t->index < old)
		return &s->threads[t->index];
	if (mem_grow(&s->threads, &s->cap_threads, (size_t)t->index + 1) < 0) {
		s->failed = true;
		return NULL;
	}
	memset(s->threads + old, 0, (s->cap_threads - old) * sizeof(*s->threads));
	return &s->threads[t->index];
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct thread_sched *u = sched_of(arg, t);

	(void)c;
	if (u && begin_ns < end_ns)
		spread_add(&u->ran, ns_between(begin_ns, end_ns), end_ns);
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct thread_sched *u = state == KERNEL_WAIT_CPU ? sched_of(arg, t) : NULL;

	if (u)
		u->waited_ns = ns_after(u->waited_ns, ns_between(begin_ns, end_ns));
}

/* Remembers it if it is among the longest. */
static void keep_longest(struct sched_report *s, const struct kernel_thread *t, int64_t begin_ns,
			 int64_t end_ns)
{
	const int64_t ns = ns_between(begin_ns, end_ns);
	size_t at = s->n_longest;

	while (at > 0 && ns_between(s->longest[at - 1].begin_ns, s->longest[at - 1].end_ns) < ns)
		at--;
	if (at == LONGEST)
		return;
	s->n_longest += s->n_longest < LONGEST;
	memmove(&s->longest[at + 1], &s->longest[at],
		(s->n_longest - at - 1) * sizeof(s->longest[0]));
	s->longest[at] = (struct wait){ .thread = t,
					.before = s->before,
					.cpu = t->on ? t->on->cpu : 0,
					.begin_ns = begin_ns,
					.end_ns = end_ns };
}

static void on_woken(void *arg, const struct kernel_thread *t, int64_t begin_ns, int64_t end_ns)
{
	struct sched_report *s = arg;
	struct thread_sched *u = sched_of(s, t);

	if (!u || begin_ns > end_ns)
		return;
	spread_add(&u->late, ns_between(begin_ns, end_ns), end_ns);
	if (t->tid && report_wants(&s->report, t))
		keep_longest(s, t, begin_ns, end_ns);
}

/* @next was preempted before and runs again: its wait is owed to who took the CPU. */
static void end_preemption(struct sched_report *s, const struct kernel_thread *next, int64_t at_ns)
{
	struct thread_sched *u = sched_of(s, next);

	if (!u || !u->by)
		return;
	struct thread_sched *by = sched_of(s, u->by);
	u = sched_of(s, next);
	if (by && u && next->state == KERNEL_WAIT_CPU && next->since_ns == u->since_ns &&
	    at_ns > u->since_ns)
		by->taken_ns = ns_after(by->taken_ns, ns_between(u->since_ns, at_ns));
	if (u)
		u->by = NULL;
}

static void on_switched(void *arg, const struct kernel_cpu *c, const struct kernel_thread *prev,
			const struct kernel_thread *next, int64_t at_ns)
{
	struct sched_report *s = arg;

	(void)c;
	s->before = prev;
	end_preemption(s, next, at_ns);
	if (!prev || !prev->tid || !next->tid || prev->state != KERNEL_WAIT_CPU)
		return;
	// Of others than those that were recorded it is not known when they went on.
	if (prev->host->partial && !prev->followed)
		return;
	struct thread_sched *victim = sched_of(s, prev);
	if (!victim)
		return;
	victim->preempted++;
	victim->by = next;
	victim->since_ns = at_ns;
	struct thread_sched *by = report_wants(&s->report, prev) ? sched_of(s, next) : NULL;
	if (by)
		by->taken++;
}

static const struct kernel_watch watch = {
	.ran = on_ran,
	.state = on_state,
	.woken = on_woken,
	.switched = on_switched,
};

static int sched_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct sched_report *s = c->state;
	int r = report_init(&s->report, setup);

	return r < 0 ? r : kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void sched_fini(struct sonde_component *c)
{
	struct sched_report *s = c->state;

	kernel_free(s->kernel);
	free(s->threads);
}

static int sched_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sched_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The tables. */

static const struct table_column thread_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },
	{ "thread", "THREAD", TABLE_TEXT },
	{ "prio", "PRIO", TABLE_ID },
	SPREAD_COLUMNS("wakeup_", "LATE "),
	{ "wakeup_max_at_ns", NULL, TABLE_ID },
	{ "run_ns", "RAN", TABLE_NS },
	{ "runs", NULL, TABLE_COUNT },
	{ "run_mean_ns", NULL, TABLE_NS },
	{ "run_max_ns", NULL, TABLE_NS },
	{ "wait_cpu_ns", "WAITED", TABLE_NS },
	{ "preempted", "PREEMPTED", TABLE_COUNT },
};

static const struct table_column preemptor_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },
	{ "thread", "THREAD", TABLE_TEXT },
	{ "prio", "PRIO", TABLE_ID },
	{ "preempts", "TOOK THE CPU", TABLE_COUNT },
	{ "victims_waited_ns", "OTHERS WAITED", TABLE_NS },
};

static const struct table_column longest_columns[] = {
	{ "host", NULL, TABLE_TEXT },	      { "wait_ns", "WAITED", TABLE_NS },
	{ "tid", "TID", TABLE_ID },	      { "thread", "THREAD", TABLE_TEXT },
	{ "cpu", "CPU", TABLE_ID },	      { "from_ns", NULL, TABLE_ID },
	{ "to_ns", NULL, TABLE_ID },	      { "after_begin_ns", "AT", TABLE_NS },
	{ "before_tid", "BEHIND", TABLE_ID }, { "before", "THREAD", TABLE_TEXT },
};

static void add_prio(struct table *t, const struct kernel_thread *th)
{
	if (th->has_prio)
		table_int(t, th->prio);
	else
		table_none(t);
}

static void add_thread(struct table *t, const struct kernel_thread *th)
{
	report_host(t, th->host);
	table_int(t, th->tid);
	report_id(t, th->pid);
	table_str(t, th->name);
	add_prio(t, th);
}

static void add_sched(struct table *t, const struct thread_sched *u)
{
	spread_cells(&u->late, t);
	if (u->late.n)
		table_int(t, u->late.most_at_ns);
	else
		table_none(t);
	table_int(t, spread_total(&u->ran));
	table_int(t, (int64_t)u->ran.n);
	table_real(t, spread_mean(&u->ran));
	table_int(t, u->ran.most_ns);
	table_int(t, u->waited_ns);
	table_int(t, (int64_t)u->preempted);
}

static int show_threads(struct sched_report *s)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(s->kernel, &threads);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, thread_columns, MEM_LEN(thread_columns));
	for (size_t i = 0; i < n && i < s->cap_threads; i++) {
		const struct thread_sched *u = &s->threads[i];

		if (!threads[i]->tid || !report_wants(&s->report, threads[i]) ||
		    (!u->late.n && !u->ran.n && !u->waited_ns))
			continue;
		add_thread(&t, threads[i]);
		add_sched(&t, u);
	}
	int r = report_table(&s->report, &t, "threads",
			     "Threads: how late they got a CPU after being woken",
			     "wakeup_total_ns", ROWS);
	table_fini(&t);
	return r;
}

static int show_preemptors(struct sched_report *s)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(s->kernel, &threads);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, preemptor_columns, MEM_LEN(preemptor_columns));
	for (size_t i = 0; i < n && i < s->cap_threads; i++) {
		if (!s->threads[i].taken)
			continue;
		add_thread(&t, threads[i]);
		table_int(&t, (int64_t)s->threads[i].taken);
		table_int(&t, s->threads[i].taken_ns);
	}
	int r = report_beside(&s->report, &t, "preemptors",
			      "Who took the CPU from others that could go on", "victims_waited_ns",
			      ROWS_PREEMPTORS);
	table_fini(&t);
	return r;
}

static int show_longest(struct sched_report *s, int64_t begin_ns)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, longest_columns, MEM_LEN(longest_columns));
	for (size_t i = 0; i < s->n_longest; i++) {
		const struct wait *w = &s->longest[i];

		report_host(&t, w->thread->host);
		table_int(&t, ns_between(w->begin_ns, w->end_ns));
		table_int(&t, w->thread->tid);
		table_str(&t, w->thread->name);
		table_int(&t, w->cpu);
		table_int(&t, w->begin_ns);
		table_int(&t, w->end_ns);
		table_int(&t, ns_between(begin_ns, w->begin_ns));
		if (w->before && w->before->tid) {
			table_int(&t, w->before->tid);
			table_str(&t, w->before->name);
		} else {
			table_none(&t);
			table_str(&t, w->before ? "idle" : "");
		}
	}
	int r = report_beside(&s->report, &t, "longest",
			      "The longest of them, and who had the CPU until then", NULL, LONGEST);
	table_fini(&t);
	return r;
}

static int sched_finish(struct sonde_component *c)
{
	struct sched_report *s = c->state;
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	if (s->failed)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	int r = kernel_span(s->kernel, &begin, &end);
	if (r < 0)
		return r;
	const unsigned has = kernel_recorded(s->kernel);
	if (!(kernel_sources(s->kernel) & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report, kernel_recorded(s->kernel) & KERNEL_HAS_SWITCH,
				    "sched_switch", "-e sched:sched_switch");

	report_begin(&s->report, kernel_cpus(s->kernel, &cpus), begin, end);
	r = show_threads(s);
	if (r >= 0 && s->n_longest)
		r = show_longest(s, begin);
	if (r >= 0)
		r = show_preemptors(s);
	report_lack(&s->report, has & KERNEL_HAS_WAKING, "sched_waking", "-e sched:sched_waking");
	report_doubts(&s->report, s->kernel);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_sched = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.sched",
	.help = "How late threads got a CPU, how long they ran and waited, who took it from them",
	.state_size = sizeof(struct sched_report),
	.init = sched_init,
	.fini = sched_fini,
	.consume = sched_consume,
	.finish = sched_finish,
};
