/* SPDX-License-Identifier: MIT */
/** Report block: how long disks took for requests, how much they moved, and for whom. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "analysis/spread.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { ROWS = 20, PENDING_MOST = 1 << 20, NONE = -1 };

/* A request that is on its way. */
struct pending {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* who made it; NULL: unknown */
	uint32_t gap;			    /* the host's number of gaps then */
	uint32_t dev;
	int64_t sector, n_sectors, bytes;
	enum kernel_io_op op;
	int64_t insert_ns, issue_ns; /* or KERNEL_NO_TIME */
	int32_t next;		     /* of the same key, or of those that are free; NONE: no more */
};

/* What was done: of a disk and kind, or of a thread. */
struct done {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* NULL of disks, and where it is not known */
	uint32_t dev;
	enum kernel_io_op op;
	int64_t read_bytes, written_bytes, bytes;
	struct spread took;   /* from issue to completion */
	struct spread queued; /* from insertion to issue */
};

struct done_set {
	struct done *all; /* owned */
	size_t n, cap;
	struct u64map by_key;
};

struct block_report {
	struct report report;
	struct kernel *kernel;	 /* owned */
	struct pending *pending; /* owned */
	size_t n_pending, cap_pending;
	int32_t free_pending; /* first of those that are free */
	struct u64map heads;  /* key -> first pending of it, plus 1; 0: none */
	struct done_set disks, threads;
	struct arena arena;    /* names of disks */
	uint64_t n_unknown;    /* completions whose issue was not seen */
	uint64_t n_unfinished; /* issues whose completion was not seen */
	uint64_t over;
	bool failed; /* out of memory */
};

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t key_of(const struct kernel_host *h, const struct kernel_io *io)
{
	return mix(mix(mix(h->trace->index + 1, io->dev), (uint64_t)io->sector),
		   (uint64_t)io->n_sectors);
}

static bool is_it(const struct pending *p, const struct kernel_host *h, const struct kernel_io *io)
{
	return p->host == h && p->dev == io->dev && p->sector == io->sector &&
	       p->n_sectors == io->n_sectors;
}

/* The request's number; NONE. */
static int32_t find_pending(const struct block_report *s, const struct kernel_host *h,
			    const struct kernel_io *io)
{
	uint32_t head = 0;

	(void)u64map_get(&s->heads, key_of(h, io), &head);
	for (int32_t i = (int32_t)head - 1; i != NONE; i = s->pending[i].next) {
		if (is_it(&s->pending[i], h, io))
			return i;
	}
	return NONE;
}

static int32_t add_pending(struct block_report *s, const struct kernel_host *h,
			   const struct kernel_io *io)
{
	const uint64_t key = key_of(h, io);
	int32_t i = s->free_pending;
	uint32_t head = 0;

	if (i == NONE && s->n_pending >= PENDING_MOST) {
		s->over++;
		return NONE;
	}
	if (i == NONE && mem_grow(&s->pending, &s->cap_pending, s->n_pending + 1) < 0) {
		s->failed = true;
		return NONE;
	}
	(void)u64map_get(&s->heads, key, &head);
	const uint32_t mine = (uint32_t)(i == NONE ? (int32_t)s->n_pending : i) + 1;
	if (u64map_put(&s->heads, key, mine) < 0) {
		s->failed = true;
		return NONE;
	}
	if (i == NONE)
		s->n_pending++;
	else
		s->free_pending = s->pending[i].next;
	s->pending[mine - 1] = (struct pending){ .host = h,
						 .gap = h->gap,
						 .dev = io->dev,
						 .sector = io->sector,
						 .n_sectors = io->n_sectors,
						 .bytes = io->bytes,
						 .op = io->op,
						 .insert_ns = KERNEL_NO_TIME,
						 .issue_ns = KERNEL_NO_TIME,
						 .next = (int32_t)head - 1 };
	return (int32_t)mine - 1;
}

static void drop_pending(struct block_report *s, const struct kernel_host *h,
			 const struct kernel_io *io, int32_t i)
{
	const uint64_t key = key_of(h, io);
	uint32_t head = 0;

	(void)u64map_get(&s->heads, key, &head);
	if ((int32_t)head - 1 == i && s->pending[i].next == NONE) {
		u64map_del(&s->heads, key);
	} else if ((int32_t)head - 1 == i) {
		(void)u64map_replace(&s->heads, key, (uint32_t)s->pending[i].next + 1);
	} else {
		int32_t before = (int32_t)head - 1;

		while (s->pending[before].next != i)
			before = s->pending[before].next;
		s->pending[before].next = s->pending[i].next;
	}
	s->pending[i].next = s->free_pending;
	s->free_pending = i;
}

