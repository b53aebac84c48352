/* SPDX-License-Identifier: MIT */
/** Report cpu: who had the CPUs, how long, and how long they waited for one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { INTERVALS_MOST = 100000, ROWS = 12 };

struct thread_use {
	int64_t ran_ns;
	uint64_t switches, preempted, migrations, waits;
	int64_t wait_ns, wait_most_ns;
};

struct cpu_use {
	int64_t busy_ns, idle_ns, irq_ns, softirq_ns;
};

/* Time that a host's CPUs were busy in each equal part of the window. */
struct intervals {
	const struct kernel_host *host;
	int64_t *ns; /* owned */
};

struct cpu_report {
	struct report report;
	struct kernel *kernel;	    /* owned */
	struct thread_use *threads; /* owned; by thread index */
	size_t cap_threads;
	struct cpu_use *cpus; /* owned; by CPU index */
	size_t cap_cpus;
	int64_t n_intervals;
	struct intervals *intervals; /* owned; of each host */
	size_t n_interval_hosts, cap_intervals;
	bool failed; /* out of memory */
};

static struct thread_use *use_of(struct cpu_report *s, const struct kernel_thread *t)
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

static struct cpu_use *cpu_use_of(struct cpu_report *s, const struct kernel_cpu *c)
{
	const size_t old = s->cap_cpus;

	if (c->index < old)
		return &s->cpus[c->index];
	if (mem_grow(&s->cpus, &s->cap_cpus, (size_t)c->index + 1) < 0) {
		s->failed = true;
		return NULL;
	}
	memset(s->cpus + old, 0, (s->cap_cpus - old) * sizeof(*s->cpus));
	return &s->cpus[c->index];
}

/* The begin of interval @i of the window. */
static int64_t interval_at(const struct cpu_report *s, int64_t i)
{
	const __int128 len = (__int128)s->report.to_ns - s->report.from_ns;

	return (int64_t)(s->report.from_ns + len * i / s->n_intervals);
}

static int64_t *intervals_of(struct cpu_report *s, const struct kernel_host *h)
{
	for (size_t i = 0; i < s->n_interval_hosts; i++) {
		if (s->intervals[i].host == h)
			return s->intervals[i].ns;
	}
	int64_t *ns = calloc((size_t)s->n_intervals, sizeof(*ns));
	if (!ns || mem_grow(&s->intervals, &s->cap_intervals, s->n_interval_hosts + 1) < 0) {
		free(ns);
		s->failed = true;
		return NULL;
	}
	s->intervals[s->n_interval_hosts++] = (struct intervals){ h, ns };
	return ns;
}

static void add_intervals(struct cpu_report *s, const struct kernel_host *h, int64_t begin,
			  int64_t end)
{
	int64_t *ns = intervals_of(s, h);
	const __int128 len = (__int128)s->report.to_ns - s->report.from_ns;
	int64_t i = (int64_t)(((__int128)begin - s->report.from_ns) * s->n_intervals / len);

	while (i > 0 && interval_at(s, i) > begin)
		i--;
	for (; ns && i < s->n_intervals && begin < end; i++) {
		const int64_t next = interval_at(s, i + 1);
		const int64_t stop = next < end ? next : end;

		if (stop > begin) {
			ns[i] += stop - begin;
			begin = stop;
		}
	}
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct cpu_report *s = arg;
	struct thread_use *u = use_of(s, t);
	struct cpu_use *cu = cpu_use_of(s, c);

	if (!u || !cu)
		return;
	u->ran_ns = ns_after(u->ran_ns, ns_between(begin_ns, end_ns));
	if (!t->tid) {
		cu->idle_ns = ns_after(cu->idle_ns, ns_between(begin_ns, end_ns));
		return;
	}
	cu->busy_ns = ns_after(cu->busy_ns, ns_between(begin_ns, end_ns));
	if (s->n_intervals && report_wants(&s->report, t))
		add_intervals(s, c->host, begin_ns, end_ns);
}

