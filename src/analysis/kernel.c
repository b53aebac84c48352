/* SPDX-License-Identifier: MIT */
/** Threads, CPUs and system calls of the kernel model: their states, and telling what ended. */
#include "analysis/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n_hosts; i++) {
		free(k->hosts[i]->cpus);
		free(k->hosts[i]->begins);
		u64map_fini(&k->hosts[i]->begin_of);
		kernel_tids_fini(k->hosts[i]);
		free(k->hosts[i]->irqs);
		free(k->hosts[i]->disks);
	}
	free(k->hosts);
	free(k->by_class);
	free(k->threads);
	free(k->cpus);
	free(k->calls);
	free(k->streams);
	arena_fini(&k->arena);
	free(k);
}

int kernel_new(const struct kernel_watch *watch, void *arg, int64_t from_ns, int64_t to_ns,
	       struct kernel **ret)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return sonde_fail(-ENOMEM, "out of memory for the kernel's state");
	k->watch = watch;
	k->arg = arg;
	k->from_ns = from_ns;
	k->to_ns = to_ns;
	k->last_ns = KERNEL_NO_TIME;
	*ret = k;
	return 0;
}

/* Notes that memory ran out; kernel_consume() tells it. */
static void *no_memory(struct kernel *k)
{
	k->err = -ENOMEM;
	return NULL;
}

/* Telling: what ended, cut to the window. */

static bool cut(const struct kernel *k, int64_t *begin, int64_t *end)
{
	*begin = *begin < k->from_ns ? k->from_ns : *begin;
	*end = *end > k->to_ns ? k->to_ns : *end;
	return *begin < *end;
}

static bool inside(const struct kernel *k, int64_t at)
{
	return at >= k->from_ns && at <= k->to_ns;
}

/* Of a thread that is not followed only its meetings with those that are were recorded. */
static bool heard(const struct kernel_thread *t)
{
	return !t->host->partial || t->followed;
}

static void tell_ran(struct kernel *k, struct kernel_cpu *c, int64_t end)
{
	int64_t begin = c->current_ns > c->told_ns ? c->current_ns : c->told_ns;

	c->told_ns = c->told_ns > end ? c->told_ns : end;
	if (k->watch->ran && heard(c->current) && cut(k, &begin, &end))
		k->watch->ran(k->arg, c, c->current, begin, end);
}

static void tell_state(struct kernel *k, const struct kernel_thread *t, int64_t end)
{
	int64_t begin = t->since_ns;

	if (k->watch->state && t->state != KERNEL_UNKNOWN && heard(t) && cut(k, &begin, &end))
		k->watch->state(k->arg, t, t->state, begin, end);
}

static void tell_cpu(struct kernel *k, const struct kernel_cpu *c, int64_t end)
{
	int64_t begin = c->since_ns;

	if (k->watch->cpu && c->state != KERNEL_CPU_UNKNOWN && cut(k, &begin, &end))
		k->watch->cpu(k->arg, c, c->state, begin, end);
}

void kernel_left(struct kernel *k, const struct kernel_thread *t, int64_t now)
{
	if (k->watch->left && heard(t) && inside(k, now))
		k->watch->left(k->arg, t, now);
}

void kernel_woken(struct kernel *k, const struct kernel_thread *t, int64_t now)
{
	if (k->watch->woken && heard(t) && inside(k, now) && now >= t->woken_ns)
		k->watch->woken(k->arg, t, t->woken_ns, now);
}

void kernel_waking(struct kernel *k, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t now)
{
	if (k->watch->waking && inside(k, now))
		k->watch->waking(k->arg, c, t, now);
}

void kernel_switched(struct kernel *k, const struct kernel_cpu *c, const struct kernel_thread *prev,
		     const struct kernel_thread *next, int64_t now)
{
	if (k->watch->switched && inside(k, now))
		k->watch->switched(k->arg, c, prev, next, now);
}

void kernel_migrated(struct kernel *k, const struct kernel_thread *t, int64_t now)
{
	if (k->watch->migrated && heard(t) && inside(k, now))
		k->watch->migrated(k->arg, t, now);
}

void kernel_called(struct kernel *k, const struct kernel_thread *t, int64_t now, int64_t ret)
{
	if (k->watch->call && inside(k, now) && now >= t->call_ns)
		k->watch->call(k->arg, t, t->call, t->call_ns, now, ret);
}

/* Threads. */

