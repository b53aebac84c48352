/* SPDX-License-Identifier: MIT */
/** The analyses that `report` offers, one file each. */
#ifndef ANALYSIS_ALL_H
#define ANALYSIS_ALL_H

#include <stdbool.h>

#include <sonde/component.h>

/** One analysis: a sink, and what `report` tells of it. */
struct analysis {
	const char *name; /* as in `report NAME` */
	const struct sonde_component_class *sink;
	const char *const *options; /* those of `report` that only some take; ends with NULL */
	/**
	 * Makes the report of these traces without reading them, from what an earlier run kept;
	 * -ENOENT: the sink has to. NULL: it always has to.
	 */
	int (*indexed)(const struct sonde_setup *setup, struct sonde_trace *const *traces,
		       size_t n);
	bool reads_on; /* also what came after --to: it tells what was waited for until then */
};

/** All analyses; ends with .name == NULL. */
extern const struct analysis analysis_all[];

/** The analysis of that name, or NULL. */
const struct analysis *analysis_find(const char *name);

extern const struct sonde_component_class analysis_cpu;
extern const struct sonde_component_class analysis_syscalls;
extern const struct sonde_component_class analysis_irq;
extern const struct sonde_component_class analysis_locks;
extern const struct sonde_component_class analysis_critical_path;
extern const struct sonde_component_class analysis_sched;
extern const struct sonde_component_class analysis_wakeups;
extern const struct sonde_component_class analysis_block;
extern const struct sonde_component_class analysis_anomalies;
extern const struct sonde_component_class analysis_boot;
extern const struct sonde_component_class analysis_files;
extern const struct sonde_component_class analysis_net;
extern const struct sonde_component_class analysis_sync;
extern const struct sonde_component_class analysis_states;

int states_indexed(const struct sonde_setup *setup, struct sonde_trace *const *traces, size_t n);

#endif
