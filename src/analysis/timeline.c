/* SPDX-License-Identifier: MIT */
/** From the kernel model into the interval store. */
#include "analysis/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/u64map.h"
#include "state/format.h"

/* Raised whenever the model's rules or what is kept of them change: older files are made anew. */
#define RULES "kernel 1"

/* A thread's tracks, by its index. */
struct rope {
	uint32_t track; /* STORE_NO_TRACK: none yet */
	uint32_t names; /* likewise */
	uint32_t name;	/* text of the name, since @named_ns */
	int64_t named_ns;
	bool sealed;
};

/* One host and its store. */
struct line {
	const struct kernel_host *host; /* NULL: the model is gone */
	const struct sonde_trace *trace;
	struct store *store;  /* owned */
	struct u64map by_key; /* kind, id and CPU -> track; not of threads */
	uint32_t *calls;      /* owned: text of each call's name; 0: not yet known */
	size_t cap_calls;
};

struct timeline {
	struct kernel *kernel; /* owned */
	const char *cache;     /* borrowed; or NULL */
	void (*note)(void *arg, const char *line);
	void *note_arg;
	struct line *lines; /* owned; by host */
	size_t n_lines, cap_lines;
	struct rope *ropes; /* owned; by the thread's index */
	size_t cap_ropes;
	int err; /* first failure of a callback */
};

bool timeline_fits(const struct sonde_trace *trace)
{
	for (size_t i = 0; trace->path && i < trace->n_streams; i++) {
		const struct sonde_stream_class *sc = trace->streams[i];

		for (size_t e = 0; e < sc->n_events; e++) {
			const char *colon = strrchr(sc->events[e]->name, ':');

			if (!strcmp(colon ? colon + 1 : sc->events[e]->name, "sched_switch"))
				return true;
		}
	}
	return false;
}

/* Times that are shown on another host's clock make another index; 0: they are not. */
static uint64_t clock_sum(const struct sonde_trace *trace)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < trace->n_clocks; i++) {
		const struct sonde_clock_map *map = trace->clocks[i]->map;
		const int64_t numbers[] = { map ? map->from_ns : 0, map ? map->to_ns : 0,
					    map ? map->to_frac : 0, map ? map->rate : 0 };

		sum += map ? format_sum(numbers, sizeof(numbers)) : 0;
	}
	return sum;
}

/* Where the store of a trace is kept; owned, NULL: no memory. Makes the folder. */
static char *path_of(const struct sonde_trace *trace, const char *cache, bool make)
{
	sonde_auto(mem_freep) char *real = realpath(trace->path, NULL);
	sonde_auto(mem_freep) char *folder = NULL;
	const char *whole = real ? real : trace->path;
	const uint64_t clock = clock_sum(trace), where = format_sum(whole, strlen(whole));
	char name[64] = "", shown_on[32] = "", *path = NULL;

	if (clock)
		(void)snprintf(shown_on, sizeof(shown_on), "-%016" PRIx64, clock);
	if (cache)
		(void)snprintf(name, sizeof(name), "%016" PRIx64 ".", where);
	if (asprintf(&folder, cache ? "%s" : "%s/.sonde", cache ? cache : trace->path) < 0) {
		folder = NULL;
		return NULL;
	}
	if (make)
		(void)mkdir(folder, 0755); // if it cannot be, the file cannot either
	if (asprintf(&path, "%s/%skernel%s", folder, name, shown_on) < 0)
		return NULL;
	return path;
}

int timeline_open(const struct sonde_trace *trace, const char *cache, struct store **ret)
{
	struct store_print print = { { 0 } };

	if (!trace->path)
		return sonde_fail(-ENOENT, "a trace without a folder has no index");
	int r = store_print_folder(trace->path, RULES, &print);
	if (r < 0)
		return r;
	sonde_auto(mem_freep) char *path = path_of(trace, cache, false);
	if (!path)
		return sonde_fail(-ENOMEM, "out of memory for a path");
	return store_open(path, &print, ret);
}

