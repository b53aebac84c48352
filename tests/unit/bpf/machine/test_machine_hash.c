/* SPDX-License-Identifier: MIT */
/** Hash tables of the machine against a plain list. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bpf/machine/hash.h"
#include "fn_random.h"
#include "test.h"

enum { KEYS = 300, KEY_MOST = 40 };

struct model {
	struct hash *hash;
	uint32_t key_len;
	bool there[KEYS];
	uint64_t val[KEYS];
	void *place[KEYS];
	size_t n;
};

static const void *key_of(const struct model *m, unsigned i, uint8_t key[static KEY_MOST])
{
	memset(key, (int)(i >> 8), KEY_MOST);
	key[m->key_len - 1] = (uint8_t)i;
	if (m->key_len > 1)
		key[0] = (uint8_t)(i >> 8);
	return key;
}

/* Of keys of one byte only 256 differ. */
static unsigned keys_of(const struct model *m)
{
	return m->key_len == 1 ? 256 : KEYS;
}

static void check(struct model *m, unsigned i)
{
	uint8_t key[KEY_MOST];
	uint64_t *v = hash_find(m->hash, key_of(m, i, key));

	EXPECT((v != NULL) == m->there[i]);
	EXPECT(hash_finder(m->hash)(m->hash, key) == v);
	if (!v || !m->there[i])
		return;
	EXPECT_EQ(*v, m->val[i]);
	EXPECT(m->place[i] == v);
}

static void change(struct model *m, uint64_t r, uint32_t max)
{
	const unsigned i = (unsigned)(r >> 8) % keys_of(m);
	uint8_t key[KEY_MOST];
	int want = 0, got;

	(void)key_of(m, i, key);
	if (r % 3 == 0) {
		EXPECT_EQ(hash_delete(m->hash, key), m->there[i] ? 0 : -ENOENT);
		m->n -= m->there[i];
		m->there[i] = false;
		return;
	}
	const uint64_t flags = r >> 40 & 1 ? BPF_ANY : r >> 41 & 1 ? BPF_NOEXIST : BPF_EXIST;
	if (m->there[i] && flags == BPF_NOEXIST)
		want = -EEXIST;
	else if (!m->there[i] && flags == BPF_EXIST)
		want = -ENOENT;
	else if (!m->there[i] && m->n == max)
		want = -E2BIG;
	got = hash_update(m->hash, key, &r, flags);
	EXPECT_EQ(got, want);
	if (got)
		return;
	m->n += !m->there[i];
	if (!m->there[i])
		m->place[i] = hash_find(m->hash, key);
	m->there[i] = true;
	m->val[i] = r;
}

static void walk(const struct model *m)
{
	struct hash_walk w = { 0 };
	const void *key;
	void *val;
	size_t n = 0;

	while (hash_next(m->hash, &w, &key, &val)) {
		EXPECT(hash_find(m->hash, key) == val);
		n++;
	}
	EXPECT_EQ(n, m->n);
	EXPECT_EQ(hash_len(m->hash), m->n);
}

static void run(uint32_t key_len, uint32_t max)
{
	const struct hash_shape shape = { .key_len = key_len,
					  .val_len = 8,
					  .max_entries = max,
					  .secret = { 12345, 98765432109 } };
	struct model *m = calloc(1, sizeof(*m));
	uint64_t state = key_len * 1000 + max;

	EXPECT(m && hash_new(&shape, &m->hash) == 0);
	if (!m)
		return;
	m->key_len = key_len;
	for (unsigned round = 0; round < 20000; round++) {
		change(m, random_next(&state), max);
		if (round % 1000 == 999)
			walk(m);
		if (round % 7000 == 6999) {
			hash_clear(m->hash);
			memset(m->there, 0, sizeof(m->there));
			m->n = 0;
		}
		check(m, (unsigned)(random_next(&state) % keys_of(m)));
	}
	hash_free(m->hash);
	free(m);
}

