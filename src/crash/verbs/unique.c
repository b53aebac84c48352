/* SPDX-License-Identifier: MIT */
/** The same stacks once, with those who have them: `bt --unique`. */
#include "crash/verbs/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"

void crash_groups_fini(struct crash_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->all[i].frames);
		free(g->all[i].tasks);
	}
	free(g->all);
	u64map_fini(&g->by_hash);
	*g = (struct crash_groups){ 0 };
}

static uint64_t hash_of(const struct crash_stack *s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s->n; i++)
		h = (h ^ s->frames[i].pc) * 1099511628211u;
	return h;
}

static bool same(const struct crash_group *g, const struct crash_stack *s)
{
	if (g->n_frames != s->n)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		if (g->frames[i].pc != s->frames[i].pc)
			return false;
	}
	return true;
}

static int new_group(struct crash_groups *g, const struct crash_stack *s, uint64_t hash)
{
	int r = mem_grow(&g->all, &g->cap, g->n + 1);

	if (r < 0)
		return r;
	struct crash_frame *frames = calloc(s->n ? s->n : 1, sizeof(*frames));
	if (!frames)
		return sonde_fail(-ENOMEM, "stacks: out of memory");
	if (s->n)
		memcpy(frames, s->frames, s->n * sizeof(*frames));
	r = u64map_put(&g->by_hash, hash, (uint32_t)g->n);
	if (r < 0) {
		free(frames);
		return r;
	}
	g->all[g->n++] = (struct crash_group){ .frames = frames, .n_frames = s->n };
	return 0;
}

int crash_groups_add(struct crash_groups *g, const struct crash_task *t,
		     const struct crash_stack *s)
{
	uint64_t hash = hash_of(s);
	uint32_t i = 0;

	// Another stack of the same hash has the next number.
	while (u64map_get(&g->by_hash, hash, &i) && !same(&g->all[i], s))
		hash++;
	if (!u64map_get(&g->by_hash, hash, &i)) {
		int r = new_group(g, s, hash);

		if (r < 0)
			return r;
		i = (uint32_t)(g->n - 1);
	}
	struct crash_group *group = &g->all[i];
	int r = mem_grow(&group->tasks, &group->cap_tasks, group->n_tasks + 1);
	if (!r)
		group->tasks[group->n_tasks++] = t;
	return r;
}

static int by_count(const void *a, const void *b)
{
	const struct crash_group *x = a, *y = b;

	if (x->n_tasks != y->n_tasks)
		return x->n_tasks > y->n_tasks ? -1 : 1;
	return x->tasks[0]->tid < y->tasks[0]->tid ? -1 : x->tasks[0]->tid > y->tasks[0]->tid;
}

void crash_groups_sort(struct crash_groups *g)
{
	if (g->n)
		qsort(g->all, g->n, sizeof(*g->all), by_count);
}
