/* SPDX-License-Identifier: MIT */
/** From the kernel model into the interval store. */
#include "analysis/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/timeline_kept.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/u64map.h"

/* A thread's tracks, by its index. */
struct rope {
	uint32_t track; /* STORE_NO_TRACK: none yet */
	uint32_t names; /* likewise */
	uint32_t name;	/* text of the name, since @named_ns */
	int64_t named_ns;
	uint32_t parent; /* track of who made it, or STORE_NO_TRACK */
	uint32_t life;	 /* the thread's: of another one it tells nothing */
	bool sealed;
};

/*
 * One trace: its model and its store. Each has a model of its own, so that its index is the same
 * whichever others were read with it.
 */
struct line {
	struct timeline *tl;
	const struct sonde_trace *trace;
	struct kernel *kernel; /* owned; NULL: all is told */
	struct store *store;   /* owned; NULL: nothing was told yet */
	struct u64map by_key;  /* kind, id and CPU -> track; not of threads */
	uint32_t *calls;       /* owned: text of each call's name; 0: not yet known */
	size_t cap_calls;
	struct rope *ropes; /* owned; by the thread's index */
	size_t cap_ropes;
};

struct timeline {
	struct timeline_where where;
	struct line **lines; /* owned, and each */
	size_t n_lines, cap_lines;
	const struct sonde_stream_class *last_class; /* of the event before, .. */
	struct line *last;			     /* .. and its line */
	int err;				     /* first failure of a callback */
};

/* Notes the first failure. */
static void note_result(struct line *l, int r)
{
	if (r < 0 && !l->tl->err)
		l->tl->err = r;
}

/* Whether there is a store to tell; it is made when the model tells first. */
static bool has_store(struct line *l)
{
	if (l->tl->err || l->store)
		return !l->tl->err;
	note_result(l, timeline_create(l->trace, &l->tl->where, &l->store));
	if (l->store)
		store_begin(l->store); // until the batch ends
	return l->store;
}

static void append(struct line *l, uint32_t track, struct store_segment seg)
{
	if (track != STORE_NO_TRACK && !l->tl->err)
		note_result(l, store_append(l->store, track, &seg));
}

/* The track of a CPU, or of an interrupt on a CPU. */
static uint32_t track_of(struct line *l, enum timeline_kind kind, const struct kernel_cpu *c,
			 int32_t nr)
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

	if (u64map_get(&l->by_key, key, &track) || l->tl->err)
		return track;
	int r = store_add_track(l->store, &spec, &track);
	if (r >= 0)
		r = u64map_put(&l->by_key, key, track);
	note_result(l, r);
	return r < 0 ? STORE_NO_TRACK : track;
}

static uint32_t text_of(struct line *l, const char *text)
{
	uint32_t t = 0;

	if (*text && !l->tl->err)
		note_result(l, store_add_text(l->store, text, strlen(text), &t));
	return t;
}

static uint32_t call_text(struct line *l, uint32_t call)
{
	const size_t old = l->cap_calls;

	if (!call || (call < old && l->calls[call]))
		return call ? l->calls[call] : 0;
	if (call >= old) {
		if (mem_grow(&l->calls, &l->cap_calls, (size_t)call + 1) < 0) {
			note_result(l, -ENOMEM);
			return 0;
		}
		memset(l->calls + old, 0, (l->cap_calls - old) * sizeof(*l->calls));
	}
	if (!l->calls[call])
		l->calls[call] = text_of(l, kernel_call_name(l->kernel, call));
	return l->calls[call];
}

static struct rope *rope_of(struct line *l, const struct kernel_thread *t)
{
	static const struct rope none = { .track = STORE_NO_TRACK,
					  .names = STORE_NO_TRACK,
					  .parent = STORE_NO_TRACK };
	const size_t old = l->cap_ropes;

	if (t->index >= old) {
		if (mem_grow(&l->ropes, &l->cap_ropes, (size_t)t->index + 1) < 0) {
			note_result(l, -ENOMEM);
			return NULL;
		}
		for (size_t i = old; i < l->cap_ropes; i++)
			l->ropes[i] = none;
	}
	struct rope *rope = &l->ropes[t->index];
	if (rope->life != t->life) {
		*rope = none;
		rope->life = t->life;
	}
	return rope;
}

