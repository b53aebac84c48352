/* SPDX-License-Identifier: MIT */
/**
 * Measures the interval store: builds one track of many segments, opens it again, and asks for rows
 * of 2,000 pixels of all lengths. Prints "KEY VALUE" lines.
 *
 * usage: store-rows FILE [SEGMENTS]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "state/store.h"

enum { PIXELS = 2000, ROWS = 400, STATES = 9 };

static const struct store_print print = { { 7 } };

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int build(const char *path, uint64_t n, int64_t *ret_end)
{
	struct store *s = NULL;
	uint64_t seed = 42;
	int64_t now = 0;
	uint32_t track;
	int r = store_create(path, &print, &s);

	if (r < 0)
		return r;
	store_begin(s);
	r = store_add_track(s, &(struct store_track){ .n_states = STATES }, &track);
	for (uint64_t i = 0; r >= 0 && i < n; i++) {
		const uint64_t x = next(&seed);
		const int64_t len = 1 + (int64_t)(x % 4096);

		r = store_append(s, track,
				 &(struct store_segment){ now, now + len,
							  1 + (uint32_t)(x >> 32) % (STATES - 1),
							  (uint32_t)(x >> 40) });
		now += len;
	}
	store_end(s);
	if (r >= 0)
		r = store_finish(s);
	store_free(s);
	*ret_end = now;
	return r;
}

/* One that nothing has been read for: first in this process, then also not by the system. */
static int first_row(const char *path, int64_t end, const char *key)
{
	static struct store_cell cells[PIXELS];
	struct store *s = NULL;
	int r = store_open(path, &print, &s);

	if (r < 0)
		return r;
	const double begin = seconds(), cpu_begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	r = store_row(s, 0, 0, end, cells, PIXELS);
	printf("%s_ms %.3f\n%s_cpu_ms %.3f\n", key, (seconds() - begin) * 1e3, key,
	       (seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu_begin) * 1e3);
	store_free(s);
	return r;
}

static void forget_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd);
}

static int rows(struct store *s, int64_t end)
{
	static struct store_cell cells[PIXELS];
	double sum = 0, most = 0, cpu_most = 0;
	uint64_t seed = 4711;

	for (int i = 0; i < ROWS; i++) {
		const int64_t len = 1 + ((end - 1) >> next(&seed) % 24);
		const int64_t from = (int64_t)(next(&seed) % (uint64_t)(end - len + 1));
		const double begin = seconds(), cpu_begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
		int r = store_row(s, 0, from, from + len, cells, PIXELS);
		const double took = seconds() - begin;
		const double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu_begin;

		if (r < 0)
			return r;
		sum += took;
		most = took > most ? took : most;
		cpu_most = cpu > cpu_most ? cpu : cpu_most;
	}
	printf("row_mean_ms %.3f\nrow_max_ms %.3f\nrow_max_cpu_ms %.3f\n", sum / ROWS * 1e3,
	       most * 1e3, cpu_most * 1e3);
	return 0;
}

static int measure(const char *path, uint64_t n)
{
	struct store *s = NULL;
	struct stat st;
	struct rusage usage;
	int64_t end = 0;
	double begin = seconds();

	int r = build(path, n, &end);
	if (r < 0)
		return r;
	const double built = seconds() - begin;
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("segments %" PRIu64 "\nappends_per_s %.0f\nbuild_peak_kib %ld\n", n,
	       (double)n / built, usage.ru_maxrss);
	if (stat(path, &st) == 0)
		printf("bytes_per_segment %.2f\n", (double)st.st_size / (double)n);
	begin = seconds();
	r = store_open(path, &print, &s);
	printf("open_ms %.3f\n", (seconds() - begin) * 1e3);
	if (r >= 0)
		r = rows(s, end);
	store_free(s);
	if (r >= 0)
		r = first_row(path, end, "row_first");
	forget_file(path);
	if (r >= 0)
		r = first_row(path, end, "row_cold");
	(void)unlink(path);
	return r;
}

int main(int argc, char **argv)
{
	const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 50000000;

	if (argc < 2 || !n) {
		fprintf(stderr, "usage: store-rows FILE [SEGMENTS]\n");
		return 2;
	}
	if (measure(argv[1], n) < 0) {
		fprintf(stderr, "store-rows: %s\n", sonde_err_str());
		return 1;
	}
	return 0;
}