static void note_unkept(const struct timeline *tl, const struct sonde_trace *trace, const char *why)
{
	char text[600];

	(void)snprintf(text, sizeof(text), "the index of '%s' cannot be kept (%s)%s", trace->path,
		       why, tl->cache ? "" : "; --cache DIR names another place");
	if (tl->note)
		tl->note(tl->note_arg, text);
}

static int create_store(struct timeline *tl, const struct sonde_trace *trace, struct store **ret)
{
	struct store_print print = { { 0 } };
	int r = trace->path ? store_print_folder(trace->path, RULES, &print) : 0;

	if (r >= 0 && trace->path) {
		sonde_auto(mem_freep) char *path = path_of(trace, tl->cache, true);

		r = path ? store_create(path, &print, ret) : -ENOMEM;
		if (r >= 0 || r == -ENOMEM)
			return r;
		note_unkept(tl, trace, sonde_err_str());
	}
	return store_create(NULL, &print, ret);
}

/* The line of a host; NULL: it failed. */
static struct line *line_of(struct timeline *tl, const struct kernel_host *h)
{
	for (size_t i = 0; i < tl->n_lines; i++) {
		if (tl->lines[i].host == h)
			return &tl->lines[i];
	}
	if (mem_grow(&tl->lines, &tl->cap_lines, tl->n_lines + 1) < 0) {
		tl->err = -ENOMEM;
		return NULL;
	}
	struct line *l = &tl->lines[tl->n_lines];
	*l = (struct line){ .host = h, .trace = h->trace };
	int r = create_store(tl, h->trace, &l->store);
	if (r < 0) {
		tl->err = r;
		return NULL;
	}
	tl->n_lines++;
	store_begin(l->store); // until the batch ends
	return l;
}

/* Notes the first failure. */
static void note_result(struct timeline *tl, int r)
{
	if (r < 0 && !tl->err)
		tl->err = r;
}

static void append(struct timeline *tl, struct line *l, uint32_t track, struct store_segment seg)
{
	if (track != STORE_NO_TRACK && !tl->err)
		note_result(tl, store_append(l->store, track, &seg));
}

/* The track of a CPU, or of an interrupt on a CPU. */
static uint32_t track_of(struct timeline *tl, struct line *l, enum timeline_kind kind,
			 const struct kernel_cpu *c, int32_t nr)
{
	const bool by_cpu = kind == TIMELINE_CPU || kind == TIMELINE_CURRENT;
	const uint64_t key =
		(uint64_t)kind << 48 | (uint64_t)c->cpu << 32 | (by_cpu ? 0 : (uint32_t)nr);
	const struct store_track spec = {
		.kind = kind,
		.id = by_cpu ? (int64_t)c->cpu : nr,
		.aux = (int64_t)c->cpu,
		.parent = STORE_NO_TRACK,
		.n_states = kind == TIMELINE_CPU ? KERNEL_CPU_N_STATES : 3,
	};
	uint32_t track = STORE_NO_TRACK;

	if (u64map_get(&l->by_key, key, &track) || tl->err)
		return track;
	int r = store_add_track(l->store, &spec, &track);
	if (r >= 0)
		r = u64map_put(&l->by_key, key, track);
	note_result(tl, r);
	return r < 0 ? STORE_NO_TRACK : track;
}

static uint32_t text_of(struct timeline *tl, struct line *l, const char *text)
{
	uint32_t t = 0;

	if (*text && !tl->err)
		note_result(tl, store_add_text(l->store, text, strlen(text), &t));
	return t;
}

static uint32_t call_text(struct timeline *tl, struct line *l, uint32_t call)
{
	const size_t old = l->cap_calls;

	if (!call || (call < old && l->calls[call]))
		return call ? l->calls[call] : 0;
	if (call >= old) {
		if (mem_grow(&l->calls, &l->cap_calls, (size_t)call + 1) < 0) {
			note_result(tl, -ENOMEM);
			return 0;
		}
		memset(l->calls + old, 0, (l->cap_calls - old) * sizeof(*l->calls));
	}
	if (!l->calls[call])
		l->calls[call] = text_of(tl, l, kernel_call_name(tl->kernel, call));
	return l->calls[call];
}

