/* SPDX-License-Identifier: MIT */
/** Looks for what may be odd while the events go by. */
#include "analysis/odd/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "analysis/locks/waits.h"
#include "analysis/odd/queue.h"
#include "analysis/requests.h"
#include "base/mem.h"
#include "base/ns.h"

enum {
	SLOT_NS = 10000000,	 /* interrupts are added up in these */
	IRQ_SHARE = 4,		 /* a quarter of a slot in handlers is a storm .. */
	SOFTIRQ_SHARE = 2,	 /* .. half of it in a softirq too much */
	IDLE_LEAST_NS = 4000000, /* of idle CPUs */
	CONVOY_LEAST = 5,	 /* waits for one lock, without a time when none waits .. */
	CONVOY_NS = 10000000,	 /* .. for at least so long */
	CALLS_MOST = 4096,
	RUNS = 64, /* on a CPU, that are remembered */
};

/* What a thread is in the middle of; by its index. */
struct thread_odd {
	int64_t waited_ns, blocked_ns;	   /* for a CPU, and uninterruptibly, so far .. */
	int64_t call_waited, call_blocked; /* .. when its call began */
	bool preempted;			   /* another took its CPU */
	int64_t since_ns;		   /* since then, or when it was woken, it waits */
	int64_t idle_ns;		   /* its host's, then */
	uint32_t doubt;			   /* likewise */
};

/* Who had a CPU last, the latest at .n - 1. */
struct cpu_odd {
	bool is_idle; /* as far as known */
	uint32_t n;   /* of all time */
	struct run {
		const struct kernel_thread *thread;
		int64_t begin_ns, end_ns;
	} runs[RUNS];
};

/* Whether a host has a CPU with nothing to do. */
struct host_odd {
	struct odd_queue queue;
	uint64_t n_idle;  /* CPUs, as far as known */
	int64_t idle_ns;  /* time with any, so far .. */
	int64_t since_ns; /* .. and since then, if there is one now */
	uint32_t doubt;	  /* raised where who runs was not as it seemed */
};

/* Handlers of one kind on one CPU, in the slot at hand. */
struct series {
	int64_t at_ns; /* the slot's begin; a handler may have begun before */
	struct odd_suspect slot;
};

/* Waits for one lock without a time when none waits. */
struct convoy {
	struct odd_suspect s; /* .lost_ns: all that waited */
};

struct odd_watch {
	struct odd_list *list;
	struct kernel *kernel;	  /* owned */
	struct lock_waits *locks; /* owned */
	struct requests requests;
	struct thread_odd *threads; /* owned, by index */
	size_t cap_threads;
	struct host_odd *hosts; /* owned, by the trace's index */
	size_t n_hosts;
	struct cpu_odd *cpus; /* owned, by index */
	size_t n_cpus;
	struct series *series; /* owned */
	size_t n_series, cap_series;
	struct u64map by_series;
	struct convoy *convoys; /* owned */
	size_t n_convoys, cap_convoys;
	struct u64map by_lock;
	uint8_t calls[CALLS_MOST]; /* 0: unlooked, 1: may wait for others, 2: does its work */
	int64_t from_ns, to_ns;
	bool kernel_done, locks_done; /* they have seen enough */
	bool failed;		      /* out of memory */
};

void odd_watch_free(struct odd_watch *w)
{
	if (!w)
		return;
	kernel_free(w->kernel);
	lock_waits_free(w->locks);
	requests_fini(&w->requests);
	for (size_t i = 0; i < w->n_hosts; i++)
		odd_queue_fini(&w->hosts[i].queue);
	free(w->threads);
	free(w->hosts);
	free(w->cpus);
	free(w->series);
	free(w->convoys);
	u64map_fini(&w->by_series);
	u64map_fini(&w->by_lock);
	free(w);
}
SONDE_DEFINE_AUTO(struct odd_watch *, odd_watch_free)

/* Zeros that grow; NULL: no memory, noted. */
static void *item(struct odd_watch *w, void *arr, size_t *cap, size_t i, size_t size)
{
	const size_t old = *cap;

	if (i >= old) {
		if (mem_grow_(arr, cap, i + 1, size) < 0) {
			w->failed = true;
			return NULL;
		}
		memset(*(char **)arr + old * size, 0, (*cap - old) * size);
	}
	return *(char **)arr + i * size;
}

