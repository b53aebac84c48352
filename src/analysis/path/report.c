/* SPDX-License-Identifier: MIT */
/** report critical-path: what made a thread take so long, whoever did it. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/command.h"
#include "analysis/path/sums.h"
#include "analysis/report.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/spill.h"
#include "base/time_text.h"
#include "graph/component.h"
#include "model/host.h"

enum { ROWS = 20, STEPS = 30, DEPTH_MOST = 40, TREE_NAME_MOST = 2 * DEPTH_MOST + 80 };

struct path_report {
	struct report report;
	const char *comm, *exec;  /* whose path; or NULL */
	const char *host;	  /* where that one ran; NULL: anywhere */
	bool of_command;	  /* that of the recorded command */
	const char *sort_sums;	  /* the tables of programs and threads */
	const char *sort_path;	  /* NULL: in order of time */
	struct exec_build *build; /* owned */
	struct path path;
	struct sums sums;
	uint32_t worker;
	int64_t from_ns; /* of the program's begin, for --exec */
};

/* The tables of programs and threads are sorted by any of these; the path, by the first. */
static int check_sort(struct path_report *s)
{
	static const char *const keys[] = { "ns", "share", "running_ns", "preempted_ns",
					    "waiting_ns" };
	const char *sort = s->report.sort;

	s->sort_sums = sort ? sort : "ns";
	for (size_t i = 0; sort && i < MEM_LEN(keys); i++) {
		if (!strcmp(sort, keys[i])) {
			s->sort_path = i ? NULL : sort;
			return 0;
		}
	}
	return !sort ? 0
		     : sonde_fail(-EINVAL,
				  "a critical path is not sorted by '%s', but by ns, share, "
				  "running_ns, preempted_ns or waiting_ns",
				  sort);
}

static int path_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct path_report *s = sonde_component_state(c);
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	s->comm = param_get(setup, "comm");
	s->exec = param_get(setup, "exec");
	s->host = param_get(setup, "host");
	const size_t n =
		s->report.n_tids + s->report.n_pids + (s->comm != NULL) + (s->exec != NULL);
	if (n > 1)
		return sonde_fail(-EINVAL, "whose path? name one: --tid, --pid, --comm or --exec");
	s->of_command = !n;
	r = check_sort(s);
	if (r < 0)
		return r;
	// What ended a wait that goes on behind the window tells what was waited for within it.
	return exec_build_new(s->report.from_ns, INT64_MAX, &s->build);
}

static void path_fini_report(struct sonde_component *c)
{
	struct path_report *s = sonde_component_state(c);

	exec_build_free(s->build);
	path_fini(&s->path);
	sums_fini(&s->sums);
}

static int path_take(struct sonde_component *c, const struct sonde_batch *in)
{
	struct path_report *s = sonde_component_state(c);

	return exec_build_consume(s->build, in);
}

/* Whose path. */

/* The best so far: what the recorded command did goes before what others did, then the longest. */
struct choice {
	size_t n; /* how many there were */
	bool recorded;
	int64_t len;
};

/* Where a worker's chain or the window ends. */
static int64_t end_of(const struct path_report *s, uint32_t worker)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	const int64_t end_ns = g->vertices[g->workers[worker].last].ts_ns;

	return end_ns < s->report.to_ns ? end_ns : s->report.to_ns;
}

/* How long a worker had a name, within its chain and the window; -1: it never had it. */
static int64_t named_for(const struct path_report *s, uint32_t worker, const char *name)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	int64_t sum = -1, until, at = g->vertices[g->workers[worker].first].ts_ns;
	const int64_t end = end_of(s, worker);

	do {
		const bool same = !strcmp(exec_build_name(s->build, worker, at, &until), name);
		const int64_t stop = until < end ? until : end;

		if (same)
			sum = ns_after(sum < 0 ? 0 : sum, ns_between(at, stop));
		at = until;
	} while (until < end);
	return sum;
}

/* Whether it did anything but wait. */
static bool has_run(const struct path_report *s, uint32_t worker)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	uint32_t v = g->workers[worker].first;
	int64_t at = g->vertices[v].ts_ns;

	for (; v != EXEC_NONE && at <= s->report.to_ns; v = g->vertices[v].next) {
		if (g->vertices[v].type == EXEC_RUNNING)
			return true;
		at = g->vertices[v].ts_ns;
	}
	return false;
}