static void tell_gone(struct kernel *k, struct kernel_thread *t, int64_t now)
{
	t->end_ns = now;
	if (k->watch->gone)
		k->watch->gone(k->arg, t, now);
	if (!k->watch->forgets || t->is_gone)
		return;
	t->is_gone = true;
	t->next_gone = NULL;
	if (k->last_gone)
		k->last_gone->next_gone = t;
	else
		k->first_gone = t;
	k->last_gone = t;
	k->n_gone++;
}

/* A thread that is gone for long, whose memory is free; NULL: there is none. */
static struct kernel_thread *take_gone(struct kernel *k)
{
	enum { KEPT = 64 }; // an event's rule may still be at one of the latest

	while (k->n_gone > KEPT) {
		struct kernel_thread *t = k->first_gone;

		k->first_gone = t->next_gone;
		k->n_gone--;
		t->is_gone = false;
		// Events that contradict each other may have called it back.
		if (t->state != KERNEL_GONE || t->on)
			continue;
		struct kernel_thread **s = kernel_tid(t->host, t->tid);
		if (s && *s == t)
			*s = NULL;
		return t;
	}
	return NULL;
}

/* Its number is another's now: it ended at some time that no event told. */
static void set_replaced(struct kernel *k, struct kernel_thread *t)
{
	if (t->state == KERNEL_GONE)
		return;
	t->state = KERNEL_GONE;
	tell_gone(k, t, k->last_ns);
}

void kernel_thread_set(struct kernel *k, struct kernel_thread *t, enum kernel_state s, int64_t now)
{
	if (t->state == s)
		return;
	tell_state(k, t, now);
	t->state = s;
	t->since_ns = now > t->since_ns ? now : t->since_ns; // no time is told twice
	t->state_call = t->call;
	if (s == KERNEL_GONE)
		tell_gone(k, t, now);
}

void kernel_thread_name(struct kernel *k, struct kernel_thread *t, struct sonde_span name)
{
	const size_t n = name.len < KERNEL_NAME_MOST - 1 ? name.len : KERNEL_NAME_MOST - 1;

	if (!memcmp(t->name, name.data, n) && !t->name[n])
		return;
	memcpy(t->name, name.data, n);
	t->name[n] = '\0';
	if (k->watch->named)
		k->watch->named(k->arg, t, k->last_ns);
}

void kernel_thread_join(struct kernel *k, struct kernel_thread *t, int64_t pid)
{
	if (t->pid == pid)
		return;
	t->pid = pid;
	if (k->watch->joined)
		k->watch->joined(k->arg, t);
}

void kernel_thread_made(struct kernel *k, struct kernel_thread *t, struct kernel_thread *parent,
			int64_t now)
{
	// Several events may tell it, one after the other.
	if (!t->parent && parent) {
		t->parent = parent;
		t->parent_life = parent->life;
	}
	if (t->begin_ns == KERNEL_NO_TIME) {
		t->begin_ns = now;
		if (k->watch->born)
			k->watch->born(k->arg, t, now);
	}
	kernel_thread_set(k, t, KERNEL_WAIT_FORK, now);
}

void kernel_thread_prio(struct kernel_thread *t, int64_t prio)
{
	const int32_t p = prio < -1000 ? -1000 : prio > 1000 ? 1000 : (int32_t)prio;

	if (!t->has_prio || p < t->prio_least)
		t->prio_least = p;
	if (!t->has_prio || p > t->prio_most)
		t->prio_most = p;
	t->prio = p;
	t->has_prio = true;
}

/* Memory of a thread more; NULL: no room. */
static struct kernel_thread *thread_alloc(struct kernel *k)
{
	if (k->n_threads >= KERNEL_THREADS_MOST) {
		k->doubts.threads_over++;
		return NULL;
	}
	if (mem_grow(&k->threads, &k->cap_threads, k->n_threads + 1) < 0)
		return no_memory(k);

	struct kernel_thread *t = arena_new(&k->arena, struct kernel_thread);
	if (!t)
		return no_memory(k);
	t->index = (uint32_t)k->n_threads;
	k->threads[k->n_threads++] = t;
	return t;
}

static struct kernel_thread *thread_new(struct kernel *k, struct kernel_host *h, int64_t tid)
{
	struct kernel_thread *t = k->n_gone ? take_gone(k) : NULL;