static void on_cpu(void *arg, const struct kernel_cpu *c, enum kernel_cpu_state state,
		   int64_t begin_ns, int64_t end_ns)
{
	struct cpu_use *u = cpu_use_of(arg, c);

	if (u && state == KERNEL_CPU_IRQ)
		u->irq_ns = ns_after(u->irq_ns, ns_between(begin_ns, end_ns));
	else if (u && state == KERNEL_CPU_SOFTIRQ)
		u->softirq_ns = ns_after(u->softirq_ns, ns_between(begin_ns, end_ns));
}

static void on_left(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct thread_use *u = use_of(arg, t);

	(void)at_ns;
	if (!u)
		return;
	u->switches++;
	u->preempted += t->state == KERNEL_WAIT_CPU;
}

static void on_woken(void *arg, const struct kernel_thread *t, int64_t begin_ns, int64_t end_ns)
{
	struct thread_use *u = use_of(arg, t);
	const int64_t ns = ns_between(begin_ns, end_ns);

	if (!u)
		return;
	u->waits++;
	u->wait_ns = ns_after(u->wait_ns, ns);
	u->wait_most_ns = ns > u->wait_most_ns ? ns : u->wait_most_ns;
}

static void on_migrated(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct thread_use *u = use_of(arg, t);

	(void)at_ns;
	if (u)
		u->migrations++;
}

static const struct kernel_watch watch = {
	.ran = on_ran,
	.cpu = on_cpu,
	.left = on_left,
	.woken = on_woken,
	.migrated = on_migrated,
};

static int cpu_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct cpu_report *s = c->state;
	int r = report_init(&s->report, setup);

	if (r >= 0)
		r = param_i64(setup, "intervals", &s->n_intervals);
	if (r < 0)
		return r;
	if (param_get(setup, "intervals") &&
	    (s->n_intervals < 1 || s->n_intervals > INTERVALS_MOST))
		return sonde_fail(-EINVAL, "%lld intervals; there may be 1 to %d",
				  (long long)s->n_intervals, INTERVALS_MOST);
	if (s->n_intervals && s->report.from_ns >= s->report.to_ns)
		return sonde_fail(-EINVAL, "intervals of no time");
	return kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void cpu_fini(struct sonde_component *c)
{
	struct cpu_report *s = c->state;

	kernel_free(s->kernel);
	free(s->threads);
	free(s->cpus);
	for (size_t i = 0; i < s->n_interval_hosts; i++)
		free(s->intervals[i].ns);
	free(s->intervals);
}

static int cpu_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct cpu_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The tables. */

static double percent(int64_t part, double whole)
{
	return whole > 0 ? 100.0 * (double)part / whole : 0;
}

/* The host's name stands in the tables only where there are several. */
static const struct table_column cpu_columns[] = {
	{ "host", NULL, TABLE_TEXT },	       { "cpu", "CPU", TABLE_ID },
	{ "busy_ns", "BUSY", TABLE_NS },       { "busy_share", "SHARE", TABLE_PERCENT },
	{ "idle_ns", "IDLE", TABLE_NS },       { "unknown_ns", "UNKNOWN", TABLE_NS },
	{ "irq_ns", "IRQ", TABLE_NS },	       { "irq_share", "SHARE", TABLE_PERCENT },
	{ "softirq_ns", "SOFTIRQ", TABLE_NS }, { "softirq_share", "SHARE", TABLE_PERCENT },
};

static const struct table_column process_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "process", "PROCESS", TABLE_TEXT },
	{ "threads", "THREADS", TABLE_COUNT },
	{ "cpu_ns", "ON CPU", TABLE_NS },
	{ "share", "SHARE", TABLE_PERCENT },
	{ "switches", "SWITCHES", TABLE_COUNT },
	{ "preempted", NULL, TABLE_COUNT },
	{ "waits", NULL, TABLE_COUNT },
	{ "wait_mean_ns", "MEAN WAIT", TABLE_NS },
	{ "wait_max_ns", "MAX WAIT", TABLE_NS },
	{ "migrations", "MIGR", TABLE_COUNT },
};