static bool is_on_host(const struct path_report *s, uint32_t worker)
{
	return !s->host ||
	       !strcmp(s->host, host_name(exec_build_who(s->build, worker).host->trace));
}

/* How well a worker fits what was asked for; -1: not at all. Who only waited fits least. */
static int64_t rank_of(const struct path_report *s, uint32_t worker)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	const struct exec_worker *w = &g->workers[worker];
	const struct kernel_thread *t = exec_build_who(s->build, worker).thread;

	if (!t || w->first == EXEC_NONE || !is_on_host(s, worker) ||
	    g->vertices[w->first].ts_ns > s->report.to_ns)
		return -1;
	int64_t rank = ns_between(g->vertices[w->first].ts_ns, end_of(s, worker));
	if (s->report.n_tids && t->tid != s->report.tids[0])
		return -1;
	if (s->report.n_pids && t->tid != s->report.pids[0])
		return -1;
	if (s->of_command && !command_is(t->host->trace, t->tid))
		return -1;
	if (s->comm)
		rank = named_for(s, worker, s->comm);
	return rank > 0 && !has_run(s, worker) ? 0 : rank;
}

/* Fails if events of no such host were met. */
static int check_host(const struct path_report *s)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(exec_build_kernel(s->build), &hosts);
	size_t i = 0;

	while (s->host && i < n && strcmp(s->host, host_name(hosts[i]->trace)) != 0)
		i++;
	return !s->host || i < n ? 0 : sonde_fail(-ENODATA, "no trace is of host '%s'", s->host);
}

static void note_others(const struct path_report *s, const struct choice *best)
{
	const struct exec_who who = exec_build_who(s->build, s->worker);

	if (best->n > 1)
		report_note(&s->report,
			    "%zu threads fit; this is the path of %" PRId64 " on %s, the longest%s",
			    best->n, who.thread->tid, host_name(who.host->trace),
			    best->recorded && !s->of_command ? " of the recorded command's" : "");
}

static bool take_if_better(struct path_report *s, struct choice *best, uint32_t worker, int64_t len)
{
	const bool recorded = command_made(exec_build_who(s->build, worker).thread);

	if (len < 0)
		return false;
	best->n++;
	if (best->n > 1 && recorded <= best->recorded &&
	    (recorded < best->recorded || len <= best->len))
		return false;
	best->recorded = recorded;
	best->len = len;
	s->worker = worker;
	return true;
}

static int find_worker(struct path_report *s)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	struct choice best = { 0 };

	for (uint32_t i = 0; i < g->n_workers; i++) {
		const int64_t len = rank_of(s, i);

		if (len >= 0)
			(void)take_if_better(s, &best, i, len);
	}
	if (!best.n && s->comm)
		return sonde_fail(-ENODATA, "no thread called '%s' did anything then", s->comm);
	if (!best.n && s->of_command)
		return sonde_fail(-EINVAL, "whose path? the trace is not that of one command: name "
					   "one by --tid, --pid, --comm or --exec");
	if (!best.n)
		return sonde_fail(-ENODATA, "no thread %" PRId64 " did anything then",
				  s->report.n_tids ? s->report.tids[0] : s->report.pids[0]);
	note_others(s, &best);
	return 0;
}

/* A path fits as a whole; a name without folders fits the last part of a path. */
static bool is_file(const char *file, const char *wanted)
{
	const char *slash = strchr(wanted, '/') ? NULL : strrchr(file, '/');

	return !strcmp(slash ? slash + 1 : file, wanted);
}

/* The longest run of the program. */
static int find_exec(struct path_report *s)
{
	const struct exec_graph *g = exec_build_graph(s->build);
	struct choice best = { 0 };
	struct exec_start e;
	size_t n_all = 0, n_seen = 0;

	for (size_t i = 0; exec_build_exec(s->build, i, &e); i++) {
		const int64_t len = g->workers[e.worker].last == EXEC_NONE
					    ? 0
					    : ns_between(e.ts_ns, end_of(s, e.worker));

		n_all++;
		if (!is_file(e.file, s->exec) || !is_on_host(s, e.worker) ||
		    e.ts_ns > s->report.to_ns)
			continue;
		n_seen++;
		if (len > 0 && take_if_better(s, &best, e.worker, len))
			s->from_ns = e.ts_ns;
	}
	if (!n_all)
		return report_lacks(&s->report, false, "sched_process_exec",
				    "-e sched:sched_process_exec");
	if (!best.n && n_seen)
		return sonde_fail(-ENODATA,
				  "'%s' was begun, but no event tells what it did from then on",
				  s->exec);
	if (!best.n)
		return sonde_fail(-ENODATA, "nobody began to run '%s'", s->exec);
	note_others(s, &best);
	return 0;
}

