/* SPDX-License-Identifier: MIT */
/** What verbs take: tasks that are wanted, addresses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/verbs/verb.h"

bool crash_args_want(const struct crash_args *a, const struct crash_task *t)
{
	bool wanted = !a->n_pids;

	for (size_t i = 0; i < a->n_pids; i++)
		wanted |= a->pids[i] == t->pid || a->pids[i] == t->tid;
	if (t->is_idle && !(a->running && t->on_cpu))
		return false;
	return wanted && (!a->running || t->on_cpu) && (!a->state || a->state == t->state);
}

int crash_args_pids(const struct crash_run *r, struct crash_args *ret)
{
	*ret = *r->args;
	for (int i = 0; i < r->argc; i++) {
		char *end;

		errno = 0;
		long long pid = strtoll(r->argv[i], &end, 10);
		if (errno || *end || end == r->argv[i] || pid < 0)
			return sonde_fail(-EINVAL, "'%s' is no process id", r->argv[i]);
		if (ret->n_pids == CRASH_PIDS_MOST)
			return sonde_fail(-EINVAL, "more than %d processes", CRASH_PIDS_MOST);
		ret->pids[ret->n_pids++] = pid;
	}
	return 0;
}

int crash_args_check(const struct crash_run *r, const struct crash_args *a,
		     const struct crash_tasks *tasks)
{
	char line[64];
	bool any = !a->n_pids;

	for (int tell = 0; tell < 2; tell++) {
		for (size_t i = 0; i < a->n_pids; i++) {
			size_t k = 0;

			while (k < tasks->n && a->pids[i] != tasks->all[k].pid &&
			       a->pids[i] != tasks->all[k].tid)
				k++;
			any |= k < tasks->n;
			(void)snprintf(line, sizeof(line), "there is no task %lld",
				       (long long)a->pids[i]);
			if (tell && k == tasks->n)
				r->note(line);
		}
		if (!any)
			return sonde_fail(-ESRCH, "there is no task %lld%s", (long long)a->pids[0],
					  a->n_pids > 1 ? ", nor one of the others" : "");
	}
	return 0;
}

static bool number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	uint64_t v = strtoull(text, &end, 0);
	if (*end || end == text) // addresses are often copied without their 0x
		v = strtoull(text, &end, 16);
	if (errno || *end || end == text || *text == '-')
		return false;
	*ret = v;
	return true;
}

int crash_address(struct crash_core *c, const char *text, uint64_t *ret)
{
	char name[512];
	struct crash_symbol s;
	uint64_t off = 0;
	size_t len = strcspn(text, "+-");

	if (len >= sizeof(name))
		return sonde_fail(-EINVAL, "'%s' is too long", text);
	memcpy(name, text, len);
	name[len] = '\0';
	if (text[len] && !number(text + len + 1, &off))
		return sonde_fail(-EINVAL, "'%s' is no number", text + len + 1);
	if (text[len] == '-')
		off = 0 - off;
	if (c->system->symbol_named(c, name, &s))
		*ret = s.start + off;
	else if (number(name, ret))
		*ret += off;
	else
		return sonde_fail(-EINVAL, "'%s' is no address and no symbol", text);
	return 0;
}