static struct done *find_done(struct block_report *s, struct done_set *set, uint64_t key)
{
	uint32_t i;

	if (u64map_get(&set->by_key, key, &i))
		return &set->all[i];
	if (mem_grow(&set->all, &set->cap, set->n + 1) < 0 ||
	    u64map_put(&set->by_key, key, (uint32_t)set->n) < 0) {
		s->failed = true;
		return NULL;
	}
	set->all[set->n] = (struct done){ .host = NULL };
	return &set->all[set->n++];
}

static void add_done(struct done *d, const struct pending *p, int64_t at_ns)
{
	d->bytes = ns_after(d->bytes, p->bytes);
	if (p->op == KERNEL_IO_READ)
		d->read_bytes = ns_after(d->read_bytes, p->bytes);
	if (p->op == KERNEL_IO_WRITE)
		d->written_bytes = ns_after(d->written_bytes, p->bytes);
	spread_add(&d->took, ns_between(p->issue_ns, at_ns), at_ns);
	if (p->insert_ns != KERNEL_NO_TIME && p->insert_ns <= p->issue_ns)
		spread_add(&d->queued, ns_between(p->insert_ns, p->issue_ns), p->issue_ns);
}

/* A request that ended inside of the window. */
static void count_done(struct block_report *s, const struct pending *p, int64_t at_ns)
{
	const uint64_t host = p->host->trace->index;
	const bool filtered = s->report.n_pids || s->report.n_tids;

	if (filtered && (!p->thread || !report_wants(&s->report, p->thread)))
		return;
	struct done *d = find_done(s, &s->disks, host << 40 | (uint64_t)p->op << 32 | p->dev);
	if (!d)
		return;
	d->host = p->host;
	d->dev = p->dev;
	d->op = p->op;
	add_done(d, p, at_ns);

	d = find_done(s, &s->threads,
		      p->thread ? (uint64_t)p->thread->index + 1 : (host + 1) << 33);
	if (!d)
		return;
	d->host = p->host;
	d->thread = p->thread;
	add_done(d, p, at_ns);
}

static void on_complete(struct block_report *s, const struct kernel_host *h,
			const struct kernel_io *io)
{
	const bool inside = io->at_ns >= s->report.from_ns && io->at_ns <= s->report.to_ns;
	const int32_t i = find_pending(s, h, io);
	const struct pending *p = i == NONE ? NULL : &s->pending[i];

	// Behind a gap it may be another one of the same place.
	if (p && p->gap == h->gap && p->issue_ns != KERNEL_NO_TIME && p->issue_ns <= io->at_ns) {
		if (inside)
			count_done(s, p, io->at_ns);
	} else if (inside && io->n_sectors > 0) {
		// A write with a flush ends once more, with no sectors left.
		s->n_unknown++;
	}
	if (p)
		drop_pending(s, h, io, i);
}

static void on_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io)
{
	struct block_report *s = arg;

	if (io->step == KERNEL_IO_COMPLETE) {
		on_complete(s, c->host, io);
		return;
	}
	int32_t i = find_pending(s, c->host, io);
	if (i != NONE && s->pending[i].issue_ns != KERNEL_NO_TIME) {
		// The completion of the earlier one is missing, or it was put back into the queue.
		s->n_unfinished += io->step == KERNEL_IO_INSERT;
		drop_pending(s, c->host, io, i);
		i = NONE;
	}
	if (i == NONE)
		i = add_pending(s, c->host, io);
	if (i == NONE)
		return;
	struct pending *p = &s->pending[i];
	if (io->step == KERNEL_IO_INSERT)
		p->insert_ns = io->at_ns;
	else
		p->issue_ns = io->at_ns;
	// Who put it into the queue made it; the one that hands it on may be a worker.
	if (!p->thread)
		p->thread = io->thread;
}

static const struct kernel_watch watch = { .io = on_io };

static int block_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct block_report *s = c->state;
	int r = report_init(&s->report, setup);

	s->free_pending = NONE;
	return r < 0 ? r : kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void block_fini(struct sonde_component *c)
{
	struct block_report *s = c->state;

	kernel_free(s->kernel);
	free(s->pending);
	u64map_fini(&s->heads);
	free(s->disks.all);
	u64map_fini(&s->disks.by_key);
	free(s->threads.all);
	u64map_fini(&s->threads.by_key);
	arena_fini(&s->arena);
}

static int block_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct block_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The tables. */

static const struct table_column disk_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "disk", "DISK", TABLE_TEXT },
	{ "op", "", TABLE_TEXT },
	{ "bytes", "MOVED", TABLE_BYTES },
	{ "bytes_per_s", "PER SECOND", TABLE_BYTES },
	SPREAD_COLUMNS("", ""),
	{ "queued_count", NULL, TABLE_COUNT },
	{ "queued_mean_ns", "MEAN QUEUED", TABLE_NS },
	{ "queued_max_ns", NULL, TABLE_NS },
};

