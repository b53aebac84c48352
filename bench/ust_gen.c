/* SPDX-License-Identifier: MIT */
/** Writes N events with LTTng-UST from two threads: ints, strings, arrays, sequences, doubles. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE

#include "ust_tp.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2 };

static const char *const paths[] = {
	"/",
	"/index.html",
	"/static/app.js",
	"/api/v1/users/42",
	"/favicon.ico",
	"/api/v1/jobs",
	"/img/logo-large.webp",
	"/a/rather/long/path/to/a/file",
	"/health",
};
static const char *const texts[] = { "OK", "Not Found", "Created", "Internal Server Error" };

struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t n_events;
};

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void one_event(uint64_t i, uint32_t *random)
{
	const uint32_t r = next_random(random), id = (uint32_t)i;
	const double real = (double)(r % 100000) / 7.0;
	uint32_t ip[4] = { r, r ^ id, 0, 1 };
	uint16_t parts[8];
	uint8_t body[16];
	int16_t levels[6];

	for (unsigned k = 0; k < 8; k++)
		parts[k] = (uint16_t)(r >> k);
	for (unsigned k = 0; k < 16; k++)
		body[k] = (uint8_t)(r >> k);
	for (unsigned k = 0; k < 6; k++)
		levels[k] = (int16_t)(r >> 2 * k);
	if (i % 8 == 7)
		lttng_ust_tracepoint(sonde_bench, tick, i, real, real / 2, "cpu0\0\0\0");
	else if (i % 2)
		lttng_ust_tracepoint(sonde_bench, reply, id, (int32_t)(r % 5) - 2, real,
				     texts[r % (sizeof(texts) / sizeof(*texts))], body, r % 17,
				     levels);
	else
		lttng_ust_tracepoint(sonde_bench, request, id, -(int64_t)r,
				     paths[r % (sizeof(paths) / sizeof(*paths))], ip, parts, r % 9,
				     real);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint32_t random = 2463534242u + w->number;
	cpu_set_t cpus;

	// Each on a CPU of its own, so that there are two streams worth merging.
	CPU_ZERO(&cpus);
	CPU_SET(w->number, &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus); // one CPU alone will do
	for (uint64_t i = 0; i < w->n_events; i++)
		one_event(i, &random);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	struct worker workers[THREADS];

	if (!n) {
		fprintf(stderr, "usage: ust_gen EVENTS\n");
		return 2;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] =
			(struct worker){ .number = i, .n_events = n / THREADS + (i < n % THREADS) };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
			fprintf(stderr, "ust_gen: cannot start a thread\n");
			return 1;
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}