static struct rope *rope_of(struct timeline *tl, const struct kernel_thread *t)
{
	const size_t old = tl->cap_ropes;

	if (t->index >= old) {
		if (mem_grow(&tl->ropes, &tl->cap_ropes, (size_t)t->index + 1) < 0) {
			note_result(tl, -ENOMEM);
			return NULL;
		}
		for (size_t i = old; i < tl->cap_ropes; i++)
			tl->ropes[i] =
				(struct rope){ .track = STORE_NO_TRACK, .names = STORE_NO_TRACK };
	}
	return &tl->ropes[t->index];
}

static struct store_track thread_spec(struct timeline *tl, const struct kernel_thread *t,
				      const struct rope *rope)
{
	const struct rope *parent = t->parent ? rope_of(tl, t->parent) : NULL;

	return (struct store_track){
		.kind = TIMELINE_THREAD,
		.id = t->tid,
		.aux = t->pid,
		.parent = parent ? parent->track : STORE_NO_TRACK,
		.name = rope->name,
		.n_states = KERNEL_N_STATES,
	};
}

/* The track of a thread; STORE_NO_TRACK: it failed. */
static uint32_t thread_track(struct timeline *tl, struct line *l, const struct kernel_thread *t)
{
	struct rope *rope = rope_of(tl, t);

	if (!rope || tl->err)
		return STORE_NO_TRACK;
	if (rope->track == STORE_NO_TRACK) {
		if (t->parent && !rope_of(tl, t->parent))
			return STORE_NO_TRACK;
		rope = rope_of(tl, t);
		const struct store_track spec = thread_spec(tl, t, rope);
		note_result(tl, store_add_track(l->store, &spec, &rope->track));
	}
	return rope->track;
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, t->host);
	const struct rope *rope = l ? rope_of(tl, t) : NULL;
	uint32_t value = 0;

	// Of a CPU's idle thread its tracks tell all.
	if (!rope || rope->sealed || state == KERNEL_GONE || !t->tid)
		return;
	if (state == KERNEL_SYSCALL || state == KERNEL_BLOCKED)
		value = call_text(tl, l, t->state_call);
	else if (state == KERNEL_WAIT_CPU)
		value = (uint32_t)(t->wait_cpu + 1);
	append(tl, l, rope->track != STORE_NO_TRACK ? rope->track : thread_track(tl, l, t),
	       (struct store_segment){ begin_ns, end_ns, state, value });
}

static void on_cpu(void *arg, const struct kernel_cpu *c, enum kernel_cpu_state state,
		   int64_t begin_ns, int64_t end_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, c->host);

	if (l)
		append(tl, l, track_of(tl, l, TIMELINE_CPU, c, 0),
		       (struct store_segment){ begin_ns, end_ns, state, 0 });
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, c->host);
	const uint32_t thread = l && t->tid ? thread_track(tl, l, t) : 0;

	if (l)
		append(tl, l, track_of(tl, l, TIMELINE_CURRENT, c, 0),
		       (struct store_segment){ begin_ns, end_ns,
					       t->tid ? TIMELINE_RUNS : TIMELINE_IDLE, thread });
}

static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, c->host);

	if (l)
		append(tl, l, track_of(tl, l, TIMELINE_IRQ, c, nr),
		       (struct store_segment){ begin_ns, end_ns, 1, 0 });
}

static void on_softirq(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
		       int64_t begin_ns, int64_t end_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, c->host);

	(void)raised_ns;
	if (l)
		append(tl, l, track_of(tl, l, TIMELINE_SOFTIRQ, c, (int32_t)vec),
		       (struct store_segment){ begin_ns, end_ns, 1, 0 });
}

