/* SPDX-License-Identifier: MIT */
/** Follows the waits of each thread from begin to end, and who woke it meanwhile. */
#include "analysis/locks/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "analysis/locks/futex.h"
#include "base/mem.h"
#include "base/u64map.h"

enum { NESTED = 4, CALLS_MOST = 4096, NONE = UINT32_MAX };

/* linux/futex.h, asm-generic/errno.h */
enum { AGAIN = -11, TIMED_OUT = -110 };

/* A wait that goes on. */
struct open_wait {
	uint64_t addr;
	enum lock_kind kind;
	bool is_shared, is_mutex;
	int64_t begin_ns;
	int32_t cpu;
	uint32_t stack;
	uint32_t gap; /* what its thread's was at the begin: losses change it */
	const struct kernel_thread *waker;
};

/* What a thread waits for: locks of the kernel, one inside the other, and one futex. */
struct waiter {
	const struct kernel_thread *thread;
	struct open_wait locks[NESTED];
	unsigned n_locks;
	bool has_futex, has_move;
	struct open_wait futex;
	struct futex_ask move; /* what its own call moves, which goes on */
	uint32_t move_gap;
	uint64_t n_woken;    /* by that call so far */
	uint32_t next, prev; /* waiters for that futex, in a ring; oldest first */
	uint64_t list;	     /* its key */
	bool is_listed;
};

struct lock_waits {
	const struct lock_watch *watch;
	void *arg;
	struct kernel *kernel; /* owned */
	struct futex_reader reader;
	int64_t from_ns, to_ns;
	struct waiter *waiters; /* owned */
	size_t n_waiters, cap_waiters;
	uint32_t *by_thread; /* owned; number + 1 */
	size_t cap_threads;
	struct u64map lists;	   /* key of a futex -> the oldest that waits for it */
	uint8_t calls[CALLS_MOST]; /* by call: 0 unlooked, 1 none of ours, 2 ours */
	struct lock_doubts doubts;
	bool has_futex;
	int err;
};

const char *lock_kind_name(enum lock_kind k)
{
	static const char *const names[LOCK_N_KINDS] = {
		[LOCK_SPIN] = "spinlock",
		[LOCK_RWLOCK_READ] = "rwlock read",
		[LOCK_RWLOCK_WRITE] = "rwlock write",
		[LOCK_MUTEX] = "mutex",
		[LOCK_RWSEM_READ] = "rwsem read",
		[LOCK_RWSEM_WRITE] = "rwsem write",
		[LOCK_PERCPU_READ] = "percpu-rwsem read",
		[LOCK_PERCPU_WRITE] = "percpu-rwsem write",
		[LOCK_RT] = "rt-mutex",
		[LOCK_RT_READ] = "rt-rwlock read",
		[LOCK_RT_WRITE] = "rt-rwlock write",
		[LOCK_SEMAPHORE] = "semaphore",
		[LOCK_FUTEX] = "futex",
		[LOCK_FUTEX_PI] = "futex-pi",
		[LOCK_FUTEX_SET] = "futex-waitv",
	};

	return names[k];
}

/* A mutex is spun for first, which is one wait: flags of both. */
static enum lock_kind kind_of(uint32_t flags)
{
	enum { SPIN = 1, READ = 2, WRITE = 4, RT = 8, PERCPU = 16, MUTEX = 32 };

	if (flags & MUTEX)
		return LOCK_MUTEX;
	if (flags & PERCPU)
		return flags & READ ? LOCK_PERCPU_READ : LOCK_PERCPU_WRITE;
	if (flags & RT)
		return flags & READ ? LOCK_RT_READ : flags & WRITE ? LOCK_RT_WRITE : LOCK_RT;
	if (flags & SPIN)
		return flags & READ    ? LOCK_RWLOCK_READ
		       : flags & WRITE ? LOCK_RWLOCK_WRITE
				       : LOCK_SPIN;
	return flags & READ ? LOCK_RWSEM_READ : flags & WRITE ? LOCK_RWSEM_WRITE : LOCK_SEMAPHORE;
}