static int find_path(struct path_report *s)
{
	s->from_ns = INT64_MIN;
	int r = check_host(s);

	if (r >= 0)
		r = s->exec ? find_exec(s) : find_worker(s);
	if (r >= 0)
		r = path_find_within(exec_build_graph(s->build), s->worker, s->from_ns,
				     s->report.to_ns, &s->path);
	return r < 0 ? r : sums_of(s->build, &s->path, &s->sums);
}

/* The tables. */

static const char *state_name(enum exec_type type, char ret[TABLE_VALUE_MOST])
{
	const char *name = exec_type_name(type);
	size_t i = 0;

	for (; i < TABLE_VALUE_MOST - 1 && name[i]; i++)
		ret[i] = (char)tolower((unsigned char)name[i]);
	ret[i] = '\0';
	return ret;
}

static const char *host_of(const struct path_report *s, uint32_t worker)
{
	return host_name(exec_build_who(s->build, worker).host->trace);
}

static double share(const struct path_report *s, int64_t ns)
{
	const int64_t all = s->path.end_ns - s->path.begin_ns;

	return all > 0 ? 100.0 * (double)ns / (double)all : 0;
}

static void add_ids(const struct path_report *s, struct table *t, uint32_t worker)
{
	const struct kernel_thread *th = exec_build_who(s->build, worker).thread;

	table_str(t, host_of(s, worker));
	if (th) {
		table_int(t, th->tid);
	} else {
		table_none(t);
	}
}

static int show_states(struct path_report *s)
{
	static const struct table_column cols[] = { { "state", "STATE", TABLE_TEXT },
						    { "ns", "TIME", TABLE_NS },
						    { "share", "SHARE", TABLE_PERCENT } };
	char names[EXEC_N_TYPES + 1][TABLE_VALUE_MOST];
	struct table t;

	table_init(&t, cols, MEM_LEN(cols));
	for (int i = 0; i <= EXEC_N_TYPES; i++) {
		const int64_t ns = i < EXEC_N_TYPES ? s->sums.by_type[i] : s->path.hops_ns;

		if (!ns)
			continue;
		table_str(&t, i < EXEC_N_TYPES ? state_name((enum exec_type)i, names[i]) : "hops");
		table_int(&t, ns);
		table_real(&t, share(s, ns));
	}
	int r = report_beside(&s->report, &t, "by_state", "By state", "ns", 0);
	table_fini(&t);
	return r;
}

static int show_hosts(struct path_report *s)
{
	static const struct table_column cols[] = { { "host", "HOST", TABLE_TEXT },
						    { "ns", "TIME", TABLE_NS },
						    { "share", "SHARE", TABLE_PERCENT } };
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(exec_build_kernel(s->build), &hosts);
	struct table t;

	table_init(&t, cols, MEM_LEN(cols));
	for (size_t i = 0; i < n; i++) {
		int64_t ns = 0;

		for (size_t k = 0; k < s->sums.n; k++) {
			const struct sums_part *p = &s->sums.parts[k];

			if (exec_build_who(s->build, p->worker).host == hosts[i])
				ns += p->self_ns;
		}
		table_str(&t, host_name(hosts[i]->trace));
		table_int(&t, ns);
		table_real(&t, share(s, ns));
	}
	int r = n > 1 || s->report.json
			? report_beside(&s->report, &t, "by_host", "By host", "ns", 0)
			: 0;
	table_fini(&t);
	return r;
}

/* The host's column, which is shown where there are several. */
static void hosts_column(const struct path_report *s, struct table_column *col)
{
	struct kernel_host *const *hosts;

	if (kernel_hosts(exec_build_kernel(s->build), &hosts) > 1)
		col->head = "HOST";
}

