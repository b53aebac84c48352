/* SPDX-License-Identifier: MIT */
/** A processing graph: sources -> merge -> filters -> sink, and its runner. */
#include "graph/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "graph/ahead.h"
#include "graph/component.h"
#include "graph/merge.h"

struct graph {
	struct sonde_component **comps; /* owned, in the order they were added */
	size_t n, cap;
	struct sonde_trace **traces; /* owned array of borrowed traces */
	size_t n_traces, cap_traces;
	uint32_t n_classes, n_streams;
	enum graph_ahead ahead;
};

int graph_new(struct graph **ret)
{
	struct graph *g = calloc(1, sizeof(*g));

	if (!g)
		return sonde_fail(-ENOMEM, "out of memory for a graph");
	*ret = g;
	return 0;
}

static void component_free(struct sonde_component *c)
{
	if (c->state && c->cls->fini)
		c->cls->fini(c);
	free(c->state);
	free(c);
}
SONDE_DEFINE_AUTO(struct sonde_component *, component_free)

void graph_free(struct graph *g)
{
	if (!g)
		return;
	while (g->n)
		component_free(g->comps[--g->n]);
	free(g->comps);
	free(g->traces);
	free(g);
}

static void number_classes(struct graph *g, const struct sonde_trace *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		for (size_t k = 0; k < t->streams[i]->n_events; k++)
			t->streams[i]->events[k]->index = g->n_classes++;
	}
}

/* Gives the source's traces, event classes and streams their numbers in this graph. */
static int number_source(struct graph *g, struct sonde_component *c)
{
	struct sonde_trace *const *traces = NULL;
	size_t n = c->cls->traces ? c->cls->traces(c, &traces) : 0;
	int r = mem_grow(&g->traces, &g->cap_traces, g->n_traces + n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		traces[i]->index = (uint32_t)g->n_traces;
		g->traces[g->n_traces++] = traces[i];
		number_classes(g, traces[i]);
	}

	struct sonde_stream *const *streams = NULL;
	n = c->cls->streams ? c->cls->streams(c, &streams) : 0;
	for (size_t i = 0; i < n; i++)
		streams[i]->index = g->n_streams++;
	return 0;
}

int graph_add(struct graph *g, const struct sonde_component_class *cls,
	      const struct sonde_setup *setup)
{
	if (cls->abi != SONDE_ABI)
		return sonde_fail(-EINVAL, "component '%s' is of ABI %u, this is %u", cls->name,
				  cls->abi, SONDE_ABI);

	sonde_auto(component_freep) struct sonde_component *c = calloc(1, sizeof(*c));
	if (!c)
		return sonde_fail(-ENOMEM, "out of memory for component '%s'", cls->name);
	c->cls = cls;
	c->setup = *setup;
	c->state = calloc(1, cls->state_size ? cls->state_size : 1);
	if (!c->state)
		return sonde_fail(-ENOMEM, "out of memory for component '%s'", cls->name);

	int r = mem_grow(&g->comps, &g->cap, g->n + 1);
	if (r < 0)
		return r;
	r = cls->init ? cls->init(c, &c->setup) : 0;
	if (r >= 0 && cls->kind == SONDE_SOURCE)
		r = number_source(g, c);
	if (r < 0)
		return r;
	g->comps[g->n++] = sonde_take(c);
	return 0;
}

int graph_span(struct graph *g, int64_t *ret_begin_ns, int64_t *ret_end_ns)
{
	int64_t begin = INT64_MAX, end = INT64_MIN;

	for (size_t i = 0; i < g->n; i++) {
		const struct sonde_component_class *cls = g->comps[i]->cls;
		int64_t b, e;

		int r = cls->span ? cls->span(g->comps[i], &b, &e) : -ENODATA;
		if (r == -ENODATA)
			continue;
		if (r < 0)
			return r;
		begin = b < begin ? b : begin;
		end = e > end ? e : end;
	}
	if (begin > end)
		return sonde_fail(-ENODATA, "no times are known");
	*ret_begin_ns = begin;
	*ret_end_ns = end;
	return 0;
}

struct weighing {
	int64_t begin_ns, end_ns;
	uint64_t *parts; /* first how much more there is in each than in the one before */
	size_t n;
};

static size_t part_of(const struct weighing *w, int64_t ts_ns)
{
	const uint64_t whole = (uint64_t)w->end_ns - (uint64_t)w->begin_ns;

	if (ts_ns <= w->begin_ns)
		return 0;
	if (ts_ns >= w->end_ns)
		return w->n - 1;
	const uint64_t since = (uint64_t)ts_ns - (uint64_t)w->begin_ns;
	return (size_t)((unsigned __int128)since * w->n / whole);
}

