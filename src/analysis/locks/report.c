/* SPDX-License-Identifier: MIT */
/** Report locks: who waited for which lock of the kernel or of a program, and who held it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/flame/lock_stacks.h"
#include "analysis/kernel.h"
#include "analysis/locks/callers.h"
#include "analysis/report.h"
#include "analysis/spread.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { ROWS = 15, ENTRIES_MOST = 1 << 20 };

/* Waits that have all in common. */
struct entry {
	const struct kernel_thread *thread, *waker;
	uint64_t addr;
	enum lock_kind kind;
	bool is_shared;
	uint32_t stack;
	struct spread spread;
	uint64_t timed_out, failed, moved;
};

/* Entries put together by what one of the tables is about. */
struct group {
	struct entry sum; /* of the first, and the sums of all */
	uint64_t n_threads;
	uint32_t last_thread; /* index + 1 of the one counted last; entries come sorted by it */
};

struct groups {
	struct group *all; /* owned */
	size_t n, cap;
	struct u64map by_key;
};

struct locks_report {
	struct report report;
	struct stacks stacks;
	struct frames frames;
	struct lock_stacks waits;
	struct entry *entries; /* owned */
	size_t n_entries, cap_entries;
	struct u64map by_key;
	struct arena arena; /* text of the tables */
	uint64_t over;	    /* waits beyond ENTRIES_MOST */
	bool failed;	    /* out of memory */
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t entry_hash(const struct lock_wait *w)
{
	uint64_t h = mix(w->addr, (uint64_t)w->kind << 1 | w->is_shared);

	h = mix(h, w->thread->index);
	h = mix(h, w->waker ? (uint64_t)w->waker->index + 1 : 0);
	return mix(h, w->stack);
}

static bool is_same(const struct entry *e, const struct lock_wait *w)
{
	return e->addr == w->addr && e->kind == w->kind && e->is_shared == w->is_shared &&
	       e->thread == w->thread && e->waker == w->waker && e->stack == w->stack;
}

/* The entry of a wait; NULL: there is no room. */
static struct entry *find_entry(struct locks_report *s, const struct lock_wait *w)
{
	for (uint64_t hash = entry_hash(w);; hash++) {
		uint32_t i;

		if (u64map_get(&s->by_key, hash, &i)) {
			if (is_same(&s->entries[i], w))
				return &s->entries[i];
			continue;
		}
		if (s->n_entries >= ENTRIES_MOST) {
			s->over++;
			return NULL;
		}
		if (mem_grow(&s->entries, &s->cap_entries, s->n_entries + 1) < 0 ||
		    u64map_put(&s->by_key, hash, (uint32_t)s->n_entries) < 0) {
			s->failed = true;
			return NULL;
		}
		struct entry *e = &s->entries[s->n_entries++];
		*e = (struct entry){ .thread = w->thread,
				     .waker = w->waker,
				     .addr = w->addr,
				     .kind = w->kind,
				     .is_shared = w->is_shared,
				     .stack = w->stack };
		return e;
	}
}

static void on_ended(void *arg, const struct lock_wait *w)
{
	struct locks_report *s = arg;
	struct entry *e = find_entry(s, w);

	if (!e)
		return;
	spread_add(&e->spread, ns_between(w->begin_ns, w->end_ns), w->end_ns);
	e->timed_out += w->end == LOCK_TIMED_OUT;
	e->failed += w->end == LOCK_FAILED;
	e->moved += w->end == LOCK_MOVED;
}

static int locks_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct locks_report *s = c->state;
	int r = report_init(&s->report, setup);

	if (r >= 0)
		r = stacks_init(&s->stacks);
	if (r >= 0)
		r = frames_init(&s->frames, &s->stacks, setup->note, setup->note_arg);
	return r < 0 ? r
		     : lock_stacks_init(&s->waits, &s->frames, on_ended, s, s->report.from_ns,
					s->report.to_ns);
}

static void locks_fini(struct sonde_component *c)
{
	struct locks_report *s = c->state;

	lock_stacks_fini(&s->waits);
	frames_fini(&s->frames);
	stacks_fini(&s->stacks);
	free(s->entries);
	u64map_fini(&s->by_key);
	arena_fini(&s->arena);
}

