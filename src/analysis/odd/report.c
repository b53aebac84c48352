/* SPDX-License-Identifier: MIT */
/** Report anomalies: what is odd in a trace, the worst first, and what shows more of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/odd/watch.h"
#include "analysis/report.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "graph/component.h"
#include "model/host.h"

enum { ROWS = 20, LINE_MOST = 400 };

struct odd_report {
	struct report report;
	struct odd_list list;
	struct odd_watch *watch; /* owned */
	struct arena arena;	 /* texts */
	bool failed;
};

static int odd_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct odd_report *s = sonde_component_state(c);
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	if (s->report.sort)
		return sonde_fail(-EINVAL,
				  "report anomalies takes no --sort: the worst comes first");
	return odd_watch_new(&s->list, s->report.from_ns, s->report.to_ns, &s->watch);
}

static void odd_fini(struct sonde_component *c)
{
	struct odd_report *s = sonde_component_state(c);

	odd_watch_free(s->watch);
	odd_list_fini(&s->list);
	arena_fini(&s->arena);
}

static int odd_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct odd_report *s = sonde_component_state(c);

	return odd_watch_consume(s->watch, in);
}

/* With -p or --tid only what befell those, or what they did. */
static bool is_wanted(const void *arg, const struct odd_suspect *s)
{
	const struct report *r = arg;

	if (!r->n_pids && !r->n_tids)
		return true;
	return (s->thread && report_wants(r, s->thread)) || (s->by && report_wants(r, s->by));
}

/* What it is, in words. */

