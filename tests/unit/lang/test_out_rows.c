/* SPDX-License-Identifier: MIT */
/** Rows of maps and their merging: the same for each order and each partition. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "out_made.h"

enum { KEY_LEN = 12, HIST_BUCKETS = 66 };

static uint64_t seed = 20240817;

static uint64_t random_next(void)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return seed >> 33;
}

static const struct type key_type = { .kind = TYPE_STR, .size = KEY_LEN, .align = 1 };

static const struct type kinds[] = {
	{ .kind = TYPE_COUNT, .size = 8 },
	{ .kind = TYPE_SUM, .size = 8, .is_signed = true },
	{ .kind = TYPE_MIN, .size = 16, .is_signed = true },
	{ .kind = TYPE_MAX, .size = 16, .is_signed = true },
	{ .kind = TYPE_MIN, .size = 16 },
	{ .kind = TYPE_MAX, .size = 16 },
	{ .kind = TYPE_AVG, .size = 16, .is_signed = true },
	{ .kind = TYPE_STATS, .size = 16 },
	{ .kind = TYPE_HIST, .size = 8 * HIST_BUCKETS },
	{ .kind = TYPE_LHIST, .size = 8 * 12, .lhist_max = 100, .lhist_step = 10 },
};

/* One event's aggregation. */
static void made_val(const struct type *t, uint64_t *ret)
{
	memset(ret, 0, t->size);
	ret[0] = (uint64_t)((int64_t)(random_next() << 33) >> random_next() % 64);
	if ((t->kind == TYPE_MIN || t->kind == TYPE_MAX) && random_next() % 4 == 0)
		ret[0] = 0; // not set on this CPU
	else if (t->kind == TYPE_MIN || t->kind == TYPE_MAX)
		ret[1] = 1;
	else if (t->size == 16)
		ret[1] = random_next() % 5;
	if (t->size > 16)
		ret[random_next() % (t->size / 8)] = 1;
}

static void add_random(struct rows *r, const struct type *t, unsigned n_keys)
{
	uint64_t val[HIST_BUCKETS];
	char key[KEY_LEN] = "key";

	key[3] = (char)('a' + random_next() % n_keys % 26);
	key[11] = (char)(random_next() % n_keys / 26);
	made_val(t, val);
	EXPECT_EQ(rows_add(r, key, val), 0);
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, KEY_LEN);
}

/* Keys and values of merged rows as one sorted text of bytes; lent until freed. */
static uint8_t *sorted(const struct rows *r)
{
	const size_t len = KEY_LEN + r->val_len;
	uint8_t *all = calloc(r->n + 1, len);

	for (size_t i = 0; i < r->n; i++) {
		memcpy(all + i * len, r->keys + i * KEY_LEN, KEY_LEN);
		memcpy(all + i * len + KEY_LEN, r->vals + i * r->val_len, r->val_len);
	}
	qsort(all, r->n, len, compare_keys);
	return all;
}

static bool same_rows(const struct rows *a, const struct rows *b)
{
	uint8_t *sa = sorted(a), *sb = sorted(b);
	const bool same = a->n == b->n && !memcmp(sa, sb, a->n * (KEY_LEN + a->val_len));

	free(sa);
	free(sb);
	return same;
}

static void copy_rows(struct rows *dst, const struct rows *src)
{
	for (size_t i = 0; i < src->n; i++)
		EXPECT_EQ(rows_add(dst, src->keys + i * KEY_LEN, src->vals + i * src->val_len), 0);
}

/* Fisher and Yates's. */
static void shuffle(struct rows *dst, const struct rows *src)
{
	size_t *order = calloc(src->n + 1, sizeof(*order));

	for (size_t i = 0; i < src->n; i++) {
		const size_t j = random_next() % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < src->n; i++)
		EXPECT_EQ(rows_add(dst, src->keys + order[i] * KEY_LEN,
				   src->vals + order[i] * src->val_len),
			  0);
	free(order);
}

/* @src in up to four parts, each merged on its own, then all together. */
static void merge_in_parts(struct rows *dst, const struct rows *src, const struct script_map *m)
{
	struct rows parts[4];

	for (size_t i = 0; i < MEM_LEN(parts); i++)
		rows_init(&parts[i], m);
	for (size_t i = 0; i < src->n; i++)
		EXPECT_EQ(rows_add(&parts[random_next() % 4], src->keys + i * KEY_LEN,
				   src->vals + i * src->val_len),
			  0);
	for (size_t i = 0; i < MEM_LEN(parts); i++) {
		EXPECT_EQ(rows_merge(&parts[i], m), 0);
		copy_rows(dst, &parts[i]);
		rows_fini(&parts[i]);
	}
	EXPECT_EQ(rows_merge(dst, m), 0);
}