/* The name that a thread has had until @at_ns goes to its track of names. */
static void keep_name(struct timeline *tl, struct line *l, const struct kernel_thread *t,
		      int64_t at_ns)
{
	const uint32_t thread = thread_track(tl, l, t);
	struct rope *rope = rope_of(tl, t);

	if (thread == STORE_NO_TRACK || !rope || !rope->name || rope->named_ns >= at_ns)
		return;
	if (rope->names == STORE_NO_TRACK) {
		const struct store_track spec = {
			.kind = TIMELINE_NAME, .id = t->tid, .parent = thread, .n_states = 2
		};
		note_result(tl, store_add_track(l->store, &spec, &rope->names));
	}
	append(tl, l, rope->names, (struct store_segment){ rope->named_ns, at_ns, 1, rope->name });
}

static void on_named(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct timeline *tl = arg;
	struct line *l = line_of(tl, t->host);
	struct rope *rope = l ? rope_of(tl, t) : NULL;

	if (!rope || rope->sealed || tl->err)
		return;
	keep_name(tl, l, t, at_ns);
	rope->name = text_of(tl, l, t->name);
	rope->named_ns = at_ns;
}

/* What is known of a thread at its end, or at that of the trace. */
static void seal(struct timeline *tl, const struct kernel_thread *t, int64_t at_ns)
{
	struct line *l = line_of(tl, t->host);
	struct rope *rope = rope_of(tl, t);

	if (!l || !rope || rope->sealed || tl->err)
		return;
	if (rope->names != STORE_NO_TRACK) {
		keep_name(tl, l, t, at_ns);
		const struct store_track names = { .id = t->tid, .parent = rope->track };
		store_set_track(l->store, rope->names, &names);
		note_result(tl, tl->err ? tl->err : store_seal(l->store, rope->names));
	}
	if (rope->track == STORE_NO_TRACK)
		return;
	const struct store_track spec = thread_spec(tl, t, rope);
	store_set_track(l->store, rope->track, &spec);
	rope->sealed = true;
	note_result(tl, store_seal(l->store, rope->track));
}

static void on_gone(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	seal(arg, t, at_ns);
}

static const struct kernel_watch watch = {
	.ran = on_ran,
	.cpu = on_cpu,
	.state = on_state,
	.irq = on_irq,
	.softirq = on_softirq,
	.named = on_named,
	.gone = on_gone,
};

SONDE_DEFINE_AUTO(struct timeline *, timeline_free)

void timeline_free(struct timeline *tl)
{
	if (!tl)
		return;
	for (size_t i = 0; i < tl->n_lines; i++) {
		store_free(tl->lines[i].store);
		u64map_fini(&tl->lines[i].by_key);
		free(tl->lines[i].calls);
	}
	kernel_free(tl->kernel);
	free(tl->lines);
	free(tl->ropes);
	free(tl);
}

int timeline_new(const char *cache, void (*note)(void *arg, const char *line), void *note_arg,
		 struct timeline **ret)
{
	sonde_auto(timeline_freep) struct timeline *tl = calloc(1, sizeof(*tl));

	if (!tl)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	tl->cache = cache;
	tl->note = note;
	tl->note_arg = note_arg;
	int r = kernel_new(&watch, tl, INT64_MIN, INT64_MAX, &tl->kernel);
	if (r < 0)
		return r;
	*ret = sonde_take(tl);
	return 0;
}

static void begin_all(struct timeline *tl)
{
	for (size_t i = 0; i < tl->n_lines; i++)
		store_begin(tl->lines[i].store);
}

static void end_all(struct timeline *tl)
{
	for (size_t i = 0; i < tl->n_lines; i++)
		store_end(tl->lines[i].store);
}

int timeline_consume(struct timeline *tl, const struct sonde_batch *b)
{
	begin_all(tl);
	int r = kernel_consume(tl->kernel, b);
	end_all(tl);
	return tl->err ? tl->err : r;
}

