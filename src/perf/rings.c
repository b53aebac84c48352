/* SPDX-License-Identifier: MIT */
/** Opens, reads and orders the rings of all CPUs. */
#include "perf/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "perf/proc_scan.h"
#include "perf/record.h"

/* A CPU may still be writing a record that is this much older than now. */
enum { LATE_NS = 2000000 };

/* A record in a ring, in the order in which it will be taken. */
struct waiting {
	uint64_t time;
	uint32_t no;   /* as it was found: keeps the order of records of one time */
	uint32_t ring; /* RINGS_N * CPU's index + kind */
	const struct perf_event_header *h;
};

static struct perf_ring *ring_of(struct sample_rings *r, uint32_t no)
{
	return &r->cpus[no / RINGS_N].of[no % RINGS_N];
}

void sample_rings_close(struct sample_rings *r)
{
	for (size_t i = 0; i < r->n_more; i++)
		close(r->more[i]);
	for (size_t i = 0; i < r->n_cpus; i++) {
		for (int k = 0; k < RINGS_N; k++)
			perf_ring_close(&r->cpus[i].of[k]);
	}
	free(r->cpus);
	free(r->more);
	free(r->waiting);
	*r = (struct sample_rings){ 0 };
}

static int open_ring(struct perf_ring *ring, int fd, size_t size)
{
	if (fd < 0)
		return fd;
	int r = perf_ring_map(ring, fd, size);
	if (r < 0)
		close(fd);
	return r;
}

/* The ring's first event opens it; the others write into it too. */
static int add_event(struct sample_rings *r, struct perf_ring *ring, int fd, size_t size)
{
	if (ring->fd < 0)
		return open_ring(ring, fd, size);
	if (fd < 0)
		return fd;
	int err = mem_grow(&r->more, &r->cap_more, r->n_more + 1);
	if (!err && ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) != 0)
		err = sonde_fail_errno(-errno, "cannot join rings of samples");
	if (err) {
		close(fd);
		return err;
	}
	r->more[r->n_more++] = fd;
	return 0;
}

static int open_event(const struct sample_rings *r, enum rings_kind kind, pid_t tid, int cpu)
{
	switch (kind) {
	case RINGS_CLOCK: return perf_open_clock(&r->can, &r->wish, tid, cpu);
	case RINGS_POINTS: return perf_open_point(&r->wish, tid, cpu);
	default: return perf_open_tasks(&r->can, &r->wish, tid, cpu);
	}
}

/* The events of one thread (-1: all) on one CPU. */
static int open_cpu(struct sample_rings *r, struct cpu_rings *c, pid_t tid)
{
	static const enum rings_kind order[] = { RINGS_TASKS, RINGS_CLOCK, RINGS_POINTS };
	int err = 0;

	for (size_t i = 0; i < MEM_LEN(order) && !err; i++) {
		const enum rings_kind kind = order[i];

		if (!r->size[kind])
			continue;
		r->wish.watermark = (uint32_t)(r->size[kind] / 8);
		err = add_event(r, &c->of[kind], open_event(r, kind, tid, c->cpu), r->size[kind]);
	}
	return err;
}

static int make_cpus(struct sample_rings *r)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	r->cpus = calloc(n > 0 ? (size_t)n : 1, sizeof(*r->cpus));
	if (!r->cpus)
		return sonde_fail(-ENOMEM, "samples: out of memory");
	for (int cpu = 0; cpu < n; cpu++) {
		struct cpu_rings *c = &r->cpus[r->n_cpus++];

		c->cpu = cpu;
		for (int k = 0; k < RINGS_N; k++)
			c->of[k].fd = -1;
	}
	return 0;
}

int sample_rings_open(struct sample_rings *r)
{
	int err = make_cpus(r);

	for (size_t i = 0; !err && i < r->n_cpus; i++) {
		err = open_cpu(r, &r->cpus[i], -1);
		if (err == -ENODEV) // this CPU is off
			err = 0;
	}
	return err;
}