/* The track of who made @t, as far as it is known by now and not forgotten again. */
static void learn_parent(struct line *l, const struct kernel_thread *t)
{
	const struct kernel_thread *parent = kernel_parent(t);
	const struct rope *of_parent = parent ? rope_of(l, parent) : NULL;
	const uint32_t track = of_parent ? of_parent->track : STORE_NO_TRACK;
	struct rope *rope = rope_of(l, t);

	if (rope && track != STORE_NO_TRACK)
		rope->parent = track;
}

static struct store_track thread_spec(const struct kernel_thread *t, const struct rope *rope)
{
	return (struct store_track){
		.kind = TIMELINE_THREAD,
		.id = t->tid,
		.aux = t->pid,
		.parent = rope->parent,
		.name = rope->name,
		.n_states = KERNEL_N_STATES,
	};
}

/* The track of a thread; STORE_NO_TRACK: it failed. */
static uint32_t thread_track(struct line *l, const struct kernel_thread *t)
{
	struct rope *rope = rope_of(l, t);

	if (!rope || l->tl->err)
		return STORE_NO_TRACK;
	if (rope->track == STORE_NO_TRACK) {
		learn_parent(l, t);
		rope = rope_of(l, t);
		if (!rope)
			return STORE_NO_TRACK;
		const struct store_track spec = thread_spec(t, rope);
		note_result(l, store_add_track(l->store, &spec, &rope->track));
	}
	return rope->track;
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct line *l = arg;
	const struct rope *rope = has_store(l) ? rope_of(l, t) : NULL;
	uint32_t value = 0;

	// Of a CPU's idle thread its tracks tell all.
	if (!rope || rope->sealed || state == KERNEL_GONE || !t->tid)
		return;
	if (state == KERNEL_SYSCALL || state == KERNEL_BLOCKED)
		value = call_text(l, t->state_call);
	else if (state == KERNEL_WAIT_CPU)
		value = (uint32_t)(t->wait_cpu + 1);
	append(l, rope->track != STORE_NO_TRACK ? rope->track : thread_track(l, t),
	       (struct store_segment){ begin_ns, end_ns, state, value });
}

static void on_cpu(void *arg, const struct kernel_cpu *c, enum kernel_cpu_state state,
		   int64_t begin_ns, int64_t end_ns)
{
	struct line *l = arg;

	if (has_store(l))
		append(l, track_of(l, TIMELINE_CPU, c, 0),
		       (struct store_segment){ begin_ns, end_ns, state, 0 });
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct line *l = arg;
	const uint32_t thread = has_store(l) && t->tid ? thread_track(l, t) : 0;

	if (has_store(l))
		append(l, track_of(l, TIMELINE_CURRENT, c, 0),
		       (struct store_segment){ begin_ns, end_ns,
					       t->tid ? TIMELINE_RUNS : TIMELINE_IDLE, thread });
}

static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	struct line *l = arg;

	if (has_store(l))
		append(l, track_of(l, TIMELINE_IRQ, c, nr),
		       (struct store_segment){ begin_ns, end_ns, 1, 0 });
}

static void on_softirq(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
		       int64_t begin_ns, int64_t end_ns)
{
	struct line *l = arg;

	(void)raised_ns;
	if (has_store(l))
		append(l, track_of(l, TIMELINE_SOFTIRQ, c, (int32_t)vec),
		       (struct store_segment){ begin_ns, end_ns, 1, 0 });
}

/* The name that a thread has had until @at_ns goes to its track of names. */
static void keep_name(struct line *l, const struct kernel_thread *t, int64_t at_ns)
{
	const uint32_t thread = thread_track(l, t);
	struct rope *rope = rope_of(l, t);

	if (thread == STORE_NO_TRACK || !rope || !rope->name || rope->named_ns >= at_ns)
		return;
	if (rope->names == STORE_NO_TRACK) {
		const struct store_track spec = {
			.kind = TIMELINE_NAME, .id = t->tid, .parent = thread, .n_states = 2
		};
		note_result(l, store_add_track(l->store, &spec, &rope->names));
	}
	append(l, rope->names, (struct store_segment){ rope->named_ns, at_ns, 1, rope->name });
}

static void on_named(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct line *l = arg;
	struct rope *rope = has_store(l) ? rope_of(l, t) : NULL;

	if (!rope || rope->sealed || l->tl->err)
		return;
	keep_name(l, t, at_ns);
	rope->name = text_of(l, t->name);
	rope->named_ns = at_ns;
}

