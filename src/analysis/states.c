/* SPDX-License-Identifier: MIT */
/** Report states: how long each thread and CPU was in which state, from the trace's index. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "analysis/timeline.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"

enum { ROWS = 20 };

/* One host's index. */
struct host {
	struct store *store;
	const struct sonde_trace *trace;
};

struct states_report {
	struct report report;
	struct timeline *timeline; /* owned; NULL: all was there already */
	struct host *hosts;	   /* owned */
	size_t n_hosts;
	bool opened; /* the stores are owned, too: they are not the timeline's */
};

static void states_close(struct states_report *s)
{
	for (size_t i = 0; s->opened && i < s->n_hosts; i++)
		store_free(s->hosts[i].store);
	free(s->hosts);
	timeline_free(s->timeline);
}

/* The tables. */

static const struct table_column cpu_columns[] = {
	{ "host", NULL, TABLE_TEXT },	       { "cpu", "CPU", TABLE_ID },
	{ "busy_ns", "BUSY", TABLE_NS },       { "idle_ns", "IDLE", TABLE_NS },
	{ "softirq_ns", "SOFTIRQ", TABLE_NS }, { "irq_ns", "IRQ", TABLE_NS },
	{ "unknown_ns", "UNKNOWN", TABLE_NS },
};

static const struct table_column thread_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },
	{ "thread", "THREAD", TABLE_TEXT },
	{ "run_ns", "RUN", TABLE_NS },
	{ "user_ns", "USER", TABLE_NS },
	{ "syscall_ns", "SYSCALL", TABLE_NS },
	{ "interrupted_ns", "INTERRUPTED", TABLE_NS },
	{ "wait_cpu_ns", "WAIT CPU", TABLE_NS },
	{ "blocked_ns", "BLOCKED", TABLE_NS },
	{ "wait_fork_ns", NULL, TABLE_NS },
	{ "wait_other_ns", NULL, TABLE_NS },
	{ "segments", NULL, TABLE_COUNT },
};

/* Where a host's part of the window begins and ends. */
static int64_t begin_of(const struct states_report *s, const struct host *h)
{
	const int64_t begin = (int64_t)store_count(h->store, TIMELINE_BEGIN);

	return s->report.from_ns > begin ? s->report.from_ns : begin;
}

static int64_t end_of(const struct states_report *s, const struct host *h)
{
	const int64_t end = (int64_t)store_count(h->store, TIMELINE_END);

	return s->report.to_ns < end ? s->report.to_ns : end;
}

static bool is_wanted(const struct states_report *s, const struct store_track *t)
{
	const struct kernel_thread as = { .tid = t->id, .pid = t->aux };

	return t->kind == TIMELINE_THREAD && t->id && report_wants(&s->report, &as);
}

static void add_thread(struct table *t, const struct host *h, const struct store_track *track,
		       const struct store_totals *sum)
{
	const uint64_t *ns = sum->ns;

	report_trace(t, h->trace);
	table_int(t, track->id);
	report_id(t, track->aux);
	table_str(t, store_text(h->store, track->name));
	table_int(t, (int64_t)(ns[KERNEL_USER] + ns[KERNEL_SYSCALL] + ns[KERNEL_INTERRUPTED]));
	table_int(t, (int64_t)ns[KERNEL_USER]);
	table_int(t, (int64_t)ns[KERNEL_SYSCALL]);
	table_int(t, (int64_t)ns[KERNEL_INTERRUPTED]);
	table_int(t, (int64_t)ns[KERNEL_WAIT_CPU]);
	table_int(t, (int64_t)ns[KERNEL_BLOCKED]);
	table_int(t, (int64_t)ns[KERNEL_WAIT_FORK]);
	table_int(t, (int64_t)ns[KERNEL_WAIT]);
	table_int(t, (int64_t)sum->n);
}

