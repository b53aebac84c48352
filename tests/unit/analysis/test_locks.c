/* SPDX-License-Identifier: MIT */
/** Tests how waits for locks are followed: events of every tracer -> waits and their wakers. */
#include "analysis/locks/waits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "events.h"
#include "test.h"

static void on_ended(void *arg, const struct lock_wait *w)
{
	static const char *const ends[] = { "taken", "timed out", "failed", "moved" };

	strbuf_fmt((struct strbuf *)arg, "%ld %s %lx%s %ld-%ld %s by %ld\n", w->thread->tid,
		   lock_kind_name(w->kind), (unsigned long)w->addr, w->is_shared ? " shared" : "",
		   w->begin_ns, w->end_ns, ends[w->end], w->waker ? w->waker->tid : -1);
}

static const struct lock_watch watch = { .ended = on_ended };

/* Feeds the events in batches of @batch. */
static int run(const struct maker *m, int64_t from_ns, int64_t to_ns, size_t batch,
	       struct strbuf *told)
{
	struct lock_waits *w = NULL;
	int r = lock_waits_new(&watch, told, from_ns, to_ns, &w);

	for (size_t i = 0; r == 0 && i < m->n_events; i += batch) {
		const size_t left = m->n_events - i;

		r = lock_waits_consume(
			w, &(struct sonde_batch){ m->events + i, left < batch ? left : batch });
	}
	if (r >= 0) {
		lock_waits_finish(w);
		const struct lock_doubts *d = lock_waits_doubts(w);
		strbuf_fmt(told, "again %lu open %lu unbegun %lu lost %lu\n", d->again, d->open,
			   d->unbegun, d->lost);
		r = strbuf_ok(told);
	}
	lock_waits_free(w);
	return r < 0 ? r : 0;
}

enum { ALL = 0xf, LTTNGS = 3, CURRENT = 1 << FTRACE_CURRENT };