	if (t)
		t->life++;
	else
		t = thread_alloc(k);
	if (!t)
		return NULL;
	*t = (struct kernel_thread){
		.host = h,
		.index = t->index,
		.life = t->life,
		.gap = h->gap,
		.tid = tid,
		.pid = -1,
		.ppid = -1,
		.last_cpu = -1,
		.wait_cpu = -1,
		.begin_ns = KERNEL_NO_TIME,
		.end_ns = KERNEL_NO_TIME,
		.since_ns = KERNEL_NO_TIME,
		.woken_ns = KERNEL_NO_TIME,
	};
	return t;
}

/* Lost events since its state was last known: only its names and numbers still hold. */
static void forget_if_gap(struct kernel_thread *t)
{
	if (t->gap == t->host->gap)
		return;
	t->gap = t->host->gap;
	t->call = 0;
	t->woken_ns = KERNEL_NO_TIME;
	if (!t->on && t->state != KERNEL_GONE) {
		t->state = KERNEL_UNKNOWN;
		t->since_ns = KERNEL_NO_TIME;
	}
}

static struct kernel_thread *idle_thread(struct kernel *k, struct kernel_cpu *c)
{
	if (!c->idle)
		c->idle = thread_new(k, c->host, 0);
	if (c->idle)
		c->idle->pid = 0;
	return c->idle;
}

/* One that is not idle. */
static struct kernel_thread *thread_of(struct kernel *k, struct kernel_host *h, int64_t tid)
{
	struct kernel_thread **s = kernel_tid_make(h, tid);
	if (!s)
		return no_memory(k);
	if (*s && (*s)->state != KERNEL_GONE) {
		forget_if_gap(*s);
		return *s;
	}
	struct kernel_thread *t = thread_new(k, h, tid);
	if (t)
		*s = t;
	return t;
}

struct kernel_thread *kernel_thread(struct kernel *k, struct kernel_cpu *c, int64_t tid)
{
	return tid ? thread_of(k, c->host, tid) : idle_thread(k, c);
}

const struct kernel_thread *kernel_thread_met(struct kernel *k, const struct sonde_trace *trace,
					      int64_t tid, int64_t pid)
{
	struct kernel_host *h = tid > 0 ? kernel_host(k, trace) : NULL;
	struct kernel_thread *t = h ? thread_of(k, h, tid) : NULL;

	if (t && t->pid < 0 && pid > 0)
		kernel_thread_join(k, t, pid);
	return t;
}

struct kernel_thread *kernel_thread_known(struct kernel_host *h, struct kernel_cpu *c, int64_t tid)
{
	if (tid == 0)
		return c->idle;
	struct kernel_thread *const *s = kernel_tid(h, tid);
	return s ? *s : NULL;
}

struct kernel_thread *kernel_thread_born(struct kernel *k, struct kernel_host *h, int64_t tid)
{
	struct kernel_thread **s = kernel_tid_make(h, tid);

	if (!s)
		return no_memory(k);
	if (*s && (*s)->state == KERNEL_WAIT_FORK)
		return *s;
	struct kernel_thread *t = thread_new(k, h, tid);
	if (t) {
		if (*s && (*s)->on)
			kernel_cpu_forget(k, (*s)->on, (*s)->on->last_ns);
		if (*s)
			set_replaced(k, *s);
		*s = t;
	}
	return t;
}

void kernel_thread_renumber(struct kernel *k, struct kernel_thread *t, int64_t tid)
{
	struct kernel_host *h = t->host;

	if (t->tid == tid || !tid || !t->tid)
		return;
	struct kernel_thread **s = kernel_tid_make(h, tid), **old = kernel_tid(h, t->tid);
	if (!s) {
		(void)no_memory(k);
		return;
	}
	if (*s)
		set_replaced(k, *s);
	// Whoever has its old number from now on is another thread.
	if (old && *old == t)
		*old = NULL;
	t->tid = tid;
	*s = t;
}

/* CPUs. */

void kernel_cpu_update(struct kernel *k, struct kernel_cpu *c, int64_t now)
{
	struct kernel_thread *t = c->current;
	enum kernel_cpu_state s = KERNEL_CPU_UNKNOWN;

	if (c->irqs)
		s = KERNEL_CPU_IRQ;
	else if (c->softirqs)
		s = KERNEL_CPU_SOFTIRQ;
	else if (t)
		s = t->tid ? KERNEL_CPU_BUSY : KERNEL_CPU_IDLE;
	if (s != c->state) {
		tell_cpu(k, c, now);
		c->state = s;
		c->since_ns = now > c->since_ns ? now : c->since_ns;
	}
	if (!t)
		return;
	if (c->irqs || c->softirqs)
		kernel_thread_set(k, t, KERNEL_INTERRUPTED, now);
	else
		kernel_thread_set(k, t, t->call ? KERNEL_SYSCALL : KERNEL_USER, now);
}

