/* SPDX-License-Identifier: MIT */
/** Tests clocks' lines: no message may arrive before it was sent, and the slopes are the extremes.
 */
#include "analysis/sync/hull.h"

#include <errno.h>

#include "test.h"

/* Reproducible numbers. */
static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

enum { MESSAGES_MOST = 60 };

struct message {
	unsigned way;
	int64_t ref, other;
};

/* Clocks that differ by @ppm, messages that take a while. */
static size_t make(uint64_t seed, struct message *m)
{
	const size_t n = 2 + next(&seed) % (MESSAGES_MOST - 1);
	const int64_t ppm = (int64_t)(next(&seed) % 2000) - 1000;
	const int64_t offset = (int64_t)(next(&seed) % 2000000) - 1000000;

	for (size_t i = 0; i < n; i++) {
		const int64_t x = (int64_t)(next(&seed) % 1000000);
		const int64_t y = x + x * ppm / 1000000 + offset;
		const int64_t late = (int64_t)(next(&seed) % (next(&seed) % 2 ? 30 : 3000)) + 1;

		m[i].way = next(&seed) % 2;
		m[i].ref = x;
		m[i].other = m[i].way == HULL_SENT ? y + 1 + late : y - 1 - late;
	}
	return n;
}

/* Sign of how the slope from a to b differs from that from c to d; all go to the right. */
static int compare_slopes(const struct message *a, const struct message *b, const struct message *c,
			  const struct message *d)
{
	const __int128 v = (__int128)(b->other - a->other) * (d->ref - c->ref) -
			   (__int128)(d->other - c->other) * (b->ref - a->ref);

	return v > 0 ? 1 : v < 0 ? -1 : 0;
}

/* The bound by trying all pairs; false: there is none. */
static bool bound(const struct message *m, size_t n, unsigned way, const struct message **start,
		  const struct message **end)
{
	bool some = false;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			if (m[i].way == way || m[k].way != way || m[i].ref >= m[k].ref)
				continue;
			const int c = some ? compare_slopes(&m[i], &m[k], *start, *end) : 0;

			if (!some || (way == HULL_SENT ? c < 0 : c > 0)) {
				*start = &m[i];
				*end = &m[k];
			}
			some = true;
		}
	}
	return some;
}

static struct decimal slope(const struct message *a, const struct message *b)
{
	return decimal_div(decimal_int(b->other - a->other), decimal_int(b->ref - a->ref));
}

static struct hull_line solve(const struct message *m, size_t n)
{
	struct hull h = { 0 };
	struct hull_line l = { .quality = HULL_ABSENT };

	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(hull_add(&h, m[i].way, m[i].ref, m[i].other), 0);
	EXPECT_EQ(hull_solve(&h, &l), 0);
	hull_fini(&h);
	return l;
}

TEST(lines_are_the_extremes)
{
	static struct message m[MESSAGES_MOST];
	size_t n_accurate = 0;

	for (uint64_t seed = 1; seed <= 2000; seed++) {
		const size_t n = make(seed, m);
		const struct hull_line l = solve(m, n);
		const struct message *s[2], *e[2];

		if (!bound(m, n, HULL_SENT, &s[0], &e[0]) ||
		    !bound(m, n, HULL_RECEIVED, &s[1], &e[1])) {
			EXPECT(l.quality < HULL_ACCURATE);
			continue;
		}
		const struct decimal most = slope(s[0], e[0]), least = slope(s[1], e[1]);
		const struct decimal mean = decimal_div(decimal_add(most, least), decimal_int(2));

		if (l.quality != HULL_ACCURATE ||
		    decimal_cmp(l.slope, decimal_div(decimal_int(1), mean)) != 0)
			test_failed(__FILE__, __LINE__, "seed %lu: %s", (unsigned long)seed,
				    hull_quality_name(l.quality));
		n_accurate++;
	}
	EXPECT(n_accurate > 1000);
}

TEST(no_message_arrives_before_it_was_sent)
{
	static struct message m[MESSAGES_MOST];

	for (uint64_t seed = 1; seed <= 500; seed++) {
		const size_t n = make(seed, m);
		const struct hull_line l = solve(m, n);

		for (size_t i = 0; i < n && l.quality == HULL_ACCURATE; i++) {
			const struct decimal there = decimal_add(
				decimal_mul(l.slope, decimal_int(m[i].other)), l.offset_ns);
			const double late =
				decimal_real(decimal_add(there, decimal_int(-m[i].ref)));

			// A message that the line goes through may be off by the last digit.
			if (m[i].way == HULL_SENT ? late < -1e-20 : late > 1e-20)
				test_failed(__FILE__, __LINE__, "seed %lu, message %zu",
					    (unsigned long)seed, i);
		}
	}
}