/* What is known of a thread at its end, or at that of the trace. */
static void seal(struct line *l, const struct kernel_thread *t, int64_t at_ns)
{
	struct rope *rope = has_store(l) ? rope_of(l, t) : NULL;

	if (!rope || rope->sealed || l->tl->err)
		return;
	if (rope->names != STORE_NO_TRACK) {
		keep_name(l, t, at_ns);
		const struct store_track names = { .id = t->tid, .parent = rope->track };
		store_set_track(l->store, rope->names, &names);
		note_result(l, l->tl->err ? l->tl->err : store_seal(l->store, rope->names));
	}
	if (rope->track == STORE_NO_TRACK)
		return;
	learn_parent(l, t);
	rope = rope_of(l, t);
	if (!rope)
		return;
	const struct store_track spec = thread_spec(t, rope);
	store_set_track(l->store, rope->track, &spec);
	rope->sealed = true;
	note_result(l, store_seal(l->store, rope->track));
}

static void on_gone(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	seal(arg, t, at_ns);
}

static const struct kernel_watch watch = {
	.forgets = true,
	.ran = on_ran,
	.cpu = on_cpu,
	.state = on_state,
	.irq = on_irq,
	.softirq = on_softirq,
	.named = on_named,
	.gone = on_gone,
};

/* What the store holds by now is not kept twice. */
static void drop_model(struct line *l)
{
	kernel_free(sonde_take(l->kernel));
	free(l->ropes);
	l->ropes = NULL;
	l->cap_ropes = 0;
}

static void line_free(struct line *l)
{
	drop_model(l);
	store_free(l->store);
	u64map_fini(&l->by_key);
	free(l->calls);
	free(l);
}
SONDE_DEFINE_AUTO(struct line *, line_free)

void timeline_free(struct timeline *tl)
{
	if (!tl)
		return;
	for (size_t i = 0; i < tl->n_lines; i++)
		line_free(tl->lines[i]);
	free(tl->lines);
	free(tl);
}

int timeline_new(const char *cache, void (*note)(void *arg, const char *line), void *note_arg,
		 struct timeline **ret)
{
	struct timeline *tl = calloc(1, sizeof(*tl));

	if (!tl)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	tl->where = (struct timeline_where){ cache, note, note_arg };
	*ret = tl;
	return 0;
}

static void begin_all(struct timeline *tl)
{
	for (size_t i = 0; i < tl->n_lines; i++) {
		if (tl->lines[i]->store)
			store_begin(tl->lines[i]->store);
	}
}

static void end_all(struct timeline *tl)
{
	for (size_t i = 0; i < tl->n_lines; i++) {
		if (tl->lines[i]->store)
			store_end(tl->lines[i]->store);
	}
}

/* The line of a trace, made when it is first met. */
static int line_of(struct timeline *tl, const struct sonde_trace *trace, struct line **ret)
{
	for (size_t i = 0; i < tl->n_lines; i++) {
		if (tl->lines[i]->trace == trace) {
			*ret = tl->lines[i];
			return 0;
		}
	}
	sonde_auto(line_freep) struct line *l = calloc(1, sizeof(*l));
	if (!l)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	l->tl = tl;
	l->trace = trace;
	int r = kernel_new(&watch, l, INT64_MIN, INT64_MAX, &l->kernel);
	if (r >= 0)
		r = mem_grow(&tl->lines, &tl->cap_lines, tl->n_lines + 1);
	if (r >= 0)
		tl->lines[tl->n_lines++] = *ret = sonde_take(l);
	return r;
}

static const struct sonde_stream_class *class_of(const struct sonde_event *e)
{
	if (e->cls)
		return e->cls->stream_class;
	return e->u.gap->stream ? e->u.gap->stream->cls : NULL;
}

/* How many events from @i on are of one trace, and whose line that is; NULL: of none. */
static int find_run(struct timeline *tl, const struct sonde_batch *b, size_t i, size_t *ret_n,
		    struct line **ret)
{
	const struct sonde_stream_class *cls = class_of(&b->events[i]);
	size_t n = 1;
	int r = 0;

	if (cls && cls != tl->last_class) {
		r = line_of(tl, cls->trace, &tl->last);
		tl->last_class = r < 0 ? NULL : cls;
	}
	while (i + n < b->n) {
		const struct sonde_stream_class *next = class_of(&b->events[i + n]);

		if (next && next != cls)
			break;
		n++;
	}
	*ret_n = n;
	*ret = tl->last;
	return r;
}