void kernel_cpu_leave(struct kernel *k, struct kernel_cpu *c, int64_t now)
{
	tell_ran(k, c, now);
	c->current->on = NULL;
	c->current->last_cpu = (int32_t)c->cpu;
	c->current = NULL;
}

void kernel_cpu_forget(struct kernel *k, struct kernel_cpu *c, int64_t until)
{
	struct kernel_thread *t = c->current;

	c->irqs = c->softirqs = c->raised = 0;
	c->open_ns = KERNEL_NO_TIME;
	c->after_gap = true;
	if (t) {
		kernel_cpu_leave(k, c, until);
		kernel_thread_set(k, t, KERNEL_UNKNOWN, until);
		// Where each call tells whose it is, one does not end because a switch was not
		// seen.
		if (!c->host->calls_own)
			t->call = 0;
		t->woken_ns = KERNEL_NO_TIME;
	}
	kernel_cpu_update(k, c, until);
}

void kernel_cpu_enter(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t, int64_t now)
{
	if (t->on && t->on != c) {
		k->doubts.mismatches++;
		kernel_cpu_forget(k, t->on, t->on->last_ns);
	}
	if (!t->host->has_migrate && t->tid && t->last_cpu >= 0 && t->last_cpu != (int32_t)c->cpu)
		kernel_migrated(k, t, now);
	t->on = c;
	t->last_cpu = (int32_t)c->cpu;
	c->current = t;
	c->current_ns = now;
}

void kernel_cpu_deduce(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t,
		       const struct sonde_event *e)
{
	const struct sonde_packet *p = e->u.pkt;
	const int64_t *begin = kernel_begin(c->host, p->stream->cls, c->cpu);
	int64_t since = c->open_ns;

	(void)k;
	if (begin && *begin != KERNEL_NO_TIME && !c->after_gap && !c->host->begins_late)
		since = *begin;
	if (since != KERNEL_NO_TIME && t->state != KERNEL_UNKNOWN && t->since_ns > since)
		since = t->since_ns;
	if (since > e->ts_ns || since == KERNEL_NO_TIME)
		since = e->ts_ns;
	t->on = c;
	c->current = t;
	c->current_ns = since;
	if (c->state == KERNEL_CPU_UNKNOWN) {
		c->state = t->tid ? KERNEL_CPU_BUSY : KERNEL_CPU_IDLE;
		c->since_ns = c->since_ns > since ? c->since_ns : since;
	}
}

void kernel_cpu_correct(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t,
			int64_t now)
{
	if (c->current) {
		k->doubts.mismatches++;
		kernel_cpu_forget(k, c, c->last_ns);
	}
	if (!t)
		return;
	kernel_cpu_enter(k, c, t, now);
	kernel_cpu_update(k, c, now);
	t->woken_ns = KERNEL_NO_TIME; // how late it came is not known; the next waking is a new one
}

static struct kernel_cpu *cpu_new(struct kernel *k, struct kernel_host *h, uint32_t cpu)
{
	if (mem_grow(&k->cpus, &k->cap_cpus, k->n_cpus + 1) < 0 ||
	    mem_grow(&h->cpus, &h->cap_cpus, (size_t)cpu + 1) < 0)
		return no_memory(k);

	struct kernel_cpu *c = arena_new(&k->arena, struct kernel_cpu);
	if (!c)
		return no_memory(k);
	while (h->n_cpus <= cpu)
		h->cpus[h->n_cpus++] = NULL;
	*c = (struct kernel_cpu){
		.host = h,
		.cpu = cpu,
		.index = (uint32_t)k->n_cpus,
		.since_ns = KERNEL_NO_TIME,
		.open_ns = KERNEL_NO_TIME,
		.told_ns = KERNEL_NO_TIME,
		.last_ns = KERNEL_NO_TIME,
	};
	h->cpus[cpu] = k->cpus[k->n_cpus++] = c;
	return c;
}

/* Gaps. */

/* The CPU that a gap is of; NULL: none is known. The begin of its events tells nothing any more. */
static struct kernel_cpu *gap_cpu(struct kernel *k, const struct sonde_gap *gap)
{
	const struct sonde_stream *stream = gap->stream;

