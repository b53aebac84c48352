/* SPDX-License-Identifier: MIT */
/** Where the index of a trace is kept. */
#ifndef ANALYSIS_TIMELINE_KEPT_H
#define ANALYSIS_TIMELINE_KEPT_H

#include <sonde/type.h>

#include "state/store.h"

struct timeline_where {
	const char *cache; /* borrowed: the folder; or NULL: beside the trace */
	void (*note)(void *arg, const char *line); /* or NULL */
	void *note_arg;
};

/** A new store, kept there; where that cannot be, it is told, and the store is not kept. */
SONDE_MUST_CHECK int timeline_create(const struct sonde_trace *trace,
				     const struct timeline_where *where, struct store **ret);

/** Tells that the index is not kept, and why. */
void timeline_note_unkept(const struct sonde_trace *trace, const struct timeline_where *where,
			  const char *why);

#endif