static struct thread_odd *thread_of(struct odd_watch *w, const struct kernel_thread *t)
{
	return item(w, &w->threads, &w->cap_threads, t->index, sizeof(*w->threads));
}

static struct host_odd *host_of(struct odd_watch *w, const struct sonde_trace *t)
{
	return item(w, &w->hosts, &w->n_hosts, t->index, sizeof(*w->hosts));
}

/* A suspect with one thread. */
static struct odd_suspect of(enum odd_kind kind, const struct kernel_thread *t, int64_t begin_ns,
			     int64_t end_ns)
{
	return (struct odd_suspect){ .kind = kind,
				     .host = t->host,
				     .thread = t,
				     .cpu = -1,
				     .begin_ns = begin_ns,
				     .end_ns = end_ns };
}

/* Waits. */

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct odd_watch *w = arg;
	struct thread_odd *o = t->tid ? thread_of(w, t) : NULL;
	struct host_odd *h = host_of(w, t->host->trace);
	const int64_t ns = ns_between(begin_ns, end_ns);

	if (!o || !h)
		return;
	if (state == KERNEL_WAIT_CPU) {
		o->waited_ns = ns_after(o->waited_ns, ns);
		int64_t first = begin_ns, last;

		// Waits are told where they end: the first one need not be the first that began.
		if (!h->queue.ns)
			if (kernel_span(w->kernel, &first, &last) < 0)
				first = begin_ns;
		if (odd_queue_add(&h->queue, first, first) < 0 ||
		    odd_queue_add(&h->queue, begin_ns, end_ns) < 0)
			w->failed = true;
	}
	if (state != KERNEL_BLOCKED || !t->deep)
		return;
	o->blocked_ns = ns_after(o->blocked_ns, ns);
	struct odd_suspect s = of(ODD_BLOCKED, t, begin_ns, end_ns);
	s.what = t->state_call;
	(void)odd_take(w->list, s, t->state_call);
}

/* Time in which the host had an idle CPU, without what is too short for it to be noticed. */
static int64_t idle_ns(const struct host_odd *h, int64_t now)
{
	const int64_t ns = h->n_idle ? ns_between(h->since_ns, now) : 0;

	return ns >= IDLE_LEAST_NS ? ns_after(h->idle_ns, ns) : h->idle_ns;
}

static void set_idle(struct odd_watch *w, struct host_odd *h, const struct kernel_cpu *c, bool idle,
		     int64_t now)
{
	struct cpu_odd *o = item(w, &w->cpus, &w->n_cpus, c->index, sizeof(*w->cpus));

	if (!o || o->is_idle == idle)
		return;
	if (!idle && h->n_idle == 1)
		h->idle_ns = idle_ns(h, now);
	if (idle && !h->n_idle)
		h->since_ns = now;
	h->n_idle += idle ? 1 : (uint64_t)-1;
	o->is_idle = idle;
}

/* @t begins to wait for a CPU. */
static void begin_wait(struct odd_watch *w, const struct kernel_thread *t, bool preempted,
		       int64_t now)
{
	const struct host_odd *h = host_of(w, t->host->trace);
	struct thread_odd *o = h ? thread_of(w, t) : NULL;

	if (!o)
		return;
	o->preempted = preempted;
	o->since_ns = now;
	o->idle_ns = idle_ns(h, now);
	o->doubt = h->doubt;
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct odd_watch *w = arg;
	struct cpu_odd *o = item(w, &w->cpus, &w->n_cpus, c->index, sizeof(*w->cpus));

	if (o)
		o->runs[o->n++ % RUNS] = (struct run){ t, begin_ns, end_ns };
}

/* How much of a time a run was. */
static int64_t part_of(const struct run *r, int64_t begin_ns, int64_t end_ns)
{
	const int64_t from = r->begin_ns > begin_ns ? r->begin_ns : begin_ns;
	const int64_t to = r->end_ns < end_ns ? r->end_ns : end_ns;

	return from < to ? ns_between(from, to) : 0;
}