static int show_threads(struct path_report *s)
{
	struct table_column cols[] = {
		{ "host", NULL, TABLE_TEXT },
		{ "tid", "TID", TABLE_ID },
		{ "thread", "THREAD", TABLE_TEXT },
		{ "ns", "TIME", TABLE_NS },
		{ "share", "SHARE", TABLE_PERCENT },
		{ "running_ns", "RUNNING", TABLE_NS },
		{ "preempted_ns", "PREEMPTED", TABLE_NS },
		{ "waiting_ns", "WAITING", TABLE_NS },
	};
	struct table t;

	hosts_column(s, &cols[0]);
	table_init(&t, cols, MEM_LEN(cols));
	for (size_t i = 0; i < s->sums.n; i++) {
		const struct sums_part *p = &s->sums.parts[i];

		if (!p->self_ns)
			continue;
		add_ids(s, &t, p->worker);
		table_str(&t, p->name);
		table_int(&t, p->self_ns);
		table_real(&t, share(s, p->self_ns));
		table_int(&t, p->ns[EXEC_RUNNING]);
		table_int(&t, p->ns[EXEC_PREEMPTED]);
		table_int(&t, p->self_ns - p->ns[EXEC_RUNNING] - p->ns[EXEC_PREEMPTED]);
	}
	int r = report_beside(&s->report, &t, "by_thread", "By thread", s->sort_sums, ROWS);
	table_fini(&t);
	return r;
}

/* The host and, where it is one thread, its number. */
static void add_part(const struct path_report *s, struct table *t, const struct sums_part *p)
{
	if (p->runs == 1) {
		add_ids(s, t, p->worker);
		return;
	}
	table_str(t, host_of(s, p->worker));
	table_none(t);
}

static int show_programs(struct path_report *s)
{
	struct table_column cols[] = {
		{ "host", NULL, TABLE_TEXT },
		{ "program", "PROGRAM", TABLE_TEXT },
		{ "runs", "RUNS", TABLE_COUNT },
		{ "ns", "TIME", TABLE_NS },
		{ "share", "SHARE", TABLE_PERCENT },
		{ "running_ns", "RUNNING", TABLE_NS },
		{ "preempted_ns", "PREEMPTED", TABLE_NS },
		{ "waiting_ns", "WAITING", TABLE_NS },
	};
	sonde_auto(sums_fini) struct sums sums = { .root = EXEC_NONE };
	struct table t;
	int r = sums_fold(s->build, &s->sums, /* flat= */ true, &sums);
	if (r < 0)
		return r;
	hosts_column(s, &cols[0]);
	table_init(&t, cols, MEM_LEN(cols));
	for (size_t i = 0; i < sums.n; i++) {
		const struct sums_part *p = &sums.parts[i];

		table_str(&t, host_of(s, p->worker));
		table_str(&t, p->name);
		table_int(&t, p->runs);
		table_int(&t, p->self_ns);
		table_real(&t, share(s, p->self_ns));
		table_int(&t, p->ns[EXEC_RUNNING]);
		table_int(&t, p->ns[EXEC_PREEMPTED]);
		table_int(&t, p->self_ns - p->ns[EXEC_RUNNING] - p->ns[EXEC_PREEMPTED]);
	}
	r = report_beside(&s->report, &t, "by_program", "By program", s->sort_sums, ROWS);
	table_fini(&t);
	return r;
}

/* What the tree's cells point to. */
struct tree_text {
	char name[TREE_NAME_MOST];
};

/* Without --limit 0, those of one name below one other are put together. */
static int show_tree(struct path_report *s)
{
	struct table_column cols[] = {
		{ "host", NULL, TABLE_TEXT },
		{ "tid", "TID", TABLE_ID },
		{ NULL, "PROGRAM", TABLE_TEXT },
		{ "program", NULL, TABLE_TEXT },
		{ "depth", NULL, TABLE_ID },
		{ NULL, "RUNS", TABLE_COUNT },
		{ "total_ns", "WITH CHILDREN", TABLE_NS },
		{ "share", "SHARE", TABLE_PERCENT },
		{ "self_ns", "ITSELF", TABLE_NS },
	};
	const bool fold = !s->report.json && s->report.limit;
	sonde_auto(sums_fini) struct sums folded = { .root = EXEC_NONE };
	const struct sums *sums = fold ? &folded : &s->sums;
	int r = fold ? sums_fold(s->build, &s->sums, /* flat= */ false, &folded) : 0;
	if (r < 0)
		return r;
	sonde_auto(mem_freep) struct tree_text *texts = calloc(sums->n + 1, sizeof(*texts));
	struct table t;
	unsigned depth = 0;
	size_t n = 0;

	if (!texts)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	hosts_column(s, &cols[0]);
	if (!fold)
		cols[5].head = NULL;
	table_init(&t, cols, MEM_LEN(cols));
	for (uint32_t i = sums->root; i != EXEC_NONE; i = sums_next(sums, i, &depth)) {
		const struct sums_part *p = &sums->parts[i];
		const unsigned shown = depth < DEPTH_MOST ? depth : DEPTH_MOST;

		if (!p->total_ns)
			continue;
		(void)snprintf(texts[n].name, sizeof(texts[n].name), "%*s%s", 2 * (int)shown, "",
			       p->name);
		add_part(s, &t, p);
		table_str(&t, texts[n++].name);
		table_str(&t, p->name);
		table_int(&t, depth);
		table_int(&t, p->runs);
		table_int(&t, p->total_ns);
		table_real(&t, share(s, p->total_ns));
		table_int(&t, p->self_ns);
	}
	r = report_rows(&s->report, &t, "tree", "Programs, each below what started it");
	table_fini(&t);
	return r;
}

