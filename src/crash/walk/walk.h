/* SPDX-License-Identifier: MIT */
/**
 * Walks over what hangs together in a dead kernel: linked lists and trees, as its types lay them
 * out.
 *
 * All of it is hostile: a walk ends where it comes to what it has seen, at a depth or number that
 * is too large, and where memory is missing; and says so.
 */
#ifndef CRASH_WALK_WALK_H
#define CRASH_WALK_WALK_H

#include <stdint.h>

#include <sonde/def.h>

#include "crash/core.h"

enum walk_kind {
	WALK_LIST,   /* a struct list_head: round, through its head */
	WALK_CHAIN,  /* a pointer to the first, each has one to the next: hlist, llist, "next" */
	WALK_RBTREE, /* a struct rb_root, in order */
	WALK_XARRAY, /* a struct xarray, or a radix tree since 4.20 */
	WALK_MAPLE,  /* a struct maple_tree */
};

struct walk_over {
	enum walk_kind kind;
	uint64_t head;	/* where the head or root lies */
	uint64_t link;	/* WALK_CHAIN: where in each object the pointer to the next lies */
	uint64_t limit; /* objects at most; 0: WALK_MOST */
};

enum { WALK_MOST = 1 << 22 };

/**
 * Calls @f for each object until it returns other than 0, which is returned. @at: of lists and
 * red-black trees the node's address, else the pointer that is kept; @index: its number from 0 on,
 * or where it is kept. -ENOTSUP with words: the kernel's types do not have such trees. *@ret_cut:
 * why there may be more, or NULL.
 */
SONDE_MUST_CHECK int crash_walk(struct crash_core *c, const struct walk_over *over,
				int (*f)(void *arg, uint64_t index, uint64_t at), void *arg,
				const char **ret_cut);

/** What a head or link of type @type ("struct hlist_node" ...) is walked as. False: as nothing. */
struct ctype;
bool crash_walk_kind(const struct ctype *type, enum walk_kind *ret);

#endif
