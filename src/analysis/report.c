/* SPDX-License-Identifier: MIT */
/** What all reports have in common: window, filters, tables as text or JSON, and doubts. */
#include "analysis/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/time_text.h"
#include "graph/component.h"

static int take_ids(const struct sonde_setup *setup, const char *key, int64_t *ids, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < setup->n_params; i++) {
		const struct sonde_param *p = &setup->params[i];

		if (strcmp(p->key, key) != 0)
			continue;
		if (n == REPORT_IDS_MOST)
			return sonde_fail(-EINVAL, "more than %d of '%s'", REPORT_IDS_MOST, key);
		char *end;
		errno = 0;
		ids[n++] = strtoll(p->value, &end, 10);
		if (errno || end == p->value || *end)
			return sonde_fail(-EINVAL, "%s '%s' is no number", key, p->value);
	}
	*ret_n = n;
	return 0;
}

int report_init(struct report *r, const struct sonde_setup *setup)
{
	*r = (struct report){
		.setup = setup,
		.from_ns = INT64_MIN,
		.to_ns = INT64_MAX,
		.limit = -1,
		.json = param_bool(setup, "json"),
		.sort = param_get(setup, "sort"),
	};
	const struct {
		const char *key;
		int64_t *ret;
	} numbers[] = {
		{ "from_ns", &r->from_ns },
		{ "to_ns", &r->to_ns },
		{ "limit", &r->limit },
		{ "width", &r->width },
	};

	for (size_t i = 0; i < MEM_LEN(numbers); i++) {
		int err = param_i64(setup, numbers[i].key, numbers[i].ret);
		if (err < 0)
			return err;
	}
	const char *limit = param_get(setup, "limit");
	if (limit && r->limit < 0)
		return sonde_fail(-EINVAL, "limit '%s': want a number of rows, 0 for all", limit);
	int err = take_ids(setup, "pid", r->pids, &r->n_pids);
	if (err >= 0)
		err = take_ids(setup, "tid", r->tids, &r->n_tids);
	json_init(&r->j, setup->out);
	return err;
}

static bool has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

bool report_wants(const struct report *r, const struct kernel_thread *t)
{
	if (!r->n_pids && !r->n_tids)
		return true;
	return has_id(r->tids, r->n_tids, t->tid) || has_id(r->pids, r->n_pids, t->pid) ||
	       (t->pid < 0 && has_id(r->pids, r->n_pids, t->tid));
}

void report_note(const struct report *r, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	if (!r->setup->note)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r->setup->note(r->setup->note_arg, line);
}

/* True: only some processes were recorded. */
static bool note_partial(const struct report *r, const struct kernel *k)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(k, &hosts);
	bool some = false;

	for (size_t i = 0; i < n; i++) {
		const struct sonde_env *e = sonde_trace_env(hosts[i]->trace, "only_pids");

		if (hosts[i]->partial)
			report_note(r,
				    "only process %s and what it forked was recorded: what others "
				    "did counts as unknown",
				    e->str ? e->str : "?");
		some |= hosts[i]->partial;
	}
	return some;
}

static void note_losses(const struct report *r, const struct kernel_doubts *d)
{
	char events[TABLE_VALUE_MOST], packets[TABLE_VALUE_MOST], gaps[TABLE_VALUE_MOST];

	table_count(d->lost_events, events);
	table_count(d->lost_packets, packets);
	table_count(d->gaps, gaps);
	if (d->lost_events && d->lost_packets)
		report_note(r, "%s events and %s packets were lost: the figures are lower bounds",
			    events, packets);
	else if (d->lost_events || d->lost_packets)
		report_note(r, "%s %s lost: the figures are lower bounds",
			    d->lost_events ? events : packets,
			    d->lost_events ? "events were" : "packets were");
	else if (d->gaps)
		report_note(r, "%s times something was lost: the figures are lower bounds", gaps);
}

/* Tables would be empty without a reason. */
static void note_absent(const struct report *r, const struct kernel *k)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(k, &threads);

	if (!r->n_pids && !r->n_tids)
		return;
	for (size_t i = 0; i < n; i++) {
		if (report_wants(r, threads[i]))
			return;
	}
	report_note(r, "no thread that was asked for is in the trace");
}

void report_losses(struct report *r, const struct kernel_doubts *d, bool partial)
{
	if (r->json) {
		json_uint(&r->j, "lost_events", d->lost_events);
		json_uint(&r->j, "lost_packets", d->lost_packets);
		json_uint(&r->j, "gaps", d->gaps);
		json_uint(&r->j, "missing_switches", d->mismatches);
		json_uint(&r->j, "open_calls", d->calls_open);
	}
	note_losses(r, d);
	if (d->mismatches && !partial)
		report_note(r,
			    "%" PRIu64 " switches of threads are missing from the trace: the time "
			    "around them counts as unknown",
			    d->mismatches);
	if (d->calls_broken)
		report_note(r, "%" PRIu64 " system calls ended as another one: left out",
			    d->calls_broken);
	if (d->backward)
		report_note(r,
			    "time goes back at %" PRIu64
			    " events: what was known until there counts "
			    "as unknown",
			    d->backward);
	if (d->no_cpu)
		report_note(r, "%" PRIu64 " events are of no known CPU: left out", d->no_cpu);
	if (d->threads_over)
		report_note(r, "there are more than %d threads: some are left out",
			    KERNEL_THREADS_MOST);
}

