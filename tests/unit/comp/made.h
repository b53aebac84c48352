/* SPDX-License-Identifier: MIT */
/** A made-up source: one event class, a packet of bytes, two streams and a gap. */
#ifndef TEST_COMP_MADE_H
#define TEST_COMP_MADE_H

#include <stddef.h>

#include <sonde/component.h>

/** Events that the source gives, as pairs of class (0 or 1) and time; class 2 is a gap. */
struct made_event {
	int cls;
	int64_t ts_ns;
};

extern const struct made_event *made_events;
extern size_t made_n;

/** Bits by which the events' ends are moved to the front, to make them too short. */
extern uint32_t made_short;

extern const struct sonde_component_class made_source;

/**
 * Runs the source through @n components into @sink_name with parameters; what it prints is copied
 * to @text, cut at @size. Returns what graph_run() does.
 */
struct made_part {
	const char *name;
	struct sonde_param params[3];
	size_t n_params;
};
int made_run(const struct made_part *parts, size_t n, char *text, size_t size);

/** Lines that components noted in the last run, each with a newline. */
extern char made_notes[4096];

#endif