static const struct table_column thread_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },
	{ "thread", "THREAD", TABLE_TEXT },
	{ "prio", "PRIO", TABLE_ID },
	{ "prio_min", NULL, TABLE_ID },
	{ "prio_max", NULL, TABLE_ID },
	{ "cpu_ns", "ON CPU", TABLE_NS },
	{ "share", "SHARE", TABLE_PERCENT },
	{ "switches", "SWITCHES", TABLE_COUNT },
	{ "preempted", NULL, TABLE_COUNT },
	{ "waits", NULL, TABLE_COUNT },
	{ "wait_mean_ns", "MEAN WAIT", TABLE_NS },
	{ "wait_max_ns", "MAX WAIT", TABLE_NS },
	{ "migrations", "MIGR", TABLE_COUNT },
};

static const struct table_column interval_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "begin_ns", "FROM BEGIN", TABLE_NS },
	{ "busy_ns", "ON CPU", TABLE_NS },
	{ "share", "SHARE", TABLE_PERCENT },
};

/* An unmeasured time is shown as such and not as none. */
static void add_time(struct table *t, bool known, int64_t ns, int64_t whole)
{
	if (known) {
		table_int(t, ns);
		table_real(t, percent(ns, (double)whole));
	} else {
		table_none(t);
		table_none(t);
	}
}

static void add_cpu(struct table *t, const struct cpu_use *u, unsigned sources, int64_t span)
{
	table_int(t, u->busy_ns);
	table_real(t, percent(u->busy_ns, (double)span));
	table_int(t, u->idle_ns);
	table_int(t, ns_after(span, -ns_after(u->busy_ns, u->idle_ns)));
	add_time(t, sources & KERNEL_HAS_IRQ, u->irq_ns, span);
	add_time(t, sources & KERNEL_HAS_SOFTIRQ, u->softirq_ns, span);
}

static struct cpu_use cpu_known(const struct cpu_report *s, const struct kernel_cpu *c)
{
	return c->index < s->cap_cpus ? s->cpus[c->index] : (struct cpu_use){ 0 };
}

static struct cpu_use sum_cpus(const struct cpu_report *s)
{
	struct cpu_use sum = { 0 };
	struct kernel_cpu *const *cpus;
	const size_t n = kernel_cpus(s->kernel, &cpus);

	for (size_t i = 0; i < n; i++) {
		const struct cpu_use u = cpu_known(s, cpus[i]);

		sum.busy_ns = ns_after(sum.busy_ns, u.busy_ns);
		sum.idle_ns = ns_after(sum.idle_ns, u.idle_ns);
		sum.irq_ns = ns_after(sum.irq_ns, u.irq_ns);
		sum.softirq_ns = ns_after(sum.softirq_ns, u.softirq_ns);
	}
	return sum;
}

static int show_cpus(struct cpu_report *s, int64_t span, const struct cpu_use *all)
{
	struct kernel_host *const *hosts;
	const size_t n_hosts = kernel_hosts(s->kernel, &hosts);
	const unsigned sources = kernel_recorded(s->kernel);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct kernel_cpu *const *cpus;
	const size_t n = kernel_cpus(s->kernel, &cpus);
	struct table t;

	report_hosts_table(&t, s->kernel, cols, cpu_columns, MEM_LEN(cpu_columns));
	for (size_t h = 0; h < n_hosts; h++) {
		for (size_t i = 0; i < hosts[h]->n_cpus; i++) {
			const struct kernel_cpu *c = hosts[h]->cpus[i];
			if (!c)
				continue;
			const struct cpu_use u = cpu_known(s, c);

			report_host(&t, hosts[h]);
			table_int(&t, c->cpu);
			add_cpu(&t, &u, sources, span);
		}
	}
	if (!s->report.json && n > 1) {
		table_none(&t);
		table_str(&t, "all");
		add_cpu(&t, all, sources, span * (int64_t)n);
	}
	int r = report_rows(&s->report, &t, "cpus", "CPUs");
	table_fini(&t);
	return r;
}