void report_doubts(struct report *r, const struct kernel *k)
{
	note_absent(r, k);
	report_losses(r, kernel_doubts(k), note_partial(r, k));
}

void report_begin(struct report *r, size_t n_cpus, int64_t begin_ns, int64_t end_ns)
{
	char span[TABLE_VALUE_MOST], begin[TIME_TEXT_MOST];

	if (r->json) {
		json_object(&r->j, NULL);
		json_int(&r->j, "begin_ns", begin_ns);
		json_int(&r->j, "end_ns", end_ns);
		json_uint(&r->j, "n_cpus", n_cpus);
		return;
	}
	table_ns(ns_between(begin_ns, end_ns), span);
	time_text(begin_ns, begin);
	out_fmt(r->setup->out, "%zu CPU%s, %s from %s\n", n_cpus, n_cpus == 1 ? "" : "s", span,
		begin);
}

void report_end(struct report *r)
{
	if (r->json)
		json_end_object(&r->j);
}

void report_hosts_table(struct table *t, const struct kernel *k, struct table_column *copy,
			const struct table_column *cols, size_t n)
{
	struct kernel_host *const *hosts;

	sonde_check(n <= REPORT_COLUMNS_MOST);
	memcpy(copy, cols, n * sizeof(*cols));
	if (kernel_hosts(k, &hosts) > 1)
		copy[0].head = "HOST";
	table_init(t, copy, n);
}

void report_trace(struct table *t, const struct sonde_trace *trace)
{
	const struct sonde_env *e = sonde_trace_env(trace, "hostname");

	table_str(t, e && e->str ? e->str : trace->path ? trace->path : "?");
}

void report_host(struct table *t, const struct kernel_host *h)
{
	report_trace(t, h->trace);
}

void report_id(struct table *t, int64_t id)
{
	if (id >= 0)
		table_int(t, id);
	else
		table_none(t);
}

/* linux/interrupt.h; the same since 2.6.31 but for the sixth, once called BLOCK_IOPOLL. */
const char *report_softirq(int32_t vec)
{
	static const char *const names[] = { "HI",	 "TIMER",   "NET_TX", "NET_RX",	 "BLOCK",
					     "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU" };

	return vec >= 0 && (size_t)vec < MEM_LEN(names) ? names[vec] : "?";
}

static bool has_window(const struct report *r)
{
	return r->from_ns != INT64_MIN || r->to_ns != INT64_MAX;
}

int report_lacks(const struct report *r, bool recorded, const char *events, const char *options)
{
	if (recorded)
		return sonde_fail(-ENODATA, "there are no %s events in %s", events,
				  has_window(r) ? "that time"
						: "the trace, though they were recorded");
	return sonde_fail(-ENODATA, "the trace has no %s events; to record them: sonde record %s",
			  events, options);
}

void report_lack(const struct report *r, bool have, const char *events, const char *options)
{
	if (!have)
		report_note(r, "the trace has no %s events; to record them: sonde record %s",
			    events, options);
}

int report_table(struct report *r, struct table *t, const char *key, const char *title,
		 const char *sort, size_t most)
{
	if (r->sort && (!r->sorts_some || table_has(t, r->sort)))
		sort = r->sort;
	return report_beside(r, t, key, title, sort, most);
}

void report_sorts(struct report *r, const struct table_column *cols, size_t n)
{
	for (size_t i = 0; i < n && r->sort; i++)
		r->sorts_some |= cols[i].key && !strcmp(cols[i].key, r->sort);
}

void report_none(const struct report *r)
{
	out_fmt(r->setup->out, "  none%s in this %s\n",
		r->n_pids || r->n_tids ? " of what was asked for" : "",
		has_window(r) ? "window" : "trace");
}

int report_beside(struct report *r, struct table *t, const char *key, const char *title,
		  const char *sort, size_t most)
{
	if (sort) {
		int err = table_sort(t, sort);
		if (err < 0)
			return err;
	}
	const size_t rest = table_limit(t, report_most(r, most));

	int err = report_rows(r, t, key, title);
	if (err >= 0)
		report_rest(r, rest);
	return err;
}

size_t report_most(const struct report *r, size_t most)
{
	if (r->limit >= 0 || r->json)
		return r->limit > 0 ? (size_t)r->limit : 0;
	return most;
}

void report_rest(const struct report *r, size_t rest)
{
	if (rest && !r->json)
		out_fmt(r->setup->out, "  ... and %zu more (--limit 0 shows all)\n", rest);
}

int report_rows(struct report *r, const struct table *t, const char *key, const char *title)
{
	if (r->json)
		return table_json(t, &r->j, key);
	out_fmt(r->setup->out, "\n%s\n", title);
	if (!t->failed && !table_rows(t)) {
		report_none(r);
		return 0;
	}
	return table_print(t, r->setup->out, 2, (unsigned)r->width);
}