struct state_names {
	char text[EXEC_N_TYPES][TABLE_VALUE_MOST];
};

static void add_step(const struct path_report *s, struct table *t, const struct state_names *names,
		     const struct sums_step *x)
{
	static const char *const kinds[] = { "segment", "hop" };
	const bool is_hop = x->from_part != EXEC_NONE;
	const char *label = exec_build_label(s->build, x->step.label);

	table_int(t, x->step.begin_ns - s->path.begin_ns);
	table_int(t, x->step.begin_ns);
	table_int(t, x->step.end_ns);
	table_int(t, x->step.end_ns - x->step.begin_ns);
	add_ids(s, t, x->step.worker);
	table_str(t, s->sums.parts[x->part].name);
	table_str(t, kinds[is_hop]);
	table_str(t,
		  is_hop && x->step.type == EXEC_DEFAULT ? "goes on" : names->text[x->step.type]);
	table_str(t,
		  x->step.call ? kernel_call_name(exec_build_kernel(s->build), x->step.call) : "");
	table_str(t, label ? label : "");
	if (is_hop) {
		add_ids(s, t, x->step.from);
		table_str(t, s->sums.parts[x->from_part].name);
		return;
	}
	table_none(t);
	table_none(t);
	table_str(t, "");
}

/* Paths of long traces have many steps: no more of them become rows at once than are shown. */
static int write_steps(struct path_report *s, struct table *t, const struct state_names *names,
		       size_t most)
{
	enum { AT_ONCE = 1 << 12 };
	const bool all = s->sort_path;
	const size_t n = most && !all && most < s->sums.n_steps ? most : s->sums.n_steps;
	const bool streams = s->report.json && !all;
	int r = 0;

	if (streams)
		json_array(&s->report.j, "path");
	for (size_t i = 0; i < n && r >= 0; i++) {
		add_step(s, t, names, &s->sums.steps[i]);
		if (streams && (i + 1) % AT_ONCE == 0)
			r = table_json_rows(t, &s->report.j);
		if ((i + 1) % AT_ONCE == 0)
			spill_trim(&s->sums.steps_mem);
	}
	if (r >= 0 && !streams)
		return report_beside(&s->report, t, "path", "Path", s->sort_path, most);
	if (r >= 0)
		r = table_json_rows(t, &s->report.j);
	json_end_array(&s->report.j);
	return r;
}

static int show_steps(struct path_report *s)
{
	struct table_column cols[] = {
		{ NULL, "FROM BEGIN", TABLE_NS },   { "begin_ns", NULL, TABLE_ID },
		{ "end_ns", NULL, TABLE_ID },	    { "ns", "TIME", TABLE_NS },
		{ "host", NULL, TABLE_TEXT },	    { "tid", "TID", TABLE_ID },
		{ "thread", "THREAD", TABLE_TEXT }, { "kind", NULL, TABLE_TEXT },
		{ "state", "STATE", TABLE_TEXT },   { "call", "IN CALL", TABLE_TEXT },
		{ "by", "BY", TABLE_TEXT },	    { "from_host", NULL, TABLE_TEXT },
		{ "from_tid", NULL, TABLE_ID },	    { "from_thread", "FROM", TABLE_TEXT },
	};
	const size_t most = report_most(&s->report, STEPS);
	struct state_names names = { 0 };
	struct table t;

	hosts_column(s, &cols[4]);
	for (int i = 0; i < EXEC_N_TYPES; i++)
		(void)state_name((enum exec_type)i, names.text[i]);
	table_init(&t, cols, MEM_LEN(cols));
	int r = write_steps(s, &t, &names, most);
	if (r >= 0 && most && !s->sort_path && s->sums.n_steps > most)
		report_rest(&s->report, s->sums.n_steps - most);
	table_fini(&t);
	return r;
}