/* As if its bytes came all the same way from its begin to its end. */
static void weigh(void *arg, const struct sonde_piece *p)
{
	struct weighing *w = arg;

	if (p->begin_ns > p->end_ns)
		return; // nobody knows when it was
	const size_t first = part_of(w, p->begin_ns), last = part_of(w, p->end_ns);
	const uint64_t share = p->len / (last - first + 1);
	w->parts[first] += share;
	if (last + 1 < w->n)
		w->parts[last + 1] -= share;
}

int graph_weigh(struct graph *g, int64_t begin_ns, int64_t end_ns, size_t n, uint64_t *ret_sums)
{
	struct weighing w = { begin_ns, end_ns, ret_sums, n };
	uint64_t here = 0, sum = 0;
	int r = 0;

	memset(ret_sums, 0, n * sizeof(*ret_sums));
	for (size_t i = 0; i < g->n && r >= 0; i++)
		if (g->comps[i]->cls->pieces)
			r = g->comps[i]->cls->pieces(g->comps[i], weigh, &w);
	for (size_t i = 0; i < n; i++) {
		here += ret_sums[i];
		sum += here;
		ret_sums[i] = sum;
	}
	return r < 0 ? r : sum ? 0 : -ENODATA;
}

int graph_seek(struct graph *g, int64_t from_ns, int64_t to_ns)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct sonde_component_class *cls = g->comps[i]->cls;
		int r = cls->seek ? cls->seek(g->comps[i], from_ns, to_ns) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

size_t graph_traces(const struct graph *g, struct sonde_trace *const **ret)
{
	*ret = g->traces;
	return g->n_traces;
}

void graph_set_ahead(struct graph *g, enum graph_ahead how)
{
	g->ahead = how;
}

enum graph_ahead graph_ahead(const struct graph *g)
{
	return g->ahead;
}

SONDE_DEFINE_AUTO(struct merge *, merge_free)
SONDE_DEFINE_AUTO(struct ahead *, ahead_free)

static int merge_of(struct graph *g, struct merge **ret)
{
	sonde_auto(merge_freep) struct merge *m = NULL;
	int r = merge_new(&m);

	for (size_t i = 0; r >= 0 && i < g->n; i++) {
		struct sonde_component *c = g->comps[i];
		size_t lanes = c->cls->kind == SONDE_SOURCE ? c->cls->lanes(c) : 0;

		for (size_t k = 0; r >= 0 && k < lanes; k++)
			r = merge_add(m, c, k);
	}
	if (r < 0)
		return r;
	*ret = sonde_take(m);
	return 0;
}

/* Sends one batch through the filters to the sink. 1: the sink has enough. */
static int graph_push(struct graph *g, struct sonde_batch b)
{
	for (size_t i = 0; i < g->n; i++) {
		struct sonde_component *c = g->comps[i];
		int r = 0;

		if (c->cls->kind == SONDE_FILTER) {
			struct sonde_batch chosen = { NULL, 0 };

			r = c->cls->filter(c, &b, &chosen);
			b = chosen;
		} else if (c->cls->kind == SONDE_SINK) {
			r = c->cls->consume(c, &b);
		}
		if (r)
			return r;
		if (!b.n)
			return 0;
	}
	return 0;
}

bool graph_wants_thread(const struct graph *g, uint64_t n)
{
	enum { EVENTS_ALONE = 1 << 15 };

	return g->ahead == GRAPH_AHEAD_MUST ||
	       (g->ahead == GRAPH_AHEAD_MAY && n >= EVENTS_ALONE && ahead_helps());
}

/* Consumes all batches of @m, or until the sink has enough. */
static int run_merge(struct graph *g, struct merge *m)
{
	sonde_auto(ahead_freep) struct ahead *a = NULL;
	bool may_start = true;
	struct sonde_batch b;
	uint64_t n = 0;
	int r = 0;

	while (r == 0) {
		if (may_start && graph_wants_thread(g, n)) {
			may_start = false;
			r = ahead_start(m, &a);
			if (r < 0)
				return r;
		}
		r = a ? ahead_next(a, &b) : merge_next(m, &b);
		if (r <= 0)
			return r;
		n += b.n;
		r = graph_push(g, b);
	}
	return r;
}

int graph_run(struct graph *g)
{
	sonde_check(g->n && g->comps[g->n - 1]->cls->kind == SONDE_SINK);

	sonde_auto(merge_freep) struct merge *m = NULL;
	int r = merge_of(g, &m);
	if (r >= 0)
		r = run_merge(g, m);
	if (r < 0)
		return r;

	struct sonde_component *sink = g->comps[g->n - 1];
	return sink->cls->finish ? sink->cls->finish(sink) : 0;
}