static int locks_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct locks_report *s = c->state;
	int r = lock_stacks_consume(&s->waits, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* Groups. */

enum group_by { BY_LOCK, BY_THREAD, BY_HOLDER, BY_CALLER };

/* The process of a futex; of threads whose process is not known, each is its own. */
static int64_t process_of(const struct entry *e)
{
	return e->thread->pid >= 0 ? e->thread->pid : -1 - (int64_t)e->thread->index;
}

static uint64_t group_hash(const struct entry *e, enum group_by by)
{
	const uint64_t host = (uint64_t)e->thread->host->trace->index;
	uint64_t h = mix(host, (uint64_t)e->kind);

	if (by == BY_THREAD)
		return mix(lock_is_futex(e->kind), e->thread->index);
	if (by == BY_CALLER)
		return mix(h, e->stack);
	h = mix(h, e->addr);
	if (lock_is_futex(e->kind))
		h = mix(h, (uint64_t)process_of(e));
	return by == BY_HOLDER ? mix(h, e->waker->index) : h;
}

static bool group_same(const struct entry *a, const struct entry *b, enum group_by by)
{
	if (by == BY_THREAD)
		return a->thread == b->thread && lock_is_futex(a->kind) == lock_is_futex(b->kind);
	if (by == BY_CALLER)
		return a->stack == b->stack && a->kind == b->kind &&
		       a->thread->host == b->thread->host;
	if (a->kind != b->kind || a->addr != b->addr || a->thread->host != b->thread->host ||
	    (by == BY_HOLDER && a->waker != b->waker))
		return false;
	return !lock_is_futex(a->kind) || process_of(a) == process_of(b);
}

static struct group *find_group(struct groups *g, const struct entry *e, enum group_by by)
{
	for (uint64_t hash = group_hash(e, by);; hash++) {
		uint32_t i;

		if (u64map_get(&g->by_key, hash, &i)) {
			if (g->all && group_same(&g->all[i].sum, e, by))
				return &g->all[i];
			continue;
		}
		if (mem_grow(&g->all, &g->cap, g->n + 1) < 0 ||
		    u64map_put(&g->by_key, hash, (uint32_t)g->n) < 0)
			return NULL;
		g->all[g->n] = (struct group){ .sum = *e };
		g->all[g->n].sum.spread = (struct spread){ 0 };
		g->all[g->n].sum.timed_out = g->all[g->n].sum.failed = g->all[g->n].sum.moved = 0;
		return &g->all[g->n++];
	}
}

static void groups_fini(struct groups *g)
{
	free(g->all);
	u64map_fini(&g->by_key);
}

/* -ENOMEM without words. */
static int make_groups(const struct locks_report *s, enum group_by by, struct groups *g)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct entry *e = &s->entries[i];

		if (!report_wants(&s->report, e->thread) || (by == BY_HOLDER && !e->waker) ||
		    (by == BY_CALLER && !e->stack))
			continue;
		struct group *at = find_group(g, e, by);
		if (!at)
			return -ENOMEM;
		spread_merge(&at->sum.spread, &e->spread);
		at->sum.timed_out += e->timed_out;
		at->sum.failed += e->failed;
		at->sum.moved += e->moved;
		at->sum.is_shared |= e->is_shared;
		at->n_threads += at->last_thread != e->thread->index + 1;
		at->last_thread = e->thread->index + 1;
	}
	return 0;
}

static int by_thread(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

/* Tables. */

#define WAIT_COLUMNS                                                                     \
	{ "waits", "WAITS", TABLE_COUNT }, { "wait_total_ns", "TOTAL", TABLE_NS },       \
		{ "wait_min_ns", NULL, TABLE_NS }, { "wait_mean_ns", "MEAN", TABLE_NS }, \
		{ "wait_max_ns", "MAX", TABLE_NS },                                      \
	{                                                                                \
		"wait_sd_ns", NULL, TABLE_NS                                             \
	}

static const struct table_column lock_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "kind", "KIND", TABLE_TEXT },
	{ "lock", "LOCK", TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "process", "PROCESS", TABLE_TEXT },
	{ "waiters", "THREADS", TABLE_COUNT },
	WAIT_COLUMNS,
	{ "timed_out", NULL, TABLE_COUNT },
	{ "failed", NULL, TABLE_COUNT },
	{ "moved", NULL, TABLE_COUNT },
	{ "shared", NULL, TABLE_COUNT },
};

static const struct table_column thread_columns[] = {
	{ "host", NULL, TABLE_TEXT },	      { "tid", "TID", TABLE_ID },
	{ "pid", "PID", TABLE_ID },	      { "thread", "THREAD", TABLE_TEXT },
	{ "of", "FOR LOCKS OF", TABLE_TEXT }, WAIT_COLUMNS,
	{ "timed_out", NULL, TABLE_COUNT },   { "failed", NULL, TABLE_COUNT },
};

static const struct table_column holder_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "pid", NULL, TABLE_ID },
	{ "holder", "HOLDER", TABLE_TEXT },
	{ "kind", "KIND", TABLE_TEXT },
	{ "lock", "LOCK", TABLE_TEXT },
	{ "waiters", "THREADS", TABLE_COUNT },
	WAIT_COLUMNS,
};