/* Who had @c for more than half of the time; NULL: nobody. */
static const struct kernel_thread *hog_of(const struct odd_watch *w, const struct kernel_cpu *c,
					  int64_t begin_ns, int64_t end_ns)
{
	const struct cpu_odd *o = c && c->index < w->n_cpus ? &w->cpus[c->index] : NULL;
	const uint32_t n = !o ? 0 : o->n < RUNS ? o->n : RUNS;
	const struct kernel_thread *t = NULL;
	int64_t lead = 0, sum = 0;

	// Who had more than all others together is who is left when each takes from the others.
	for (uint32_t i = 0; i < n; i++) {
		const int64_t ns = part_of(&o->runs[i], begin_ns, end_ns);
		const bool same = o->runs[i].thread == t;

		if (!same && ns > lead)
			t = o->runs[i].thread;
		lead = same ? ns_after(lead, ns) : ns > lead ? ns - lead : lead - ns;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (o->runs[i].thread == t)
			sum = ns_after(sum, part_of(&o->runs[i], begin_ns, end_ns));
	}
	return t && t->tid && sum > ns_between(begin_ns, end_ns) / 2 ? t : NULL;
}

/* @t has waited until @now, for what it gets on @c, which may be NULL. */
static void end_wait(struct odd_watch *w, const struct kernel_thread *t, const struct kernel_cpu *c,
		     int64_t now)
{
	const struct host_odd *h = host_of(w, t->host->trace);
	struct thread_odd *o = h ? thread_of(w, t) : NULL;

	if (!o || o->since_ns != t->since_ns || o->since_ns >= now)
		return;
	struct odd_suspect s = of(ODD_LATE, t, o->since_ns, now);
	s.cpu = c ? (int32_t)c->cpu : -1;
	struct odd_suspect *kept = odd_take(w->list, s, o->preempted);
	if (kept)
		kept->by = hog_of(w, c, o->since_ns, now);
	if (kept && kept->by)
		kept->kind = ODD_HOG;
	s.kind = ODD_IDLE;
	s.lost_ns = ns_between(o->idle_ns, idle_ns(h, now));
	if (s.lost_ns > ns_between(s.begin_ns, s.end_ns))
		s.lost_ns = ns_between(s.begin_ns, s.end_ns);
	if (o->doubt == h->doubt && s.lost_ns > 0)
		(void)odd_take(w->list, s, 0);
}

static void on_waking(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      int64_t at_ns)
{
	(void)c;
	if (t->tid && t->state != KERNEL_WAIT_CPU)
		begin_wait(arg, t, /* preempted= */ false, at_ns);
}

static void on_switched(void *arg, const struct kernel_cpu *c, const struct kernel_thread *prev,
			const struct kernel_thread *next, int64_t at_ns)
{
	struct odd_watch *w = arg;
	struct host_odd *h = host_of(w, c->host->trace);
	const struct cpu_odd *o = item(w, &w->cpus, &w->n_cpus, c->index, sizeof(*w->cpus));

	if (!h || !o)
		return;
	// A CPU that was thought to be idle was not.
	if (o->is_idle != (prev && !prev->tid))
		h->doubt++;
	if (next->tid && next->state == KERNEL_WAIT_CPU)
		end_wait(w, next, c, at_ns);
	set_idle(w, h, c, !next->tid, at_ns);
	if (prev && prev->tid && prev->state == KERNEL_WAIT_CPU &&
	    (!prev->host->partial || prev->followed))
		begin_wait(w, prev, next->tid != 0, at_ns);
}

/* System calls. */

/* Calls that wait until others do something: how long is not theirs. */
static bool waits_for_others(const char *call)
{
	static const char *const names[] = {
		"accept",	 "accept4",	    "clock_nanosleep",
		"connect",	 "epoll_pwait",	    "epoll_pwait2",
		"epoll_wait",	 "fcntl",	    "flock",
		"futex",	 "futex_wait",	    "futex_waitv",
		"io_getevents",	 "io_pgetevents",   "io_uring_enter",
		"ioctl",	 "mq_timedreceive", "mq_timedsend",
		"msgrcv",	 "msgsnd",	    "nanosleep",
		"open",		 "openat",	    "pause",
		"poll",		 "ppoll",	    "pread64",
		"preadv",	 "pselect6",	    "ptrace",
		"read",		 "readv",	    "recvfrom",
		"recvmmsg",	 "recvmsg",	    "restart_syscall",
		"rt_sigsuspend", "rt_sigtimedwait", "select",
		"semop",	 "semtimedop",	    "sendfile",
		"sendfile64",	 "sendmmsg",	    "sendmsg",
		"sendto",	 "sigsuspend",	    "splice",
		"unknown",	 "vfork",	    "wait4",
		"waitid",	 "write",	    "writev",
	};

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(call, names[i]))
			return true;
	}
	return false;
}

