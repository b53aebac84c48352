/* SPDX-License-Identifier: MIT */
/** Tests medians of distributions, the run queue's slots, and what is out of line. */
#include "analysis/odd/odd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kernel.h"
#include "analysis/odd/queue.h"
#include "analysis/odd/watch.h"
#include "events.h"
#include "test.h"

static const int64_t MS = 1000000;

static bool is_near(int64_t got, int64_t want)
{
	return (double)got >= (double)want * .875 && (double)got <= (double)want * 1.125;
}

TEST(medians_are_near)
{
	static const int64_t values[] = { 0, 1, 7, 8, 9, 15, 16, 1000, 123456789, INT64_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct dist d = { .n = 0 };

		for (int n = 0; n < 5; n++)
			dist_add(&d, values[i]);
		dist_add(&d, -5);
		dist_add(&d, INT64_MAX);
		EXPECT(is_near(dist_median(&d), values[i]));
		EXPECT(dist_mad(&d, dist_median(&d)) == 0);
	}
	struct dist d = { .n = 0 };
	EXPECT_EQ(dist_median(&d), 0);
	EXPECT_EQ(dist_mad(&d, 0), 0);
	for (int64_t v = 1; v <= 1001; v++)
		dist_add(&d, v * 1000);
	EXPECT(is_near(dist_median(&d), 501000));
	EXPECT(is_near(dist_mad(&d, 501000), 250000));
}

/* All that waited, whatever the slots' width. */
static int64_t sum_of(struct odd_queue *q)
{
	const struct sonde_trace trace = { .index = 0 };
	const struct kernel_host host = { .trace = &trace };
	struct odd_list list = { .n = 0 };
	int64_t sum = 0;

	odd_queue_finish(q, 1, &host, &list);
	for (size_t i = 0; i < q->n; i++)
		sum += q->ns[i];
	odd_list_fini(&list);
	return sum;
}

TEST(slots_lose_no_waits)
{
	static const int64_t waits[][2] = { { 0, 1 },
					    { 5, 10 * 1000000 },
					    { 9999999, 10000001 },
					    { 0, 3600 * INT64_C(1000000000) },
					    { 20000000, 30000000 },
					    { 7, 7 },
					    { 100, 86400 * INT64_C(1000000000) } };
	struct odd_queue q = { .n = 0 };
	int64_t want = 0;

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		EXPECT_EQ(odd_queue_add(&q, waits[i][0], waits[i][1]), 0);
		want += waits[i][1] - waits[i][0];
	}
	EXPECT_EQ(sum_of(&q), want);
	odd_queue_fini(&q);
	EXPECT_EQ(odd_queue_add(&q, INT64_MIN, INT64_MIN), 0);
	EXPECT_EQ(odd_queue_add(&q, 0, INT64_MAX), 0);
	EXPECT_EQ(odd_queue_add(&q, INT64_MAX - 5, INT64_MAX), 0);
	(void)sum_of(&q); // of what the time's end cuts there is no sum
	odd_queue_fini(&q);
}

/* @n waits of 1 ms, then one of each given. */
static size_t judge(struct odd_list *l, int n, const int64_t *ns, size_t n_ns)
{
	static const struct sonde_trace trace = { .index = 0 };
	static const struct kernel_host host = { .trace = &trace };
	static const struct kernel_thread thread = { .index = 1, .name = "x" };

	for (int i = 0; i < n + (int)n_ns; i++) {
		const int64_t len = i < n ? MS : ns[i - n];

		(void)odd_take(l,
			       (struct odd_suspect){ .kind = ODD_BLOCKED,
						     .host = &host,
						     .thread = &thread,
						     .cpu = -1,
						     .begin_ns = i * 1000 * MS,
						     .end_ns = i * 1000 * MS + len },
			       7);
	}
	EXPECT_EQ(odd_judge(l, NULL, NULL), 0);
	return l->n_finds;
}

TEST(what_is_out_of_line)
{
	static const struct {
		int n;
		int64_t ns;
		bool is_odd;
	} cases[] = {
		{ 100, 9 * 1000000, false }, // below the floor
		{ 100, 12 * 1000000, true }, // ten times the median, and the others are alike
		{ 5, 12 * 1000000, false },  // too few to know what is usual
		{ 5, 120 * 1000000, true },  // that is long whatever is usual
		{ 0, 99 * 1000000, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct odd_list l = { .n = 0 };

		EXPECT_EQ(judge(&l, cases[i].n, &cases[i].ns, 1), cases[i].is_odd);
		if (cases[i].is_odd)
			EXPECT(l.finds[0].n == 1 && l.finds[0].worst.lost_ns == cases[i].ns &&
			       l.finds[0].lost_ns <= cases[i].ns);
		odd_list_fini(&l);
	}
	static const int64_t several[] = { 20 * 1000000, 50 * 1000000, 30 * 1000000 };
	struct odd_list l = { .n = 0 };
	EXPECT_EQ(judge(&l, 50, several, 3), 1);
	EXPECT(l.finds[0].n == 3 && l.finds[0].worst.lost_ns == 50 * MS);
	EXPECT(is_near(l.finds[0].lost_ns, 97 * MS));
	odd_list_fini(&l);
}

static struct maker oom_events;
static size_t batch = 100;

static int all_of_it(void)
{
	struct odd_list list = { .n = 0 };
	struct odd_watch *w = NULL;
	int r = odd_watch_new(&list, INT64_MIN, INT64_MAX, &w);

	for (size_t i = 0; i < oom_events.n_events && r >= 0; i += batch) {
		const size_t left = oom_events.n_events - i;

		r = odd_watch_consume(w, &(struct sonde_batch){ &oom_events.events[i],
								left < batch ? left : batch });
	}
	if (r >= 0)
		r = odd_watch_finish(w);
	if (r >= 0)
		r = odd_judge(&list, NULL, NULL);
	if (r >= 0) {
		EXPECT_EQ(list.n_finds, 1);
		EXPECT_EQ(list.finds[0].worst.kind, ODD_HOG);
		EXPECT_EQ(list.finds[0].worst.by->tid, 8);
	}
	odd_watch_free(w);
	odd_list_fini(&list);
	return r < 0 ? r : 0;
}

TEST(without_memory_nothing_leaks)
{
	maker_init(&oom_events, LTTNG, 0,
		   "0 0 switch 0 0 7\n1 1 switch 0 0 9\n1000 0 waking 8 0\n2000 0 switch 7 0 8\n"
		   "3000 1 irq+ 5\n4000 1 irq- 5\n5000 1 soft+ 3\n6000 1 soft- 3\n"
		   "7000 0 issue 8 100 8 4096 4 8\n8000 0 complete 8 100 8 4\n"
		   "150000000 0 switch 8 1 7\n150000001 0 enter getpid\n150000002 0 exit getpid 0\n"
		   "150000003 0 switch 7 2 0\n");
	test_oom(all_of_it);
	for (batch = 1; batch < 9; batch++)
		EXPECT_EQ(all_of_it(), 0);
	maker_fini(&oom_events);
}
