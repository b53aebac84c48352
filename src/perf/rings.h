/* SPDX-License-Identifier: MIT */
/** The rings of all CPUs, read together: records come in the order of time. */
#ifndef PERF_RINGS_H
#define PERF_RINGS_H

#include "perf/event.h"
#include "perf/ring.h"

/** One CPU's rings: samples, and what processes do, so that many samples lose no process. */
enum rings_kind { RINGS_CLOCK, RINGS_TASKS, RINGS_POINTS, RINGS_N };

struct cpu_rings {
	int cpu;
	struct perf_ring of[RINGS_N];
};

/** In the caller's storage; all zero but for what the caller sets. */
struct sample_rings {
	struct perf_ability can;
	struct perf_wish wish;
	size_t size[RINGS_N]; /* bytes of the rings, powers of two; none: 0 */

	struct cpu_rings *cpus; /* owned */
	size_t n_cpus;
	int *more; /* owned: events of further threads, which write into the same rings */
	size_t n_more, cap_more;
	struct waiting *waiting; /* owned: a batch of records */
	size_t n_waiting, cap_waiting;
	bool ended;
};

/** Opens the rings of all CPUs, for all processes. */
SONDE_MUST_CHECK int sample_rings_open(struct sample_rings *r);
/** The same for the threads that these processes have and will have. */
SONDE_MUST_CHECK int sample_rings_open_pids(struct sample_rings *r, const pid_t *pids, size_t n);
void sample_rings_close(struct sample_rings *r);

/** Lets events of a kind happen, or stops all. */
SONDE_MUST_CHECK int sample_rings_start(struct sample_rings *r, enum rings_kind kind);
void sample_rings_stop(struct sample_rings *r);

enum sample_rings_drain {
	DRAIN_IF_MUCH, /* few records are left for later */
	DRAIN_OLD,     /* what is older than a moment, and so in order over all CPUs */
	DRAIN_ALL,     /* up to now: what a CPU is writing at this moment may come out of order */
};
/**
 * Calls @take for records, in order of time; after sample_rings_stop() for all there are. Returns
 * the first failure of @take.
 */
SONDE_MUST_CHECK int sample_rings_drain(struct sample_rings *r, enum sample_rings_drain how,
					int (*take)(void *arg, size_t cpu_index,
						    enum rings_kind kind,
						    const struct perf_event_header *h),
					void *arg);

#endif
