/* SPDX-License-Identifier: MIT */
/** All analyses, in the order that `report` lists them. */
#include "analysis/all.h"

#include <string.h>

const struct analysis analysis_all[] = {
	{ "cpu", &analysis_cpu, (const char *const[]){ "intervals", NULL } },
	{ "syscalls", &analysis_syscalls,
	  (const char *const[]){ "per-process", "per-thread", NULL } },
	{ "irq", &analysis_irq, NULL },
	{ "sync", &analysis_sync, NULL },
	{ NULL, NULL, NULL },
};

const struct analysis *analysis_find(const char *name)
{
	for (const struct analysis *a = analysis_all; a->name; a++) {
		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}
