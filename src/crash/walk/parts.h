/* SPDX-License-Identifier: MIT */
/** What the kinds of walks share. Only they include it. */
#ifndef CRASH_WALK_PARTS_H
#define CRASH_WALK_PARTS_H

#include "base/u64map.h"
#include "crash/walk/walk.h"
#include "sym/ctype.h"

struct walking {
	struct crash_core *core;
	const struct walk_over *over;
	int (*f)(void *arg, uint64_t index, uint64_t at);
	void *arg;
	uint64_t n;	    /* objects so far */
	struct u64map seen; /* nodes */
	const char *cut;
	bool limited; /* cut by the limit */
};

/** One object: 0: go on. */
SONDE_MUST_CHECK int walking_give(struct walking *w, uint64_t index, uint64_t at);
/** 1: @node is new; 0: it was seen before, and the walk is cut; -ENOMEM. */
SONDE_MUST_CHECK int walking_enter(struct walking *w, uint64_t node);
/** The pointer there; false: it is not in the dump, and the walk is cut. */
bool walking_read(struct walking *w, uint64_t at, uint64_t *ret);
/** The byte offset of a member; -ENOTSUP with words. @ret_n: elements of an array. */
SONDE_MUST_CHECK int walking_member(struct walking *w, const char *type, const char *member,
				    uint64_t *ret_off, uint64_t *ret_n);

int walk_rbtree(struct walking *w);
int walk_xarray(struct walking *w);
int walk_maple(struct walking *w);

#endif
