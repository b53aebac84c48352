/* SPDX-License-Identifier: MIT */
/**
 * Components: sources, filters and sinks of batches.
 *
 * A source has lanes; the events of a lane come in order of time, and the graph merges the lanes
 * of all sources. Filters pass on what they choose, in order. A sink consumes.
 */
#ifndef SONDE_COMPONENT_H
#define SONDE_COMPONENT_H

#include <sonde/event.h>

SONDE_BEGIN_DECLS

/** Raised whenever a shape in this header or in those it includes changes. */
#define SONDE_ABI 4

struct sonde_out; /* where results go: src/base/out.h */

enum sonde_component_kind { SONDE_SOURCE = 1, SONDE_FILTER, SONDE_SINK };

/** One setting; a key may come more than once. */
struct sonde_param {
	const char *key;
	const char *value;
};

/** What a component is started with; lent for its whole life. */
struct sonde_setup {
	const struct sonde_param *params;
	size_t n_params;
	struct sonde_out *out; /* results; sinks only */
	/** Tells the person something that is no result: a loss, a doubt. One line, no newline. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

struct sonde_component; /* one running component */

/** A packet: between which times its events are, and how many bytes they take. */
struct sonde_piece {
	int64_t begin_ns, end_ns;
	uint64_t len;
};

struct sonde_component_class {
	uint32_t abi; /* SONDE_ABI */
	enum sonde_component_kind kind;
	const char *name;  /* "src.ctf", "flt.window", "sink.text" */
	const char *help;  /* one sentence */
	size_t state_size; /* zeroed memory that sonde_component_state() lends */

	/** All return 0, or a negative errno with sonde_fail(); any but init may be NULL. */
	int (*init)(struct sonde_component *c, const struct sonde_setup *setup);
	void (*fini)(struct sonde_component *c); /* also after an init that failed */

	/** Source: how many lanes; they are numbered from 0. */
	size_t (*lanes)(struct sonde_component *c);
	/**
	 * Source: the next batch of a lane. 1: here it is, at least one event; 0: the lane has
	 * ended. The earlier batch of that lane, and what it led to, may go away.
	 */
	int (*next)(struct sonde_component *c, size_t lane, struct sonde_batch *ret);
	/**
	 * Source: from now on, all that a batch of a lane leads to (but not the events) stays until
	 * @n more of that lane have been asked for, that of the last one given, too; and next is
	 * called by another thread than the one that looks at batches. Asked once at most.
	 * -ENOTSUP: it cannot.
	 */
	int (*hold)(struct sonde_component *c, size_t n);
	/** Source: the traces that it reads; asked once, after init. */
	size_t (*traces)(struct sonde_component *c, struct sonde_trace *const **ret);
	/** Source: its streams, as above. */
	size_t (*streams)(struct sonde_component *c, struct sonde_stream *const **ret);
	/** Source: first and last time in ns that it knows of, cheaply. -ENODATA: it has no times.
	 */
	int (*span)(struct sonde_component *c, int64_t *ret_begin_ns, int64_t *ret_end_ns);
	/**
	 * Source: calls @take with each packet whose times it knows, in any order, cheaply: to
	 * share work out among threads. Before the first next.
	 */
	int (*pieces)(struct sonde_component *c,
		      void (*take)(void *arg, const struct sonde_piece *p), void *arg);
	/** Source: only events in [from_ns, to_ns] will be wanted; a hint, before the first next.
	 */
	int (*seek)(struct sonde_component *c, int64_t from_ns, int64_t to_ns);

	/** Filter: chooses from @in; *@ret may point into @in or to memory of its own. */
	int (*filter)(struct sonde_component *c, const struct sonde_batch *in,
		      struct sonde_batch *ret);

	/** Sink: takes a batch. 1: it has seen enough. */
	int (*consume)(struct sonde_component *c, const struct sonde_batch *in);
	/** Sink: no more will come: write the results. */
	int (*finish)(struct sonde_component *c);
};

/** The component's own state, state_size zeroed bytes. */
SONDE_API void *sonde_component_state(struct sonde_component *c);

SONDE_END_DECLS

#endif