static const struct table_column caller_columns[] = {
	{ "host", NULL, TABLE_TEXT },	       { "kind", "KIND", TABLE_TEXT },
	{ "waiters", "THREADS", TABLE_COUNT }, WAIT_COLUMNS,
	{ "caller", "CALLER", TABLE_TEXT },    { "stack", NULL, TABLE_TEXT },
};

/* "0xffff888627d2ba40"; "" where there is no memory, which the table tells. */
static const char *address(struct locks_report *s, uint64_t addr)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	const char *copy = arena_strndup(&s->arena, text, strlen(text));
	s->failed |= !copy;
	return copy ? copy : "";
}

/* The thread that is its process's first gives it its name; else who waits. */
static const char *process_name(const struct locks_report *s, const struct kernel_thread *t)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(lock_waits_kernel(s->waits.waits), &threads);

	for (size_t i = n; t->pid >= 0 && t->pid != t->tid && i--;) {
		if (threads[i]->tid == t->pid && threads[i]->host == t->host && threads[i]->name[0])
			return threads[i]->name;
	}
	return t->name;
}

static void add_name(struct table *t, const struct kernel_thread *thread)
{
	if (thread->name[0] || thread->tid)
		table_str(t, thread->name);
	else
		table_str(t, "idle");
}

static void add_lock(struct locks_report *s, struct table *t, const struct group *g)
{
	const bool futex = lock_is_futex(g->sum.kind);

	report_host(t, g->sum.thread->host);
	table_str(t, lock_kind_name(g->sum.kind));
	table_str(t, address(s, g->sum.addr));
	if (futex) {
		report_id(t, g->sum.thread->pid);
		table_str(t, process_name(s, g->sum.thread));
	} else {
		table_none(t);
		table_none(t);
	}
	table_int(t, (int64_t)g->n_threads);
	spread_cells(&g->sum.spread, t);
	table_int(t, (int64_t)g->sum.timed_out);
	table_int(t, (int64_t)g->sum.failed);
	table_int(t, (int64_t)g->sum.moved);
	if (futex)
		table_int(t, g->sum.is_shared);
	else
		table_none(t);
}

static void add_thread(struct locks_report *s, struct table *t, const struct group *g)
{
	const struct kernel_thread *thread = g->sum.thread;

	(void)s;
	report_host(t, thread->host);
	table_int(t, thread->tid);
	report_id(t, thread->pid);
	add_name(t, thread);
	table_str(t, lock_is_futex(g->sum.kind) ? "programs" : "the kernel");
	spread_cells(&g->sum.spread, t);
	table_int(t, (int64_t)g->sum.timed_out);
	table_int(t, (int64_t)g->sum.failed);
}

static void add_holder(struct locks_report *s, struct table *t, const struct group *g)
{
	const struct kernel_thread *holder = g->sum.waker;

	report_host(t, holder->host);
	table_int(t, holder->tid);
	report_id(t, holder->pid);
	add_name(t, holder);
	table_str(t, lock_kind_name(g->sum.kind));
	table_str(t, address(s, g->sum.addr));
	table_int(t, (int64_t)g->n_threads);
	spread_cells(&g->sum.spread, t);
}

static void add_caller(struct locks_report *s, struct table *t, const struct group *g)
{
	report_host(t, g->sum.thread->host);
	table_str(t, lock_kind_name(g->sum.kind));
	table_int(t, (int64_t)g->n_threads);
	spread_cells(&g->sum.spread, t);
	const char *caller = lock_caller(&s->stacks, g->sum.stack, &s->arena);
	const char *stack = lock_stack(&s->stacks, g->sum.stack, &s->arena);
	s->failed |= !caller || !stack;
	table_str(t, caller ? caller : "");
	table_str(t, stack ? stack : "");
}

struct view {
	enum group_by by;
	const char *key, *title;
	const struct table_column *cols;
	size_t n_cols;
	void (*add)(struct locks_report *s, struct table *t, const struct group *g);
};

static const struct view views[] = {
	{ BY_LOCK, "locks", "Locks that were waited for", lock_columns, MEM_LEN(lock_columns),
	  add_lock },
	{ BY_THREAD, "threads", "Who waited", thread_columns, MEM_LEN(thread_columns), add_thread },
	{ BY_HOLDER, "holders", "Whom they waited for: who woke them", holder_columns,
	  MEM_LEN(holder_columns), add_holder },
	{ BY_CALLER, "callers", "Where they waited", caller_columns, MEM_LEN(caller_columns),
	  add_caller },
};

