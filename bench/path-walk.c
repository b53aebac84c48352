/* SPDX-License-Identifier: MIT */
/**
 * Measures critical paths in graphs of a million edges: two threads that wait for each other in
 * turn, and threads each of which waits for the next one. Prints "KEY VALUE" lines.
 *
 * usage: path-walk [EDGES]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sonde/err.h>

#include "analysis/path/walk.h"
#include "base/mem.h"

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* An edge of a worker whose end something refers to. */
static int edge(struct exec_graph *g, uint32_t worker, int64_t ts_ns, enum exec_type type,
		uint32_t *ret)
{
	int r = exec_graph_extend(g, worker, ts_ns, type, 0, ret);

	if (r >= 0)
		g->vertices[*ret].pinned = true;
	return r;
}

static int make_turns(struct exec_graph *g, int64_t n)
{
	uint32_t w[2] = { 0 }, v[2] = { 0 };
	int r = 0;

	for (unsigned i = 0; i < 2 && r >= 0; i++) {
		r = exec_graph_worker(g, &w[i]);
		if (r >= 0)
			r = edge(g, w[i], 0, EXEC_UNKNOWN, &v[i]);
	}
	// Each turn: one runs, the other waits for it.
	for (int64_t i = 1; i <= n / 2 && r >= 0; i++) {
		const unsigned runs = (unsigned)(i % 2);

		r = edge(g, w[runs], 10 * i, EXEC_RUNNING, &v[runs]);
		if (r >= 0)
			r = edge(g, w[!runs], 10 * i, EXEC_BLOCKED, &v[!runs]);
		if (r >= 0)
			exec_graph_link(g, v[runs], v[!runs], EXEC_DEFAULT);
	}
	return r;
}

static int make_chain(struct exec_graph *g, int64_t n)
{
	uint32_t w = 0, v = 0, waits = 0, before = EXEC_NONE;
	int r = 0;

	// Three edges each, counting the vertical one; the last thread does the work.
	for (int64_t k = 0; k < n / 3 && r >= 0; k++) {
		const int64_t woken = n - k;

		r = exec_graph_worker(g, &w);
		if (r >= 0)
			r = edge(g, w, 0, EXEC_UNKNOWN, &v);
		if (r >= 0)
			r = edge(g, w, woken, k + 1 < n / 3 ? EXEC_BLOCKED : EXEC_RUNNING, &waits);
		if (r >= 0)
			r = edge(g, w, woken + 1, EXEC_RUNNING, &v);
		if (r >= 0 && before != EXEC_NONE)
			exec_graph_link(g, v, before, EXEC_DEFAULT);
		before = waits;
	}
	return r;
}

static int measure(const char *name, int (*make)(struct exec_graph *, int64_t), int64_t n)
{
	struct exec_graph g = { 0 };
	struct path p = { 0 };
	int r = make(&g, n);
	const double begin = seconds();

	if (r >= 0)
		r = path_find(&g, 0, INT64_MIN, INT64_MAX, &p);
	if (r >= 0 && !path_adds_up(&p))
		r = sonde_fail(-EINVAL, "the path does not add up");
	if (r >= 0)
		printf("%s_edges %" PRId64 "\n%s_steps %zu\n%s_ms %.1f\n", name, n, name, p.n, name,
		       (seconds() - begin) * 1e3);
	path_fini(&p);
	exec_graph_fini(&g);
	return r;
}

int main(int argc, char **argv)
{
	const int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;

	if (n < 12) {
		fprintf(stderr, "usage: path-walk [EDGES]\n");
		return 2;
	}
	if (measure("turns", make_turns, n) < 0 || measure("chain", make_chain, n) < 0) {
		fprintf(stderr, "path-walk: %s\n", sonde_err_str());
		return 1;
	}
	return 0;
}
