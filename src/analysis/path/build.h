/* SPDX-License-Identifier: MIT */
/** Builds the execution graph from the events of kernels. */
#ifndef ANALYSIS_PATH_BUILD_H
#define ANALYSIS_PATH_BUILD_H

#include <sonde/event.h>

#include "analysis/kernel.h"
#include "analysis/path/graph.h"

struct exec_build;

/** Who a worker is. */
struct exec_who {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* NULL: packet work of a CPU in interrupts */
	uint32_t cpu;			    /* then that */
};

/** Only what is in [from_ns, to_ns] becomes part of the graph. */
SONDE_MUST_CHECK int exec_build_new(int64_t from_ns, int64_t to_ns, struct exec_build **ret);
void exec_build_free(struct exec_build *b);

/** Hands on the steps of block requests, too; -ENOMEM ends the building. */
typedef int exec_build_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io);
/** Before the first events are taken. */
void exec_build_watch_io(struct exec_build *b, exec_build_io *on, void *arg);

/** Takes events in order of time. 1: they are behind the window; -ENOMEM, -E2BIG. */
SONDE_MUST_CHECK int exec_build_consume(struct exec_build *b, const struct sonde_batch *in);

/** What is still going on lasts up to the last event. */
SONDE_MUST_CHECK int exec_build_finish(struct exec_build *b);

/**
 * Once finished: names and programs that came behind @to_ns are not known any more. The graph still
 * goes on, to tell what was waited for until then.
 */
void exec_build_forget(struct exec_build *b, int64_t to_ns);

/** Lent until exec_build_free(), as all below. */
const struct exec_graph *exec_build_graph(const struct exec_build *b);
const struct kernel *exec_build_kernel(const struct exec_build *b);

struct exec_who exec_build_who(const struct exec_build *b, uint32_t worker);

/** The worker of a thread, or EXEC_NONE: it has none. */
uint32_t exec_build_worker(const struct exec_build *b, const struct kernel_thread *t);

/** The worker's name at a time, and up to when it had it; "kernel/1" of a CPU's packet work. */
const char *exec_build_name(const struct exec_build *b, uint32_t worker, int64_t ts_ns,
			    int64_t *ret_until_ns);

/** The text of a label in the graph; NULL for 0. */
const char *exec_build_label(const struct exec_build *b, uint16_t label);

/** A program that a thread began to run. */
struct exec_start {
	int64_t ts_ns;
	uint32_t worker;
	const char *file; /* as it was named to the kernel */
};

/** The @i-th of the trace, in order of time. False: there are no more. */
bool exec_build_exec(const struct exec_build *b, size_t i, struct exec_start *ret);

/** How many packets were seen to be sent or received, and how many at both ends. */
void exec_build_packets(const struct exec_build *b, uint64_t *ret_seen, uint64_t *ret_matched);

#endif