static const struct table_column thread_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },
	{ "thread", "THREAD", TABLE_TEXT },
	{ "read_bytes", "READ", TABLE_BYTES },
	{ "written_bytes", "WRITTEN", TABLE_BYTES },
	SPREAD_COLUMNS("", ""),
};

static void add_disk(struct block_report *s, struct table *t, const struct done *d, int64_t span_ns)
{
	static const char *const ops[] = { "read", "write", "discard", "flush", "other" };
	char name[KERNEL_DISK_MOST];

	kernel_disk_name(d->host, d->dev, name);
	const char *copy = arena_strndup(&s->arena, name, strlen(name));
	s->failed |= !copy;
	report_host(t, d->host);
	table_str(t, copy ? copy : "");
	table_str(t, ops[d->op]);
	table_int(t, d->bytes);
	table_int(t, span_ns > 0 ? (int64_t)((double)d->bytes * 1e9 / (double)span_ns) : 0);
	spread_cells(&d->took, t);
	table_int(t, (int64_t)d->queued.n);
	if (d->queued.n) {
		table_real(t, spread_mean(&d->queued));
		table_int(t, d->queued.most_ns);
	} else {
		table_none(t);
		table_none(t);
	}
}

static int show_disks(struct block_report *s, int64_t span_ns)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, disk_columns, MEM_LEN(disk_columns));
	for (size_t i = 0; i < s->disks.n; i++)
		add_disk(s, &t, &s->disks.all[i], span_ns);
	int r = s->failed ? sonde_fail(-ENOMEM, "out of memory for the report")
			  : report_beside(&s->report, &t, "disks",
					  "Disks: from handing a request to the disk to its end",
					  "bytes", ROWS);
	table_fini(&t);
	return r;
}

static int show_threads(struct block_report *s)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, thread_columns, MEM_LEN(thread_columns));
	for (size_t i = 0; i < s->threads.n; i++) {
		const struct done *d = &s->threads.all[i];

		report_host(&t, d->host);
		report_id(&t, d->thread ? d->thread->tid : -1);
		report_id(&t, d->thread ? d->thread->pid : -1);
		if (d->thread)
			table_str(&t, d->thread->tid ? d->thread->name : "idle");
		else
			table_str(&t, "");
		table_int(&t, d->read_bytes);
		table_int(&t, d->written_bytes);
		spread_cells(&d->took, &t);
	}
	int r = report_table(&s->report, &t, "threads", "Threads that made the requests",
			     "total_ns", ROWS);
	table_fini(&t);
	return r;
}

static void note_doubts(struct block_report *s)
{
	uint64_t open = 0;

	for (uint32_t at_key = 0; at_key < s->n_pending; at_key++)
		open += s->pending[at_key].issue_ns != KERNEL_NO_TIME;
	for (int32_t i = s->free_pending; i != NONE; i = s->pending[i].next)
		open -= s->pending[i].issue_ns != KERNEL_NO_TIME;
	if (s->report.json) {
		json_uint(&s->report.j, "unmatched_completions", s->n_unknown);
		json_uint(&s->report.j, "unfinished_requests", open + s->n_unfinished);
	}
	if (s->n_unknown)
		report_note(&s->report,
			    "%" PRIu64 " requests ended whose begin is not in the trace: left out",
			    s->n_unknown);
	if (open + s->n_unfinished)
		report_note(&s->report, "%" PRIu64 " requests have no end in the trace: left out",
			    open + s->n_unfinished);
	if (s->over)
		report_note(&s->report, "more than %d requests at once: %" PRIu64 " are left out",
			    PENDING_MOST, s->over);
}

static int block_finish(struct sonde_component *c)
{
	struct block_report *s = c->state;
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	int r = kernel_span(s->kernel, &begin, &end);
	if (r < 0)
		return r;
	if (!(kernel_recorded(s->kernel) & KERNEL_HAS_IO))
		return report_lacks(&s->report, false, "block_rq_issue", "-e 'block:block_rq_*'");

	report_begin(&s->report, kernel_cpus(s->kernel, &cpus), begin, end);
	r = show_disks(s, ns_between(begin, end));
	if (r >= 0)
		r = show_threads(s);
	note_doubts(s);
	report_doubts(&s->report, s->kernel);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_block = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.block",
	.help = "How long disks took for requests, how much they moved, and for whom",
	.state_size = sizeof(struct block_report),
	.init = block_init,
	.fini = block_fini,
	.consume = block_consume,
	.finish = block_finish,
};
