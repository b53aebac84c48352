/* SPDX-License-Identifier: MIT */
/** All analyses, in the order that `report` lists them. */
#include "analysis/all.h"

#include <string.h>

const struct analysis analysis_all[] = {
	{ "cpu", &analysis_cpu, (const char *const[]){ "intervals", NULL }, NULL },
	{ "syscalls", &analysis_syscalls,
	  (const char *const[]){ "per-process", "per-thread", NULL }, NULL },
	{ "sched", &analysis_sched, NULL, NULL },
	{ "wakeups", &analysis_wakeups, NULL, NULL },
	{ "irq", &analysis_irq, NULL, NULL },
	{ "block", &analysis_block, NULL, NULL },
	{ "locks", &analysis_locks, NULL, NULL },
	{ "files", &analysis_files, NULL, NULL },
	{ "net", &analysis_net, NULL, NULL },
	{ "critical-path", &analysis_critical_path,
	  (const char *const[]){ "comm", "exec", "host", NULL }, NULL },
	{ "boot", &analysis_boot, (const char *const[]){ "comm", "svg", "xml", NULL }, NULL },
	{ "anomalies", &analysis_anomalies, NULL, NULL },
	{ "sync", &analysis_sync, NULL, NULL },
	{ "states", &analysis_states, (const char *const[]){ "cache", NULL }, states_indexed },
	{ NULL, NULL, NULL, NULL },
};

const struct analysis *analysis_find(const char *name)
{
	for (const struct analysis *a = analysis_all; a->name; a++) {
		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}