/* --sort is for the first table, and for each that has such a column. */
static int show_sorted(struct locks_report *s, const struct view *v, struct table *t)
{
	const char *sort = "wait_total_ns";

	if (v == views)
		return report_table(&s->report, t, v->key, v->title, sort, ROWS);
	for (size_t i = 0; s->report.sort && i < v->n_cols; i++) {
		if (!strcmp(v->cols[i].key, s->report.sort))
			sort = s->report.sort;
	}
	return report_beside(&s->report, t, v->key, v->title, sort, ROWS);
}

/* Stacks that are shown alike are one for people: what they differ in is not shown. */
static int join_callers(struct locks_report *s)
{
	sonde_auto(u64map_fini) struct u64map of_node = { 0 };
	sonde_auto(u64map_fini) struct u64map by_text = { 0 };
	int r = 0;

	for (size_t i = 0; i < s->n_entries && r >= 0; i++) {
		const uint32_t node = s->entries[i].stack;
		uint32_t text_id, first = node;

		if (!node || u64map_get(&of_node, node, &s->entries[i].stack))
			continue;
		const char *text = lock_caller(&s->stacks, node, &s->arena);
		r = text ? stacks_name(&s->stacks, FRAME_UNKNOWN, text, strlen(text), &text_id)
			 : -ENOMEM;
		if (r >= 0 && !u64map_get(&by_text, text_id, &first))
			r = u64map_put(&by_text, text_id, node);
		if (r >= 0)
			r = u64map_put(&of_node, node, first);
		s->entries[i].stack = first;
	}
	return r;
}

static int show(struct locks_report *s, const struct view *v)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct groups g = { 0 };
	struct table t;

	report_hosts_table(&t, lock_waits_kernel(s->waits.waits), cols, v->cols, v->n_cols);
	int r = v->by == BY_CALLER && !s->report.json ? join_callers(s) : 0;
	if (r >= 0)
		r = make_groups(s, v->by, &g);
	for (size_t i = 0; !r && i < g.n; i++)
		v->add(s, &t, &g.all[i]);
	if (r < 0 || s->failed)
		r = sonde_fail(-ENOMEM, "out of memory for the report");
	else if (g.n || s->report.json)
		r = show_sorted(s, v, &t);
	table_fini(&t);
	groups_fini(&g);
	return r;
}

static void tell_doubts(struct locks_report *s)
{
	const struct lock_doubts *d = lock_waits_doubts(s->waits.waits);

	if (s->report.json) {
		json_uint(&s->report.j, "not_waited", d->again);
		json_uint(&s->report.j, "open_waits", d->open);
		json_uint(&s->report.j, "lost_waits", d->lost);
		json_uint(&s->report.j, "ends_without_begin", d->unbegun);
	}
	if (d->lost)
		report_note(&s->report,
			    "the ends of %" PRIu64 " waits were lost: they are left out", d->lost);
	if (d->open && !s->report.json)
		report_note(&s->report,
			    "%" PRIu64 " waits had not ended when the trace did: they are left out",
			    d->open);
	if (s->over)
		report_note(&s->report,
			    "there are more than %d kinds of waits: %" PRIu64 " waits are left out",
			    ENTRIES_MOST, s->over);
}

static int locks_finish(struct sonde_component *c)
{
	struct locks_report *s = c->state;
	struct kernel *k = lock_waits_kernel(s->waits.waits);
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	lock_waits_finish(s->waits.waits);
	int r = kernel_span(k, &begin, &end);
	if (r < 0)
		return r;
	const unsigned has = kernel_recorded(k);
	const bool locks = has & KERNEL_HAS_LOCK, calls = has & KERNEL_HAS_CALLS;
	if (!locks && !calls)
		return report_lacks(&s->report, false, "contention_begin and no sys_enter",
				    "--locks");

	report_begin(&s->report, kernel_cpus(k, &cpus), begin, end);
	if (s->n_entries)
		qsort(s->entries, s->n_entries, sizeof(*s->entries), by_thread);
	for (size_t i = 0; !r && i < MEM_LEN(views); i++)
		r = show(s, &views[i]);
	if (!s->n_entries && !s->report.json)
		out_fmt(s->report.setup->out, "\nNobody waited for a lock.\n");
	report_lack(&s->report, locks, "contention_begin", "--locks");
	report_lack(&s->report, calls, "sys_enter", "--locks");
	report_lack(&s->report, s->waits.has_stacks || !s->n_entries, "stacks with these",
		    "--locks");
	report_lack(&s->report, has & KERNEL_HAS_WAKING, "sched_waking", "--locks");
	tell_doubts(s);
	report_doubts(&s->report, k);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_locks = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.locks",
	.help = "Which locks of the kernel and of programs were waited for, and who held them",
	.state_size = sizeof(struct locks_report),
	.init = locks_init,
	.fini = locks_fini,
	.consume = locks_consume,
	.finish = locks_finish,
};