static bool is_work(struct odd_watch *w, uint32_t call)
{
	if (call >= CALLS_MOST)
		return false;
	if (!w->calls[call])
		w->calls[call] = waits_for_others(kernel_call_name(w->kernel, call)) ? 1 : 2;
	return w->calls[call] == 2;
}

static void on_entered(void *arg, const struct kernel_thread *t, uint32_t call,
		       const struct sonde_event *e)
{
	struct thread_odd *o = thread_of(arg, t);

	(void)call;
	(void)e;
	if (!o)
		return;
	o->call_waited = o->waited_ns;
	o->call_blocked = o->blocked_ns;
}

static void on_call(void *arg, const struct kernel_thread *t, uint32_t call, int64_t begin_ns,
		    int64_t end_ns, int64_t ret)
{
	struct odd_watch *w = arg;
	const struct thread_odd *o = is_work(w, call) ? thread_of(w, t) : NULL;

	(void)ret;
	if (!o)
		return;
	struct odd_suspect s = of(ODD_CALL, t, begin_ns, end_ns);
	// Waits for CPUs and disks are told apart.
	s.lost_ns = ns_between(begin_ns, end_ns) - (o->waited_ns - o->call_waited) -
		    (o->blocked_ns - o->call_blocked);
	s.what = call;
	if (s.lost_ns > 0)
		(void)odd_take(w->list, s, call);
}

/* Interrupts and disks. */

/* A slot is over: it is a suspect if handlers took much of it. */
static void end_slot(struct odd_watch *w, struct series *s)
{
	const int64_t share = s->slot.kind == ODD_IRQ ? IRQ_SHARE : SOFTIRQ_SHARE;

	if (s->slot.n && s->slot.lost_ns >= SLOT_NS / share)
		(void)odd_keep(w->list, s->slot);
}

static void add_handler(struct odd_watch *w, enum odd_kind kind, const struct kernel_cpu *c,
			uint64_t nr, const int64_t ns[2])
{
	const uint64_t key = (uint64_t)c->index << 34 | (uint64_t)(kind == ODD_IRQ) << 33 | nr;
	const int64_t begin = ns[1] - (ns[1] % SLOT_NS + SLOT_NS) % SLOT_NS;
	uint32_t i;

	if (!u64map_get(&w->by_series, key, &i)) {
		i = (uint32_t)w->n_series;
		if (mem_grow(&w->series, &w->cap_series, w->n_series + 1) < 0 ||
		    u64map_put(&w->by_series, key, i) < 0) {
			w->failed = true;
			return;
		}
		w->series[w->n_series++] = (struct series){ .slot = { .n = 0 } };
	}
	struct series *s = &w->series[i];
	if (s->slot.n && s->at_ns != begin) {
		end_slot(w, s);
		s->slot.n = 0;
	}
	if (!s->slot.n)
		*s = (struct series){ begin,
				      { .kind = kind,
					.host = c->host,
					.what = nr,
					.cpu = (int32_t)c->cpu,
					.begin_ns = begin,
					.end_ns = ns_after(begin, SLOT_NS) } };
	if (ns[0] < s->slot.begin_ns)
		s->slot.begin_ns = ns[0];
	s->slot.n++;
	s->slot.lost_ns = ns_after(s->slot.lost_ns, ns_between(ns[0], ns[1]));
}

static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	add_handler(arg, ODD_IRQ, c, (uint32_t)nr, (const int64_t[]){ begin_ns, end_ns });
}

static void on_softirq(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
		       int64_t begin_ns, int64_t end_ns)
{
	(void)raised_ns;
	add_handler(arg, ODD_SOFTIRQ, c, vec, (const int64_t[]){ begin_ns, end_ns });
}