static void add_use(struct table *t, const struct thread_use *u, int64_t span, unsigned sources)
{
	table_int(t, u->ran_ns);
	table_real(t, percent(u->ran_ns, (double)span));
	table_int(t, (int64_t)u->switches);
	table_int(t, (int64_t)u->preempted);
	table_int(t, (int64_t)u->waits);
	if (u->waits && sources & KERNEL_HAS_WAKING) {
		table_real(t, (double)u->wait_ns / (double)u->waits);
		table_int(t, u->wait_most_ns);
	} else {
		table_none(t);
		table_none(t);
	}
	table_int(t, (int64_t)u->migrations);
}

static bool is_shown(const struct cpu_report *s, const struct kernel_thread *t,
		     struct thread_use *ret)
{
	*ret = t->index < s->cap_threads ? s->threads[t->index] : (struct thread_use){ 0 };
	return t->tid && (ret->ran_ns || ret->switches || ret->waits || ret->migrations) &&
	       report_wants(&s->report, t);
}

static int show_threads(struct cpu_report *s, int64_t span)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(s->kernel, &threads);
	const unsigned sources = kernel_recorded(s->kernel);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, thread_columns, MEM_LEN(thread_columns));
	for (size_t i = 0; i < n; i++) {
		const struct kernel_thread *th = threads[i];
		struct thread_use u;

		if (!is_shown(s, th, &u))
			continue;
		report_host(&t, th->host);
		table_int(&t, th->tid);
		report_id(&t, th->pid);
		table_str(&t, th->name);
		for (int p = 0; p < 3; p++) {
			const int32_t prio[] = { th->prio, th->prio_least, th->prio_most };

			if (th->has_prio)
				table_int(&t, prio[p]);
			else
				table_none(&t);
		}
		add_use(&t, &u, span, sources);
	}
	int r = report_table(&s->report, &t, "threads", "Threads", "cpu_ns", ROWS);
	table_fini(&t);
	return r;
}

/* All threads of one process that were seen. */
struct process {
	const struct kernel_thread *first; /* the one that names it */
	uint64_t n_threads;
	struct thread_use use;
};

struct processes {
	struct process *all; /* owned */
	size_t n, cap;
	struct u64map by_id; /* host and pid -> index */
};

/* The process of a thread; one of unknown process is its own. NULL: no memory. */
static struct process *process_of(struct processes *p, const struct kernel_thread *t)
{
	const uint64_t key =
		(uint64_t)t->host->trace->index << 40 ^ (uint64_t)(t->pid >= 0 ? t->pid : t->tid);
	uint32_t i;

	if (!u64map_get(&p->by_id, key, &i)) {
		i = (uint32_t)p->n;
		if (mem_grow(&p->all, &p->cap, p->n + 1) < 0 || u64map_put(&p->by_id, key, i) < 0)
			return NULL;
		p->all[p->n++] = (struct process){ .first = t };
	}
	sonde_dcheck(p->all); // it holds what by_id points to
	if (t->tid == t->pid)
		p->all[i].first = t;
	return &p->all[i];
}

static bool find_processes(const struct cpu_report *s, struct processes *p)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(s->kernel, &threads);

	for (size_t i = 0; i < n; i++) {
		struct thread_use u;

		if (!is_shown(s, threads[i], &u))
			continue;
		struct process *pr = process_of(p, threads[i]);
		if (!pr)
			return false;
		pr->n_threads++;
		pr->use.ran_ns = ns_after(pr->use.ran_ns, u.ran_ns);
		pr->use.switches += u.switches;
		pr->use.preempted += u.preempted;
		pr->use.migrations += u.migrations;
		pr->use.waits += u.waits;
		pr->use.wait_ns = ns_after(pr->use.wait_ns, u.wait_ns);
		if (u.wait_most_ns > pr->use.wait_most_ns)
			pr->use.wait_most_ns = u.wait_most_ns;
	}
	return true;
}

