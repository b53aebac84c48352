/* SPDX-License-Identifier: MIT */
/** Finds the recorded command by what the trace's environment tells. */
#include "analysis/command.h"

#include <stdlib.h>

#include <sonde/type.h>

#include "analysis/kernel.h"

/* A trace may tell of parents in circles. */
enum { PARENTS_MOST = 1000 };

/* The number that a trace's environment tells; -1: it does not. */
static int64_t env_pid(const struct sonde_trace *t, const char *name)
{
	const struct sonde_env *e = sonde_trace_env(t, name);

	if (!e)
		return -1;
	if (!e->str)
		return e->num;
	char *end;
	const long long pid = strtoll(e->str, &end, 10);
	return end != e->str && !*end ? pid : -1;
}

bool command_is(const struct sonde_trace *trace, int64_t pid)
{
	return pid > 0 &&
	       (pid == env_pid(trace, "command_pid") || pid == env_pid(trace, "only_pids"));
}

bool command_made(const struct kernel_thread *t)
{
	for (int i = 0; i < PARENTS_MOST; i++) {
		if (command_is(t->host->trace, t->pid >= 0 ? t->pid : t->tid))
			return true;
		// Else that one's memory is another's now.
		if (!t->parent || t->parent->life != t->parent_life)
			return false;
		t = t->parent;
	}
	return false;
}
