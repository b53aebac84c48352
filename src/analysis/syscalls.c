/* SPDX-License-Identifier: MIT */
/** Report syscalls: how often each call was made, how long it took, how it ended. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "analysis/spread.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/u64map.h"
#include "graph/component.h"
#include "model/host.h"
#include "sym/syscall_names.h"

/* Whose calls are told apart. */
enum split { SPLIT_NONE, SPLIT_PROCESS, SPLIT_THREAD };

enum { ROWS = 25, ROWS_EACH = 8, OWNERS = 8, CELLS_MOST = 1 << 20, ERRNO_BITS = 12 };

/* Calls put together. */
struct sums {
	struct spread took;
	uint64_t failed;
};

/* One call of one thread, or of all. */
struct cell {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* NULL: of all */
	uint32_t call;
	struct sums sums;
};

/* How often a cell's call failed with one error. */
struct failure {
	uint32_t cell;
	uint16_t error;
	uint64_t n;
};

struct syscalls_report {
	struct report report;
	struct kernel *kernel; /* owned */
	enum split split;
	bool by_thread;	    /* threads are told apart while reading: to split or to filter */
	struct cell *cells; /* owned; not by thread: by call */
	size_t n_cells, cap_cells;
	struct u64map by_key;	  /* thread or host, and call -> cell */
	struct failure *failures; /* owned */
	size_t n_failures, cap_failures;
	struct u64map by_error; /* cell and error -> failure */
	uint64_t over;		/* calls beyond CELLS_MOST */
	bool failed;		/* out of memory */
};

static void sums_merge(struct sums *s, const struct sums *add)
{
	spread_merge(&s->took, &add->took);
	s->failed += add->failed;
}

/* The cell of a thread's call; CELLS_MOST where there is no room. */
static size_t find_cell(struct syscalls_report *s, const struct kernel_thread *t, uint32_t call)
{
	const uint64_t owner = s->by_thread ? t->index : t->host->trace->index;
	const uint64_t key = owner << 16 | call;
	uint32_t i;

	if (u64map_get(&s->by_key, key, &i))
		return i;
	if (s->n_cells >= CELLS_MOST) {
		s->over++;
		return CELLS_MOST;
	}
	if (mem_grow(&s->cells, &s->cap_cells, s->n_cells + 1) < 0 ||
	    u64map_put(&s->by_key, key, (uint32_t)s->n_cells) < 0) {
		s->failed = true;
		return CELLS_MOST;
	}
	s->cells[s->n_cells] =
		(struct cell){ .host = t->host, .thread = s->by_thread ? t : NULL, .call = call };
	return s->n_cells++;
}

static void count_failure(struct syscalls_report *s, size_t cell, int64_t ret)
{
	const uint64_t key = (uint64_t)cell << ERRNO_BITS | (uint64_t)-ret;
	uint32_t i;

	if (!u64map_get(&s->by_error, key, &i)) {
		i = (uint32_t)s->n_failures;
		if (s->n_failures >= CELLS_MOST)
			return;
		if (mem_grow(&s->failures, &s->cap_failures, s->n_failures + 1) < 0 ||
		    u64map_put(&s->by_error, key, i) < 0) {
			s->failed = true;
			return;
		}
		s->failures[s->n_failures++] =
			(struct failure){ .cell = (uint32_t)cell, .error = (uint16_t)-ret };
	}
	s->failures[i].n++;
}

static void on_call(void *arg, const struct kernel_thread *t, uint32_t call, int64_t begin_ns,
		    int64_t end_ns, int64_t ret)
{
	struct syscalls_report *s = arg;
	const size_t cell = find_cell(s, t, call);

	if (cell >= CELLS_MOST)
		return;
	spread_add(&s->cells[cell].sums.took, ns_between(begin_ns, end_ns), end_ns);
	if (!syscall_failed(ret))
		return;
	s->cells[cell].sums.failed++;
	count_failure(s, cell, ret);
}

static const struct kernel_watch watch = { .call = on_call };

