/* SPDX-License-Identifier: MIT */
/** Tests execution graphs built from events, and that critical paths always add up. */
#include "analysis/path/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/path/build.h"
#include "base/strbuf.h"
#include "events.h"
#include "test.h"

/* All chains and links: "5 BLOCKED(h) 9 RUNNING 12" a worker, "5@1 > 6@1" a link. */
static void show(const struct exec_build *b, struct strbuf *out)
{
	const struct exec_graph *g = exec_build_graph(b);

	for (uint32_t i = 0; i < g->n_workers; i++) {
		const struct exec_who who = exec_build_who(b, i);
		uint32_t v = g->workers[i].first;

		if (v == EXEC_NONE)
			continue;
		strbuf_fmt(out, "%ld: %ld", who.thread ? (long)who.thread->tid : -1,
			   (long)g->vertices[v].ts_ns);
		while ((v = g->vertices[v].next) != EXEC_NONE) {
			const char *label = exec_build_label(b, g->vertices[v].label);

			strbuf_fmt(out, " %s%s%s %ld", exec_type_name(g->vertices[v].type),
				   label ? " by " : "", label ? label : "",
				   (long)g->vertices[v].ts_ns);
		}
		strbuf_str(out, "\n");
	}
	for (size_t i = 0; i < g->n_vertices; i++) {
		const struct exec_vertex *to = &g->vertices[i];
		const struct exec_vertex *from;

		if (to->cause == EXEC_NONE)
			continue;
		from = &g->vertices[to->cause];
		strbuf_fmt(out, "%ld@%ld > %ld@%ld\n",
			   (long)exec_build_who(b, from->worker).thread->tid, (long)from->ts_ns,
			   (long)exec_build_who(b, to->worker).thread->tid, (long)to->ts_ns);
	}
}

/* Thread 7 blocks at 10 and is woken at 20 on CPU 1, where 8 runs, in whatever @context. */
static void check_cause(enum flavour f, const char *context, const char *want)
{
	static struct maker m;
	sonde_auto(strbuf_fini) struct strbuf text = { 0 }, got = { 0 };
	struct exec_build *b;

	strbuf_fmt(&text,
		   "0 0 switch 0 0 7\n1 1 switch 0 0 8\n10 0 switch 7 1 0\n%s"
		   "20 1 waking 7 0\n25 0 switch 0 0 7\n30 0 switch 7 1 0\n",
		   context);
	maker_init(&m, f, 0, strbuf_text(&text));
	EXPECT_EQ(exec_build_new(INT64_MIN, INT64_MAX, &b), 0);
	EXPECT_EQ(exec_build_consume(b, &(struct sonde_batch){ m.events, m.n_events }), 0);
	show(b, &got);
	EXPECT_STR(strbuf_text(&got), want);
	exec_build_free(b);
	maker_fini(&m);
}