int timeline_consume(struct timeline *tl, const struct sonde_batch *b)
{
	struct line *l = NULL;
	int r = 0;

	begin_all(tl);
	for (size_t i = 0, n; i < b->n && r >= 0 && !tl->err; i += n) {
		r = find_run(tl, b, i, &n, &l);
		if (r >= 0 && l)
			r = kernel_consume(l->kernel, &(struct sonde_batch){ b->events + i, n });
	}
	end_all(tl);
	return tl->err ? tl->err : r;
}

/* Whether only some processes were recorded. */
static bool is_partial(const struct line *l)
{
	struct kernel_host *const *hosts;

	return kernel_hosts(l->kernel, &hosts) && hosts[0]->partial;
}

static void keep_counts(struct line *l)
{
	const struct kernel_doubts *d = kernel_doubts(l->kernel);
	const uint64_t doubts[] = { d->lost_events, d->lost_packets, d->gaps,
				    d->backward,    d->mismatches,   d->calls_broken,
				    d->calls_open,  d->no_cpu,	     d->threads_over };
	int64_t begin = 0, end = 0;

	_Static_assert(sizeof(doubts) == sizeof(*d), "each doubt is kept");
	_Static_assert(TIMELINE_DOUBTS + MEM_LEN(doubts) <= STORE_COUNTS, "there is room");
	if (kernel_span(l->kernel, &begin, &end) < 0)
		begin = end = 0; // a trace without events has an index without segments
	store_set_count(l->store, TIMELINE_SOURCES, kernel_sources(l->kernel));
	store_set_count(l->store, TIMELINE_BEGIN, (uint64_t)begin);
	store_set_count(l->store, TIMELINE_END, (uint64_t)end);
	store_set_count(l->store, TIMELINE_PARTIAL, is_partial(l));
	for (unsigned i = 0; i < MEM_LEN(doubts); i++)
		store_set_count(l->store, TIMELINE_DOUBTS + i, doubts[i]);
}

void timeline_doubts(const struct store *s, struct kernel_doubts *ret)
{
	uint64_t *const doubts[] = { &ret->lost_events, &ret->lost_packets, &ret->gaps,
				     &ret->backward,	&ret->mismatches,   &ret->calls_broken,
				     &ret->calls_open,	&ret->no_cpu,	    &ret->threads_over };

	for (unsigned i = 0; i < MEM_LEN(doubts); i++)
		*doubts[i] += store_count(s, TIMELINE_DOUBTS + i);
}

/* Tells the store the last, and that it was that. */
static void finish_line(struct line *l)
{
	struct kernel_thread *const *threads;
	int64_t begin, end = 0;

	kernel_finish(l->kernel);
	if (kernel_span(l->kernel, &begin, &end) < 0)
		end = 0; // nothing was, so nothing is sealed either
	const size_t n = kernel_threads(l->kernel, &threads);
	for (size_t i = 0; i < n; i++)
		seal(l, threads[i], end);
	// Also of a kernel that told nothing there is an index: that nothing is there.
	if (l->store || (timeline_fits(l->trace) && has_store(l)))
		keep_counts(l);
	drop_model(l);
}

static void keep(struct line *l)
{
	const int r = store_finish(l->store);

	note_result(l, r);
	if (r >= 0 && store_unkept(l->store)) {
		(void)sonde_fail_errno(store_unkept(l->store), "cannot write it");
		timeline_note_unkept(l->trace, &l->tl->where, sonde_err_str());
	}
}

int timeline_finish(struct timeline *tl)
{
	size_t n = 0;

	begin_all(tl);
	for (size_t i = 0; i < tl->n_lines; i++)
		finish_line(tl->lines[i]);
	end_all(tl);
	for (size_t i = 0; i < tl->n_lines; i++) {
		struct line *l = tl->lines[i];

		if (l->store && !tl->err)
			keep(l);
		if (l->store || tl->err)
			tl->lines[n++] = l;
		else
			line_free(l); // not a kernel's
	}
	tl->n_lines = n;
	return tl->err;
}

size_t timeline_stores(const struct timeline *tl)
{
	return tl->n_lines;
}

struct store *timeline_store(const struct timeline *tl, size_t i, const struct sonde_trace **ret)
{
	sonde_check(i < tl->n_lines);
	*ret = tl->lines[i]->trace;
	return tl->lines[i]->store;
}