static int syscalls_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct syscalls_report *s = c->state;
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	const bool by_process = param_bool(setup, "per-process");
	const bool by_thread = param_bool(setup, "per-thread");
	if (by_process && by_thread)
		return sonde_fail(-EINVAL, "--per-process or --per-thread, not both");
	s->split = by_process ? SPLIT_PROCESS : by_thread ? SPLIT_THREAD : SPLIT_NONE;
	s->by_thread = s->split != SPLIT_NONE || s->report.n_pids || s->report.n_tids;
	return kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void syscalls_fini(struct sonde_component *c)
{
	struct syscalls_report *s = c->state;

	kernel_free(s->kernel);
	free(s->cells);
	free(s->failures);
	u64map_fini(&s->by_key);
	u64map_fini(&s->by_error);
}

static int syscalls_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct syscalls_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The tables. */

static const struct table_column columns[] = {
	{ "host", NULL, TABLE_TEXT },	   { "name", "CALL", TABLE_TEXT },
	{ "count", "COUNT", TABLE_COUNT }, { "errors", "ERRORS", TABLE_COUNT },
	{ "total_ns", "TOTAL", TABLE_NS }, { "min_ns", "MIN", TABLE_NS },
	{ "mean_ns", "MEAN", TABLE_NS },   { "max_ns", "MAX", TABLE_NS },
	{ "sd_ns", "STD DEV", TABLE_NS },  { NULL, "FAILED WITH", TABLE_TEXT },
	{ "results", NULL, TABLE_TEXT },
};

/* A process or thread, or all of a host together. */
struct owner {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* the one that names it; NULL: all */
	struct sums sums;
	size_t first, n; /* its rows, once they are in order */
};

/* The calls of one kind of one owner. */
struct row {
	uint32_t owner, call;
	struct sums sums;
	struct strbuf words, json; /* how they ended */
};

struct result {
	struct owner *owners; /* owned */
	size_t n_owners, cap_owners;
	struct row *rows; /* owned */
	size_t n_rows, cap_rows;
	struct failure *failures; /* owned; .cell is the row's number */
	size_t n_failures, cap_failures;
	struct u64map owner_of, row_of, failure_of;
};

static void result_fini(struct result *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		strbuf_fini(&r->rows[i].words);
		strbuf_fini(&r->rows[i].json);
	}
	free(r->owners);
	free(r->rows);
	free(r->failures);
	u64map_fini(&r->owner_of);
	u64map_fini(&r->row_of);
	u64map_fini(&r->failure_of);
}

static uint64_t owner_key(const struct syscalls_report *s, const struct cell *c)
{
	const struct kernel_thread *t = c->thread;

	sonde_dcheck(t || s->split == SPLIT_NONE);
	switch (s->split) {
	case SPLIT_NONE: return c->host->trace->index;
	case SPLIT_THREAD: return t->index;
	case SPLIT_PROCESS:
		return (uint64_t)t->host->trace->index << 40 ^
		       (uint64_t)(t->pid >= 0 ? t->pid : t->tid);
	}
	return 0;
}

static int find_owner(const struct syscalls_report *s, struct result *r, const struct cell *c,
		      uint32_t *ret)
{
	const uint64_t key = owner_key(s, c);
	const struct kernel_thread *t = c->thread;

	if (!u64map_get(&r->owner_of, key, ret)) {
		if (mem_grow(&r->owners, &r->cap_owners, r->n_owners + 1) < 0)
			return -ENOMEM;
		*ret = (uint32_t)r->n_owners;
		r->owners[r->n_owners++] = (struct owner){ .host = c->host, .thread = t };
		return u64map_put(&r->owner_of, key, *ret);
	}
	sonde_dcheck(r->owners); // it holds what owner_of points to
	if (t && s->split == SPLIT_PROCESS && t->tid == t->pid)
		r->owners[*ret].thread = t;
	return 0;
}

static int find_row(struct result *r, uint32_t owner, uint32_t call, uint32_t *ret)
{
	const uint64_t key = (uint64_t)owner << 16 | call;

	if (u64map_get(&r->row_of, key, ret))
		return 0;
	if (mem_grow(&r->rows, &r->cap_rows, r->n_rows + 1) < 0)
		return -ENOMEM;
	*ret = (uint32_t)r->n_rows;
	r->rows[r->n_rows++] = (struct row){ .owner = owner, .call = call };
	return u64map_put(&r->row_of, key, *ret);
}

