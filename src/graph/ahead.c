/* SPDX-License-Identifier: MIT */
/**
 * A thread that reads and merges while another one works at what was read before.
 *
 *	taken              made
 *	  |                  |
 *	  v                  v
 *	| batch | batch |  room | room | ...		a ring
 *	  being            being
 *	  used             filled
 *
 * Who has nothing to do sleeps until half of the ring is full, or free: both are woken up seldom,
 * and no batch waits for more than the others of its half. The sources hold what as many batches
 * lead to.
 */
#include "graph/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "graph/packed.h"

enum { SLOTS = 32, WORDS_MOST = 4096 };

/* One side's events, and what it knows of their classes. */
struct side {
	struct packed_classes known;
	struct sonde_event events[SONDE_BATCH_MAX];
};

struct ahead {
	struct merge *merge; /* borrowed; the thread's, as the slots from made on */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows, up to the slots */
	pthread_cond_t is_filled, is_freed;
	size_t made, taken; /* batches, of all that were */
	bool is_using;	    /* the slot of the batch before @taken still is */
	bool has_ended, stop;
	int result; /* of the end: 0, or a failure with its words */
	char words[WORDS_MOST];
	struct packed_batch slots[SLOTS]; /* owned by turns */
	struct side maker;		  /* the thread's own */
	struct side user;		  /* the other one's */
};

bool ahead_helps(void)
{
	cpu_set_t set;

	// Where the set is too small for all CPUs of a machine, there are many.
	return sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) > 1;
}

static size_t in_use(const struct ahead *a)
{
	return a->made - a->taken + a->is_using;
}

/* Waits for a slot. False: no more is wanted. */
static bool wait_room(struct ahead *a)
{
	(void)pthread_mutex_lock(&a->lock); // fails only for locks of other kinds
	if (in_use(a) == SLOTS) {
		while (in_use(a) > SLOTS / 2 && !a->stop)
			(void)pthread_cond_wait(&a->is_freed, &a->lock);
	}
	const bool go_on = !a->stop;
	(void)pthread_mutex_unlock(&a->lock);
	return go_on;
}

/* The other one is woken behind the lock, which it would wait for at once. */
static void put(struct ahead *a, int result)
{
	(void)pthread_mutex_lock(&a->lock);
	if (result > 0) {
		a->made++;
	} else {
		a->has_ended = true;
		a->result = result;
		if (result < 0)
			(void)snprintf(a->words, sizeof(a->words), "%s", sonde_err_str());
	}
	const bool wake = a->has_ended || a->made - a->taken == SLOTS / 2;
	(void)pthread_mutex_unlock(&a->lock);
	if (wake)
		(void)pthread_cond_signal(&a->is_filled);
}

static void *read_all(void *arg)
{
	struct ahead *a = arg;
	struct side *s = &a->maker;
	size_t n = 0;
	int r = 1;

	for (size_t i = 0; r > 0 && wait_room(a); i = (i + 1) % SLOTS) {
		r = merge_take(a->merge, s->events, &n);
		if (r > 0)
			packed_put(&a->slots[i], &s->known, s->events, n);
		put(a, r);
	}
	return NULL;
}

/* Signals are the other threads'. */
static int start_thread(struct ahead *a)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	const int e = pthread_create(&a->thread, NULL, read_all, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

int ahead_start(struct merge *m, struct ahead **ret)
{
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return sonde_fail(-ENOMEM, "out of memory for batches");
	a->merge = m;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->is_filled, NULL);
	(void)pthread_cond_init(&a->is_freed, NULL);
	const int r = merge_hold(m, SLOTS);
	if (r < 0 || start_thread(a)) {
		free(a);
		return r == -ENOTSUP ? 0 : r; // no thread: this one does all
	}
	*ret = a;
	return 0;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_signal(&a->is_freed);
	(void)pthread_mutex_unlock(&a->lock);
	(void)pthread_join(a->thread, NULL);
	(void)pthread_cond_destroy(&a->is_freed);
	(void)pthread_cond_destroy(&a->is_filled);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

int ahead_next(struct ahead *a, struct sonde_batch *ret)
{
	const struct packed_batch *b = NULL;

	(void)pthread_mutex_lock(&a->lock);
	const bool wake = a->is_using && in_use(a) == SLOTS / 2 + 1;
	a->is_using = false;
	if (a->made == a->taken) {
		while (a->made - a->taken < SLOTS / 2 && !a->has_ended)
			(void)pthread_cond_wait(&a->is_filled, &a->lock);
	}
	if (a->made > a->taken) {
		b = &a->slots[a->taken++ % SLOTS];
		a->is_using = true;
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (wake)
		(void)pthread_cond_signal(&a->is_freed);
	if (!b)
		return a->result < 0 ? sonde_fail(a->result, "%s", a->words) : 0;
	packed_get(b, &a->user.known, a->user.events);
	*ret = (struct sonde_batch){ a->user.events, b->n };
	return 1;
}
