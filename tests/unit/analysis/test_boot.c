/* SPDX-License-Identifier: MIT */
/** Tests the tree of processes, which of them get rows, and columns of time. */
#include "analysis/boot/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "base/strbuf.h"
#include "events.h"
#include "test.h"

/* 10 makes 11 and 12, 11 makes 13; 20 is none of theirs. */
static const char family[] = "0 0 switch 0 0 10\n"
			     "1 0 fork 10 10 11 11\n1 0 waking 11 1\n"
			     "2 0 fork 10 10 12 12\n"
			     "3 1 switch 0 0 11\n"
			     "4 1 fork 11 11 13 13\n"
			     "5 1 switch 11 1 13\n"
			     "6 1 switch 13 1 20\n"
			     "7 0 switch 10 1 12\n"
			     "8 0 switch 12 16 0\n"
			     "9 1 switch 20 1 0\n";

/* "10(0-9) 11(1-9)": the rows, each indented by its depth; "+2" shared by two. */
static void show(const struct boot_tree *t, const struct boot_rows *r, struct strbuf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct boot_row *row = &r->all[i];

		strbuf_fmt(out, "%s%.*s", i ? " " : "", (int)row->depth, "......");
		if (row->process == BOOT_NONE)
			strbuf_fmt(out, "+%zu", row->n_hidden);
		else
			strbuf_fmt(out, "%ld", (long)t->all[row->process].pid);
		strbuf_fmt(out, "(%ld-%ld)", (long)row->begin_ns, (long)row->end_ns);
	}
}

static int build(const struct maker *m, struct exec_build **ret)
{
	int r = exec_build_new(INT64_MIN, INT64_MAX, ret);

	if (r < 0)
		return r;
	r = exec_build_consume(*ret, &(struct sonde_batch){ m->events, m->n_events });
	if (r >= 0)
		r = exec_build_finish(*ret);
	if (r < 0)
		exec_build_free(*ret);
	return r;
}

static void check(const char *text, int64_t root, size_t most, const char *want)
{
	static struct maker m;
	sonde_auto(strbuf_fini) struct strbuf got = { 0 };
	struct exec_build *b;
	struct boot_tree t = { 0 };
	struct boot_rows rows = { 0 };

	maker_init(&m, LTTNG, 0, text);
	EXPECT_EQ(build(&m, &b), 0);
	EXPECT_EQ(boot_tree_make(b, INT64_MAX, &t), 0);
	for (uint32_t i = 0; i < t.n; i++) {
		if (t.all[i].pid == root)
			boot_tree_choose(&t, i);
	}
	boot_tree_chosen(&t, !root);
	EXPECT_EQ(boot_rows_make(&t, most, &rows), 0);
	show(&t, &rows, &got);
	EXPECT_STR(strbuf_text(&got), want);
	boot_rows_fini(&rows);
	boot_tree_fini(&t);
	exec_build_free(b);
	maker_fini(&m);
}

TEST(who_is_below_whom)
{
	check(family, 0, 0, "10(0-9) .11(1-9) ..13(4-9) .12(2-8) 20(6-9)");
	check(family, 10, 0, "10(0-9) .11(1-9) ..13(4-9) .12(2-8)");
	check(family, 11, 0, "11(1-9) .13(4-9)");
	check(family, 13, 0, "13(4-9)");
}

TEST(what_does_not_fit_shares_rows)
{
	// One alone gets the row that it would share; 12 waited longest for a CPU.
	check(family, 10, 2, "10(0-9) .12(2-8) .+2(1-9)");
	check(family, 10, 1, "10(0-9) .+3(1-9)");
	check(family, 0, 1, "10(0-9) .+3(1-9) +1(6-9)");
}

TEST(parents_in_a_circle_are_cut)
{
	check("0 0 switch 0 0 10\n1 0 fork 10 10 11 11\n2 0 switch 10 16 11\n3 0 fork 11 11 10 10\n"
	      "4 0 switch 11 1 10\n5 0 switch 10 1 0\n",
	      0, 0, "10(0-2) .11(1-5) ..10(3-5)");
}

