/* SPDX-License-Identifier: MIT */
/** sonde crash CORE report: one page of what happened. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sonde/err.h>

#include "crash/debug/debug.h"
#include "crash/linux/show/show.h"
#include "crash/verbs/frame.h"

enum { LINES = 12, LINE_MOST = 256 };

struct report {
	struct page page;
	struct linux_kernel *k;
	struct crash_tasks tasks;
	struct linux_cause cause;
	char last[LINES][LINE_MOST];
	size_t n_lines;
};

static int look_at_line(void *arg, const struct crash_message *m)
{
	struct report *r = arg;
	char *line = r->last[r->n_lines++ % LINES];
	size_t len = strnlen(m->text, m->len);

	(void)snprintf(line, LINE_MOST, "[%5llu.%06llu] %.*s",
		       (unsigned long long)(m->ns / 1000000000),
		       (unsigned long long)(m->ns / 1000 % 1000000),
		       (int)(len < LINE_MOST ? len : LINE_MOST), m->text);
	linux_cause_look(&r->cause, m);
	return 0;
}

static void show_head(struct report *r)
{
	struct linux_kernel *k = r->k;
	struct page *p = &r->page;
	char text[LINE_MOST], other[LINE_MOST];
	uint64_t v;

	bool named = linux_uts(k, "version", text, sizeof(text));
	page_fact_fmt(p, "kernel", "Kernel", "Linux %s%s%s", k->release, named ? " " : "",
		      named ? text : "");
	if (linux_uts(k, "nodename", text, sizeof(text)))
		page_fact_fmt(p, "host", "Host", "%s (%s)", text,
			      linux_uts(k, "machine", other, sizeof(other)) ? other : "?");
	if (linux_time(k, &v)) {
		const time_t t = (time_t)v;
		struct tm tm;

		// With its zone, as the machine may have been in another one.
		if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%F %T %Z", &tm))
			page_fact(p, "time", "Time", text);
	}
	if (linux_uptime_ns(k, &v)) {
		table_ns((int64_t)v, text);
		page_fact_fmt(p, "uptime", "Uptime",
			      "%" PRIu64 " d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
			      v / 86400000000000, v / 3600000000000 % 24, v / 60000000000 % 60,
			      v / 1000000000 % 60);
	}
	dump_describe(k->core->dump, text, sizeof(text));
	page_fact(p, "dump", "Dump", text);
	page_fact(p, "panic", "Panic", *r->cause.panic ? r->cause.panic : "none: it was running");
	page_fact(p, "cause", "Cause", *r->cause.text && !r->cause.rank ? r->cause.text : NULL);
}

static void show_load(struct report *r)
{
	struct linux_kernel *k = r->k;
	uint64_t at, load[3], online = 0;

	for (size_t i = 0; i < k->n_cpus; i++)
		online += k->cpus[i].online;
	page_fact_fmt(&r->page, "cpus", "CPUs", "%" PRIu64 " online of %zu", online, k->n_cpus);
	if (linux_symbol(k, "avenrun", &at) && !linux_read(k, at, load, sizeof(load)))
		page_fact_fmt(&r->page, "load", "Load", "%.2f %.2f %.2f", (double)load[0] / 2048,
			      (double)load[1] / 2048, (double)load[2] / 2048);
}

static void show_memory(struct report *r)
{
	struct linux_kernel *k = r->k;
	const double mib = (double)linux_page_size(k) / (1 << 20);
	uint64_t total;
	int64_t n;

	if (!linux_pages_total(k, &total))
		return;
	char text[LINE_MOST];
	int len = snprintf(text, sizeof(text), "%.0f MiB", (double)total * mib);
	static const char *const kinds[][2] = {
		{ "NR_FREE_PAGES", "free" },
		{ "NR_FILE_PAGES", "cached" },
		{ "NR_ANON_MAPPED", "anonymous" },
		{ "NR_SLAB_UNRECLAIMABLE_B", "slabs that stay" },
		{ "NR_SLAB_RECLAIMABLE_B", "slabs" },
	};
	for (size_t i = 0; i < MEM_LEN(kinds) && len > 0 && (size_t)len < sizeof(text); i++) {
		if (linux_pages_of(k, kinds[i][0], &n))
			len += snprintf(text + len, sizeof(text) - (size_t)len, ", %.1f %s",
					(double)n * mib, kinds[i][1]);
	}
	page_fact(&r->page, "memory", "Memory", text);
}

static void show_states(struct report *r)
{
	char text[LINE_MOST] = "";
	size_t done = 0, len = 0, n = 0;
	bool seen[256] = { false };

	for (size_t i = 0; i < r->tasks.n; i++)
		n += !r->tasks.all[i].is_idle;
	for (size_t i = 0; i < r->tasks.n; i++) {
		const struct crash_task *t = &r->tasks.all[i];
		size_t same = 0;

		if (seen[(unsigned char)t->state] || t->is_idle)
			continue;
		seen[(unsigned char)t->state] = true;
		for (size_t j = i; j < r->tasks.n; j++)
			same += r->tasks.all[j].state == t->state && !r->tasks.all[j].is_idle;
		int put = snprintf(text + len, sizeof(text) - len, "%s%zu %s", done++ ? ", " : "",
				   same, t->state_name);
		len = put < 0 || len + (size_t)put >= sizeof(text) ? len : len + (size_t)put;
	}
	page_fact_fmt(&r->page, "tasks", "Tasks", "%zu: %s%s%s", n, text,
		      r->tasks.cut ? "; there are more: " : "", r->tasks.cut ? r->tasks.cut : "");
}

static int show_crash(struct report *r)
{
	struct crash_stack s = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < r->tasks.n; i++) {
		const struct crash_task *t = &r->tasks.all[i];

		if (!t->crashed)
			continue;
		page_fact_fmt(&r->page, "crashed", "Crashed", "CPU %d in %lld %s", t->cpu,
			      (long long)t->tid, t->comm);
		err = linux_stack(r->k->core, t, &s);
		if (!err)
			err = page_stack(&r->page, "stack", "Stack of the crash", &s);
		break;
	}
	crash_stack_fini(&s);
	return err;
}

static const struct table_column cpu_columns[] = {
	{ "cpu", "CPU", TABLE_ID },	  { "queued", "QUEUED", TABLE_COUNT },
	{ "tid", "TID", TABLE_ID },	  { "comm", "TASK", TABLE_TEXT },
	{ "where", "WHERE", TABLE_TEXT },
};

static const struct crash_task *task_on(const struct report *r, size_t cpu)
{
	for (size_t i = 0; i < r->tasks.n; i++) {
		if (r->tasks.all[i].on_cpu && r->tasks.all[i].cpu == (int)cpu)
			return &r->tasks.all[i];
	}
	return NULL;
}

static const char *where(struct report *r, const struct crash_stack *s)
{
	char text[LINE_MOST] = "";
	size_t len = 0;

	if (!s->n)
		return s->user_pc ? "user code" : s->cut ? s->cut : "?";
	for (size_t i = 0; i < s->n && i < 3; i++) {
		int put = snprintf(text + len, sizeof(text) - len, "%s%s", i ? " < " : "",
				   s->frames[i].symbol.name ? s->frames[i].symbol.name : "?");
		len = put < 0 || len + (size_t)put >= sizeof(text) ? len : len + (size_t)put;
	}
	return linux_keep(r->k, "%s", text);
}

static int show_cpus(struct report *r)
{
	struct linux_kernel *k = r->k;
	struct crash_stack s = { 0 };
	struct table t;
	struct kfield queued;
	uint64_t rq = 0, v;
	int err = 0;

	table_init(&t, cpu_columns, MEM_LEN(cpu_columns));
	(void)kfield_find(k->types, "struct rq", "nr_running", &queued);
	(void)linux_symbol(k, "runqueues", &rq); // reading at 0 finds nothing
	for (size_t i = 0; !err && i < k->n_cpus; i++) {
		const struct crash_task *task = task_on(r, i);

		if (!k->cpus[i].online)
			continue;
		table_int(&t, (int64_t)i);
		if (k->cpus[i].has_memory &&
		    !linux_read_field(k, rq + k->cpus[i].offset, &queued, &v))
			table_int(&t, (int64_t)v);
		else
			table_none(&t);
		if (task)
			err = linux_stack(k->core, task, &s);
		if (task)
			table_int(&t, task->tid);
		else
			table_none(&t);
		table_str(&t, task ? task->comm : "?");
		table_str(&t, task ? where(r, &s) : "?");
	}
	if (!err)
		err = page_table(&r->page, "cpu_table", "CPUs", &t);
	table_fini(&t);
	crash_stack_fini(&s);
	return err;
}

static void show_oddity(void *arg, const char *line)
{
	page_line(&((struct report *)arg)->page, line);
}

static int show(struct report *r)
{
	// What cannot be read takes only its own place away.
	int err = linux_log(r->k->core, look_at_line, r);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		r->page.run->note(sonde_err_str());
	show_head(r);
	show_load(r);
	show_memory(r);
	show_states(r);
	err = show_crash(r);
	if (!err)
		err = show_cpus(r);
	if (err < 0)
		return err;
	if (crash_debug_problem(r->k->core))
		r->page.run->note(crash_debug_problem(r->k->core));
	page_lines_begin(&r->page, "oddities", "Oddities");
	err = linux_oddities(r->k, &r->tasks, show_oddity, r);
	page_lines_end(&r->page);
	size_t first = r->n_lines > LINES ? r->n_lines - LINES : 0;
	page_lines_begin(&r->page, "log", "Last messages");
	for (size_t i = first; i < r->n_lines; i++)
		page_line(&r->page, r->last[i % LINES]);
	page_lines_end(&r->page);
	return err;
}

static int run(struct crash_run *run)
{
	sonde_auto(mem_freep) struct report *r = calloc(1, sizeof(*r));
	if (!r)
		return sonde_fail(-ENOMEM, "out of memory");
	r->k = linux_of(run->core);
	linux_cause_begin(&r->cause);
	int err = linux_tasks(run->core, &r->tasks);
	if (err < 0)
		return err;
	page_begin(&r->page, run, "Crash report");
	err = show(r);
	page_end(&r->page);
	crash_tasks_fini(&r->tasks);
	return err;
}

const struct crash_verb linux_report = {
	.name = "report",
	.args = "",
	.summary = "One page of what happened",
	.has_html = true,
	.run = run,
};