static int merge_failure(struct result *r, uint32_t row, const struct failure *f)
{
	const uint64_t key = (uint64_t)row << ERRNO_BITS | f->error;
	uint32_t i;

	if (!u64map_get(&r->failure_of, key, &i)) {
		if (mem_grow(&r->failures, &r->cap_failures, r->n_failures + 1) < 0)
			return -ENOMEM;
		i = (uint32_t)r->n_failures;
		r->failures[r->n_failures++] = (struct failure){ row, f->error, 0 };
		int err = u64map_put(&r->failure_of, key, i);
		if (err < 0)
			return err;
	}
	sonde_dcheck(r->failures); // it holds what failure_of points to
	r->failures[i].n += f->n;
	return 0;
}

static int compare_failures(const void *pa, const void *pb)
{
	const struct failure *a = pa, *b = pb;

	if (a->cell != b->cell)
		return a->cell < b->cell ? -1 : 1;
	return a->n != b->n ? (a->n < b->n) - (a->n > b->n) : a->error - b->error;
}

static const char *error_name(unsigned error, char *buf, size_t len)
{
	const char *name = syscall_error(-(int64_t)error);

	if (!name)
		snprintf(buf, len, "-%u", error);
	return name ? name : buf;
}

/* How the calls of each row ended, in words and as JSON: successes first, then by number. */
static int tell_failures(struct result *r)
{
	char buf[16], count[TABLE_VALUE_MOST];

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct sums *s = &r->rows[i].sums;

		strbuf_fmt(&r->rows[i].json, "{\"success\": %" PRIu64, s->took.n - s->failed);
	}
	if (r->n_failures)
		qsort(r->failures, r->n_failures, sizeof(*r->failures), compare_failures);
	for (size_t i = 0; i < r->n_failures; i++) {
		const struct failure *f = &r->failures[i];
		struct row *row = &r->rows[f->cell];
		const char *name = error_name(f->error, buf, sizeof(buf));

		table_count(f->n, count);
		strbuf_fmt(&row->words, "%s%s %s", row->words.len ? ", " : "", name, count);
		strbuf_fmt(&row->json, ", \"%s\": %" PRIu64, name, f->n);
	}
	int err = 0;
	for (size_t i = 0; i < r->n_rows && err >= 0; i++) {
		strbuf_str(&r->rows[i].json, "}");
		err = strbuf_ok(&r->rows[i].json);
		if (err >= 0)
			err = strbuf_ok(&r->rows[i].words);
	}
	return err;
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	return (a->owner > b->owner) - (a->owner < b->owner);
}

/* Puts what was counted in order: owners, their rows, the rows' failures. */
static int make_result(const struct syscalls_report *s, struct result *r)
{
	sonde_auto(mem_freep) uint32_t *row_of = calloc(s->n_cells + 1, sizeof(*row_of));
	int err = row_of ? 0 : -ENOMEM;

	for (size_t i = 0; err >= 0 && i < s->n_cells; i++) {
		const struct cell *c = &s->cells[i];
		uint32_t owner;

		row_of[i] = UINT32_MAX;
		if (c->thread && !report_wants(&s->report, c->thread))
			continue;
		err = find_owner(s, r, c, &owner);
		if (err >= 0)
			err = find_row(r, owner, c->call, &row_of[i]);
		if (err >= 0) {
			sonde_dcheck(r->rows && r->owners);
			sums_merge(&r->rows[row_of[i]].sums, &c->sums);
			sums_merge(&r->owners[owner].sums, &c->sums);
		}
	}
	for (size_t i = 0; err >= 0 && i < s->n_failures; i++) {
		const uint32_t row = row_of[s->failures[i].cell];

		if (row != UINT32_MAX)
			err = merge_failure(r, row, &s->failures[i]);
	}
	if (err >= 0)
		err = tell_failures(r);
	if (err < 0)
		return sonde_fail(err, "out of memory for the report");
	if (r->n_rows)
		qsort(r->rows, r->n_rows, sizeof(*r->rows), compare_rows);
	for (size_t i = r->n_rows; i-- > 0;) {
		r->owners[r->rows[i].owner].first = i;
		r->owners[r->rows[i].owner].n++;
	}
	return 0;
}