static void keep_counts(struct timeline *tl, struct line *l)
{
	const struct kernel_doubts *d = kernel_doubts(tl->kernel);
	const uint64_t doubts[] = { d->lost_events, d->lost_packets, d->gaps,
				    d->backward,    d->mismatches,   d->calls_broken,
				    d->calls_open,  d->no_cpu,	     d->threads_over };
	int64_t begin = 0, end = 0;

	_Static_assert(sizeof(doubts) == sizeof(*d), "each doubt is kept");
	_Static_assert(TIMELINE_DOUBTS + MEM_LEN(doubts) <= STORE_COUNTS, "there is room");
	if (kernel_span(tl->kernel, &begin, &end) < 0)
		begin = end = 0; // a trace without events has an index without segments
	store_set_count(l->store, TIMELINE_SOURCES, kernel_sources(tl->kernel));
	store_set_count(l->store, TIMELINE_BEGIN, (uint64_t)begin);
	store_set_count(l->store, TIMELINE_END, (uint64_t)end);
	store_set_count(l->store, TIMELINE_PARTIAL, l->host->partial);
	for (unsigned i = 0; i < MEM_LEN(doubts); i++)
		store_set_count(l->store, TIMELINE_DOUBTS + i, doubts[i]);
}

void timeline_doubts(const struct store *s, struct kernel_doubts *ret)
{
	uint64_t *const doubts[] = { &ret->lost_events, &ret->lost_packets, &ret->gaps,
				     &ret->backward,	&ret->mismatches,   &ret->calls_broken,
				     &ret->calls_open,	&ret->no_cpu,	    &ret->threads_over };

	for (unsigned i = 0; i < MEM_LEN(doubts); i++)
		*doubts[i] = store_count(s, TIMELINE_DOUBTS + i);
}

/* What the stores hold by now is not kept twice. */
static void drop_model(struct timeline *tl)
{
	for (size_t i = 0; i < tl->n_lines; i++)
		tl->lines[i].host = NULL;
	kernel_free(sonde_take(tl->kernel));
	free(tl->ropes);
	tl->ropes = NULL;
	tl->cap_ropes = 0;
}

static void finish_line(struct timeline *tl, struct line *l)
{
	const int r = store_finish(l->store);

	note_result(tl, r);
	if (r >= 0 && store_unkept(l->store)) {
		(void)sonde_fail_errno(store_unkept(l->store), "cannot write it");
		note_unkept(tl, l->trace, sonde_err_str());
	}
}

int timeline_finish(struct timeline *tl)
{
	struct kernel_thread *const *threads;
	struct kernel_host *const *hosts;
	int64_t begin, end = 0;

	begin_all(tl);
	kernel_finish(tl->kernel);
	if (kernel_span(tl->kernel, &begin, &end) < 0)
		end = 0; // nothing was, so nothing is sealed either
	const size_t n = kernel_threads(tl->kernel, &threads);
	for (size_t i = 0; i < n; i++)
		seal(tl, threads[i], end);
	// Also of a kernel that told nothing there is an index: that nothing is there.
	const size_t n_hosts = kernel_hosts(tl->kernel, &hosts);
	for (size_t i = 0; i < n_hosts && !tl->err; i++) {
		if (timeline_fits(hosts[i]->trace))
			(void)line_of(tl, hosts[i]);
	}
	for (size_t i = 0; i < tl->n_lines; i++)
		keep_counts(tl, &tl->lines[i]);
	drop_model(tl);
	end_all(tl);
	for (size_t i = 0; i < tl->n_lines && !tl->err; i++)
		finish_line(tl, &tl->lines[i]);
	return tl->err;
}

size_t timeline_stores(const struct timeline *tl)
{
	return tl->n_lines;
}

struct store *timeline_store(const struct timeline *tl, size_t i, const struct sonde_trace **ret)
{
	sonde_check(i < tl->n_lines);
	*ret = tl->lines[i].trace;
	return tl->lines[i].store;
}