static void put_name(struct strbuf *b, const char *name)
{
	for (; *name; name++)
		strbuf_fmt(b, "%c", (unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
}

static void put_thread(struct strbuf *b, const struct kernel_thread *t)
{
	put_name(b, t->name[0] ? t->name : "?");
	strbuf_fmt(b, " (%" PRId64 ")", t->tid);
}

static void put_ns(struct strbuf *b, const char *before, int64_t ns, const char *after)
{
	char text[TABLE_VALUE_MOST];

	table_ns(ns, text);
	strbuf_fmt(b, "%s%s%s", before, text, after);
}

/* "3 times, the longest 40.1 ms" */
static void put_times(struct strbuf *b, const struct odd_find *f)
{
	if (f->n == 1) {
		put_ns(b, ": ", f->worst.lost_ns, "");
		return;
	}
	strbuf_fmt(b, ": %" PRIu64 " times,", f->n);
	put_ns(b, " the longest ", f->worst.lost_ns, "");
}

static void put_what(const struct odd_report *s, const struct odd_find *f, struct strbuf *b)
{
	static const char *const ops[KERNEL_IO_N_OPS] = { "read", "write", "discard", "flush",
							  "request" };
	const struct odd_suspect *w = &f->worst;
	const struct kernel *k = odd_watch_kernel(s->watch);
	char disk[KERNEL_DISK_MOST];

	if (w->thread && w->kind != ODD_REQUEST && w->kind != ODD_CONVOY) {
		put_thread(b, w->kind == ODD_HOG ? w->by : w->thread);
		if (f->n_threads > 1)
			strbuf_fmt(b, " and %" PRIu64 " more of that name", f->n_threads - 1);
		strbuf_str(b, " ");
	}
	switch (w->kind) {
	case ODD_BLOCKED:
		strbuf_fmt(b, "slept uninterruptibly%s%s", w->what ? " in " : "",
			   w->what ? kernel_call_name(k, (uint32_t)w->what) : "");
		break;
	case ODD_LATE: strbuf_str(b, "waited long for a CPU behind several others"); break;
	case ODD_HOG: strbuf_str(b, "had the CPU while others waited for it"); break;
	case ODD_IDLE: strbuf_str(b, "waited for a CPU while another was idle"); break;
	case ODD_CALL:
		strbuf_fmt(b, "was long in %s", kernel_call_name(k, (uint32_t)w->what));
		break;
	case ODD_REQUEST:
		kernel_disk_name(w->host, (uint32_t)w->what, disk);
		strbuf_fmt(b, "%s of disk ", ops[w->what >> 32]);
		put_name(b, disk);
		strbuf_str(b, " took long");
		break;
	case ODD_LOCK: strbuf_fmt(b, "waited for lock 0x%" PRIx64, w->what); break;
	default: break;
	}
}

static void put_longest(const struct odd_find *f, struct strbuf *b)
{
	const struct odd_suspect *w = &f->worst;

	put_times(b, f);
	if (w->kind == ODD_HOG) {
		strbuf_str(b, " for ");
		put_thread(b, w->thread);
	}
	if (w->cpu >= 0 && w->kind != ODD_IDLE)
		strbuf_fmt(b, " on CPU %" PRId32, w->cpu);
	if (w->kind == ODD_LOCK && w->by) {
		strbuf_str(b, ", held by ");
		put_thread(b, w->by);
	}
	if (f->usual_ns)
		put_ns(b, "; usual is ", f->usual_ns, "");
}

/* Those that are not one thread's: all of the words. */
static void put_sum(const struct odd_find *f, struct strbuf *b)
{
	const struct odd_suspect *w = &f->worst;
	const int64_t ns = ns_between(f->begin_ns, f->end_ns);

	switch (w->kind) {
	case ODD_QUEUE:
		strbuf_fmt(b, "up to %" PRIu64 " threads at once waited for CPUs, for", w->what);
		put_ns(b, " ", ns, "");
		break;
	case ODD_CONVOY:
		strbuf_fmt(b, "a convoy at lock 0x%" PRIx64 ": %" PRIu64 " waits in", w->what,
			   f->n);
		put_ns(b, " ", ns, ", as of ");
		put_thread(b, w->thread);
		if (w->by) {
			strbuf_str(b, ", behind ");
			put_thread(b, w->by);
		}
		break;
	case ODD_IRQ:
	case ODD_SOFTIRQ:
		if (w->kind == ODD_IRQ)
			strbuf_fmt(b, "interrupt %" PRId32, (int32_t)w->what);
		else
			strbuf_fmt(b, "softirq %s", report_softirq((int32_t)w->what));
		if (w->kind == ODD_IRQ && *kernel_irq_names(w->host, (int32_t)w->what)) {
			strbuf_str(b, " ");
			put_name(b, kernel_irq_names(w->host, (int32_t)w->what));
		}
		strbuf_fmt(b, " ran %" PRIu64 " times on CPU %" PRId32, f->n, w->cpu);
		put_ns(b, ", up to ", w->lost_ns, "");
		put_ns(b, " of ", ns_between(w->begin_ns, w->end_ns), "");
		break;
	case ODD_LOST:
		if (w->what == SONDE_GAP_CUT)
			strbuf_fmt(b, "%" PRIu64 " packets are cut or damaged", f->n);
		else
			strbuf_fmt(b, "%" PRIu64 " %s lost: what happened then is not known", f->n,
				   w->what == SONDE_GAP_LOST_PACKETS ? "packets were"
								     : "events were");
		break;
	case ODD_BACKWARD: strbuf_fmt(b, "a clock ran backwards %" PRIu64 " times", f->n); break;
	default: break;
	}
}

/* The command that shows more. */

/* So that a shell takes it as it is. */
static void put_quoted(struct strbuf *b, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-./,:+@%";
	bool control = false;

	if (*text && *text != '-' && strspn(text, plain) == strlen(text)) {
		strbuf_str(b, text);
		return;
	}
	for (const char *c = text; *c; c++)
		control |= (unsigned char)*c < ' ' || *c == 0x7f;
	strbuf_str(b, control ? "$'" : "'");
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			strbuf_fmt(b, "\\%03o", (unsigned char)*c);
		else if (control && (*c == '\'' || *c == '\\'))
			strbuf_fmt(b, "\\%c", *c);
		else if (*c == '\'')
			strbuf_str(b, "'\\''");
		else
			strbuf_add(b, c, 1);
	}
	strbuf_str(b, "'");
}

/* Seconds: a plain number of ns would be taken for seconds where the clock counts from the boot. */
static void put_time(struct strbuf *b, const char *option, int64_t ns)
{
	strbuf_fmt(b, " --%s %" PRId64 ".%09" PRId64, option, ns / 1000000000, ns % 1000000000);
}

static void put_traces(const struct odd_report *s, struct strbuf *b)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(odd_watch_kernel(s->watch), &hosts);

	// All of them, as their clocks are brought together by each other.
	for (size_t i = 0; i < n; i++) {
		const char *path = hosts[i]->trace->path;

		if (!path)
			continue;
		strbuf_str(b, *path == '-' ? " ./" : " ");
		put_quoted(b, path);
	}
}

