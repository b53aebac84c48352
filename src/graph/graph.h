/* SPDX-License-Identifier: MIT */
/** A processing graph: sources -> merge -> filters -> sink, and its runner. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <sonde/component.h>

struct graph;

SONDE_MUST_CHECK int graph_new(struct graph **ret);
/** Ends and frees all components, last added first. */
void graph_free(struct graph *g);

/**
 * Starts a component and puts it behind those already there. @setup's parameters, output and
 * note_arg are borrowed until graph_free(). Numbers the traces, classes and streams of a source.
 */
SONDE_MUST_CHECK int graph_add(struct graph *g, const struct sonde_component_class *cls,
			       const struct sonde_setup *setup);

/** First and last time of all sources. -ENODATA where none knows one. */
SONDE_MUST_CHECK int graph_span(struct graph *g, int64_t *ret_begin_ns, int64_t *ret_end_ns);

/**
 * How the bytes of all sources lie in time: of @n parts of [begin_ns, end_ns], all as long, how
 * many come in each, and in those before it. -ENODATA where nobody knows.
 */
SONDE_MUST_CHECK int graph_weigh(struct graph *g, int64_t begin_ns, int64_t end_ns, size_t n,
				 uint64_t *ret_sums);

/** Tells all sources that only [from_ns, to_ns] will be wanted. */
SONDE_MUST_CHECK int graph_seek(struct graph *g, int64_t from_ns, int64_t to_ns);

/** All traces of all sources; lent until graph_free(). Returns how many. */
size_t graph_traces(const struct graph *g, struct sonde_trace *const **ret);

/** Whether another thread reads and merges while this one runs filters and the sink. */
enum graph_ahead {
	GRAPH_AHEAD_MAY, /* once there is much to read, on more than one CPU */
	GRAPH_AHEAD_NOT,
	GRAPH_AHEAD_MUST, /* from the first batch on, where the sources can */
};
/**
 * What graph_run() does; GRAPH_AHEAD_MAY if it is not called. The results are the same. A sink may
 * call it, too, for what comes next, if no thread was started so far.
 */
void graph_set_ahead(struct graph *g, enum graph_ahead how);
enum graph_ahead graph_ahead(const struct graph *g);
/** Whether, after @n events, the rest of what is read is worth another thread. */
bool graph_wants_thread(const struct graph *g, uint64_t n);

/** Runs until the sources end, or the sink has enough, then finishes the sink. */
SONDE_MUST_CHECK int graph_run(struct graph *g);

#endif
