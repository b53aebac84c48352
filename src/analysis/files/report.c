/* SPDX-License-Identifier: MIT */
/** Report files: what processes opened, read and wrote, and how long that took. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/files/calls.h"
#include "analysis/files/work.h"
#include "analysis/report.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { ROWS = 20, ROWS_PROCESSES = 15 };

struct files_report {
	struct report report;
	struct fd_work *work; /* owned */
};

static int files_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct files_report *s = c->state;
	int r = report_init(&s->report, setup);

	return r < 0 ? r : fd_work_new(s->report.from_ns, s->report.to_ns, &s->work);
}

static void files_fini(struct sonde_component *c)
{
	struct files_report *s = c->state;

	fd_work_free(s->work);
}

static int files_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct files_report *s = c->state;

	return fd_work_consume(s->work, in);
}

/* Putting together: threads to processes, files of one name to one. */

struct process {
	const struct kernel_thread *thread; /* the one that names it */
	struct fd_use use;
};

struct named {
	const struct kernel_host *host;
	const char *name; /* the arena's, or the table's */
	struct fd_use use;
	uint64_t processes;
};

/* What one process did with one file. */
struct pair {
	uint32_t process, file;
	struct fd_use use;
};

struct result {
	struct process *processes; /* owned, as all below */
	size_t n_processes, cap_processes;
	struct named *files;
	size_t n_files, cap_files;
	struct pair *pairs;
	size_t n_pairs, cap_pairs;
	uint32_t *file_of; /* by number of the table's file; UINT32_MAX: not yet looked for */
	struct kernel_thread *const *threads; /* borrowed: all */
	struct u64map process_of, leader_of, by_name, pair_of;
	struct arena arena;
};

static void result_fini(struct result *r)
{
	free(r->processes);
	free(r->files);
	free(r->pairs);
	free(r->file_of);
	u64map_fini(&r->process_of);
	u64map_fini(&r->leader_of);
	u64map_fini(&r->by_name);
	u64map_fini(&r->pair_of);
	arena_fini(&r->arena);
}

static int64_t pid_of(const struct kernel_thread *t)
{
	return t->pid >= 0 ? t->pid : t->tid;
}

static uint64_t process_key(const struct kernel_thread *t)
{
	return (uint64_t)t->host->trace->index << 40 ^ (uint64_t)pid_of(t);
}

/* Of each process the first thread, or else the one that was met first. */
static int find_leaders(const struct files_report *s, struct result *r)
{
	const size_t n = kernel_threads(fd_work_kernel(s->work), &r->threads);
	uint32_t i;
	int err = 0;

	for (size_t t = 0; t < n && err >= 0; t++) {
		const uint64_t key = process_key(r->threads[t]);

		if (r->threads[t]->tid == pid_of(r->threads[t]) ||
		    !u64map_get(&r->leader_of, key, &i))
			err = u64map_put(&r->leader_of, key, (uint32_t)t);
	}
	return err;
}

static const struct kernel_thread *leader_of(const struct result *r, const struct kernel_thread *t)
{
	uint32_t i;

	return u64map_get(&r->leader_of, process_key(t), &i) ? r->threads[i] : t;
}

static int find_process(struct result *r, const struct kernel_thread *t, uint32_t *ret)
{
	const uint64_t key = process_key(t);

	if (u64map_get(&r->process_of, key, ret))
		return 0;
	if (mem_grow(&r->processes, &r->cap_processes, r->n_processes + 1) < 0)
		return -ENOMEM;
	*ret = (uint32_t)r->n_processes;
	r->processes[r->n_processes++] = (struct process){ .thread = leader_of(r, t) };
	return u64map_put(&r->process_of, key, *ret);
}

/* "/etc/passwd", "pipe 3, 4 of sh (10)", "fd 5 of sh (10)", "unknown of sh (10)"; NULL: no memory.
 */
static const char *name_of(struct result *r, const struct fd_file *f)
{
	char text[128], fds[32] = "";

	if (f->name)
		return f->name;
	const struct kernel_thread *t = leader_of(r, f->owner);
	if (f->fd2 >= 0)
		(void)snprintf(fds, sizeof(fds), " %" PRId32 ", %" PRId32, f->fd, f->fd2);
	else if (f->fd >= 0)
		(void)snprintf(fds, sizeof(fds), " %" PRId32, f->fd);
	(void)snprintf(text, sizeof(text), "%s%s of %s (%" PRId64 ")",
		       f->word	    ? f->word
		       : f->fd >= 0 ? "fd"
				    : "unknown",
		       fds, t->name[0] ? t->name : "?", pid_of(t));
	return arena_strndup(&r->arena, text, strlen(text));
}