void lock_waits_free(struct lock_waits *w)
{
	if (!w)
		return;
	kernel_free(w->kernel);
	futex_reader_fini(&w->reader);
	free(w->waiters);
	free(w->by_thread);
	u64map_fini(&w->lists);
	free(w);
}

/* The thread's; NULL: it has none, or there is no memory. */
static struct waiter *waiter_of(struct lock_waits *w, const struct kernel_thread *t)
{
	const uint32_t n = t->index < w->cap_threads ? w->by_thread[t->index] : 0;

	return n ? &w->waiters[n - 1] : NULL;
}

static struct waiter *waiter_make(struct lock_waits *w, const struct kernel_thread *t)
{
	struct waiter *have = waiter_of(w, t);
	const size_t old = w->cap_threads;

	if (have)
		return have;
	if (mem_grow(&w->waiters, &w->cap_waiters, w->n_waiters + 1) < 0 ||
	    (t->index >= old &&
	     mem_grow(&w->by_thread, &w->cap_threads, (size_t)t->index + 1) < 0)) {
		w->err = -ENOMEM;
		return NULL;
	}
	for (size_t i = old; i < w->cap_threads; i++)
		w->by_thread[i] = 0;
	w->waiters[w->n_waiters] = (struct waiter){ .thread = t };
	w->by_thread[t->index] = (uint32_t)++w->n_waiters;
	return &w->waiters[w->n_waiters - 1];
}

static uint32_t stack_of(struct lock_waits *w, const struct kernel_thread *t,
			 const struct sonde_event *e)
{
	return w->watch->stack ? w->watch->stack(w->arg, t, e) : 0;
}

static void tell(struct lock_waits *w, const struct kernel_thread *t, const struct open_wait *o,
		 enum lock_end end, int64_t end_ns)
{
	if (end_ns < w->from_ns || end_ns > w->to_ns || end_ns < o->begin_ns)
		return;
	const struct lock_wait wait = {
		.thread = t,
		.waker = end == LOCK_TAKEN ? o->waker : NULL,
		.addr = o->addr,
		.kind = o->kind,
		.end = end,
		.is_shared = o->is_shared,
		.is_mutex = o->is_mutex,
		.begin_ns = o->begin_ns,
		.end_ns = end_ns,
		.cpu = o->cpu,
		.stack = o->stack,
	};
	w->watch->ended(w->arg, &wait);
}

/* Locks of the kernel. */

static struct open_wait *find_lock(struct waiter *m, uint64_t addr)
{
	for (unsigned i = m->n_locks; i--;) {
		if (m->locks[i].addr == addr)
			return &m->locks[i];
	}
	return NULL;
}

static void drop_lock(struct waiter *m, struct open_wait *o)
{
	const size_t at = (size_t)(o - m->locks);

	memmove(o, o + 1, (m->n_locks - at - 1) * sizeof(*o));
	m->n_locks--;
}

/* A gap came between: what is open may have ended unseen. */
static void drop_lost(struct lock_waits *w, struct waiter *m)
{
	for (unsigned i = m->n_locks; i--;) {
		if (m->locks[i].gap == m->thread->gap)
			continue;
		w->doubts.lost++;
		drop_lock(m, &m->locks[i]);
	}
}

