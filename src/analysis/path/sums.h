/* SPDX-License-Identifier: MIT */
/** What a critical path consists of: its time by program and state, and the tree of programs. */
#ifndef ANALYSIS_PATH_SUMS_H
#define ANALYSIS_PATH_SUMS_H

#include "analysis/path/build.h"
#include "analysis/path/walk.h"

/** A worker under one name: a thread that runs another program is another one. */
struct sums_part {
	uint32_t worker;
	const char *name;	      /* lent by the graph's builder */
	int64_t ns[EXEC_N_TYPES];     /* of segments */
	int64_t self_ns, total_ns;    /* all of them; with those below it in the tree */
	uint32_t parent, first, next; /* parts of the tree, or EXEC_NONE */
	uint32_t same;		      /* the worker's part before this one, or EXEC_NONE */
	uint32_t above;		      /* while the tree is made: one above it, or itself */
	int64_t from_ns;	      /* first time on the path, or of its birth */
	uint32_t runs;		      /* how many are put together in it */
};

/** A step of one worker under one name: path_step, cut where the name changes. */
struct sums_step {
	struct path_step step;
	uint32_t part, from_part; /* @from_part: of a hop, else EXEC_NONE */
};

/** All zero is an empty one. */
struct sums {
	struct sums_part *parts; /* owned */
	size_t n, cap;
	struct sums_step *steps; /* @steps_mem's */
	size_t n_steps;
	struct spill steps_mem;
	int64_t by_type[EXEC_N_TYPES]; /* of segments */
	uint32_t *last;		       /* owned, by worker: its last part + 1 */
	uint32_t root;		       /* first part without a parent; they are siblings */
};

void sums_fini(struct sums *s);

/** The next part of the tree, in depth first; EXEC_NONE: that was the last. Begins with the root.
 */
uint32_t sums_next(const struct sums *s, uint32_t at, unsigned *depth);

/**
 * Puts those parts together that are of one name, host and (but with @flat) parent; without steps.
 * Returns 0 or -ENOMEM.
 */
SONDE_MUST_CHECK int sums_fold(const struct exec_build *b, const struct sums *s, bool flat,
			       struct sums *ret);

/** Adds a path up. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int sums_of(const struct exec_build *b, const struct path *p, struct sums *ret);

#endif
