/* SPDX-License-Identifier: MIT */
/**
 * The execution graph: what each worker did when, and who made it go on.
 *
 * A worker is a thread, or a CPU's kernel that handles packets in interrupts. It has one chain of
 * vertices in order of time, joined by horizontal edges; vertical edges lead from a vertex to that
 * of another worker which it woke or sent a packet to.
 */
#ifndef ANALYSIS_PATH_GRAPH_H
#define ANALYSIS_PATH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/spill.h"

/** What an edge means. */
enum exec_type {
	EXEC_UNKNOWN,
	EXEC_RUNNING,
	EXEC_PREEMPTED, /* waits for a CPU */
	EXEC_BLOCKED,	/* waits for another thread, or for what nothing tells */
	EXEC_TIMER,	/* waits for .. */
	EXEC_NETWORK,
	EXEC_BLOCK_DEVICE,
	EXEC_INTERRUPTED,
	EXEC_IPI,
	EXEC_DEFAULT, /* vertical: a wake-up */
	EXEC_N_TYPES,
};

#define EXEC_NONE UINT32_MAX

struct exec_vertex {
	int64_t ts_ns;
	uint32_t worker;
	uint32_t prev, next; /* of the worker's chain, or EXEC_NONE */
	uint32_t cause;	     /* where its incoming vertical edge comes from, or EXEC_NONE */
	uint16_t label;	     /* of the horizontal edge from @prev: of whoever builds; 0: none */
	uint8_t type;	     /* of that edge */
	uint8_t cause_type;  /* of the vertical edge */
	uint16_t call;	     /* the system call that this edge waits in, as @label; 0: none known */
	bool pinned;	     /* something refers to it: it stays where it is */
	bool begins;	     /* what the worker did before has nothing to do with it: @cause has */
};

struct exec_worker {
	uint32_t first, last; /* vertices, or EXEC_NONE */
};

_Static_assert(sizeof(struct exec_vertex) == 32, "graphs of long traces have many");

/** All zero is an empty one. */
struct exec_graph {
	struct exec_vertex *vertices; /* @vertices_mem's */
	size_t n_vertices;
	struct spill vertices_mem;
	struct exec_worker *workers; /* owned */
	size_t n_workers, cap_workers;
};

void exec_graph_fini(struct exec_graph *g);

/** Adds a worker without vertices; -ENOMEM. */
SONDE_MUST_CHECK int exec_graph_worker(struct exec_graph *g, uint32_t *ret);

/**
 * Makes the worker's chain reach @ts_ns by an edge of that type and lends the vertex there. The
 * last edge is made longer where it is of the same kind and nothing refers to its end. If the chain
 * is empty, the vertex is its first; if it reaches further already, its last. -ENOMEM, -E2BIG.
 */
SONDE_MUST_CHECK int exec_graph_extend(struct exec_graph *g, uint32_t worker, int64_t ts_ns,
				       enum exec_type type, uint16_t label, uint32_t *ret);

/** The same for [begin_ns, end_ns]: what is between the chain's end and that is unknown. */
SONDE_MUST_CHECK int exec_graph_span(struct exec_graph *g, uint32_t worker, int64_t begin_ns,
				     int64_t end_ns, enum exec_type type, uint16_t label,
				     uint32_t *ret);

/** A vertical edge; @to keeps the first that it gets, and none of its own worker. */
void exec_graph_link(struct exec_graph *g, uint32_t from, uint32_t to, enum exec_type type);

/** "RUNNING". */
const char *exec_type_name(enum exec_type type);

#endif