static void put_command(const struct odd_report *s, const struct odd_find *f, struct strbuf *b)
{
	static const char *const reports[ODD_N_KINDS] = {
		[ODD_BLOCKED] = "critical-path",
		[ODD_LATE] = "sched",
		[ODD_HOG] = "cpu",
		[ODD_QUEUE] = "sched",
		[ODD_IDLE] = "cpu",
		[ODD_CALL] = "syscalls",
		[ODD_REQUEST] = "block",
		[ODD_LOCK] = "locks",
		[ODD_CONVOY] = "locks",
		[ODD_IRQ] = "irq",
		[ODD_SOFTIRQ] = "irq",
	};
	const struct odd_suspect *w = &f->worst;
	const bool of_thread = w->kind == ODD_BLOCKED || w->kind == ODD_LATE || w->kind == ODD_CALL;

	if (!reports[w->kind]) {
		strbuf_str(b, "sonde stats");
		put_traces(s, b);
		return;
	}
	strbuf_fmt(b, "sonde report %s", reports[w->kind]);
	if (w->kind == ODD_CALL)
		strbuf_str(b, " --per-thread");
	if (of_thread)
		strbuf_fmt(b, " --tid %" PRId64, w->thread->tid);
	// Times before 1970 would be taken for times before the end.
	const bool whole = w->kind == ODD_CONVOY || w->kind == ODD_QUEUE;
	const int64_t from = whole ? f->begin_ns : w->begin_ns;
	const int64_t to = whole ? f->end_ns : w->end_ns;
	if (from >= 0) {
		put_time(b, "from", from);
		put_time(b, "to", to);
	}
	put_traces(s, b);
}

/* The report. */

static const struct table_column columns[] = {
	{ "lost_ns", NULL, TABLE_NS },
	{ "kind", NULL, TABLE_TEXT },
	{ "host", NULL, TABLE_TEXT },
	{ "tid", NULL, TABLE_ID },
	{ "pid", NULL, TABLE_ID },
	{ "thread", NULL, TABLE_TEXT },
	{ "by_tid", NULL, TABLE_ID },
	{ "by_thread", NULL, TABLE_TEXT },
	{ "cpu", NULL, TABLE_ID },
	{ "threads", NULL, TABLE_COUNT },
	{ "count", NULL, TABLE_COUNT },
	{ "longest_ns", NULL, TABLE_NS },
	{ "usual_ns", NULL, TABLE_NS },
	{ "longest_begin_ns", NULL, TABLE_ID },
	{ "longest_end_ns", NULL, TABLE_ID },
	{ "begin_ns", NULL, TABLE_ID },
	{ "end_ns", NULL, TABLE_ID },
	{ "text", NULL, TABLE_TEXT },
	{ "command", NULL, TABLE_TEXT },
};

static const char *keep(struct odd_report *s, struct strbuf *b)
{
	const char *text = b->failed ? NULL : arena_strndup(&s->arena, strbuf_text(b), b->len);

	s->failed |= !text;
	b->len = 0;
	return text ? text : "";
}

static void add_row(struct odd_report *s, struct table *t, const struct odd_find *f,
		    const char *text, const char *command)
{
	const struct odd_suspect *w = &f->worst;

	(void)s;
	table_int(t, f->lost_ns);
	table_str(t, odd_rules[w->kind].name);
	report_host(t, w->host);
	report_id(t, w->thread ? w->thread->tid : -1);
	report_id(t, w->thread ? w->thread->pid : -1);
	if (w->thread)
		table_str(t, w->thread->name);
	else
		table_none(t);
	report_id(t, w->by ? w->by->tid : -1);
	if (w->by)
		table_str(t, w->by->name);
	else
		table_none(t);
	report_id(t, w->cpu);
	table_int(t, w->thread ? (int64_t)f->n_threads : 0);
	table_int(t, (int64_t)f->n);
	table_int(t, w->lost_ns);
	table_int(t, f->usual_ns);
	table_int(t, w->begin_ns);
	table_int(t, w->end_ns);
	table_int(t, f->begin_ns);
	table_int(t, f->end_ns);
	table_str(t, text);
	table_str(t, command);
}