static void add_cpu(struct table *t, const struct host *h, const struct store_track *track,
		    const struct store_totals *sum, int64_t span)
{
	uint64_t known = 0;

	for (int i = 1; i < KERNEL_CPU_N_STATES; i++)
		known += sum->ns[i];
	report_trace(t, h->trace);
	table_int(t, track->id);
	table_int(t, (int64_t)sum->ns[KERNEL_CPU_BUSY]);
	table_int(t, (int64_t)sum->ns[KERNEL_CPU_IDLE]);
	table_int(t, (int64_t)sum->ns[KERNEL_CPU_SOFTIRQ]);
	table_int(t, (int64_t)sum->ns[KERNEL_CPU_IRQ]);
	table_int(t, span - (int64_t)known);
}

/* The row of one track, if it gets one. */
static int add_row(struct states_report *s, const struct host *h, uint32_t i,
		   const struct store_track *track, struct table *t)
{
	const int64_t begin = begin_of(s, h), end = end_of(s, h);
	struct store_totals sum = { .n = 0 };
	int r = begin < end ? store_sum(h->store, i, begin, end, &sum) : 0;

	if (r < 0)
		return r;
	if (track->kind == TIMELINE_CPU)
		add_cpu(t, h, track, &sum, begin < end ? ns_between(begin, end) : 0);
	else if (sum.n)
		add_thread(t, h, track, &sum);
	return 0;
}

static int fill_threads(struct states_report *s, const struct host *h, struct table *t)
{
	const uint32_t n = store_n_tracks(h->store);
	struct store_track track = { .kind = 0 };
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < n; i++) {
		r = store_get_track(h->store, i, &track);
		if (r >= 0 && is_wanted(s, &track))
			r = add_row(s, h, i, &track, t);
	}
	return r;
}

/* A CPU's track. */
struct cpu_track {
	int64_t id;
	uint32_t track;
};

static int compare_cpus(const void *a, const void *b)
{
	const struct cpu_track *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* In order of their numbers. */
static int find_cpus(const struct host *h, struct cpu_track **ret, size_t *ret_n)
{
	sonde_auto(mem_freep) struct cpu_track *cpus = NULL;
	const uint32_t n = store_n_tracks(h->store);
	size_t n_cpus = 0, cap = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct store_track track;
		int r = store_get_track(h->store, i, &track);

		if (r >= 0 && track.kind == TIMELINE_CPU) {
			r = mem_grow(&cpus, &cap, n_cpus + 1);
			if (r >= 0)
				cpus[n_cpus++] = (struct cpu_track){ track.id, i };
		}
		if (r < 0)
			return r;
	}
	if (n_cpus)
		qsort(cpus, n_cpus, sizeof(*cpus), compare_cpus);
	*ret = sonde_take(cpus);
	*ret_n = n_cpus;
	return 0;
}

/* And adds how many there are. */
static int fill_cpus(struct states_report *s, const struct host *h, struct table *t, size_t *n_cpus)
{
	sonde_auto(mem_freep) struct cpu_track *cpus = NULL;
	struct store_track track = { .kind = 0 };
	size_t n = 0;
	int r = find_cpus(h, &cpus, &n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		// A damaged index may tell a number twice.
		if (i && cpus[i].id == cpus[i - 1].id)
			continue;
		r = store_get_track(h->store, cpus[i].track, &track);
		if (r >= 0)
			r = add_row(s, h, cpus[i].track, &track, t);
	}
	*n_cpus += n;
	return r;
}

/* What the index tells of all hosts. */
struct summary {
	int64_t begin_ns, end_ns;
	bool partial;
	struct kernel_doubts doubts;
};

static int find_summary(const struct states_report *s, struct summary *ret)
{
	uint64_t sources = 0;

	*ret = (struct summary){ .begin_ns = INT64_MAX, .end_ns = INT64_MIN };
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct host *h = &s->hosts[i];
		const int64_t begin = begin_of(s, h), end = end_of(s, h);

		ret->begin_ns = begin < ret->begin_ns ? begin : ret->begin_ns;
		ret->end_ns = end > ret->end_ns ? end : ret->end_ns;
		ret->partial |= store_count(h->store, TIMELINE_PARTIAL) != 0;
		timeline_doubts(h->store, &ret->doubts);
		sources |= store_count(h->store, TIMELINE_SOURCES);
	}
	if (!(sources & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report, false, "sched_switch", "-e sched:sched_switch");
	if (ret->begin_ns > ret->end_ns)
		return sonde_fail(-ENODATA, "there are no events in that time");
	return 0;
}