static int find_named(struct result *r, const struct fd_file *f, uint32_t *ret)
{
	const char *name = name_of(r, f);

	if (!name)
		return -ENOMEM;
	uint64_t h = hash_text(HASH_BEGIN + f->host->trace->index, name);
	for (h ^= h >> 31; u64map_get(&r->by_name, h, ret); h++) {
		if (r->files[*ret].host == f->host && !strcmp(r->files[*ret].name, name))
			return 0;
	}
	if (mem_grow(&r->files, &r->cap_files, r->n_files + 1) < 0)
		return -ENOMEM;
	*ret = (uint32_t)r->n_files;
	r->files[r->n_files++] = (struct named){ .host = f->host, .name = name };
	return u64map_put(&r->by_name, h, *ret);
}

static int find_pair(struct result *r, uint32_t process, uint32_t file, uint32_t *ret)
{
	const uint64_t key = (uint64_t)process << 32 | file;

	if (u64map_get(&r->pair_of, key, ret))
		return 0;
	if (mem_grow(&r->pairs, &r->cap_pairs, r->n_pairs + 1) < 0)
		return -ENOMEM;
	*ret = (uint32_t)r->n_pairs;
	r->pairs[r->n_pairs++] = (struct pair){ .process = process, .file = file };
	r->files[file].processes++;
	return u64map_put(&r->pair_of, key, *ret);
}

static int add_cell(struct result *r, const struct files_report *s, const struct fd_cell *c)
{
	uint32_t *file = &r->file_of[c->file];
	uint32_t process, pair;
	int err = 0;

	if (*file == UINT32_MAX)
		err = find_named(r, fd_tables_file(fd_work_tables(s->work), (size_t)c->file), file);
	if (err >= 0)
		err = find_process(r, c->thread, &process);
	if (err >= 0)
		err = find_pair(r, process, *file, &pair);
	if (err < 0)
		return err;
	fd_use_merge(&r->files[*file].use, &c->use);
	fd_use_merge(&r->pairs[pair].use, &c->use);
	return 0;
}

static int make_result(const struct files_report *s, struct result *r)
{
	const size_t n_files = fd_tables_n_files(fd_work_tables(s->work));
	struct kernel_thread *const *threads;
	const struct fd_cell *cells;
	const size_t n = fd_work_cells(s->work, &cells);
	const size_t n_threads = kernel_threads(fd_work_kernel(s->work), &threads);
	int err = find_leaders(s, r);

	r->file_of = calloc(n_files + 1, sizeof(*r->file_of));
	if (!r->file_of || err < 0)
		return -ENOMEM;
	memset(r->file_of, 0xff, (n_files + 1) * sizeof(*r->file_of));
	for (size_t i = 0; i < n && err >= 0; i++) {
		if (report_wants(&s->report, cells[i].thread))
			err = add_cell(r, s, &cells[i]);
	}
	for (size_t i = 0; i < n_threads && err >= 0; i++) {
		const struct fd_use *u = fd_work_thread(s->work, threads[i]);
		uint32_t process;

		if (!u || !report_wants(&s->report, threads[i]))
			continue;
		if (!u->took.n && !u->opens && !u->reads && !u->writes && !u->syncs && !u->closes)
			continue;
		err = find_process(r, threads[i], &process);
		if (err >= 0)
			fd_use_merge(&r->processes[process].use, u);
	}
	return err;
}

/* The tables. */

#define USE_COLUMNS                                                                             \
	{ "bytes", "TOTAL", TABLE_BYTES }, { "read_bytes", "READ", TABLE_BYTES },               \
		{ "written_bytes", "WRITTEN", TABLE_BYTES }, { "opens", "OPENS", TABLE_COUNT }, \
		{ "reads", "READS", TABLE_COUNT }, { "writes", "WRITES", TABLE_COUNT },         \
		{ "syncs", "SYNCS", TABLE_COUNT }, { "closes", NULL, TABLE_COUNT },             \
		{ "errors", "ERRORS", TABLE_COUNT }, { "total_ns", "TIME", TABLE_NS },          \
		{ "timed", NULL, TABLE_COUNT }, { "max_ns", "MAX", TABLE_NS },                  \
	{                                                                                       \
		"max_at_ns", NULL, TABLE_ID                                                     \
	}

static const struct table_column file_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "file", "FILE", TABLE_TEXT },
	{ "processes", NULL, TABLE_COUNT },
	USE_COLUMNS,
};

static const struct table_column process_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "process", "PROCESS", TABLE_TEXT },
	USE_COLUMNS,
};

static const struct table_column pair_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "process", "PROCESS", TABLE_TEXT },
	{ "file", "FILE", TABLE_TEXT },
	USE_COLUMNS,
};

static void add_use(struct table *t, const struct fd_use *u)
{
	table_int(t, ns_after(u->read_bytes, u->written_bytes));
	table_int(t, u->read_bytes);
	table_int(t, u->written_bytes);
	table_int(t, (int64_t)u->opens);
	table_int(t, (int64_t)u->reads);
	table_int(t, (int64_t)u->writes);
	table_int(t, (int64_t)u->syncs);
	table_int(t, (int64_t)u->closes);
	table_int(t, (int64_t)u->errors);
	table_int(t, spread_total(&u->took));
	table_int(t, (int64_t)u->took.n);
	if (u->took.n) {
		table_int(t, u->took.most_ns);
		table_int(t, u->took.most_at_ns);
	} else {
		table_none(t);
		table_none(t);
	}
}