	if (!stream || !stream->cls)
		return NULL;
	struct kernel_host *h = kernel_host(k, stream->cls->trace);
	const struct kernel_stream *s =
		stream->index < k->cap_streams ? &k->streams[stream->index] : NULL;
	if (h && s && s->begin)
		h->begins[s->begin - 1] = KERNEL_NO_TIME;
	else if (h)
		h->begins_late = true;
	return s ? s->cpu : NULL;
}

/* Whoever did not run on another CPU all the time may have run on @c unseen. */
static void lose(struct kernel *k, struct kernel_cpu *c, int64_t until)
{
	c->host->gap++;
	for (size_t i = 0; i < c->host->n_cpus; i++) {
		struct kernel_cpu *other = c->host->cpus[i];

		if (other && other != c && other->current)
			other->current->gap = c->host->gap;
	}
	kernel_cpu_forget(k, c, until);
}

void kernel_gap(struct kernel *k, const struct sonde_event *e)
{
	const struct sonde_gap *gap = e->u.gap;
	const uint64_t count = gap->has_count ? gap->count : 0;

	switch (gap->kind) {
	case SONDE_GAP_LOST_EVENTS: k->doubts.lost_events += count; break;
	case SONDE_GAP_LOST_PACKETS: k->doubts.lost_packets += count; break;
	case SONDE_GAP_CUT: break;
	// Where it happened the events themselves tell.
	case SONDE_GAP_BACKWARD: k->doubts.backward += count; return;
	}
	struct kernel_cpu *c = gap_cpu(k, gap);
	if (!c)
		return;

	const bool known = gap->begin_ns > c->last_ns && gap->begin_ns <= e->ts_ns;
	k->doubts.gaps++;
	lose(k, c, known ? gap->begin_ns : c->last_ns);
}

/* The batch loop. */

static int grow_streams(struct kernel *k, uint32_t index)
{
	const size_t old = k->cap_streams;
	int r = mem_grow(&k->streams, &k->cap_streams, (size_t)index + 1);
	if (r < 0)
		return r;
	memset(k->streams + old, 0, (k->cap_streams - old) * sizeof(*k->streams));
	return 0;
}

/* The CPU of an event; NULL: it has none, or there is no memory. */
static inline struct kernel_cpu *cpu_of(struct kernel *k, const struct kernel_event *ev,
					const struct sonde_event *e)
{
	struct kernel_host *h = ev->host;
	const struct sonde_packet *p = e->u.pkt;
	struct kernel_cpu *c = NULL;

	if (p->cpu < 0 || p->cpu >= KERNEL_CPUS_MOST) {
		k->doubts.no_cpu++;
		return NULL;
	}
	if ((size_t)p->cpu < h->n_cpus)
		c = h->cpus[p->cpu];
	if (!c)
		c = cpu_new(k, h, (uint32_t)p->cpu);
	if (!c)
		return NULL;
	if (ev->aside)
		return c;
	k->streams[p->stream->index].cpu = c;
	return c;
}

/*
 * Events that carry the tid of who ran tell it also where no switch was seen yet, and where one is
 * missing: some kernels hide those of some threads.
 */
static void learn_current(struct kernel *k, const struct kernel_event *ev,
			  const struct sonde_event *e, struct kernel_cpu *c)
{
	int64_t tid;

	if (!kernel_int(e, &ev->current_int, &ev->current, &tid) || tid < 0 ||
	    (c->current && c->current->tid == tid))
		return;
	kernel_cpu_correct(k, c, kernel_thread(k, c, tid), e->ts_ns);
}