static void add_sums(struct table *t, const struct sums *s)
{
	table_int(t, (int64_t)s->took.n);
	table_int(t, (int64_t)s->failed);
	table_int(t, spread_total(&s->took));
	table_int(t, s->took.least_ns);
	table_real(t, spread_mean(&s->took));
	table_int(t, s->took.most_ns);
	if (s->took.n > 1)
		table_real(t, spread_deviation(&s->took));
	else
		table_none(t);
}

/* The calls of one of the owners, whose host is told above; or, NULL, of all. */
static int show_rows(struct syscalls_report *s, const struct result *r, const struct owner *o,
		     const char *title, size_t most)
{
	const size_t first = o ? o->first : 0, n = o ? o->n : r->n_rows;
	struct table_column copy[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, copy, columns, MEM_LEN(columns));
	if (o)
		table_init(&t, columns + 1, MEM_LEN(columns) - 1);
	for (size_t i = first; i < first + n; i++) {
		const struct row *row = &r->rows[i];

		if (!o)
			report_host(&t, r->owners[row->owner].host);
		table_str(&t, kernel_call_name(s->kernel, row->call));
		add_sums(&t, &row->sums);
		table_str(&t, row->words.len ? strbuf_text(&row->words) : " ");
		table_json_text(&t, strbuf_text(&row->json));
	}
	int err = report_table(&s->report, &t, "calls", title, "total_ns", most);
	table_fini(&t);
	return err;
}

static void json_sums(struct json *j, const struct sums *s)
{
	json_uint(j, "count", s->took.n);
	json_uint(j, "errors", s->failed);
	json_int(j, "total_ns", spread_total(&s->took));
	json_int(j, "min_ns", s->took.least_ns);
	json_real(j, "mean_ns", spread_mean(&s->took));
	json_int(j, "max_ns", s->took.most_ns);
	if (s->took.n > 1)
		json_real(j, "sd_ns", spread_deviation(&s->took));
	else
		json_null(j, "sd_ns");
}

static void show_sums(struct syscalls_report *s, const struct sums *sums, size_t n_kinds)
{
	char n[TABLE_VALUE_MOST], failed[TABLE_VALUE_MOST], total[TABLE_VALUE_MOST];
	char mean[TABLE_VALUE_MOST], sd[TABLE_VALUE_MOST] = "-";

	if (s->report.json) {
		json_object(&s->report.j, "total");
		json_uint(&s->report.j, "kinds", n_kinds);
		json_sums(&s->report.j, sums);
		json_end_object(&s->report.j);
		return;
	}
	table_count(sums->took.n, n);
	table_count(sums->failed, failed);
	table_ns(spread_total(&sums->took), total);
	table_ns((int64_t)llround(spread_mean(&sums->took)), mean);
	if (sums->took.n > 1)
		table_ns((int64_t)llround(spread_deviation(&sums->took)), sd);
	out_fmt(s->report.setup->out,
		"%s calls of %zu kinds, %s failed; %s in total, mean %s, standard deviation %s\n",
		n, n_kinds, failed, total, mean, sd);
}

static int show_owner(struct syscalls_report *s, const struct result *r, const struct owner *o)
{
	const struct kernel_thread *t = o->thread;
	char title[256], n[TABLE_VALUE_MOST], id[48], total[TABLE_VALUE_MOST];
	const char *name = t->name[0] ? t->name : "?";
	struct kernel_host *const *hosts;
	struct json *j = &s->report.j;

	if (s->report.json) {
		json_object(j, NULL);
		json_str(j, "host", host_name(o->host->trace));
		if (s->split == SPLIT_THREAD)
			json_int(j, "tid", t->tid);
		if (t->pid >= 0 || s->split == SPLIT_PROCESS)
			json_int(j, "pid", t->pid >= 0 ? t->pid : t->tid);
		else
			json_null(j, "pid");
		json_str(j, "name", t->name);
		json_sums(j, &o->sums);
		int err = show_rows(s, r, o, NULL, 0);
		json_end_object(j);
		return err;
	}
	if (s->split == SPLIT_PROCESS || t->pid < 0 || t->pid == t->tid)
		snprintf(id, sizeof(id), "%" PRId64,
			 s->split == SPLIT_PROCESS && t->pid >= 0 ? t->pid : t->tid);
	else
		snprintf(id, sizeof(id), "%" PRId64 " of %" PRId64, t->tid, t->pid);
	table_count(o->sums.took.n, n);
	table_ns(spread_total(&o->sums.took), total);
	const bool several = kernel_hosts(s->kernel, &hosts) > 1;
	snprintf(title, sizeof(title), "%s (%s)%s%s: %s calls, %s", name, id, several ? " on " : "",
		 several ? host_name(o->host->trace) : "", n, total);
	return show_rows(s, r, o, title, ROWS_EACH);
}