static void on_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io)
{
	struct odd_watch *w = arg;
	struct request q;
	const int r = requests_take(&w->requests, c->host, io, &q);

	w->failed |= r < 0;
	if (r <= 0 || q.end_ns < w->from_ns || q.end_ns > w->to_ns)
		return;
	const uint64_t what = (uint64_t)q.op << 32 | q.dev;
	const struct odd_suspect s = { .kind = ODD_REQUEST,
				       .host = q.host,
				       .thread = q.thread,
				       .what = what,
				       .cpu = -1,
				       .begin_ns = q.issue_ns,
				       .end_ns = q.end_ns };
	(void)odd_take(w->list, s, what);
}

/* Locks. */

static void end_convoy(struct odd_watch *w, const struct convoy *c)
{
	const int64_t ns = ns_between(c->s.begin_ns, c->s.end_ns);

	// On average more than one and a half waited.
	if (c->s.n >= CONVOY_LEAST && ns >= CONVOY_NS && c->s.lost_ns / 3 >= ns / 2)
		(void)odd_keep(w->list, c->s);
}

static uint64_t lock_key(const struct lock_wait *l)
{
	const bool own = lock_is_futex(l->kind) && !l->is_shared;
	uint64_t h = l->thread->host->trace->index + 1;

	h = (h ^ (own ? (uint64_t)l->thread->pid : 0)) * UINT64_C(0x9e3779b97f4a7c15);
	return (h ^ h >> 29 ^ l->addr) * UINT64_C(0x9e3779b97f4a7c15);
}

static void on_lock(void *arg, const struct lock_wait *l)
{
	struct odd_watch *w = arg;
	const uint64_t key = lock_key(l);
	struct odd_suspect s = of(ODD_LOCK, l->thread, l->begin_ns, l->end_ns);
	uint32_t i;

	// What ends by itself was no wait for somebody who had the lock.
	if (l->end != LOCK_TAKEN || (lock_is_futex(l->kind) && !l->is_mutex))
		return;
	s.by = l->waker;
	s.what = l->addr;
	(void)odd_take(w->list, s, l->kind);
	if (!u64map_get(&w->by_lock, key, &i)) {
		i = (uint32_t)w->n_convoys;
		if (mem_grow(&w->convoys, &w->cap_convoys, w->n_convoys + 1) < 0 ||
		    u64map_put(&w->by_lock, key, i) < 0) {
			w->failed = true;
			return;
		}
		w->convoys[w->n_convoys++] = (struct convoy){ .s = { .n = 0 } };
	}
	struct convoy *c = &w->convoys[i];
	s.kind = ODD_CONVOY;
	s.lost_ns = ns_between(l->begin_ns, l->end_ns);
	s.n = 1;
	if (c->s.n && l->begin_ns > c->s.end_ns)
		end_convoy(w, c);
	if (!c->s.n || l->begin_ns > c->s.end_ns) {
		c->s = s;
		return;
	}
	c->s.begin_ns = l->begin_ns < c->s.begin_ns ? l->begin_ns : c->s.begin_ns;
	c->s.end_ns = l->end_ns;
	c->s.lost_ns = ns_after(c->s.lost_ns, s.lost_ns);
	c->s.n++;
	c->s.by = l->waker ? l->waker : c->s.by;
}

/* All of it. */

static const struct kernel_watch kernel_watch = {
	.ran = on_ran,
	.state = on_state,
	.waking = on_waking,
	.switched = on_switched,
	.call = on_call,
	.entered = on_entered,
	.irq = on_irq,
	.softirq = on_softirq,
	.io = on_io,
};

static const struct lock_watch lock_watch = { .ended = on_lock };

int odd_watch_new(struct odd_list *list, int64_t from_ns, int64_t to_ns, struct odd_watch **ret)
{
	sonde_auto(odd_watch_freep) struct odd_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	w->list = list;
	w->from_ns = from_ns;
	w->to_ns = to_ns;
	int r = kernel_new(&kernel_watch, w, from_ns, to_ns, &w->kernel);
	if (r >= 0)
		r = lock_waits_new(&lock_watch, w, from_ns, to_ns, &w->locks);
	if (r < 0)
		return r;
	*ret = sonde_take(w);
	return 0;
}

