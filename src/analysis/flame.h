/* SPDX-License-Identifier: MIT */
/**
 * sink.flame: folds the samples of a trace into stacks, written as a picture or as lines.
 *
 * Parameters: format=svg|folded, title=TEXT, pid=N (repeated), event=GLOB (repeated), from=NS,
 * to=NS. It must see all events from the begin of the trace on, as maps of processes come before
 * samples.
 */
#ifndef ANALYSIS_FLAME_H
#define ANALYSIS_FLAME_H

#include <sonde/component.h>

extern const struct sonde_component_class sink_flame;

#endif