TEST(who_ends_a_wait)
{
#define CHAIN(type) "7: 0 RUNNING 10 " type " 20 PREEMPTED 25 RUNNING 30\n"
	static const struct {
		const char *context, *want;
	} cases[] = {
		{ "", CHAIN("BLOCKED") "8: 1 RUNNING 20\n8@20 > 7@20\n" },
		{ "15 1 timer+ 1\n", CHAIN("TIMER") },
		{ "15 1 timer+ 1\n16 1 timer- 1\n",
		  CHAIN("BLOCKED") "8: 1 RUNNING 20\n8@20 > 7@20\n" },
		{ "15 1 irq+ 5\n", CHAIN("BLOCKED by h") "8: 1 RUNNING 15\n" },
		{ "15 1 irq+ 0\n", CHAIN("INTERRUPTED") "8: 1 RUNNING 15\n" },
		{ "15 1 irq+ 5\n16 1 timer+ 1\n", CHAIN("TIMER") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 1\n", CHAIN("TIMER") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 3\n", CHAIN("NETWORK") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 4\n", CHAIN("BLOCK_DEVICE") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 7\n", CHAIN("INTERRUPTED") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 8\n", CHAIN("TIMER") "8: 1 RUNNING 15\n" },
		{ "15 1 soft+ 9\n", CHAIN("BLOCKED") "8: 1 RUNNING 15\n" },
		{ "15 1 ipi+ 1\n", CHAIN("IPI") },
		{ "15 1 netif+ 1\n", CHAIN("NETWORK by t8") },
		// An exit of another kind than the innermost, and one without an entry.
		{ "15 1 timer+ 1\n16 1 soft- 3\n", CHAIN("TIMER") },
		{ "15 1 ipi- 1\n", CHAIN("BLOCKED") "8: 1 RUNNING 20\n8@20 > 7@20\n" },
	};

	for (int f = 0; f < N_FLAVOURS; f++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			check_cause((enum flavour)f, cases[i].context, cases[i].want);
	}
}

TEST(a_new_thread_is_linked_to_who_made_it)
{
	static struct maker m;
	sonde_auto(strbuf_fini) struct strbuf got = { 0 };
	struct exec_build *b;

	maker_init(&m, LTTNG, 0,
		   "0 0 switch 0 0 7\n5 0 fork 7 7 9 9\n6 0 wakeup 9\n8 0 switch 7 1 9\n"
		   "9 0 switch 9 0 0\n");
	EXPECT_EQ(exec_build_new(INT64_MIN, INT64_MAX, &b), 0);
	EXPECT_EQ(exec_build_consume(b, &(struct sonde_batch){ m.events, m.n_events }), 0);
	show(b, &got);
	EXPECT_STR(strbuf_text(&got), "7: 0 RUNNING 5 RUNNING 6 RUNNING 8\n"
				      "9: 5 PREEMPTED 6 PREEMPTED 8 RUNNING 9\n"
				      "7@5 > 9@5\n7@6 > 9@6\n");
	exec_build_free(b);
	maker_fini(&m);
}

/* The path of thread 7: "8 10-20" a segment, "9>8 12-15" a hop. */
static void check_path(const char *text, const char *want)
{
	static struct maker m;
	sonde_auto(strbuf_fini) struct strbuf got = { 0 };
	struct exec_build *b;
	struct path p = { 0 };

	maker_init(&m, FTRACE, 0, text);
	EXPECT_EQ(exec_build_new(INT64_MIN, INT64_MAX, &b), 0);
	EXPECT_EQ(exec_build_consume(b, &(struct sonde_batch){ m.events, m.n_events }), 0);
	EXPECT_EQ(path_find(exec_build_graph(b), 0, INT64_MIN, INT64_MAX, &p), 0);
	EXPECT(path_adds_up(&p));
	for (size_t i = 0; i < p.n; i++) {
		const struct path_step *s = &p.steps[i];

		if (s->from != EXEC_NONE)
			strbuf_fmt(&got, "%ld>", (long)exec_build_who(b, s->from).thread->tid);
		strbuf_fmt(&got, "%ld %ld-%ld\n", (long)exec_build_who(b, s->worker).thread->tid,
			   (long)s->begin_ns, (long)s->end_ns);
	}
	EXPECT_STR(strbuf_text(&got), want);
	path_fini(&p);
	exec_build_free(b);
	maker_fini(&m);
}

/* 8 does for 7 what 9 asked for; before that it did something else. */
#define WORKERS(context)                                                                    \
	"0 0 switch 0 0 7\n1 1 switch 0 0 8\n2 2 switch 0 0 9\n10 0 switch 7 1 0\n" context \
	"12 2 queue 64\n15 1 work 64\n20 1 waking 7 0\n25 0 switch 0 0 7\n30 0 switch 7 1 0\n"

TEST(work_is_of_who_put_it_into_the_queue)
{
	check_path(WORKERS(""),
		   "7 0-10\n7>9 10-10\n9 10-12\n9>8 12-15\n8 15-20\n8>7 20-20\n7 20-25\n7 25-30\n");
	// An interrupt has nothing to do with the thread that it interrupts.
	check_path(WORKERS("11 2 soft+ 3\n"),
		   "7 0-10\n7>8 10-10\n8 10-20\n8>7 20-20\n7 20-25\n7 25-30\n");
	// Its own work.
	check_path(WORKERS("11 1 queue 65\n12 1 work 65\n"),
		   "7 0-10\n7>9 10-10\n9 10-12\n9>8 12-15\n8 15-20\n8>7 20-20\n7 20-25\n7 25-30\n");
}

/* Graphs that nothing in the kernel would ever make. */

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void make_graph(uint64_t *seed, struct exec_graph *g)
{
	const size_t n_workers = 1 + next(seed) % 6, n = next(seed) % 80;
	uint32_t w, v;

	for (size_t i = 0; i < n_workers; i++)
		EXPECT_EQ(exec_graph_worker(g, &w), 0);
	for (size_t i = 0; i < n; i++) {
		const enum exec_type type = (enum exec_type)(next(seed) % EXEC_DEFAULT);

		w = (uint32_t)(next(seed) % n_workers);
		const uint32_t last = g->workers[w].last;
		const int64_t at = last == EXEC_NONE ? 0 : g->vertices[last].ts_ns;
		EXPECT_EQ(exec_graph_extend(g, w, at + (int64_t)(next(seed) % 20), type, 0, &v), 0);
		g->vertices[v].pinned = true;
	}
	for (size_t i = 0; i < 2 * n; i++) {
		const uint32_t a = (uint32_t)(next(seed) % g->n_vertices);
		const uint32_t c = (uint32_t)(next(seed) % g->n_vertices);

		// Wake-ups are at one time, packets take some.
		if (next(seed) % 4 == 0 || g->vertices[a].ts_ns == g->vertices[c].ts_ns)
			exec_graph_link(g, a, c, EXEC_NETWORK);
		g->vertices[c].begins = g->vertices[c].cause != EXEC_NONE && next(seed) % 4 == 0;
	}
}

TEST(random_paths_add_up)
{
	size_t n_paths = 0, n_hops = 0;

	for (uint64_t seed = 1; seed <= 5000; seed++) {
		struct exec_graph g = { 0 };
		uint64_t state = seed;

		make_graph(&state, &g);
		for (uint32_t w = 0; w < g.n_workers; w++) {
			const int64_t from = (int64_t)(next(&state) % 100) - 20;
			const int64_t to = from + (int64_t)(next(&state) % 200);
			struct path p;
			const int r = path_find(&g, w, from, to, &p);

			if (r == -ENODATA)
				continue;
			if (r < 0 || !path_adds_up(&p) || p.begin_ns < from || p.end_ns > to ||
			    (p.n && p.steps[p.n - 1].worker != w))
				test_failed(__FILE__, __LINE__, "seed %lu, worker %u",
					    (unsigned long)seed, w);
			n_paths++;
			n_hops += p.hops_ns > 0;
			path_fini(&p);
		}
		exec_graph_fini(&g);
	}
	EXPECT(n_paths > 5000 && n_hops > 100);
}

/* Worker k waits for worker k + 1, and so on; the last one works. */
enum { CHAIN_LONG = 200000 };

TEST(long_chains_of_waits)
{
	struct exec_graph g = { 0 };
	struct path p = { 0 };
	uint32_t w, v, before = EXEC_NONE;

	for (int64_t k = 0; k <= CHAIN_LONG; k++) {
		const int64_t woken = 2 * CHAIN_LONG - k;

		EXPECT_EQ(exec_graph_worker(&g, &w), 0);
		EXPECT_EQ(exec_graph_extend(&g, w, 0, EXEC_UNKNOWN, 0, &v), 0);
		EXPECT_EQ(exec_graph_extend(&g, w, woken,
					    k < CHAIN_LONG ? EXEC_BLOCKED : EXEC_RUNNING, 0, &v),
			  0);
		g.vertices[v].pinned = true;
		const uint32_t woken_at = v;
		EXPECT_EQ(exec_graph_extend(&g, w, woken + 1, EXEC_RUNNING, 0, &v), 0);
		if (before != EXEC_NONE)
			exec_graph_link(&g, v, before, EXEC_DEFAULT);
		before = woken_at;
	}
	EXPECT_EQ(path_find(&g, 0, INT64_MIN, INT64_MAX, &p), 0);
	EXPECT(path_adds_up(&p));
	// The last one's work, then 1 ns of each on the way back.
	EXPECT_EQ(p.end_ns - p.begin_ns, 2 * CHAIN_LONG + 1);
	EXPECT_EQ(p.hops_ns, 0);
	EXPECT(p.n >= 2 * CHAIN_LONG && p.n <= 2 * CHAIN_LONG + 4);
	path_fini(&p);
	exec_graph_fini(&g);
}

TEST(dead_ends_lead_to_other_causes)
{
	struct exec_graph g = { 0 };
	struct path p = { 0 };
	uint32_t waits, by, other, v, end, from;

	// "waits" is woken at 100 by "by", which began only at 80, and whom "other" had made at 90.
	EXPECT_EQ(exec_graph_worker(&g, &waits), 0);
	EXPECT_EQ(exec_graph_worker(&g, &by), 0);
	EXPECT_EQ(exec_graph_worker(&g, &other), 0);
	EXPECT_EQ(exec_graph_extend(&g, waits, 0, EXEC_UNKNOWN, 0, &v), 0);
	EXPECT_EQ(exec_graph_extend(&g, waits, 100, EXEC_BLOCKED, 0, &end), 0);
	EXPECT_EQ(exec_graph_extend(&g, other, 0, EXEC_UNKNOWN, 0, &v), 0);
	EXPECT_EQ(exec_graph_extend(&g, other, 90, EXEC_RUNNING, 0, &from), 0);
	EXPECT_EQ(exec_graph_extend(&g, by, 80, EXEC_UNKNOWN, 0, &v), 0);
	EXPECT_EQ(exec_graph_extend(&g, by, 90, EXEC_PREEMPTED, 0, &v), 0);
	exec_graph_link(&g, from, v, EXEC_DEFAULT);
	EXPECT_EQ(exec_graph_extend(&g, by, 100, EXEC_RUNNING, 0, &v), 0);
	exec_graph_link(&g, v, end, EXEC_DEFAULT);

	EXPECT_EQ(path_find(&g, waits, INT64_MIN, INT64_MAX, &p), 0);
	EXPECT(path_adds_up(&p));
	int64_t ns[3] = { 0 };
	for (size_t i = 0; i < p.n; i++)
		ns[p.steps[i].worker] += p.steps[i].end_ns - p.steps[i].begin_ns;
	EXPECT_EQ(ns[other], 90);
	EXPECT_EQ(ns[by], 10);
	EXPECT_EQ(ns[waits], 0);
	path_fini(&p);
	exec_graph_fini(&g);
}

static int build_and_find(void)
{
	static struct maker m;
	static bool made;
	struct exec_build *b = NULL;
	struct path p = { 0 };

	// Made outside of the counted allocations.
	if (!made)
		maker_init(&m, LTTNG, 0,
			   "0 0 switch 0 0 7\n1 1 switch 0 0 8\n3 0 fork 7 7 9 9\n5 0 out 1\n"
			   "10 0 switch 7 1 0\n12 1 soft+ 3\n13 1 in 1\n14 1 soft- 3\n"
			   "20 1 waking 7 0\n25 0 switch 0 0 7\n30 0 switch 7 1 0\n");
	made = true;
	int r = exec_build_new(INT64_MIN, INT64_MAX, &b);
	if (r >= 0)
		r = exec_build_consume(b, &(struct sonde_batch){ m.events, m.n_events });
	if (r >= 0)
		r = exec_build_finish(b);
	if (r >= 0)
		r = path_find(exec_build_graph(b), 0, INT64_MIN, INT64_MAX, &p);
	path_fini(&p);
	exec_build_free(b);
	return r;
}

TEST(out_of_memory)
{
	EXPECT_EQ(build_and_find(), 0);
	test_oom(build_and_find);
}