static void on_lock(void *arg, const struct kernel_thread *t, const struct kernel_lock *l,
		    const struct sonde_event *e)
{
	struct lock_waits *w = arg;
	struct waiter *m = l->is_end ? waiter_of(w, t) : waiter_make(w, t);

	if (m)
		drop_lost(w, m);
	struct open_wait *o = m ? find_lock(m, l->addr) : NULL;
	if (l->is_end && o) {
		tell(w, t, o, l->ret ? LOCK_FAILED : LOCK_TAKEN, e->ts_ns);
		drop_lock(m, o);
	} else if (l->is_end) {
		w->doubts.unbegun += e->ts_ns >= w->from_ns && e->ts_ns <= w->to_ns;
	}
	if (l->is_end || !m)
		return;
	// A mutex tells each of its turns from spinning to sleeping and back: one wait.
	if (o) {
		o->kind = o->kind == LOCK_MUTEX ? LOCK_MUTEX : kind_of(l->flags);
		return;
	}
	if (m->n_locks == NESTED) { // deeper than contexts nest: the outermost has ended unseen
		w->doubts.lost++;
		drop_lock(m, &m->locks[0]);
	}
	m->locks[m->n_locks++] = (struct open_wait){
		.addr = l->addr,
		.kind = kind_of(l->flags),
		.begin_ns = e->ts_ns,
		.cpu = e->u.pkt->cpu,
		.stack = stack_of(w, t, e),
		.gap = t->gap,
	};
}

/* Futexes: who waits for which, oldest first. */

static uint64_t list_key(const struct kernel_thread *t, uint64_t addr)
{
	const uint64_t h = addr ^ (uint64_t)(uintptr_t)t->host << 7 ^ (uint64_t)t->pid << 48;

	return h * UINT64_C(0x9e3779b97f4a7c15);
}

static void list_add(struct lock_waits *w, struct waiter *m)
{
	const uint32_t me = (uint32_t)(m - w->waiters);
	const uint64_t key = list_key(m->thread, m->futex.addr);
	uint32_t first;

	m->next = m->prev = me;
	m->list = key;
	if (u64map_get(&w->lists, key, &first)) {
		struct waiter *f = &w->waiters[first];

		m->next = first;
		m->prev = f->prev;
		w->waiters[f->prev].next = me;
		f->prev = me;
	} else if (u64map_put(&w->lists, key, me) < 0) {
		w->err = -ENOMEM;
		return;
	}
	m->is_listed = true;
}

static void list_del(struct lock_waits *w, struct waiter *m)
{
	const uint32_t me = (uint32_t)(m - w->waiters);
	uint32_t first;

	if (!m->is_listed)
		return;
	m->is_listed = false;
	w->waiters[m->prev].next = m->next;
	w->waiters[m->next].prev = m->prev;
	if (!u64map_get(&w->lists, m->list, &first) || first != me)
		return;
	if (m->next == me)
		u64map_del(&w->lists, m->list);
	else
		(void)u64map_replace(&w->lists, m->list, m->next);
}

static void futex_drop(struct lock_waits *w, struct waiter *m)
{
	list_del(w, m);
	m->has_futex = false;
}

static void futex_begin(struct lock_waits *w, struct waiter *m, const struct open_wait *o)
{
	m->futex = *o;
	m->has_futex = true;
	list_add(w, m);
}

/* The same call again: recordings may have it twice, once with its stack. */
static bool is_told(struct lock_waits *w, struct waiter *m, const struct futex_ask *ask,
		    const struct sonde_event *e)
{
	if (!m->has_futex || m->futex.addr != ask->addr || m->futex.gap != m->thread->gap)
		return false;
	if (!m->futex.stack)
		m->futex.stack = stack_of(w, m->thread, e);
	return true;
}

static void begin_wait(struct lock_waits *w, const struct kernel_thread *t,
		       const struct futex_ask *ask, const struct sonde_event *e)
{
	struct waiter *m = waiter_make(w, t);

	if (!m || is_told(w, m, ask, e))
		return;
	w->doubts.lost += m->has_futex;
	futex_drop(w, m);
	const struct open_wait o = {
		.addr = ask->addr,
		.kind = ask->is_set  ? LOCK_FUTEX_SET
			: ask->is_pi ? LOCK_FUTEX_PI
				     : LOCK_FUTEX,
		.is_shared = ask->is_shared,
		.is_mutex = ask->is_mutex,
		.begin_ns = e->ts_ns,
		.cpu = e->u.pkt->cpu,
		.stack = stack_of(w, t, e),
		.gap = t->gap,
	};
	futex_begin(w, m, &o);
}

