/* SPDX-License-Identifier: MIT */
/**
 * Measures what a person waits for first: a Linux dump's tasks, the stacks of all of them and its
 * messages, each time from the opening on, file cache warm. Prints "KEY VALUE" lines.
 *
 * usage: dump-tasks DUMP [RUNS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/core.h"

enum { RUNS_MOST = 1000 };
enum { OPEN, TASKS, STACKS, LOG, ALL, WALL, TIMES };

static const char *const names[TIMES] = { "open", "tasks", "stacks", "log", "all", "wall" };

struct counts {
	uint64_t tasks, frames, messages, cut;
};

/* CPU time, but for the last one: others may run beside. */
static double now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long anonymous_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "RssAnon:", 8))
			kib = strtol(line + 8, NULL, 10);
	}
	if (f)
		(void)fclose(f);
	return kib;
}

static int count_message(void *arg, const struct crash_message *m)
{
	(void)m;
	++*(uint64_t *)arg;
	return 0;
}

static int all_stacks(struct crash_core *c, const struct crash_tasks *tasks, struct counts *ret)
{
	struct crash_stack s = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < tasks->n; i++) {
		r = c->system->stack(c, &tasks->all[i], &s);
		ret->frames += s.n;
		ret->cut += s.cut != NULL;
	}
	crash_stack_fini(&s);
	return r;
}

static int once(const char *path, double *ret, struct counts *counts, long *ret_kib)
{
	const char *paths[] = { path };
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	struct crash_tasks tasks = { 0 };
	double t[LOG + 2], wall = now(CLOCK_MONOTONIC);

	*counts = (struct counts){ 0 };
	t[0] = now(CLOCK_PROCESS_CPUTIME_ID);
	int r = crash_open(paths, 1, NULL, &c);
	t[1] = now(CLOCK_PROCESS_CPUTIME_ID);
	if (r == 0)
		r = c->system->tasks(c, &tasks);
	t[2] = now(CLOCK_PROCESS_CPUTIME_ID);
	if (r == 0)
		r = all_stacks(c, &tasks, counts);
	t[3] = now(CLOCK_PROCESS_CPUTIME_ID);
	if (r == 0)
		r = c->system->log(c, count_message, &counts->messages);
	t[4] = now(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = OPEN; i <= LOG; i++)
		ret[i] = t[i + 1] - t[i];
	ret[ALL] = t[4] - t[0];
	ret[WALL] = now(CLOCK_MONOTONIC) - wall;
	counts->tasks = tasks.n;
	*ret_kib = anonymous_kib();
	crash_tasks_fini(&tasks);
	return r;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double times[TIMES][RUNS_MOST];
	size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
	struct counts counts;
	long before = anonymous_kib(), first = 0, kib;
	double t[TIMES];

	if (argc < 2 || !runs || runs > RUNS_MOST) {
		(void)fprintf(stderr, "usage: dump-tasks DUMP [RUNS]\n");
		return 2;
	}
	for (size_t i = 0; i <= runs; i++) { // the first one fills the file cache
		if (once(argv[1], t, &counts, &kib) < 0) {
			(void)fprintf(stderr, "dump-tasks: %s\n", sonde_err_str());
			return 1;
		}
		first = i ? first : kib - before;
		for (unsigned k = 0; i && k < TIMES; k++)
			times[k][i - 1] = t[k];
	}
	for (unsigned k = 0; k < TIMES; k++) {
		qsort(times[k], runs, sizeof(times[k][0]), by_size);
		printf("%s_ms %.2f\n", names[k], times[k][runs / 2]);
	}
	printf("anonymous_kib %ld\ntasks %" PRIu64 "\nframes %" PRIu64 "\ncut %" PRIu64
	       "\nmessages %" PRIu64 "\n",
	       first, counts.tasks, counts.frames, counts.cut, counts.messages);
	return 0;
}