static int show_processes(struct cpu_report *s, int64_t span)
{
	const unsigned sources = kernel_recorded(s->kernel);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct processes p = { 0 };
	struct table t;

	report_hosts_table(&t, s->kernel, cols, process_columns, MEM_LEN(process_columns));
	int r = find_processes(s, &p) ? 0 : sonde_fail(-ENOMEM, "out of memory for processes");
	for (size_t i = 0; r >= 0 && i < p.n; i++) {
		const struct kernel_thread *th = p.all[i].first;

		report_host(&t, th->host);
		table_int(&t, th->pid >= 0 ? th->pid : th->tid);
		table_str(&t, th->name);
		table_int(&t, (int64_t)p.all[i].n_threads);
		add_use(&t, &p.all[i].use, span, sources);
	}
	if (r >= 0)
		r = report_table(&s->report, &t, "processes", "Processes", "cpu_ns", ROWS);
	table_fini(&t);
	u64map_fini(&p.by_id);
	free(p.all);
	return r;
}

static int show_intervals(struct cpu_report *s)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(s->kernel, &hosts);
	struct table t;

	report_hosts_table(&t, s->kernel, cols, interval_columns, MEM_LEN(interval_columns));
	for (size_t h = 0; h < n; h++) {
		const int64_t *ns = intervals_of(s, hosts[h]);

		for (int64_t i = 0; ns && i < s->n_intervals; i++) {
			const int64_t begin = interval_at(s, i), end = interval_at(s, i + 1);

			report_host(&t, hosts[h]);
			table_int(&t, begin - (s->report.json ? 0 : s->report.from_ns));
			table_int(&t, ns[i]);
			table_real(&t, percent(ns[i], (double)ns_between(begin, end)));
		}
	}
	if (s->failed) {
		table_fini(&t);
		return sonde_fail(-ENOMEM, "out of memory for intervals");
	}
	int r = report_rows(&s->report, &t, "intervals", "Intervals");
	table_fini(&t);
	return r;
}

static void print_share(const struct cpu_report *s, double busy, double unknown)
{
	out_fmt(s->report.setup->out, "The CPUs were busy %.2f %% of the time", busy);
	if (unknown >= 1)
		out_fmt(s->report.setup->out, "; %.2f %% is unknown", unknown);
	out_str(s->report.setup->out, "\n");
}

static int cpu_finish(struct sonde_component *c)
{
	struct cpu_report *s = c->state;
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	if (s->failed)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	int r = kernel_span(s->kernel, &begin, &end);
	if (r < 0)
		return r;
	if (!(kernel_sources(s->kernel) & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report, kernel_recorded(s->kernel) & KERNEL_HAS_SWITCH,
				    "sched_switch", "-e sched:sched_switch");

	const size_t n = kernel_cpus(s->kernel, &cpus);
	const struct cpu_use all = sum_cpus(s);
	const int64_t span = ns_between(begin, end);
	const double whole = (double)span * (double)n;
	const double share = percent(all.busy_ns, whole);

	report_sorts(&s->report, process_columns, MEM_LEN(process_columns));
	report_sorts(&s->report, thread_columns, MEM_LEN(thread_columns));
	report_begin(&s->report, n, begin, end);
	if (s->report.json)
		json_real(&s->report.j, "busy_share", share);
	else
		print_share(s, share, 100 - share - percent(all.idle_ns, whole));
	r = show_cpus(s, span, &all);
	if (r >= 0 && s->n_intervals)
		r = show_intervals(s);
	if (r >= 0)
		r = show_processes(s, span);
	if (r >= 0)
		r = show_threads(s, span);
	report_doubts(&s->report, s->kernel);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_cpu = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.cpu",
	.help = "Who had the CPUs, how long, and how long they waited for one",
	.state_size = sizeof(struct cpu_report),
	.init = cpu_init,
	.fini = cpu_fini,
	.consume = cpu_consume,
	.finish = cpu_finish,
};