/* Any call that begins shows that an earlier one has ended. */
static void end_unseen(struct lock_waits *w, const struct kernel_thread *t)
{
	struct waiter *m = waiter_of(w, t);

	if (!m)
		return;
	w->doubts.lost += m->has_futex;
	futex_drop(w, m);
	m->has_move = false;
}

/* Which calls are futexes is found once for each. */
static bool is_ours(struct lock_waits *w, uint32_t call)
{
	if (call >= CALLS_MOST)
		return false;
	if (!w->calls[call])
		w->calls[call] = futex_is_call(kernel_call_name(w->kernel, call)) ? 2 : 1;
	return w->calls[call] == 2;
}

static void on_entered(void *arg, const struct kernel_thread *t, uint32_t call,
		       const struct sonde_event *e)
{
	struct lock_waits *w = arg;
	struct futex_ask ask = { .what = FUTEX_ASKS_OTHER };

	if (is_ours(w, call)) {
		int r = futex_read(&w->reader, kernel_call_name(w->kernel, call), e, &ask);
		w->err = r < 0 ? r : w->err;
	}
	if (ask.what == FUTEX_ASKS_WAIT) {
		begin_wait(w, t, &ask, e);
		return;
	}
	end_unseen(w, t);
	struct waiter *m = ask.what == FUTEX_ASKS_MOVE ? waiter_make(w, t) : NULL;
	if (!m)
		return;
	m->has_move = true;
	m->move = ask;
	m->move_gap = t->gap;
	m->n_woken = 0;
}

static bool is_moved_by(const struct waiter *m, const struct waiter *by)
{
	return m->has_futex && m->futex.addr == by->move.addr &&
	       m->thread->host == by->thread->host && m->thread->pid == by->thread->pid &&
	       m->thread->pid >= 0 && m->futex.gap == m->thread->gap && !m->futex.waker;
}

static void move_one(struct lock_waits *w, struct waiter *m, const struct futex_ask *move,
		     int64_t now)
{
	struct open_wait o = m->futex;

	tell(w, m->thread, &o, LOCK_MOVED, now);
	futex_drop(w, m);
	o.addr = move->to;
	o.kind = move->to_pi ? LOCK_FUTEX_PI : LOCK_FUTEX;
	o.begin_ns = now;
	futex_begin(w, m, &o);
}

/*
 * A call has moved @n waiters from one futex to another: those that it has not woken, the oldest
 * first, as the kernel does among threads of one priority.
 */
static void move_waiters(struct lock_waits *w, uint32_t by, uint64_t n, int64_t now)
{
	const struct futex_ask move = w->waiters[by].move;
	uint32_t at;

	if (!u64map_get(&w->lists, list_key(w->waiters[by].thread, move.addr), &at))
		return;
	const uint32_t last = w->waiters[at].prev;
	while (n && !w->err) {
		struct waiter *m = &w->waiters[at];
		const bool is_last = at == last;

		at = m->next;
		if (is_moved_by(m, &w->waiters[by])) {
			move_one(w, m, &move, now);
			n--;
		}
		if (is_last)
			return;
	}
}

static void end_move(struct lock_waits *w, struct waiter *m, int64_t ret, int64_t now)
{
	m->has_move = false;
	if (ret <= 0 || m->move_gap != m->thread->gap || (uint64_t)ret <= m->n_woken)
		return;
	// What it returns is how many it woke and moved; wake-ups in the window of losses are not
	// known.
	uint64_t n = (uint64_t)ret - m->n_woken;
	if (m->move.n_move >= 0 && n > (uint64_t)m->move.n_move)
		n = (uint64_t)m->move.n_move;
	if (m->move.to != m->move.addr)
		move_waiters(w, (uint32_t)(m - w->waiters), n, now);
}

