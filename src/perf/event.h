/* SPDX-License-Identifier: MIT */
/** Opens perf events: the clock that takes samples, and the records of what processes do. */
#ifndef PERF_EVENT_H
#define PERF_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/def.h>

/** What stands in every sample besides its callchain; the order is the kernel's. */
#define PERF_SAMPLE_BASE                                                         \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | \
	 PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN)

/** What this kernel and user may have. */
struct perf_ability {
	bool hardware;	/* cycles are counted by the CPU; else the software clock */
	bool build_id;	/* maps come with build-ids */
	bool no_kernel; /* only the user side may be sampled */
};

struct perf_wish {
	uint32_t hz;
	uint64_t
		period_ns; /* of the software clock, which then ticks on idle CPUs too; 0: by @hz */
	uint64_t user_regs;  /* registers to copy with the stack; 0: callchain by frame pointers */
	uint32_t user_stack; /* bytes of user stack to copy */
	uint64_t point;	     /* id of a tracepoint each of whose events is a sample, too; 0: none */
	const char *filter;  /* of those events, or NULL */
	uint32_t point_stack; /* as @user_stack, for these */
	uint32_t watermark;   /* bytes that wake the reader up */
};

/**
 * Tries what works for one thread or, with @pid -1, the whole CPU 0.
 * -EACCES: nothing is permitted; sonde_err_str() then says what to run. Others: the kernel's.
 */
SONDE_MUST_CHECK int perf_probe(pid_t pid, struct perf_ability *ret);

/** Opens the sampling event on @cpu, not running yet. Returns the descriptor. */
SONDE_MUST_CHECK int perf_open_clock(const struct perf_ability *can, const struct perf_wish *wish,
				     pid_t pid, int cpu);

/** The same of the event that takes a sample at each event of @wish->point, with its record. */
SONDE_MUST_CHECK int perf_open_point(const struct perf_wish *wish, pid_t pid, int cpu);

/** Opens the event whose ring tells of maps, names, forks and exits. Returns the descriptor. */
SONDE_MUST_CHECK int perf_open_tasks(const struct perf_ability *can, const struct perf_wish *wish,
				     pid_t pid, int cpu);

#endif