static const struct rule {
	const char *name;
	unsigned flavours;
	const char *text;
	const char *want;
	int64_t from_ns, to_ns; /* 0, 0: all */
} rules[] = {
	{ "a mutex: spins, sleeps, and who wakes is its holder", ALL,
	  "10 0 switch 0 0 11\n"
	  "10 1 switch 0 0 12\n"
	  "20 0 lock+ 0xa0 33\n" // MUTEX | SPIN
	  "25 0 lock+ 0xa0 32\n"
	  "30 0 switch 11 2 0\n"
	  "60 1 waking 11 0\n"
	  "65 0 switch 0 0 11\n"
	  "70 0 lock- 0xa0 0\n",
	  "11 mutex a0 20-70 taken by 12\n"
	  "again 0 open 0 unbegun 0 lost 0\n",
	  0, 0 },
	{ "kinds by their flags", ALL,
	  "10 0 switch 0 0 11\n"
	  "20 0 lock+ 1 1\n21 0 lock- 1 0\n"
	  "22 0 lock+ 1 3\n23 0 lock- 1 0\n"
	  "24 0 lock+ 1 5\n25 0 lock- 1 0\n"
	  "26 0 lock+ 1 2\n27 0 lock- 1 0\n"
	  "28 0 lock+ 1 4\n29 0 lock- 1 0\n"
	  "30 0 lock+ 1 18\n31 0 lock- 1 0\n"
	  "32 0 lock+ 1 20\n33 0 lock- 1 0\n"
	  "34 0 lock+ 1 8\n35 0 lock- 1 0\n"
	  "36 0 lock+ 1 10\n37 0 lock- 1 0\n"
	  "38 0 lock+ 1 12\n39 0 lock- 1 0\n"
	  "40 0 lock+ 1 0\n41 0 lock- 1 0\n",
	  "11 spinlock 1 20-21 taken by -1\n"
	  "11 rwlock read 1 22-23 taken by -1\n"
	  "11 rwlock write 1 24-25 taken by -1\n"
	  "11 rwsem read 1 26-27 taken by -1\n"
	  "11 rwsem write 1 28-29 taken by -1\n"
	  "11 percpu-rwsem read 1 30-31 taken by -1\n"
	  "11 percpu-rwsem write 1 32-33 taken by -1\n"
	  "11 rt-mutex 1 34-35 taken by -1\n"
	  "11 rt-rwlock read 1 36-37 taken by -1\n"
	  "11 rt-rwlock write 1 38-39 taken by -1\n"
	  "11 semaphore 1 40-41 taken by -1\n"
	  "again 0 open 0 unbegun 0 lost 0\n",
	  0, 0 },
	{ "one inside the other, out of order, failed, without a begin, open at the end", ALL,
	  "10 0 switch 0 0 11\n"
	  "20 0 lock+ 0xa0 4\n"
	  "21 0 lock+ 0xb0 1\n"
	  "22 0 lock- 0xb0 0\n"
	  "30 0 lock- 0xa0 -4\n"
	  "31 0 lock- 0xc0 0\n"
	  "40 0 lock+ 0xa0 32\n",
	  "11 spinlock b0 21-22 taken by -1\n"
	  "11 rwsem write a0 20-30 failed by -1\n"
	  "again 0 open 1 unbegun 1 lost 0\n",
	  0, 0 },
	{ "an interrupt that wakes holds nothing", ALL,
	  "10 0 switch 0 0 11\n"
	  "10 1 switch 0 0 12\n"
	  "20 0 lock+ 0xa0 0\n"
	  "30 0 switch 11 2 0\n"
	  "50 1 irq+ 5\n"
	  "60 1 waking 11 0\n"
	  "61 1 irq- 5\n"
	  "65 0 switch 0 0 11\n"
	  "70 0 lock- 0xa0 0\n",
	  "11 semaphore a0 20-70 taken by -1\n"
	  "again 0 open 0 unbegun 0 lost 0\n",
	  0, 0 },
	{ "losses while it waits: it may have ended unseen", ALL,
	  "10 0 switch 0 0 11\n"
	  "20 0 lock+ 0xa0 32\n"
	  "30 0 switch 11 2 0\n"
	  "40 0 gap lost 7 35\n"
	  "50 0 switch 0 0 11\n"
	  "60 0 lock- 0xa0 0\n"
	  "70 0 lock+ 0xa0 32\n"
	  "75 0 lock- 0xa0 0\n",
	  "11 mutex a0 70-75 taken by -1\n"
	  "again 0 open 0 unbegun 1 lost 1\n",
	  0, 0 },
	{ "futexes: woken, timed out, a signal, nothing to wait for; wake-ups are no waits", ALL,
	  "10 0 switch 0 0 11\n"
	  "10 1 switch 0 0 12\n"
	  "20 0 futex 0xf0 128 2 0 0\n"
	  "21 0 switch 11 1 0\n"
	  "30 1 futex 0xf0 129 1 0 0\n"
	  "31 1 waking 11 0\n"
	  "32 1 exit futex 1\n"
	  "35 0 switch 0 0 11\n"
	  "36 0 exit futex 0\n"
	  "40 0 futex 0xf0 393 2 0 0\n" // WAIT_BITSET | PRIVATE | CLOCK_REALTIME
	  "50 0 exit futex -110\n"
	  "60 0 futex 0xf0 0 2 0 0\n"
	  "70 0 exit futex -4\n"
	  "80 0 futex 0xf0 128 2 0 0\n"
	  "81 0 exit futex -11\n"
	  "90 0 futex 0xe0 134 0 0 0\n" // LOCK_PI
	  "99 0 exit futex 0\n"
	  "100 0 futex 0xf0 128 2 0 0\n",
	  "11 futex f0 20-36 taken by 12\n"
	  "11 futex f0 40-50 timed out by -1\n"
	  "11 futex f0 shared 60-70 failed by -1\n"
	  "11 futex-pi e0 90-99 taken by -1\n"
	  "again 1 open 1 unbegun 0 lost 0\n",
	  0, 0 },
	{ "ends without entries, and another call's entry behind one without an end", ALL,
	  "10 0 switch 0 0 11\n"
	  "15 0 exit futex 0\n"
	  "20 0 futex 0xf0 128 2 0 0\n"
	  "30 0 enter read\n"
	  "40 0 exit read 1\n"
	  "50 0 exit futex 0\n",
	  "again 0 open 0 unbegun 0 lost 1\n", 0, 0 },
	{ "waits count where they end", ALL,
	  "10 0 switch 0 0 11\n"
	  "20 0 futex 0xf0 128 2 0 0\n"
	  "30 0 exit futex 0\n"
	  "40 0 futex 0xf0 128 2 0 0\n"
	  "60 0 exit futex 0\n"
	  "70 0 futex 0xf0 128 2 0 0\n"
	  "90 0 exit futex 0\n",
	  "11 futex f0 40-60 taken by -1\n"
	  "again 0 open 1 unbegun 0 lost 0\n",
	  50, 80 },
	{ "requeued: the oldest that were not woken wait for the other from then on", LTTNGS,
	  "1 0 dump 11 7 5\n1 0 dump 12 7 5\n1 0 dump 13 7 5\n1 0 dump 14 7 5\n1 0 dump 21 8 5\n"
	  "10 0 switch 0 0 11\n20 0 futex 0xf0 128 2 0 0\n21 0 switch 11 1 12\n"
	  "22 0 futex 0xf0 128 2 0 0\n23 0 switch 12 1 13\n"
	  "24 0 futex 0xf0 128 2 0 0\n25 0 switch 13 1 21\n"
	  "26 0 futex 0xf0 128 2 0 0\n27 0 switch 21 1 14\n"
	  "30 0 futex 0xf0 131 1 1 0xe0\n" // REQUEUE, wakes one, moves one
	  "31 0 waking 11 0\n"
	  "33 0 exit futex 2\n"
	  "40 0 futex 0xe0 129 1 0 0\n41 0 waking 12 0\n42 0 exit futex 1\n"
	  "43 0 switch 14 1 11\n44 0 exit futex 0\n"
	  "45 0 switch 11 1 12\n46 0 exit futex 0\n",
	  "12 futex f0 22-33 moved by -1\n"
	  "11 futex f0 20-44 taken by 14\n"
	  "12 futex e0 33-46 taken by 14\n"
	  "again 0 open 2 unbegun 0 lost 0\n",
	  0, 0 },
	{ "sched_wakeup says only where sched_waking is not there who wakes", LTTNGS,
	  "10 0 switch 0 0 11\n"
	  "10 1 switch 0 0 12\n"
	  "10 2 switch 0 0 13\n"
	  "20 0 lock+ 0xa0 32\n"
	  "30 0 switch 11 2 0\n"
	  "60 1 waking 11 0\n"
	  "61 2 wakeup 11\n"
	  "65 0 switch 0 0 11\n"
	  "70 0 lock- 0xa0 0\n",
	  "11 mutex a0 20-70 taken by 12\n"
	  "again 0 open 0 unbegun 0 lost 0\n",
	  0, 0 },
	{ "switches that are missing lose no waits where events tell who runs", CURRENT,
	  "10 0 switch 0 0 11\n"
	  "20 0 futex 0xf0 128 2 0 0\n"
	  "25 0 now 12\n"
	  "26 0 enter read\n"
	  "27 0 exit read 1\n"
	  "28 0 waking 11 0\n"
	  "30 0 now 11\n"
	  "40 0 exit futex 0\n",
	  "11 futex f0 20-40 taken by 12\n"
	  "again 0 open 0 unbegun 0 lost 0\n",
	  0, 0 },
};