static void add_process(struct table *t, const struct process *p)
{
	report_host(t, p->thread->host);
	table_int(t, pid_of(p->thread));
	table_str(t, p->thread->name);
}

static int show_files(struct files_report *s, const struct result *r)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, fd_work_kernel(s->work), cols, file_columns, MEM_LEN(file_columns));
	for (size_t i = 0; i < r->n_files; i++) {
		report_host(&t, r->files[i].host);
		table_str(&t, r->files[i].name);
		table_int(&t, (int64_t)r->files[i].processes);
		add_use(&t, &r->files[i].use);
	}
	int err = report_table(&s->report, &t, "files", "Files", "bytes", ROWS);
	table_fini(&t);
	return err;
}

static int show_processes(struct files_report *s, const struct result *r)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, fd_work_kernel(s->work), cols, process_columns,
			   MEM_LEN(process_columns));
	for (size_t i = 0; i < r->n_processes; i++) {
		add_process(&t, &r->processes[i]);
		add_use(&t, &r->processes[i].use);
	}
	int err = report_beside(&s->report, &t, "processes", "Processes", "bytes", ROWS_PROCESSES);
	table_fini(&t);
	return err;
}

static int show_pairs(struct files_report *s, const struct result *r)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, fd_work_kernel(s->work), cols, pair_columns, MEM_LEN(pair_columns));
	for (size_t i = 0; i < r->n_pairs; i++) {
		add_process(&t, &r->processes[r->pairs[i].process]);
		table_str(&t, r->files[r->pairs[i].file].name);
		add_use(&t, &r->pairs[i].use);
	}
	int err = report_beside(&s->report, &t, "uses", "Longest times of a process with a file",
				"total_ns", ROWS);
	table_fini(&t);
	return err;
}

static void show_doubts(const struct files_report *s)
{
	const struct fd_doubts *d = fd_work_doubts(s->work);
	const uint64_t over = d->over + fd_tables_over(fd_work_tables(s->work));

	if (d->early)
		report_note(&s->report,
			    "%" PRIu64
			    " calls began before the trace, or unseen: their bytes count, "
			    "their times and files are not known",
			    d->early);
	if (d->pathless)
		report_note(&s->report,
			    "of %" PRIu64
			    " files that were opened the trace has no paths; to record "
			    "them: sonde record --script files",
			    d->pathless);
	if (d->met && !(d->met & 1U << FD_CLOSE))
		report_note(&s->report,
			    "no file was seen to be closed: a descriptor may have become another "
			    "file's; to record that: sonde record -e 'raw_syscalls:*'");
	if (d->unsized)
		report_note(&s->report,
			    "%" PRIu64 " calls of recvmmsg and sendmmsg do not tell their bytes",
			    d->unsized);
	if (d->async)
		report_note(&s->report,
			    "%" PRIu64
			    " calls handed over requests (io_uring, io_submit), which are "
			    "not seen",
			    d->async);
	if (over)
		report_note(&s->report,
			    "there are too many files: %" PRIu64 " times one is left out", over);
}

static int files_finish(struct sonde_component *c)
{
	struct files_report *s = c->state;
	const struct kernel *k = fd_work_kernel(s->work);
	struct kernel_cpu *const *cpus;
	struct result r = { 0 };
	int64_t begin, end;

	int err = fd_work_finish(s->work);
	if (err >= 0)
		err = kernel_span(k, &begin, &end);
	if (err < 0)
		return err;
	const bool has = kernel_recorded(k) & KERNEL_HAS_CALLS;
	if (!has && !fd_work_doubts(s->work)->told)
		return report_lacks(&s->report, false, "system-call",
				    "-e 'raw_syscalls:*' -e sched:sched_switch");
	err = make_result(s, &r);
	if (err < 0)
		err = sonde_fail(err, "out of memory for the report");
	if (err >= 0) {
		report_begin(&s->report, kernel_cpus(k, &cpus), begin, end);
		err = show_files(s, &r);
		if (err >= 0)
			err = show_processes(s, &r);
		if (err >= 0)
			err = show_pairs(s, &r);
		report_lack(&s->report, has, "system-call",
			    "-e 'raw_syscalls:*' -e sched:sched_switch");
		show_doubts(s);
		report_doubts(&s->report, k);
		report_end(&s->report);
	}
	result_fini(&r);
	return err;
}

const struct sonde_component_class analysis_files = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.files",
	.help = "Which files processes opened, read and wrote, how much and how long",
	.state_size = sizeof(struct files_report),
	.init = files_init,
	.fini = files_fini,
	.consume = files_consume,
	.finish = files_finish,
};