static int open_thread(void *arg, pid_t tid)
{
	struct sample_rings *r = arg;
	int err = 0;

	for (size_t i = 0; !err && i < r->n_cpus; i++) {
		err = open_cpu(r, &r->cpus[i], tid);
		if (err == -ENODEV)
			err = 0;
	}
	return err == -ESRCH ? 0 : err; // it has ended meanwhile
}

int sample_rings_open_pids(struct sample_rings *r, const pid_t *pids, size_t n)
{
	int err = make_cpus(r);

	for (size_t i = 0; !err && i < n; i++) {
		err = proc_threads(pids[i], open_thread, r);
		if (err == -ESRCH)
			err = sonde_fail(-ESRCH, "there is no process %d", pids[i]);
	}
	return err;
}

static int enable(int fd, bool on)
{
	if (fd < 0)
		return 0;
	if (ioctl(fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) != 0)
		return sonde_fail_errno(-errno, "cannot start samples");
	return 0;
}

int sample_rings_start(struct sample_rings *r, enum rings_kind kind)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->n_cpus; i++)
		err = enable(r->cpus[i].of[kind].fd, true);
	// Those of further threads are of all kinds; they start with the first.
	for (size_t i = 0; !err && kind == RINGS_TASKS && i < r->n_more; i++)
		err = enable(r->more[i], true);
	return err;
}

void sample_rings_stop(struct sample_rings *r)
{
	for (size_t i = 0; i < r->n_cpus; i++) {
		for (int k = 0; k < RINGS_N; k++)
			(void)enable(r->cpus[i].of[k].fd, false);
	}
	for (size_t i = 0; i < r->n_more; i++)
		(void)enable(r->more[i], false);
	r->ended = true;
}

static int by_time(const void *pa, const void *pb)
{
	const struct waiting *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->no < b->no ? -1 : a->no > b->no;
}

/* Puts the ring's records up to @until into the batch. */
static int collect(struct sample_rings *r, uint32_t no, uint64_t until)
{
	struct perf_ring *ring = ring_of(r, no);

	for (const struct perf_event_header *h; (h = perf_ring_next(ring));) {
		uint64_t time;

		if (!perf_record_time(h, &time))
			continue;
		if (time > until) {
			perf_ring_undo(ring, h);
			return 0;
		}
		int err = mem_grow(&r->waiting, &r->cap_waiting, r->n_waiting + 1);
		if (err < 0) {
			perf_ring_undo(ring, h);
			return err;
		}
		r->waiting[r->n_waiting] = (struct waiting){ time, (uint32_t)r->n_waiting, no, h };
		r->n_waiting++;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int sample_rings_drain(struct sample_rings *r, enum sample_rings_drain how,
		       int (*take)(void *arg, size_t cpu_index, enum rings_kind kind,
				   const struct perf_event_header *h),
		       void *arg)
{
	// The time first: what is older than it and finished is seen by the looks that follow.
	const uint64_t until = r->ended || how == DRAIN_ALL ? UINT64_MAX : now_ns() - LATE_NS;
	bool much = how != DRAIN_IF_MUCH || r->ended;
	int err = 0;

	for (uint32_t i = 0; i < RINGS_N * r->n_cpus; i++) {
		struct perf_ring *ring = ring_of(r, i);

		much |= perf_ring_look(ring) > ring->size / 16;
	}
	if (!much)
		return 0;
	r->n_waiting = 0;
	for (uint32_t i = 0; !err && i < RINGS_N * r->n_cpus; i++)
		err = collect(r, i, until);
	if (r->n_waiting)
		qsort(r->waiting, r->n_waiting, sizeof(*r->waiting), by_time);
	for (size_t i = 0; !err && i < r->n_waiting; i++) {
		const struct waiting *w = &r->waiting[i];

		err = take(arg, w->ring / RINGS_N, (enum rings_kind)(w->ring % RINGS_N), w->h);
	}
	for (uint32_t i = 0; i < RINGS_N * r->n_cpus; i++)
		perf_ring_give_back(ring_of(r, i));
	return err;
}
