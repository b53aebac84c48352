/* SPDX-License-Identifier: MIT */
/**
 * Waits for locks: of the kernel, by its contention events, and of programs, by their futex calls.
 *
 * A wait counts where it ends. One that began before the first event, or whose begin or end was
 * lost, is none.
 */
#ifndef ANALYSIS_LOCKS_WAITS_H
#define ANALYSIS_LOCKS_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>

#include "base/mem.h"

struct kernel;
struct kernel_thread;

enum lock_kind {
	LOCK_SPIN,
	LOCK_RWLOCK_READ,
	LOCK_RWLOCK_WRITE,
	LOCK_MUTEX,
	LOCK_RWSEM_READ,
	LOCK_RWSEM_WRITE,
	LOCK_PERCPU_READ,
	LOCK_PERCPU_WRITE,
	LOCK_RT,
	LOCK_RT_READ,
	LOCK_RT_WRITE,
	LOCK_SEMAPHORE,
	LOCK_FUTEX, /* this and what follows are of programs */
	LOCK_FUTEX_PI,
	LOCK_FUTEX_SET, /* one of several at once; the address is that of their list */
	LOCK_N_KINDS,
};

/** "mutex", "futex". */
const char *lock_kind_name(enum lock_kind k);

static inline bool lock_is_futex(enum lock_kind k)
{
	return k >= LOCK_FUTEX;
}

enum lock_end {
	LOCK_TAKEN,
	LOCK_TIMED_OUT,
	LOCK_FAILED, /* a signal most often */
	LOCK_MOVED,  /* goes on waiting for another futex; that is the next wait */
};

/** A wait that ended. */
struct lock_wait {
	const struct kernel_thread *thread;
	/** Who woke it; NULL: nobody did, or not a thread. It held the lock, as far as is known. */
	const struct kernel_thread *waker;
	uint64_t addr;
	enum lock_kind kind;
	enum lock_end end;
	bool is_mutex;	/* not what is waited for until there is work */
	bool is_shared; /* a futex that several processes may have at addresses of their own */
	int64_t begin_ns, end_ns;
	int32_t cpu;	/* where it began */
	uint32_t stack; /* what the watcher gave at the begin, or when the thread slept */
};

struct lock_watch {
	/** A wait ended inside the window. */
	void (*ended)(void *arg, const struct lock_wait *w);
	/** @e begins a wait, or @thread sleeps in it: a number for its stack; 0: none. Or NULL. */
	uint32_t (*stack)(void *arg, const struct kernel_thread *thread,
			  const struct sonde_event *e);
};

/** What was not counted. */
struct lock_doubts {
	uint64_t again;	  /* futex calls that had no need to wait, as the value had changed */
	uint64_t open;	  /* waits that had not ended; from lock_waits_finish() on */
	uint64_t unbegun; /* ends without a begin */
	uint64_t lost;	  /* begins whose end was lost */
};

struct lock_waits;

/** @watch and @arg are borrowed. Only what ends in [from_ns, to_ns] is told. */
SONDE_MUST_CHECK int lock_waits_new(const struct lock_watch *watch, void *arg, int64_t from_ns,
				    int64_t to_ns, struct lock_waits **ret);
void lock_waits_free(struct lock_waits *w);
SONDE_DEFINE_AUTO(struct lock_waits *, lock_waits_free)

/** As kernel_consume(). */
SONDE_MUST_CHECK int lock_waits_consume(struct lock_waits *w, const struct sonde_batch *b);
void lock_waits_finish(struct lock_waits *w);

/** The model beneath; lent. */
struct kernel *lock_waits_kernel(const struct lock_waits *w);
const struct lock_doubts *lock_waits_doubts(const struct lock_waits *w);

/** Whether there were any contention events, and any futex calls that came to their end. */
bool lock_waits_has_kernel(const struct lock_waits *w);
bool lock_waits_has_futex(const struct lock_waits *w);

#endif
