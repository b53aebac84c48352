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
static const char *const devices[] = { "sda", "nvme0n1", "dm-0" };

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
	uint32_t r = next_random(random);
	uint16_t parts[12];
	uint8_t hash[8];

	switch (i % 8) {
	case 0:
	case 3:
	case 5:
		lttng_ust_tracepoint(sonde_bench, request, (uint32_t)i, (uint64_t)r * 17,
				     paths[r % (sizeof(paths) / sizeof(*paths))],
				     (double)(r % 1000) / 7.0);
		break;
	case 1:
	case 4:
	case 6:
		for (unsigned k = 0; k < 12; k++)
			parts[k] = (uint16_t)(r >> k);
		lttng_ust_tracepoint(sonde_bench, reply, (uint32_t)i, (int32_t)(r % 5) - 2, parts,
				     r % 13, (double)r / 3e6);
		break;
	case 2:
		for (unsigned k = 0; k < 8; k++)
			hash[k] = (uint8_t)(r >> k);
		lttng_ust_tracepoint(sonde_bench, block, (uint64_t)r << 9, hash,
				     devices[r % (sizeof(devices) / sizeof(*devices))]);
		break;
	default: lttng_ust_tracepoint(sonde_bench, tick, i, (float)r / 1e5f); break;
	}
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
