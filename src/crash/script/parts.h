/* SPDX-License-Identifier: MIT */
/** What the files of the dead world share. Only they include it. */
#ifndef CRASH_SCRIPT_PARTS_H
#define CRASH_SCRIPT_PARTS_H

#include "crash/script/dead.h"

/** Where the pointers of a walk's object lie in its context, as u64 each; the first is not used. */
enum { WALK_TASK = 1, WALK_FD = 2, WALK_FILE = 3, WALK_AREA = 4, WALK_WORDS = 8 };

/** What programs see at one object. */
struct walk_at {
	const struct crash_task *task;
	uint64_t ctx[WALK_WORDS];
};

/** A kind of objects. */
struct walk {
	const char *name; /* "task" */
	bool linux_only;
	/** Calls @f for each object, until it returns other than 0, which is returned. */
	int (*each)(struct crash_core *c, struct crash_tasks *tasks,
		    int (*f)(void *arg, const struct walk_at *at), void *arg);
	struct {
		const char *name, *type; /* of the pointer's target; NULL: a number */
		unsigned at;
	} fields[3];
};

extern const struct walk walks[]; /* ends with a NULL name */

struct dead_world {
	struct world world; /* first: a struct world * is a struct dead_world * */
	struct crash_core *core;
};

/** A place where a script's probe can be. */
struct dead_place {
	struct probe probe;	 /* first, likewise */
	const struct walk *walk; /* NULL: BEGIN or END */
};

/** world_ops.lacks. */
const char *dead_lacks(struct world *w, const struct probe *at, const char *name);

#endif
