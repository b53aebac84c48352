/* SPDX-License-Identifier: MIT */
/**
 * Sinks that fold what a trace has into stacks, written as a picture or as lines:
 *
 *   sink.flame    samples, or other events that have stacks: how often
 *   sink.offcpu   where threads blocked, and for how long
 *   sink.wakeup   the same, with the stack of who woke them on top
 *   sink.locks    where threads waited for locks, and for how long
 *
 * Parameters: format=svg|folded, title=TEXT, pid=N and cpu=N (repeated), from=NS, to=NS; of
 * sink.flame event=GLOB (repeated). They must see all events from the begin of the trace on, as
 * maps of processes come before stacks.
 */
#ifndef ANALYSIS_FLAME_FLAME_H
#define ANALYSIS_FLAME_FLAME_H

#include <sonde/component.h>

extern const struct sonde_component_class sink_flame;
extern const struct sonde_component_class sink_offcpu;
extern const struct sonde_component_class sink_wakeup;
extern const struct sonde_component_class sink_locks;

#endif
