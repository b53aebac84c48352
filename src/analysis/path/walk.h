/* SPDX-License-Identifier: MIT */
/** The critical path: what one worker's time went to, with waits traced to who ended them. */
#ifndef ANALYSIS_PATH_WALK_H
#define ANALYSIS_PATH_WALK_H

#include "analysis/path/graph.h"

/**
 * One step of a path, in order of time: a segment of one worker, or a hop from one to another,
 * which takes time where a packet was on its way.
 */
struct path_step {
	int64_t begin_ns, end_ns;
	uint32_t worker; /* a hop: to which .. */
	uint32_t from;	 /* .. from which; EXEC_NONE: a segment */
	uint16_t label;	 /* as in the graph */
	uint16_t call;	 /* likewise */
	enum exec_type type;
};

/** All zero is an empty one. */
struct path {
	struct path_step *steps; /* @steps_mem's */
	size_t n;
	struct spill steps_mem;
	int64_t begin_ns, end_ns;
	int64_t segments_ns, hops_ns; /* sums; always together what is between begin and end */
};

void path_fini(struct path *p);

/**
 * The path of @worker from @begin_ns to @end_ns, or as far as its chain reaches. Takes time linear
 * in the edges that it visits. -ENODATA: the worker did nothing then; -ENOMEM.
 */
SONDE_MUST_CHECK int path_find(const struct exec_graph *g, uint32_t worker, int64_t begin_ns,
			       int64_t end_ns, struct path *ret);

/**
 * The same of a graph that goes on behind @end_ns: what ended a wait later tells what was waited
 * for until then.
 */
SONDE_MUST_CHECK int path_find_within(const struct exec_graph *g, uint32_t worker, int64_t begin_ns,
				      int64_t end_ns, struct path *ret);

/** Whether the sums add up, and each step begins where and when the one before ended. */
bool path_adds_up(const struct path *p);

#endif