static void init_table(const struct states_report *s, struct table *t, struct table_column *copy,
		       const struct table_column *cols, size_t n)
{
	memcpy(copy, cols, n * sizeof(*cols));
	copy[0].head = s->n_hosts > 1 ? "HOST" : NULL;
	table_init(t, copy, n);
}

/* All is asked before anything is shown: the index may turn out to be damaged. */
static int states_show(struct states_report *s)
{
	struct table_column cpu_cols[REPORT_COLUMNS_MOST], thread_cols[REPORT_COLUMNS_MOST];
	struct summary sum;
	struct table cpus, threads;
	size_t n_cpus = 0;

	int r = find_summary(s, &sum);
	if (r < 0)
		return r;
	init_table(s, &cpus, cpu_cols, cpu_columns, MEM_LEN(cpu_columns));
	init_table(s, &threads, thread_cols, thread_columns, MEM_LEN(thread_columns));
	for (size_t i = 0; r >= 0 && i < s->n_hosts; i++) {
		r = fill_cpus(s, &s->hosts[i], &cpus, &n_cpus);
		if (r >= 0)
			r = fill_threads(s, &s->hosts[i], &threads);
	}
	if (r >= 0) {
		report_begin(&s->report, n_cpus, sum.begin_ns, sum.end_ns);
		r = report_rows(&s->report, &cpus, "cpus", "CPUs");
		if (r >= 0)
			r = report_table(&s->report, &threads, "threads", "Threads", "run_ns",
					 ROWS);
		report_losses(&s->report, &sum.doubts, sum.partial);
		report_end(&s->report);
	}
	table_fini(&cpus);
	table_fini(&threads);
	return r;
}

/* From what is kept beside the traces. */

int states_indexed(const struct sonde_setup *setup, struct sonde_trace *const *traces, size_t n)
{
	const char *cache = param_get(setup, "cache");
	struct states_report s = { .opened = true };
	int r = report_init(&s.report, setup);

	if (r < 0)
		return r;
	s.hosts = calloc(n ? n : 1, sizeof(*s.hosts));
	if (!s.hosts)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct host *h = &s.hosts[s.n_hosts];

		h->trace = traces[i];
		if (!timeline_fits(h->trace))
			continue;
		r = timeline_open(h->trace, cache, &h->store);
		s.n_hosts += r >= 0;
	}
	const bool opened = r >= 0 && s.n_hosts > 0;
	if (opened)
		r = states_show(&s);
	states_close(&s);
	if (r == -EBADMSG)
		report_note(&s.report, "%s: it is made anew", sonde_err_str());
	// Whatever is wrong with the index, the trace can be read.
	return (opened && r != -EBADMSG) || r == -ENOMEM ? r : -ENOENT;
}

/* From the traces, which makes what is kept. */

static int states_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct states_report *s = c->state;
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	return timeline_new(param_get(setup, "cache"), setup->note, setup->note_arg, &s->timeline);
}

static void states_fini(struct sonde_component *c)
{
	states_close(c->state);
}

static int states_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct states_report *s = c->state;

	return timeline_consume(s->timeline, in);
}

static int states_finish(struct sonde_component *c)
{
	struct states_report *s = c->state;
	int r = timeline_finish(s->timeline);

	if (r < 0)
		return r;
	s->n_hosts = timeline_stores(s->timeline);
	s->hosts = calloc(s->n_hosts ? s->n_hosts : 1, sizeof(*s->hosts));
	if (!s->hosts)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	for (size_t i = 0; i < s->n_hosts; i++)
		s->hosts[i].store = timeline_store(s->timeline, i, &s->hosts[i].trace);
	return states_show(s);
}

const struct sonde_component_class analysis_states = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.states",
	.help = "How long each thread and CPU was in which state, from an index of the trace",
	.state_size = sizeof(struct states_report),
	.init = states_init,
	.fini = states_fini,
	.consume = states_consume,
	.finish = states_finish,
};