static int by_count(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;

	return (a->sums.took.n < b->sums.took.n) - (a->sums.took.n > b->sums.took.n);
}

static int by_total(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;

	return (a->sums.took.sum < b->sums.took.sum) - (a->sums.took.sum > b->sums.took.sum);
}

static int show_owners(struct syscalls_report *s, struct result *r)
{
	const bool count = s->report.sort && !strcmp(s->report.sort, "count");
	size_t most = r->n_owners;
	int err = 0;

	if (r->n_owners)
		qsort(r->owners, r->n_owners, sizeof(*r->owners), count ? by_count : by_total);
	if (s->report.limit > 0 || (s->report.limit < 0 && !s->report.json))
		most = s->report.limit > 0 ? (size_t)s->report.limit : OWNERS;
	most = most < r->n_owners ? most : r->n_owners;
	if (s->report.json)
		json_array(&s->report.j, s->split == SPLIT_PROCESS ? "processes" : "threads");
	else if (!most)
		report_none(&s->report);
	for (size_t i = 0; err >= 0 && i < most; i++)
		err = show_owner(s, r, &r->owners[i]);
	if (s->report.json)
		json_end_array(&s->report.j);
	else if (most < r->n_owners)
		out_fmt(s->report.setup->out, "\n... and %zu more %s (--limit 0 shows all)\n",
			r->n_owners - most, s->split == SPLIT_PROCESS ? "processes" : "threads");
	return err;
}

static int show_result(struct syscalls_report *s, struct result *r)
{
	sonde_auto(mem_freep) bool *met = calloc(kernel_n_calls(s->kernel) + 1, sizeof(*met));
	struct sums all = { 0 };
	size_t n_kinds = 0;

	if (!met)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	for (size_t i = 0; i < r->n_rows; i++) {
		n_kinds += !met[r->rows[i].call];
		met[r->rows[i].call] = true;
		sums_merge(&all, &r->rows[i].sums);
	}
	show_sums(s, &all, n_kinds);
	if (s->split != SPLIT_NONE)
		return show_owners(s, r);
	return show_rows(s, r, NULL, "System calls", ROWS);
}

static int syscalls_finish(struct sonde_component *c)
{
	struct syscalls_report *s = c->state;
	struct result r = { 0 };
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	int err = kernel_span(s->kernel, &begin, &end);
	if (err < 0)
		return err;
	if (!(kernel_recorded(s->kernel) & KERNEL_HAS_CALLS))
		return report_lacks(&s->report, false, "system-call",
				    "-e 'raw_syscalls:*' -e sched:sched_switch");

	err = make_result(s, &r);
	if (err >= 0) {
		report_begin(&s->report, kernel_cpus(s->kernel, &cpus), begin, end);
		err = show_result(s, &r);
		report_doubts(&s->report, s->kernel);
		report_end(&s->report);
	}
	result_fini(&r);

	const uint64_t open = kernel_doubts(s->kernel)->calls_open;
	if (open)
		report_note(&s->report, "still open at the end and not counted: %" PRIu64 " %s",
			    open, open == 1 ? "call" : "calls");
	if (s->over)
		report_note(&s->report, "%" PRIu64 " calls of too many threads are left out",
			    s->over);
	return err;
}

const struct sonde_component_class analysis_syscalls = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.syscalls",
	.help = "How often each system call was made, how long it took, how it ended",
	.state_size = sizeof(struct syscalls_report),
	.init = syscalls_init,
	.fini = syscalls_fini,
	.consume = syscalls_consume,
	.finish = syscalls_finish,
};