TEST(threads_are_of_their_process)
{
	check("0 0 switch 0 0 10\n1 0 fork 10 10 11 10\n2 0 switch 10 1 11\n3 0 switch 11 1 0\n", 0,
	      0, "10(0-3)");
}

TEST(columns_share_out_time)
{
	enum { N = 7 };
	struct boot_cell cells[N];
	static const int64_t spans[][2] = { { 0, 100 }, { -50, 200 }, { 13, 14 },
					    { 14, 15 }, { 99, 100 },  { 100, 101 },
					    { 50, 50 }, { -9, 0 },    { 28, 29 } };

	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		const int64_t from = spans[i][0] < 0 ? 0 : spans[i][0];
		const int64_t to = spans[i][1] > 100 ? 100 : spans[i][1];
		int64_t sum = 0;

		memset(cells, 0, sizeof(cells));
		boot_spread(0, 100, spans[i][0], spans[i][1], BOOT_RUN, cells, N);
		for (size_t k = 0; k < N; k++) {
			const int64_t len =
				boot_column(0, 100, k + 1, N) - boot_column(0, 100, k, N);

			EXPECT(cells[k].ns[BOOT_RUN] >= 0 && cells[k].ns[BOOT_RUN] <= len);
			sum += cells[k].ns[BOOT_RUN];
		}
		EXPECT_EQ(sum, to > from ? to - from : 0);
	}
	memset(cells, 0, sizeof(cells));
	boot_spread(INT64_MIN / 2, INT64_MAX / 2, INT64_MIN, INT64_MAX, BOOT_WAIT, cells, N);
	EXPECT(cells[0].ns[BOOT_WAIT] > 0 && cells[N - 1].ns[BOOT_WAIT] > 0);
}

static struct maker oom_events;

static int all_of_it(void)
{
	struct boot b = { .root = BOOT_NONE, .to_ns = INT64_MAX };
	struct sonde_out out;
	int r = build(&oom_events, &b.build);

	if (r < 0)
		return r;
	r = boot_tree_make(b.build, b.to_ns, &b.tree);
	if (r >= 0)
		boot_tree_chosen(&b.tree, true);
	if (r >= 0)
		r = boot_rows_make(&b.tree, 2, &b.rows);
	if (r >= 0)
		r = out_init(&out, -1);
	if (r >= 0) {
		r = boot_svg(&b, &out);
		if (r >= 0)
			r = boot_xml(&b, &out);
		out_fini(&out);
	}
	boot_rows_fini(&b.rows);
	boot_tree_fini(&b.tree);
	exec_build_free(b.build);
	return r;
}

TEST(without_memory_nothing_leaks)
{
	maker_init(&oom_events, LTTNG, 0, family);
	test_oom(all_of_it);
	maker_fini(&oom_events);
}

static int some_requests(void)
{
	const struct sonde_trace trace = { .index = 1 };
	const struct kernel_host h = { .trace = &trace };
	struct requests q = { 0 };
	struct request done;
	int r = 0, n = 0;

	for (int i = 0; i < 100 && r >= 0; i++) {
		struct kernel_io io = { .step = KERNEL_IO_ISSUE,
					.dev = 8,
					.sector = i,
					.n_sectors = 8,
					.at_ns = 10 * i };

		r = requests_take(&q, &h, &io, &done);
		io.step = KERNEL_IO_COMPLETE;
		io.sector = i / 2; // half of them end, each once
		io.at_ns = 10 * i + 1;
		if (r >= 0)
			r = requests_take(&q, &h, &io, &done);
		n += r > 0;
		EXPECT(r <= 0 || (done.end_ns == 10 * i + 1 && done.issue_ns == 10 * (i / 2)));
	}
	if (r >= 0) {
		EXPECT_EQ(n, 50);
		EXPECT_EQ(q.unmatched, 50);
	}
	requests_fini(&q);
	return r < 0 ? r : 0;
}

TEST(requests_end_once)
{
	test_oom(some_requests);
}