static void on_returned(void *arg, const struct kernel_thread *t, uint32_t call, int64_t ret,
			const struct sonde_event *e)
{
	struct lock_waits *w = arg;
	struct waiter *m = waiter_of(w, t);

	if (!m)
		return;
	if (call && !is_ours(w, call)) {
		end_unseen(w, t);
		return;
	}
	if (m->has_move)
		end_move(w, m, ret, e->ts_ns);
	if (!m->has_futex)
		return;
	w->has_futex = true;
	if (m->futex.gap != t->gap)
		w->doubts.lost++;
	else if (ret == AGAIN)
		w->doubts.again += e->ts_ns >= w->from_ns && e->ts_ns <= w->to_ns;
	else
		tell(w, t, &m->futex,
		     ret >= 0		? LOCK_TAKEN
		     : ret == TIMED_OUT ? LOCK_TIMED_OUT
					: LOCK_FAILED,
		     e->ts_ns);
	futex_drop(w, m);
}

/* Who wakes a waiter had what it waits for; an interrupt has nothing. */
static void on_roused(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      const struct sonde_event *e)
{
	struct lock_waits *w = arg;
	const bool is_thread =
		c->current && c->current->tid && !c->irqs && !c->softirqs && c->current != t;
	struct waiter *m = waiter_of(w, t);
	struct waiter *by = is_thread ? waiter_of(w, c->current) : NULL;

	(void)e;
	if (m && m->n_locks)
		m->locks[m->n_locks - 1].waker = is_thread ? c->current : NULL;
	if (!m || !m->has_futex)
		return;
	// Inside of the call it may wait for locks of the kernel; their wake-ups are not its own.
	if (m->n_locks)
		return;
	m->futex.waker = is_thread ? c->current : NULL;
	if (by && by->has_move && by->move.addr == m->futex.addr)
		by->n_woken++;
}

/* It sleeps: if its begin had no stack, this one is that of the wait. */
static void on_off(void *arg, const struct kernel_thread *t, const struct sonde_event *e)
{
	struct lock_waits *w = arg;
	struct waiter *m = waiter_of(w, t);
	struct open_wait *o = m && m->n_locks	  ? &m->locks[m->n_locks - 1]
			      : m && m->has_futex ? &m->futex
						  : NULL;

	if (o && !o->stack && w->watch->stack)
		o->stack = stack_of(w, t, e);
}

static const struct kernel_watch kernel_watch = {
	.off = on_off,
	.entered = on_entered,
	.returned = on_returned,
	.roused = on_roused,
	.lock = on_lock,
};

int lock_waits_new(const struct lock_watch *watch, void *arg, int64_t from_ns, int64_t to_ns,
		   struct lock_waits **ret)
{
	sonde_auto(lock_waits_freep) struct lock_waits *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory for waits");
	w->watch = watch;
	w->arg = arg;
	w->from_ns = from_ns;
	w->to_ns = to_ns;
	int r = kernel_new(&kernel_watch, w, from_ns, to_ns, &w->kernel);
	if (!r)
		*ret = sonde_take(w);
	return r;
}

int lock_waits_consume(struct lock_waits *w, const struct sonde_batch *b)
{
	const int r = kernel_consume(w->kernel, b);

	return w->err ? sonde_fail(w->err, "out of memory for waits") : r;
}

void lock_waits_finish(struct lock_waits *w)
{
	kernel_finish(w->kernel);
	for (size_t i = 0; i < w->n_waiters; i++) {
		struct waiter *m = &w->waiters[i];

		drop_lost(w, m);
		if (m->thread->state == KERNEL_GONE) // killed in its wait
			continue;
		if (m->has_futex && m->futex.gap != m->thread->gap)
			w->doubts.lost++;
		else
			w->doubts.open += m->has_futex;
		w->doubts.open += m->n_locks;
	}
}

struct kernel *lock_waits_kernel(const struct lock_waits *w)
{
	return w->kernel;
}

const struct lock_doubts *lock_waits_doubts(const struct lock_waits *w)
{
	return &w->doubts;
}

bool lock_waits_has_kernel(const struct lock_waits *w)
{
	return kernel_sources(w->kernel) & KERNEL_HAS_LOCK;
}

bool lock_waits_has_futex(const struct lock_waits *w)
{
	return w->has_futex;
}
