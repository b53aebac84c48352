/* SPDX-License-Identifier: MIT */
/** Tasks in the order of a tree. */
#include "crash/verbs/family.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"

/** Of each task, by its place among all. */
struct links {
	uint32_t parent, child, next; /* FAMILY_NONE: none */
	uint32_t at;		      /* where it stands in the result */
};

/* The task that stands for a process: its first thread, else any of them. */
static int map_processes(const struct crash_tasks *t, struct u64map *ret)
{
	int r = 0;

	for (size_t i = 0; !r && i < t->n; i++) {
		uint32_t other;
		uint64_t pid = (uint64_t)t->all[i].pid;

		if (t->all[i].tid == t->all[i].pid || !u64map_get(ret, pid, &other))
			r = u64map_put(ret, pid, (uint32_t)i);
	}
	return r;
}

static void link_all(const struct crash_tasks *t, const struct u64map *processes, struct links *l)
{
	for (size_t i = 0; i < t->n; i++)
		l[i] = (struct links){ FAMILY_NONE, FAMILY_NONE, FAMILY_NONE, FAMILY_NONE };
	for (size_t i = t->n; i--;) { // backwards, so that children stand in order
		const struct crash_task *task = &t->all[i];
		uint32_t own = FAMILY_NONE, parent = FAMILY_NONE;

		(void)u64map_get(processes, (uint64_t)task->pid, &own); // all are there
		if (own != i)
			parent = own;
		else if (task->ppid >= 0)
			(void)u64map_get(processes, (uint64_t)task->ppid, &parent); // else a root
		if (parent == i || parent == FAMILY_NONE)
			continue;
		l[i].parent = parent;
		l[i].next = l[parent].child;
		l[parent].child = (uint32_t)i;
	}
}

/* Puts @root and all below it that stands nowhere yet behind the first *@n. */
static void put_below(const struct crash_tasks *t, struct links *l, uint32_t root,
		      struct family_member *all, size_t *n)
{
	uint32_t at = root, depth = 0;

	for (;;) {
		if (l[at].at == FAMILY_NONE) {
			uint32_t up = depth ? l[l[at].parent].at : FAMILY_NONE;

			l[at].at = (uint32_t)*n;
			all[(*n)++] = (struct family_member){ &t->all[at], up, depth };
			if (l[at].child != FAMILY_NONE) {
				at = l[at].child;
				depth++;
				continue;
			}
		}
		while (depth && l[at].next == FAMILY_NONE) {
			at = l[at].parent;
			depth--;
		}
		if (!depth)
			return;
		at = l[at].next;
	}
}

int family_order(const struct crash_tasks *tasks, struct family_member **ret)
{
	struct u64map processes = { 0 };
	size_t n = 0;

	if (tasks->n >= FAMILY_NONE)
		return sonde_fail(-ENOMEM, "%zu tasks are too many", tasks->n);
	sonde_auto(mem_freep) struct links *l = calloc(tasks->n + 1, sizeof(*l));
	sonde_auto(mem_freep) struct family_member *all = calloc(tasks->n + 1, sizeof(*all));
	if (!l || !all)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = map_processes(tasks, &processes);
	if (r == 0)
		link_all(tasks, &processes, l);
	u64map_fini(&processes);
	if (r < 0)
		return r;
	for (size_t i = 0; i < tasks->n; i++) {
		if (l[i].parent == FAMILY_NONE)
			put_below(tasks, l, (uint32_t)i, all, &n);
	}
	// Parents that go round have no root.
	for (size_t i = 0; i < tasks->n; i++) {
		if (l[i].at == FAMILY_NONE)
			put_below(tasks, l, (uint32_t)i, all, &n);
	}
	*ret = sonde_take(all);
	return 0;
}
