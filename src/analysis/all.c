/* SPDX-License-Identifier: MIT */
/** All analyses, in the order that `report` lists them. */
#include "analysis/all.h"

#include <string.h>

const struct analysis analysis_all[] = {
	{ .name = "cpu",
	  .sink = &analysis_cpu,
	  .options = (const char *const[]){ "intervals", NULL } },
	{ .name = "syscalls",
	  .sink = &analysis_syscalls,
	  .options = (const char *const[]){ "per-process", "per-thread", NULL } },
	{ .name = "sched", .sink = &analysis_sched },
	{ .name = "wakeups", .sink = &analysis_wakeups },
	{ .name = "irq", .sink = &analysis_irq },
	{ .name = "block", .sink = &analysis_block },
	{ .name = "locks", .sink = &analysis_locks },
	{ .name = "files", .sink = &analysis_files },
	{ .name = "net", .sink = &analysis_net },
	{ .name = "critical-path",
	  .sink = &analysis_critical_path,
	  .options = (const char *const[]){ "comm", "exec", "host", NULL },
	  .reads_on = true },
	{ .name = "boot",
	  .sink = &analysis_boot,
	  .options = (const char *const[]){ "comm", "svg", "xml", NULL },
	  .reads_on = true },
	{ .name = "anomalies", .sink = &analysis_anomalies },
	{ .name = "sync", .sink = &analysis_sync },
	{ .name = "states",
	  .sink = &analysis_states,
	  .options = (const char *const[]){ "cache", NULL },
	  .indexed = states_indexed },
	{ .name = NULL },
};

const struct analysis *analysis_find(const char *name)
{
	for (const struct analysis *a = analysis_all; a->name; a++) {
		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}