/* The host that a gap is of; NULL: it has shown no events yet. */
static const struct kernel_host *gap_host(const struct odd_watch *w, const struct sonde_gap *g)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(w->kernel, &hosts);

	for (size_t i = 0; i < n && g->stream && g->stream->cls; i++) {
		if (hosts[i]->trace == g->stream->cls->trace)
			return hosts[i];
	}
	return NULL;
}

static void take_gap(struct odd_watch *w, const struct sonde_event *e)
{
	const struct sonde_gap *g = e->u.gap;
	const struct kernel_host *host = gap_host(w, g);
	struct odd_suspect s = { .kind = g->kind == SONDE_GAP_BACKWARD ? ODD_BACKWARD : ODD_LOST,
				 .host = host,
				 .what = g->kind,
				 .cpu = -1,
				 .begin_ns = g->begin_ns,
				 .end_ns = g->end_ns == INT64_MAX ? e->ts_ns : g->end_ns,
				 .n = g->has_count ? g->count : 1 };

	if (!host || e->ts_ns < w->from_ns || e->ts_ns > w->to_ns || !s.n)
		return;
	if (s.begin_ns > s.end_ns || s.begin_ns == INT64_MIN)
		s.begin_ns = s.end_ns;
	s.lost_ns = g->kind == SONDE_GAP_BACKWARD ? 0 : ns_between(s.begin_ns, s.end_ns);
	(void)odd_keep(w->list, s);
	// Who waits and what is idle may have changed unseen.
	struct host_odd *h = host_of(w, host->trace);
	if (h)
		h->doubt++;
}

int odd_watch_consume(struct odd_watch *w, const struct sonde_batch *b)
{
	int r = 0, enough = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!b->events[i].cls)
			take_gap(w, &b->events[i]);
	}
	if (!w->kernel_done)
		r = kernel_consume(w->kernel, b);
	w->kernel_done |= r > 0;
	if (r >= 0 && !w->locks_done)
		enough = lock_waits_consume(w->locks, b);
	w->locks_done |= enough > 0;
	if (r < 0 || enough < 0)
		return r < 0 ? r : enough;
	if (w->failed || w->list->failed)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	return w->kernel_done && w->locks_done;
}

/* A host's last event. */
static int64_t end_of(const struct kernel_host *h)
{
	int64_t end = INT64_MIN;

	for (size_t i = 0; i < h->n_cpus; i++) {
		if (h->cpus[i] && h->cpus[i]->last_ns > end)
			end = h->cpus[i]->last_ns;
	}
	return end;
}

/* Who still waits for a CPU at the end; not where switches are hidden: they may have run. */
static void end_waits(struct odd_watch *w)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(w->kernel, &threads);

	for (size_t i = 0; i < n && !kernel_doubts(w->kernel)->mismatches; i++) {
		const struct kernel_host *h = threads[i]->host;
		const int32_t cpu =
			threads[i]->wait_cpu >= 0 ? threads[i]->wait_cpu : threads[i]->last_cpu;

		if (threads[i]->tid && threads[i]->state == KERNEL_WAIT_CPU)
			end_wait(w, threads[i],
				 cpu >= 0 && (size_t)cpu < h->n_cpus ? h->cpus[cpu] : NULL,
				 end_of(h));
	}
}

int odd_watch_finish(struct odd_watch *w)
{
	struct kernel_host *const *hosts;

	kernel_finish(w->kernel);
	lock_waits_finish(w->locks);
	end_waits(w);
	for (size_t i = 0; i < w->n_series; i++)
		end_slot(w, &w->series[i]);
	for (size_t i = 0; i < w->n_convoys; i++)
		end_convoy(w, &w->convoys[i]);
	const size_t n = kernel_hosts(w->kernel, &hosts);
	for (size_t i = 0; i < n; i++) {
		struct host_odd *h = host_of(w, hosts[i]->trace);
		size_t n_cpus = 0;

		for (size_t c = 0; c < hosts[i]->n_cpus; c++)
			n_cpus += hosts[i]->cpus[c] != NULL;
		if (h)
			odd_queue_finish(&h->queue, n_cpus, hosts[i], w->list);
	}
	return w->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : 0;
}

const struct kernel *odd_watch_kernel(const struct odd_watch *w)
{
	return w->kernel;
}