static void begin(struct path_report *s)
{
	const struct exec_who who = exec_build_who(s->build, s->worker);
	const int64_t ns = s->path.end_ns - s->path.begin_ns;
	char text[TABLE_VALUE_MOST], when[TIME_TEXT_MOST];
	int64_t until;

	if (s->report.json) {
		struct json *j = &s->report.j;

		json_object(j, NULL);
		json_int(j, "begin_ns", s->path.begin_ns);
		json_int(j, "end_ns", s->path.end_ns);
		json_str(j, "host", host_of(s, s->worker));
		json_int(j, "tid", who.thread->tid);
		json_str(j, "thread", exec_build_name(s->build, s->worker, s->path.end_ns, &until));
		json_int(j, "duration_ns", ns);
		json_int(j, "segments_ns", s->path.segments_ns);
		json_int(j, "hops_ns", s->path.hops_ns);
		json_bool(j, "adds_up", path_adds_up(&s->path));
		return;
	}
	table_ns(ns, text);
	time_text(s->path.begin_ns, when);
	out_fmt(s->report.setup->out, "Critical path of %s (%" PRId64 ") on %s: %s from %s\n",
		exec_build_name(s->build, s->worker, s->path.end_ns, &until), who.thread->tid,
		host_of(s, s->worker), text, when);
}

/* Always: what the path's parts sum up to. */
static void show_check(struct path_report *s)
{
	const int64_t ns = s->path.end_ns - s->path.begin_ns;

	if (!s->report.json)
		out_fmt(s->report.setup->out,
			"\nSum check: segments %" PRId64 " ns + hops %" PRId64 " ns = %" PRId64
			" ns, %s\n",
			s->path.segments_ns, s->path.hops_ns, s->path.segments_ns + s->path.hops_ns,
			path_adds_up(&s->path) ? "the whole time" : "WHICH IS NOT THE WHOLE TIME");
	if (!path_adds_up(&s->path))
		report_note(&s->report,
			    "the path does not add up to %" PRId64 " ns: please report "
			    "this",
			    ns);
}

static void note_packets(const struct path_report *s)
{
	struct kernel_host *const *hosts;
	uint64_t seen, matched;

	exec_build_packets(s->build, &seen, &matched);
	if (kernel_hosts(exec_build_kernel(s->build), &hosts) > 1 && !matched)
		report_note(&s->report, "no packet was seen at both ends: the path stays on one "
					"host");
	report_lack(&s->report, kernel_recorded(exec_build_kernel(s->build)) & KERNEL_HAS_WAKING,
		    "sched_waking", "-e sched:sched_waking");
}

static int path_finish(struct sonde_component *c)
{
	struct path_report *s = sonde_component_state(c);
	static int (*const parts[])(struct path_report *) = { show_states,   show_hosts,
							      show_programs, show_threads,
							      show_tree,     show_steps };
	int64_t begin_ns, end_ns;
	int r = exec_build_finish(s->build);

	if (r >= 0)
		r = kernel_span(exec_build_kernel(s->build), &begin_ns, &end_ns);
	if (r >= 0 && begin_ns > s->report.to_ns)
		r = sonde_fail(-ENODATA, "there are no events in that time");
	if (r < 0)
		return r;
	if (!(kernel_sources(exec_build_kernel(s->build)) & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report,
				    kernel_recorded(exec_build_kernel(s->build)) &
					    KERNEL_HAS_SWITCH,
				    "sched_switch", "-e sched:sched_switch");
	r = find_path(s);
	if (r < 0)
		return r;
	begin(s);
	for (size_t i = 0; i < MEM_LEN(parts) && r >= 0; i++)
		r = parts[i](s);
	show_check(s);
	note_packets(s);
	report_doubts(&s->report, exec_build_kernel(s->build));
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_critical_path = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.critical-path",
	.help = "What a thread's time went to, with waits traced to who ended them",
	.state_size = sizeof(struct path_report),
	.init = path_init,
	.fini = path_fini_report,
	.consume = path_take,
	.finish = path_finish,
};
