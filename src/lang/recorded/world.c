/* SPDX-License-Identifier: MIT */
/** The world of recorded traces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/parts.h"

static struct ctypes *no_types(struct world *w, const char **ret_why)
{
	(void)w;
	*ret_why = "a trace does not tell the kernel's types";
	return NULL;
}

static bool has_helper(struct world *w, int helper)
{
	(void)w;
	(void)helper;
	return false; // only asked for what makes things cheaper in the kernel
}

static void world_fini(struct world *world)
{
	struct rec_world *w = (struct rec_world *)world;

	free(w->fields);
	free(w->texts.room);
	part_walk_fini(&w->walk);
	arena_fini(&w->arena);
	free(w);
}

static const struct world_ops ops = {
	.probes = rec_probes,
	.part = rec_part,
	.types = no_types,
	.lacks = rec_lacks,
	.has_helper = has_helper,
	.free = world_fini,
};

int recorded_world_new(struct sonde_trace *const *traces, size_t n, struct world **ret)
{
	struct rec_world *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory");
	w->world = (struct world){ .name = "recorded", .is_synchronous = true, .ops = &ops };
	w->traces = traces;
	w->n_traces = n;
	*ret = &w->world;
	return 0;
}
