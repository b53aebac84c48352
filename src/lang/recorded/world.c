/* SPDX-License-Identifier: MIT */
/** The world of recorded traces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/context.h"
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
	w->world = (struct world){
		.name = "recorded", .is_synchronous = true, .repeats = true, .ops = &ops
	};
	w->traces = traces;
	w->n_traces = n;
	*ret = &w->world;
	return 0;
}

int recorded_world_look_at(struct world *w, struct script_ast *ast)
{
	return recorded_context(&((struct rec_world *)w)->arena, ast);
}

/* --- the same for another thread --- */

static bool is_same_class(const struct sonde_event_class *a, const struct sonde_event_class *b)
{
	return a->index == b->index && !strcmp(a->name, b->name);
}

static bool is_same_stream_class(const struct sonde_stream_class *a,
				 const struct sonde_stream_class *b)
{
	if (a->n_events != b->n_events)
		return false;
	for (size_t i = 0; i < a->n_events; i++)
		if (!is_same_class(a->events[i], b->events[i]))
			return false;
	return true;
}

static bool is_same_trace(const struct sonde_trace *a, const struct sonde_trace *b)
{
	if (a->index != b->index || a->n_streams != b->n_streams || strcmp(a->path, b->path) != 0)
		return false;
	for (size_t i = 0; i < a->n_streams; i++)
		if (!is_same_stream_class(a->streams[i], b->streams[i]))
			return false;
	return true;
}

/* The one that was read from the same place as @of; NULL: of none. */
static const struct sonde_event_class *class_like(const struct rec_world *w,
						  const struct sonde_event_class *of)
{
	for (size_t i = 0; of && i < w->n_traces; i++)
		for (size_t k = 0; k < w->traces[i]->n_streams; k++)
			for (size_t n = 0; n < w->traces[i]->streams[k]->n_events; n++)
				if (is_same_class(w->traces[i]->streams[k]->events[n], of))
					return w->traces[i]->streams[k]->events[n];
	return NULL;
}

int rec_world_twin(const struct rec_world *w, struct sonde_trace *const *traces, size_t n,
		   struct rec_world *ret)
{
	bool is_same = n == w->n_traces;

	for (size_t i = 0; i < n && is_same; i++)
		is_same = is_same_trace(w->traces[i], traces[i]);
	if (!is_same)
		return sonde_fail(-EBADMSG, "the traces have changed");
	struct rec_field *fields = calloc(w->n_fields + 1, sizeof(*fields));
	if (!fields)
		return sonde_fail(-ENOMEM, "out of memory");
	*ret = (struct rec_world){ .world = w->world,
				   .traces = traces,
				   .n_traces = n,
				   .fields = fields,
				   .n_fields = w->n_fields };
	for (size_t i = 0; i < w->n_fields; i++) {
		fields[i] = w->fields[i];
		fields[i].ref.cls = class_like(ret, fields[i].ref.cls);
		fields[i].path.cls = class_like(ret, fields[i].path.cls);
	}
	return 0;
}

void rec_world_twin_fini(struct rec_world *w)
{
	free(w->fields);
	free(w->texts.room);
	part_walk_fini(&w->walk);
}
