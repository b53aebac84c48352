/* SPDX-License-Identifier: MIT */
/**
 * The load of bench/scripts: getppid() in a loop on one CPU.
 *
 * syscall-loop cost CPU ROUNDS CALLS FILE: each round makes so many calls. To FILE: the CPU time in
 * ns that a call took in the best and in the median round, and the calls made. It is CPU time that
 * counts, so that others on the machine do not.
 * syscall-loop rate CPU SECONDS RATE FILE: makes so many calls a second, and catches up where it
 * was kept from it, for as long again at most. To FILE: the calls, and the seconds that they took.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MOST = 10000, NS = 1000000000, STEP = 100 };

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void call(long n)
{
	for (long i = 0; i < n; i++)
		(void)syscall(SYS_getppid);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int cost(long rounds, long calls, FILE *to)
{
	static double ns[ROUNDS_MOST];

	call(calls); // the first time is slow: page faults, and maps that are empty
	for (long i = 0; i < rounds; i++) {
		const uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		call(calls);
		ns[i] = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin) / (double)calls;
	}
	qsort(ns, (size_t)rounds, sizeof(*ns), by_size);
	return fprintf(to, "%.2f %.2f %ld\n", ns[0], ns[rounds / 2], calls * (rounds + 1));
}

static int rate(double seconds, double per_s, FILE *to)
{
	const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	const uint64_t calls = (uint64_t)(seconds * per_s);
	double passed = 0;
	uint64_t done = 0;

	while (done < calls && passed < 2 * seconds) {
		passed = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / NS;
		if (passed * per_s < (double)done)
			continue;
		const uint64_t left = calls - done;
		const uint64_t n = left < STEP ? left : STEP;
		call((long)n);
		done += n;
	}
	return fprintf(to, "%llu %.3f\n", (unsigned long long)done,
		       (double)(clock_ns(CLOCK_MONOTONIC) - begin) / NS);
}

int main(int argc, char **argv)
{
	cpu_set_t one;

	if (argc != 6 || (strcmp(argv[1], "cost") && strcmp(argv[1], "rate"))) {
		fprintf(stderr, "usage: syscall-loop cost CPU ROUNDS CALLS FILE | "
				"rate CPU SECONDS RATE FILE\n");
		return 2;
	}
	const bool is_cost = !strcmp(argv[1], "cost");
	const double a = strtod(argv[3], NULL), b = strtod(argv[4], NULL);
	CPU_ZERO(&one);
	CPU_SET((size_t)strtol(argv[2], NULL, 10), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0) {
		perror("sched_setaffinity");
		return 1;
	}
	if (a <= 0 || b < 1 || a > ROUNDS_MOST) {
		fprintf(stderr, "syscall-loop: at most %d rounds or seconds\n", ROUNDS_MOST);
		return 2;
	}
	FILE *to = fopen(argv[5], "we");
	if (!to) {
		perror(argv[5]);
		return 1;
	}
	const int n = is_cost ? cost((long)a, (long)b, to) : rate(a, b, to);
	return fclose(to) || n < 0 ? 1 : 0;
}