static void show_one(struct odd_report *s, size_t nr, bool with_host, int64_t begin_ns,
		     const struct odd_find *f, const char *text, const char *command)
{
	struct sonde_out *o = s->report.setup->out;
	char lost[TABLE_VALUE_MOST], at[TABLE_VALUE_MOST];

	table_ns(f->lost_ns, lost);
	table_ns(ns_between(begin_ns, f->worst.begin_ns), at);
	out_fmt(o, "\n%3zu  %10s  ", nr, lost);
	if (with_host)
		out_fmt(o, "%s: ", host_name(f->worst.host->trace));
	out_fmt(o, "%s, at %s\n                 %s\n", text, at, command);
}

static int show(struct odd_report *s, int64_t begin_ns)
{
	const size_t most = s->report.limit > 0			     ? (size_t)s->report.limit
			    : s->report.limit == 0 || s->report.json ? SIZE_MAX
								     : ROWS;
	struct kernel_host *const *hosts;
	const bool several = kernel_hosts(odd_watch_kernel(s->watch), &hosts) > 1;
	sonde_auto(strbuf_fini) struct strbuf b = { 0 };
	struct table t;
	size_t n = 0;

	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < s->list.n_finds; i++) {
		const struct odd_find *f = &s->list.finds[i];

		if (n++ >= most)
			continue;
		put_what(s, f, &b);
		if (b.len)
			put_longest(f, &b);
		else
			put_sum(f, &b);
		const char *text = keep(s, &b);
		put_command(s, f, &b);
		const char *command = keep(s, &b);
		if (s->report.json)
			add_row(s, &t, f, text, command);
		else
			show_one(s, n, several, begin_ns, f, text, command);
	}
	int r = s->report.json ? table_json(&t, &s->report.j, "anomalies") : 0;
	table_fini(&t);
	if (!s->report.json && !n)
		out_str(s->report.setup->out, "\nNothing odd.\n");
	if (!s->report.json && n > most)
		out_fmt(s->report.setup->out, "\n  ... and %zu more (--limit 0 shows all)\n",
			n - most);
	if (s->failed && r >= 0)
		r = sonde_fail(-ENOMEM, "out of memory for the report");
	return r;
}

static int odd_finish(struct sonde_component *c)
{
	struct odd_report *s = sonde_component_state(c);
	struct kernel_cpu *const *cpus;
	int64_t begin, end;
	int r = odd_watch_finish(s->watch);

	if (r >= 0)
		r = odd_judge(&s->list, is_wanted, &s->report);
	const struct kernel *k = odd_watch_kernel(s->watch);

	if (r < 0)
		return r;
	r = kernel_span(k, &begin, &end);
	if (r < 0)
		return r;
	if (!(kernel_sources(k) & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report, kernel_recorded(k) & KERNEL_HAS_SWITCH,
				    "sched_switch", "-e sched:sched_switch");
	report_begin(&s->report, kernel_cpus(k, &cpus), begin, end);
	r = show(s, begin);
	if (s->list.over)
		report_note(&s->report,
			    "%" PRIu64 " long waits were not looked at: there are too "
			    "many; --from and --to choose fewer",
			    s->list.over);
	report_lack(&s->report, kernel_recorded(k) & KERNEL_HAS_WAKING, "sched_waking",
		    "-e sched:sched_waking");
	report_doubts(&s->report, k);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_anomalies = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.anomalies",
	.help = "What is odd in a trace, the worst first, and which command shows more of it",
	.state_size = sizeof(struct odd_report),
	.init = odd_init,
	.fini = odd_fini,
	.consume = odd_consume,
	.finish = odd_finish,
};
