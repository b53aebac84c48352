/* SPDX-License-Identifier: MIT */
/**
 * Which code ran where, as traces tell it: what processes had mapped when, and what it is called.
 *
 * It is fed all events in order of time, of one or several traces, and takes from them perf's
 * records of maps, names, forks and ends. Each trace has its own processes and names.
 */
#ifndef SYM_HISTORY_H
#define SYM_HISTORY_H

#include <sonde/event.h>

#include "sym/naming.h"
#include "sym/procs.h"

/** What one trace told. */
struct history_trace {
	const struct sonde_trace *trace;
	struct naming *naming; /* owned, as the next */
	struct procs *procs;
};

struct history {
	struct history_class *classes; /* owned; by index of event class */
	size_t n_classes, cap_classes;
	struct history_trace **traces; /* owned; by index of trace; NULL: nothing was seen */
	size_t n_traces, cap_traces;
	uint64_t lost; /* records of processes that were lost, after which nothing was believed */
	/** Tells the person something that is no result; one line. NULL: nobody. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

/** All zero but for note is an empty one. */
void history_fini(struct history *h);

/** What is known of @trace, made where it is new; lent until history_fini(). -ENOMEM. */
SONDE_MUST_CHECK int history_of(struct history *h, const struct sonde_trace *trace,
				struct history_trace **ret);

/** Takes in what @e (no gap) tells, most often nothing. 0 or -ENOMEM. */
SONDE_MUST_CHECK int history_take(struct history *h, const struct sonde_event *e);

#endif