static int consume_one(struct kernel *k, const struct sonde_event *e)
{
	if (__builtin_expect(!e->cls, 0)) {
		kernel_gap(k, e);
		return 0;
	}
	if (e->ts_ns > k->to_ns) {
		k->last_ns = k->to_ns;
		k->beyond = true;
		return 1;
	}
	if (__builtin_expect(e->ts_ns >= k->last_ns, 1))
		k->last_ns = e->ts_ns;
	else if (e->ts_ns < k->first_ns)
		k->first_ns = e->ts_ns;

	const uint32_t index = e->cls->index;
	const struct kernel_event *ev = index < k->cap_class ? k->by_class[index] : NULL;
	if (__builtin_expect(!ev, 0)) {
		ev = kernel_resolve(k, e->cls);
		if (!ev) {
			k->err = -ENOMEM;
			return 0;
		}
	}
	if (__builtin_expect(e->ts_ns > ev->host->last_ns, 1))
		ev->host->last_ns = e->ts_ns;
	const struct sonde_packet *p = e->u.pkt;
	if (__builtin_expect(
		    p->stream->index >= k->cap_streams || !k->streams[p->stream->index].begin, 0)) {
		if (p->stream->index >= k->cap_streams && grow_streams(k, p->stream->index) < 0) {
			k->err = -ENOMEM;
			return 0;
		}
		kernel_begin_note(k, ev->host, p, e->ts_ns);
	}
	if (!ev->handle)
		return 0;
	struct kernel_cpu *c = cpu_of(k, ev, e);
	if (!c)
		return 0;
	if (__builtin_expect(ev->aside, 0)) {
		ev->handle(k, ev, e, c);
		return 0;
	}
	// What came to be where it goes back in time is not known; each part alone is told.
	if (__builtin_expect(e->ts_ns < c->last_ns, 0)) {
		if (!c->behind)
			lose(k, c, c->last_ns);
		c->behind = true;
	} else {
		c->behind = false;
	}
	if (__builtin_expect(!c->current && c->open_ns == KERNEL_NO_TIME, 0)) {
		c->open_ns = e->ts_ns;
		kernel_begin_note(k, ev->host, p, e->ts_ns);
	}
	if (ev->current.type)
		learn_current(k, ev, e, c);
	if (ev->own && c->current && ev->host->partial)
		c->current->followed = true;
	ev->handle(k, ev, e, c);
	c->last_ns = c->behind ? c->last_ns : e->ts_ns;
	return 0;
}

int kernel_consume(struct kernel *k, const struct sonde_batch *b)
{
	int enough = 0;

	for (size_t i = 0; i < b->n && !enough; i++) {
		const struct sonde_event *e = &b->events[i];

		if (!k->some && e->cls && e->ts_ns != KERNEL_NO_TIME) {
			k->first_ns = e->ts_ns;
			k->some = true;
		}
		enough = consume_one(k, e);
	}
	if (k->err)
		return sonde_fail(k->err, "out of memory for the kernel's state");
	return enough;
}

/* Up to when is known what goes on: to the window's end, or that of the host's own trace. */
static int64_t end_of(const struct kernel *k, const struct kernel_host *h)
{
	return k->beyond || h->last_ns == KERNEL_NO_TIME ? k->last_ns : h->last_ns;
}

void kernel_finish(struct kernel *k)
{
	for (size_t i = 0; i < k->n_cpus; i++) {
		struct kernel_cpu *c = k->cpus[i];

		if (c->current)
			tell_ran(k, c, end_of(k, c->host));
		tell_cpu(k, c, end_of(k, c->host));
	}
	for (size_t i = 0; i < k->n_threads; i++) {
		struct kernel_thread *t = k->threads[i];

		forget_if_gap(t);
		tell_state(k, t, end_of(k, t->host));
		k->doubts.calls_open += t->call && t->state != KERNEL_GONE;
	}
}

int kernel_span(const struct kernel *k, int64_t *ret_begin_ns, int64_t *ret_end_ns)
{
	if (!k->some || k->first_ns > k->to_ns || k->last_ns < k->from_ns)
		return sonde_fail(-ENODATA, k->some ? "there are no events in that time"
						    : "there are no events");
	*ret_begin_ns = k->from_ns > k->first_ns ? k->from_ns : k->first_ns;
	*ret_end_ns = k->last_ns;
	return 0;
}

const struct kernel_doubts *kernel_doubts(const struct kernel *k)
{
	return &k->doubts;
}

unsigned kernel_sources(const struct kernel *k)
{
	return k->sources;
}

size_t kernel_threads(const struct kernel *k, struct kernel_thread *const **ret)
{
	*ret = k->threads;
	return k->n_threads;
}

size_t kernel_cpus(const struct kernel *k, struct kernel_cpu *const **ret)
{
	*ret = k->cpus;
	return k->n_cpus;
}

size_t kernel_hosts(const struct kernel *k, struct kernel_host *const **ret)
{
	*ret = k->hosts;
	return k->n_hosts;
}

size_t kernel_n_calls(const struct kernel *k)
{
	return k->n_calls;
}

const char *kernel_call_name(const struct kernel *k, uint32_t call)
{
	return call && call <= k->n_calls ? k->calls[call - 1] : "unknown";
}