TEST(does_what_a_list_does)
{
	static const uint32_t lens[] = { 1, 3, 4, 5, 8, 9, 12, 16, 20, 24, 40 };

	for (size_t i = 0; i < MEM_LEN(lens); i++) {
		run(lens[i], KEYS);
		run(lens[i], 100);
		run(lens[i], 1);
	}
}

TEST(forgets_what_was_not_looked_at)
{
	const struct hash_shape shape = {
		.key_len = 4, .val_len = 4, .max_entries = 10, .is_lru = true, .secret = { 1, 3 }
	};
	struct hash *h = NULL;
	uint32_t kept = 0;

	EXPECT_EQ(hash_new(&shape, &h), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		EXPECT_EQ(hash_update(h, &i, &i, BPF_ANY), 0);
		if (i >= 10)
			EXPECT_EQ(hash_len(h), 10);
		EXPECT(hash_find(h, &kept)); // always used, so never forgotten
	}
	const uint32_t old = 500;
	EXPECT(!hash_find(h, &old));
	hash_free(h);
}

static int fill(void)
{
	const struct hash_shape shape = { .key_len = 8, .val_len = 4000, .max_entries = 1000 };
	struct hash *h = NULL;
	uint8_t val[4000] = { 0 };

	int r = hash_new(&shape, &h);
	for (uint64_t i = 0; r == 0 && i < 200; i++)
		r = hash_update(h, &i, val, BPF_ANY);
	hash_free(h);
	return r;
}

TEST(no_memory_is_told)
{
	test_oom(fill);
}

TEST(lookups_take_no_memory)
{
	const struct hash_shape shape = { .key_len = 8, .val_len = 8, .max_entries = 10000 };
	struct hash *h = NULL;

	EXPECT_EQ(hash_new(&shape, &h), 0);
	for (uint64_t i = 0; i < 1000; i++)
		EXPECT_EQ(hash_update(h, &i, &i, BPF_ANY), 0);
	const uint64_t before = test_allocations();
	for (uint64_t i = 0; i < 1000; i++) {
		EXPECT(hash_find(h, &i));
		EXPECT_EQ(hash_update(h, &i, &i, BPF_ANY), 0);
		EXPECT_EQ(hash_delete(h, &i), 0);
		EXPECT_EQ(hash_update(h, &i, &i, BPF_ANY), 0);
	}
	EXPECT_EQ(test_allocations() - before, 0);
	hash_free(h);
}

/* The mean number of slots that lookups of @n numbers, @by from one to the next, look at. */
static double mean_steps(uint32_t key_len, uint64_t by, unsigned n, const uint64_t secret[2])
{
	const struct hash_shape shape = { .key_len = key_len,
					  .val_len = 8,
					  .max_entries = n,
					  .secret = { secret[0], secret[1] } };
	struct hash *h = NULL;
	uint64_t key[4] = { 0 };
	size_t sum = 0;

	EXPECT_EQ(hash_new(&shape, &h), 0);
	for (uint64_t i = 0; i < n; i++) {
		key[0] = i * by;
		EXPECT_EQ(hash_update(h, key, &i, BPF_ANY), 0);
	}
	for (uint64_t i = 0; i < n; i++) {
		key[0] = i * by;
		sum += hash_steps(h, key);
	}
	hash_free(h);
	return (double)sum / n;
}

TEST(no_secret_makes_numbers_fall_together)
{
	enum { SECRETS = 300, N = 1024 }; // half of the slots
	static const struct {
		uint32_t key_len;
		uint64_t by;
	} cases[] = { { 4, 1 },	 { 8, 1 },     { 8, 4096 }, { 8, 1ULL << 32 },
		      { 16, 1 }, { 16, 4096 }, { 24, 1 } };
	uint64_t state = 1, secret[2];

	for (size_t c = 0; c < MEM_LEN(cases); c++) {
		double worst = 0;

		for (unsigned i = 0; i < SECRETS; i++) {
			secret[0] = random_next(&state);
			secret[1] = random_next(&state) | 1;
			const double mean = mean_steps(cases[c].key_len, cases[c].by, N, secret);
			worst = mean > worst ? mean : worst;
		}
		EXPECT(worst < 2);
	}
}
