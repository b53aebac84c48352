/* SPDX-License-Identifier: MIT */
/** Stacks folded into a tree: how often each frame was hit below its callers. */
#ifndef ANALYSIS_FLAME_STACKS_H
#define ANALYSIS_FLAME_STACKS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/out.h"
#include "base/u64map.h"

enum frame_kind {
	FRAME_THREAD,  /* the root of a stack: a thread's name */
	FRAME_USER,    /* a function of a program */
	FRAME_KERNEL,  /* a function of the kernel */
	FRAME_UNKNOWN, /* what could not be told */
};

/** A name that frames have; of one kind each text is there once. */
struct frame_name {
	const char *text;
	enum frame_kind kind;
};

/** A frame below its callers. Node 0 is the root of all, without a name. */
struct stack_node {
	uint32_t name;
	uint32_t parent;
	uint32_t child, sibling;       /* first child, next sibling; 0: none */
	uint64_t self, total;	       /* weight here; here and below */
	uint64_t before, before_total; /* of a differential: the same of what is compared with */
};

/** All zero, then stacks_init(). */
struct stacks {
	struct arena arena;
	struct frame_name *names; /* owned */
	size_t n_names, cap_names;
	struct u64map by_text;	  /* hash -> name */
	struct stack_node *nodes; /* owned */
	size_t n_nodes, cap_nodes;
	struct u64map by_frame; /* parent << 32 | name -> node */
	bool is_diff;		/* weights of before count too */
};

enum { STACK_NODES_MOST = 1 << 24 };

SONDE_MUST_CHECK int stacks_init(struct stacks *s);
void stacks_fini(struct stacks *s);

/** The number of a name. What would break a line of output becomes '?'. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int stacks_name(struct stacks *s, enum frame_kind kind, const char *text,
				 size_t len, uint32_t *ret);

/** Adds one stack, outermost frame first. -E2BIG: too many different ones. */
SONDE_MUST_CHECK int stacks_add(struct stacks *s, const uint32_t *names, size_t n, uint64_t weight);

/** The node of a stack, made if it is new; the same limits. */
SONDE_MUST_CHECK int stacks_find(struct stacks *s, const uint32_t *names, size_t n, uint32_t *ret);

/** Adds to a node that stacks_find() gave. */
static inline void stacks_weigh(struct stacks *s, uint32_t node, uint64_t weight)
{
	s->nodes[node].self += weight;
}

/** Sums up, and sorts the children of each node by name. After the last stack. */
SONDE_MUST_CHECK int stacks_finish(struct stacks *s);

/**
 * One line for each stack, "thread;outer;inner COUNT", sorted. Of a differential those that
 * changed, "thread;outer;inner BEFORE COUNT".
 */
void stacks_print_folded(const struct stacks *s, struct sonde_out *out);

#endif
