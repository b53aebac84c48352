/* SPDX-License-Identifier: MIT */
/** The execution graph: chains of vertices, and the edges between them. */
#include "analysis/path/graph.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"

void exec_graph_fini(struct exec_graph *g)
{
	spill_fini(&g->vertices_mem);
	free(g->workers);
	*g = (struct exec_graph){ 0 };
}

int exec_graph_worker(struct exec_graph *g, uint32_t *ret)
{
	if (g->n_workers >= EXEC_NONE)
		return sonde_fail(-E2BIG, "too many workers");
	int r = mem_grow(&g->workers, &g->cap_workers, g->n_workers + 1);
	if (r < 0)
		return r;
	g->workers[g->n_workers] = (struct exec_worker){ EXEC_NONE, EXEC_NONE };
	*ret = (uint32_t)g->n_workers++;
	return 0;
}

static int add_vertex(struct exec_graph *g, uint32_t worker, int64_t ts_ns, uint32_t *ret)
{
	if (g->n_vertices >= EXEC_NONE)
		return sonde_fail(-E2BIG, "more events than a graph may have");
	int r = spill_room(&g->vertices_mem, &g->vertices, g->n_vertices + 1);
	if (r < 0)
		return r;

	struct exec_worker *w = &g->workers[worker];
	const uint32_t at = (uint32_t)g->n_vertices++;
	g->vertices[at] = (struct exec_vertex){
		.ts_ns = ts_ns,
		.worker = worker,
		.prev = w->last,
		.next = EXEC_NONE,
		.cause = EXEC_NONE,
	};
	if (w->last == EXEC_NONE)
		w->first = at;
	else
		g->vertices[w->last].next = at;
	w->last = at;
	*ret = at;
	return 0;
}

int exec_graph_extend(struct exec_graph *g, uint32_t worker, int64_t ts_ns, enum exec_type type,
		      uint16_t label, uint32_t *ret)
{
	const uint32_t last = g->workers[worker].last;

	if (last == EXEC_NONE)
		return add_vertex(g, worker, ts_ns, ret);
	struct exec_vertex *v = &g->vertices[last];
	*ret = last;
	if (v->ts_ns >= ts_ns)
		return 0;
	if (!v->pinned && v->cause == EXEC_NONE && v->prev != EXEC_NONE && v->type == type &&
	    v->label == label) {
		v->ts_ns = ts_ns;
		return 0;
	}
	int r = add_vertex(g, worker, ts_ns, ret);
	if (r < 0)
		return r;
	g->vertices[*ret].type = (uint8_t)type;
	g->vertices[*ret].label = label;
	return 0;
}

int exec_graph_span(struct exec_graph *g, uint32_t worker, int64_t begin_ns, int64_t end_ns,
		    enum exec_type type, uint16_t label, uint32_t *ret)
{
	uint32_t begin;
	int r = exec_graph_extend(g, worker, begin_ns, EXEC_UNKNOWN, 0, &begin);

	return r < 0 ? r : exec_graph_extend(g, worker, end_ns, type, label, ret);
}

void exec_graph_link(struct exec_graph *g, uint32_t from, uint32_t to, enum exec_type type)
{
	struct exec_vertex *v = &g->vertices[to];

	// Nothing is its own cause, and no cause comes later than what it leads to.
	if (v->cause != EXEC_NONE || g->vertices[from].worker == v->worker ||
	    g->vertices[from].ts_ns > v->ts_ns)
		return;
	v->cause = from;
	v->cause_type = (uint8_t)type;
	v->pinned = true;
	g->vertices[from].pinned = true;
}

const char *exec_type_name(enum exec_type type)
{
	static const char *const names[] = {
		[EXEC_UNKNOWN] = "UNKNOWN",
		[EXEC_RUNNING] = "RUNNING",
		[EXEC_PREEMPTED] = "PREEMPTED",
		[EXEC_BLOCKED] = "BLOCKED",
		[EXEC_TIMER] = "TIMER",
		[EXEC_NETWORK] = "NETWORK",
		[EXEC_BLOCK_DEVICE] = "BLOCK_DEVICE",
		[EXEC_INTERRUPTED] = "INTERRUPTED",
		[EXEC_IPI] = "IPI",
		[EXEC_DEFAULT] = "DEFAULT",
	};

	return names[type];
}