TEST(merging_knows_no_order_and_no_partition)
{
	for (int round = 0; round < 200; round++) {
		const struct type *t = &kinds[round % (int)MEM_LEN(kinds)];
		const struct script_map m = { .name = "x", .key = &key_type, .val = t };
		struct rows all, mixed, parts;

		rows_init(&all, &m);
		rows_init(&mixed, &m);
		rows_init(&parts, &m);
		for (uint64_t n = random_next() % 300; n > 0; n--)
			add_random(&all, t, 1 + round % 60);
		shuffle(&mixed, &all);
		merge_in_parts(&parts, &all, &m);
		EXPECT_EQ(rows_merge(&all, &m), 0);
		EXPECT_EQ(rows_merge(&mixed, &m), 0);
		EXPECT(same_rows(&all, &mixed));
		EXPECT(same_rows(&all, &parts));

		const size_t n = all.n; // nothing is left to be merged
		EXPECT_EQ(rows_merge(&all, &m), 0);
		EXPECT_EQ(all.n, n);
		rows_fini(&all);
		rows_fini(&mixed);
		rows_fini(&parts);
	}
}

TEST(later_values_stay)
{
	const struct script_map m = { .key = &type_i64, .val = &type_i64 };
	struct rows r;

	rows_init(&r, &m);
	for (int64_t i = 0; i < 10; i++)
		EXPECT_EQ(rows_add(&r, &(int64_t){ i % 3 }, &i), 0);
	EXPECT_EQ(rows_merge(&r, &m), 0);
	EXPECT_EQ(r.n, 3);
	for (size_t i = 0; i < r.n; i++) {
		int64_t key, val;

		memcpy(&key, r.keys + 8 * i, 8);
		memcpy(&val, r.vals + 8 * i, 8);
		EXPECT_EQ(val, key == 0 ? 9 : key == 1 ? 7 : 8);
	}
	rows_reset(&r);
	EXPECT_EQ(r.n, 0);
	rows_fini(&r);
}

TEST(rows_without_keys_become_one)
{
	const struct type count = { .kind = TYPE_COUNT, .size = 8 };
	const struct script_map m = { .key = &type_none, .val = &count };
	uint64_t n = 5, sum;
	struct rows r;

	rows_init(&r, &m);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(rows_add(&r, NULL, &n), 0);
	EXPECT_EQ(rows_merge(&r, &m), 0);
	EXPECT_EQ(r.n, 1);
	memcpy(&sum, r.vals, 8);
	EXPECT_EQ(sum, 20);
	rows_fini(&r);
}

TEST(many_rows_merge_fast)
{
	const struct type count = { .kind = TYPE_COUNT, .size = 8 };
	const struct script_map m = { .key = &type_i64, .val = &count };
	const int64_t many = 300000;
	struct rows r;

	rows_init(&r, &m);
	for (int64_t i = 0; i < many; i++)
		EXPECT_EQ(rows_add(&r, &(int64_t){ i % (many / 2) << 20 }, &(int64_t){ 1 }), 0);
	EXPECT_EQ(rows_merge(&r, &m), 0);
	EXPECT_EQ(r.n, many / 2);
	rows_fini(&r);
}

TEST(extremes)
{
	const struct type *smin = &kinds[2], *smax = &kinds[3], *umin = &kinds[4],
			  *umax = &kinds[5];
	const struct extreme_value five = { 5, 1 }, minus = { -1, 1 }, unset = { 0, 0 };
	struct extreme_value v = unset;

	EXPECT(agg_is_empty(smin, &v));
	agg_merge(smin, &v, &unset);
	EXPECT(agg_is_empty(smin, &v));
	agg_merge(smin, &v, &five);
	EXPECT(!agg_is_empty(smin, &v));
	EXPECT_EQ(v.value, 5);
	agg_merge(smin, &v, &minus);
	EXPECT_EQ(v.value, -1);
	agg_merge(smax, &v, &five);
	EXPECT_EQ(v.value, 5);
	agg_merge(umax, &v, &minus); // 2^64 - 1
	EXPECT_EQ(v.value, -1);
	agg_merge(umin, &v, &five);
	EXPECT_EQ(v.value, 5);
	agg_merge(umin, &v, &unset);
	EXPECT_EQ(v.value, 5);
}

TEST(empty_aggregations)
{
	uint64_t val[HIST_BUCKETS] = { 0 };

	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		const struct type *t = &kinds[i];

		EXPECT(agg_is_empty(t, val));
		val[1 % (t->size / 8)] = 1;
		EXPECT(!agg_is_empty(t, val));
		val[1 % (t->size / 8)] = 0;
	}
	EXPECT(!agg_is_empty(&type_i64, val));
}

static int gather(void)
{
	const struct script_map m = { .key = &type_i64, .val = &type_i64 };
	struct rows r;
	int err = 0;

	rows_init(&r, &m);
	for (int64_t i = 0; i < 100 && err == 0; i++)
		err = rows_add(&r, &(int64_t){ i % 10 }, &i);
	if (err == 0)
		err = rows_merge(&r, &m);
	rows_fini(&r);
	return err;
}

TEST(out_of_memory)
{
	test_oom(gather);
}