static void check(const struct rule *r, enum flavour f, size_t batch)
{
	static struct maker m;
	struct strbuf told = { 0 };

	maker_init(&m, f, 0, r->text);
	EXPECT_EQ(run(&m, r->to_ns ? r->from_ns : INT64_MIN, r->to_ns ? r->to_ns : INT64_MAX, batch,
		      &told),
		  0);
	if (strcmp(strbuf_text(&told), r->want) != 0)
		printf("# %s, tracer %d, batches of %zu\n", r->name, (int)f, batch);
	EXPECT_STR(strbuf_text(&told), r->want);
	strbuf_fini(&told);
	maker_fini(&m);
}

TEST(every_rule_with_every_tracer)
{
	for (size_t i = 0; i < MEM_LEN(rules); i++) {
		for (unsigned f = 0; f < N_FLAVOURS; f++) {
			for (size_t batch = 1; rules[i].flavours >> f & 1 && batch < 64; batch *= 3)
				check(&rules[i], (enum flavour)f, batch);
		}
	}
}

static struct maker small;

static int run_without_memory(void)
{
	struct strbuf told = { 0 };
	int r = run(&small, INT64_MIN, INT64_MAX, 5, &told);

	strbuf_fini(&told);
	return r;
}

TEST(out_of_memory)
{
	maker_init(&small, LTTNG, 0, rules[8].text);
	test_oom(run_without_memory);
	maker_fini(&small);
}