TEST(order_of_messages_does_not_matter)
{
	static struct message m[MESSAGES_MOST];

	for (uint64_t seed = 1; seed <= 100; seed++) {
		const size_t n = make(seed, m);
		const struct hull_line before = solve(m, n);

		for (size_t i = 0; i < n / 2; i++) {
			const struct message swap = m[i];
			m[i] = m[n - 1 - i];
			m[n - 1 - i] = swap;
		}
		// The origin is another message's: the line stays the same to all digits.
		const struct hull_line after = solve(m, n);
		EXPECT_EQ(after.quality, before.quality);
		EXPECT_EQ(decimal_cmp(after.slope, before.slope), 0);
		EXPECT_EQ(decimal_cmp(after.offset_ns, before.offset_ns), 0);
		EXPECT_EQ(after.n_accurate, before.n_accurate);
	}
}

TEST(quality)
{
	static const struct message one_way[] = { { HULL_SENT, 0, 10 }, { HULL_SENT, 10, 20 } };
	static const struct message one_bound[] = { { HULL_RECEIVED, 0, -5 },
						    { HULL_RECEIVED, 5, 1 },
						    { HULL_SENT, 10, 20 } };
	// The clock was set back by 1,000 in between.
	static const struct message set_back[] = {
		{ HULL_SENT, 0, 10 },	   { HULL_RECEIVED, 5, 0 },
		{ HULL_SENT, 1000, 1010 }, { HULL_RECEIVED, 1005, 1000 },
		{ HULL_SENT, 2000, 1010 }, { HULL_RECEIVED, 2005, 1000 },
		{ HULL_SENT, 3000, 2010 }, { HULL_RECEIVED, 3005, 2000 },
	};

	EXPECT_EQ(solve(NULL, 0).quality, HULL_ABSENT);
	EXPECT_EQ(solve(one_way, 2).quality, HULL_INCOMPLETE);
	EXPECT_EQ(solve(one_bound, 3).quality, HULL_APPROXIMATE);
	EXPECT_EQ(solve(set_back, 4).quality, HULL_ACCURATE);
	EXPECT_EQ(solve(set_back, 8).quality, HULL_FAILED);
	EXPECT(!hull_is_usable(HULL_INCOMPLETE) && hull_is_usable(HULL_FAILED));
}

TEST(far_times_are_left_out)
{
	struct hull h = { 0 };

	EXPECT_EQ(hull_add(&h, HULL_SENT, INT64_MIN, 0), 0);
	EXPECT_EQ(hull_add(&h, HULL_SENT, INT64_MAX, 0), 0);
	EXPECT_EQ(h.n_matches, 2);
	EXPECT_EQ(h.n_far, 1);
	hull_fini(&h);
}

TEST(many_messages_take_little_memory)
{
	struct hull h = { 0 };
	struct hull_line l;
	uint64_t seed = 7;

	for (int64_t i = 0; i < 1000000; i++) {
		const int64_t late = (int64_t)(next(&seed) % 5000) + 1;

		EXPECT_EQ(hull_add(&h, (unsigned)(i % 2), i * 1000,
				   i * 1000 + (i % 2 == HULL_SENT ? late : -late)),
			  0);
	}
	EXPECT(h.way[0].cap <= 1 << 18 && h.way[1].cap <= 1 << 18);
	EXPECT_EQ(hull_solve(&h, &l), 0);
	EXPECT_EQ(l.quality, HULL_ACCURATE);
	EXPECT(decimal_real(decimal_add(l.slope, decimal_int(-1))) < 1e-8);
	EXPECT(decimal_real(decimal_add(l.slope, decimal_int(-1))) > -1e-8);
	hull_fini(&h);
}

static int add_and_solve(void)
{
	static struct message m[MESSAGES_MOST];
	const size_t n = make(3, m);
	struct hull h = { 0 };
	struct hull_line l;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = hull_add(&h, m[i].way, m[i].ref, m[i].other);
	if (r >= 0)
		r = hull_solve(&h, &l);
	hull_fini(&h);
	return r;
}

TEST(out_of_memory)
{
	test_oom(add_and_solve);
}
