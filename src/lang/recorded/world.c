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

/* What needs the kernel itself, its memory or its processes. */
static const char *lacks(struct world *w, const char *name)
{
	static const char *const names[] = {
		"curtask",  "cgroup",	 "ctx",	  "numaid",  "uid",	"gid",
		"username", "ppid",	 "pcomm", "func",    "jiffies", "signal",
		"system",   "path",	 "kaddr", "uaddr",   "reg",	"cgroup_path",
		"cgroupid", "skboutput", "cpid",  "freopen", "cat",
	};

	(void)w;
	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return "it is of the running kernel, and no trace has it";
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
	.lacks = lacks,
	.has_helper = has_helper,
	.free = world_fini,
};

int recorded_world_new(struct sonde_trace *const *traces, size_t n, struct world **ret)
{
	struct rec_world *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory");
	w->world = (struct world){
		.name = "recorded", .is_synchronous = true, .has_no_memory = true, .ops = &ops
	};
	w->traces = traces;
	w->n_traces = n;
	*ret = &w->world;
	return 0;
}
