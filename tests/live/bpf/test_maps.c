/* SPDX-License-Identifier: MIT */
/** Kernel maps of each kind: made, written, read as a whole, cleared. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "asm.h"
#include "bpf/map.h"
#include "test.h"

enum { N = 5000 };

static struct bpf_maps *one(struct bpf_map_spec spec)
{
	// The specs must live as long as the maps.
	static struct bpf_map_spec kept;
	struct bpf_maps *m = NULL;

	kept = spec;
	kept.inner = -1;
	int r = bpf_maps_new(&kept, 1, &m);
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%d: %s", r, sonde_err_str());
	return m;
}

/* Key k of N: what bpf_maps_each() gave. */
struct seen {
	uint32_t times[N];
	uint32_t n, wrong, twice;
	unsigned cpus; /* values of each entry */
};

static int see(void *arg, const void *key, const void *val)
{
	struct seen *s = arg;
	uint64_t k = 0, v;

	memcpy(&k, key, 4);
	s->n++;
	if (k >= N) {
		s->wrong++;
		return 0;
	}
	s->twice += s->times[k]++ != 0;
	for (unsigned c = 0; c < s->cpus; c++) {
		memcpy(&v, (const char *)val + 8 * c, 8);
		s->wrong += v != k * 3 + c;
	}
	return 0;
}

static int stop_at_third(void *arg, const void *key, const void *val)
{
	(void)key;
	(void)val;
	return ++*(int *)arg == 3 ? 77 : 0;
}

static void fill(struct bpf_maps *m, uint32_t n, unsigned cpus)
{
	uint64_t vals[64];

	for (uint32_t k = 0; k < n; k++) {
		for (unsigned c = 0; c < cpus && c < MEM_LEN(vals); c++)
			vals[c] = k * 3ULL + c;
		EXPECT_EQ(bpf_maps_update(m, 0, &k, vals), 0);
	}
}

static void check_kind(uint32_t type, uint32_t flags, bool percpu, bool is_hash)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	struct seen s = { .cpus = percpu ? bpf_possible_cpus() : 1 };
	int n = 0;

	if (!asm_may())
		return;
	m = one((struct bpf_map_spec){ .name = "kind",
				       .type = type,
				       .key_len = 4,
				       .val_len = 8,
				       .max_entries = N,
				       .flags = flags });
	if (!m)
		return;
	EXPECT_EQ(bpf_maps_row_len(m, 0), 8 * s.cpus);
	fill(m, N, s.cpus);
	EXPECT_EQ(bpf_maps_each(m, 0, see, &s), 0);
	EXPECT_EQ(s.n, N);
	EXPECT_EQ(s.wrong, 0);
	EXPECT_EQ(s.twice, 0);
	EXPECT_EQ(bpf_maps_each(m, 0, stop_at_third, &n), 77);

	EXPECT_EQ(bpf_maps_clear(m, 0), 0);
	s = (struct seen){ .cpus = 0 };
	EXPECT_EQ(bpf_maps_each(m, 0, see, &s), 0);
	EXPECT_EQ(s.n, is_hash ? 0 : N);

	uint64_t val[64] = { 5, 5 };
	uint32_t key = 7;
	EXPECT_EQ(bpf_maps_lookup(m, 0, &key, val), is_hash ? -ENOENT : 0);
	EXPECT_EQ(val[0] + val[1], is_hash ? 10 : percpu ? 0 : 5);
	if (is_hash)
		EXPECT_EQ(bpf_maps_delete(m, 0, &key), -ENOENT);
}

TEST(array)
{
	check_kind(BPF_MAP_TYPE_ARRAY, 0, false, false);
}

TEST(percpu_array)
{
	check_kind(BPF_MAP_TYPE_PERCPU_ARRAY, 0, true, false);
}

TEST(hash)
{
	check_kind(BPF_MAP_TYPE_HASH, 0, false, true);
}

TEST(hash_no_prealloc)
{
	check_kind(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, false, true);
}

TEST(percpu_hash)
{
	check_kind(BPF_MAP_TYPE_PERCPU_HASH, 0, true, true);
}

/* One entry fills a batch, so that any two in the same bucket do not fit. */
TEST(large_values)
{
	enum { LEN = 256 << 10, ENTRIES = 64 };
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	sonde_auto(mem_freep) uint64_t *val = calloc(1, LEN);
	struct seen s = { .cpus = 1 };

	if (!asm_may())
		return;
	m = one((struct bpf_map_spec){ .name = "large",
				       .type = BPF_MAP_TYPE_HASH,
				       .key_len = 4,
				       .val_len = LEN,
				       .max_entries = ENTRIES,
				       .flags = BPF_F_NO_PREALLOC });
	if (!m || !val)
		return;
	for (uint32_t k = 0; k < ENTRIES; k++) {
		val[0] = k * 3;
		EXPECT_EQ(bpf_maps_update(m, 0, &k, val), 0);
	}
	EXPECT_EQ(bpf_maps_each(m, 0, see, &s), 0);
	EXPECT_EQ(s.n, ENTRIES);
	EXPECT_EQ(s.wrong + s.twice, 0);
	EXPECT_EQ(bpf_maps_clear(m, 0), 0);
	EXPECT_EQ(bpf_maps_each(m, 0, see, &s), 0);
	EXPECT_EQ(s.n, ENTRIES);
}

struct churn {
	struct bpf_maps *m;
	int stop; /* atomic */
	uint64_t refused;
};

/* Keys from 1000 on come and go; those before stay. */
static void *come_and_go(void *arg)
{
	struct churn *c = arg;

	for (uint32_t i = 0; !__atomic_load_n(&c->stop, __ATOMIC_RELAXED); i++) {
		uint32_t k = 1000 + i % 4000;
		uint64_t v = k * 3ULL;
		uint32_t old = 1000 + (i + 2000) % 4000;

		// That it is not there happens, and that the map is full.
		c->refused += bpf_maps_update(c->m, 0, &k, &v) < 0;
		c->refused += bpf_maps_delete(c->m, 0, &old) < 0;
	}
	return NULL;
}

TEST(read_while_it_changes)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	struct churn c = { 0 };
	pthread_t t;

	if (!asm_may())
		return;
	c.m = m = one((struct bpf_map_spec){ .name = "churn",
					     .type = BPF_MAP_TYPE_HASH,
					     .key_len = 4,
					     .val_len = 8,
					     .max_entries = 2 * N });
	if (!m)
		return;
	fill(m, 1000, 1);
	if (pthread_create(&t, NULL, come_and_go, &c) != 0)
		return test_skip("no thread");
	for (int i = 0; i < 50; i++) {
		struct seen s = { .cpus = 1 };
		uint32_t missing = 0;

		EXPECT_EQ(bpf_maps_each(m, 0, see, &s), 0);
		for (uint32_t k = 0; k < 1000; k++)
			missing += s.times[k] == 0;
		EXPECT_EQ(missing, 0);
		EXPECT_EQ(s.wrong, 0);
		EXPECT_EQ(s.times[0] > 1, 0);
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	EXPECT_EQ(pthread_join(t, NULL), 0);
}

TEST(mapped_array_begins_with_its_data)
{
	static const uint64_t first[512] = { 11, 22, [511] = 33 };
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	uint64_t got[512];
	uint32_t key = 0;
	void *p = NULL, *again = NULL;

	if (!asm_may())
		return;
	m = one((struct bpf_map_spec){ .name = "globals!",
				       .type = BPF_MAP_TYPE_ARRAY,
				       .key_len = 4,
				       .val_len = sizeof(first),
				       .max_entries = 1,
				       .flags = BPF_F_MMAPABLE,
				       .data = first });
	if (!m)
		return;
	EXPECT_EQ(bpf_maps_mapped(m, 0, &p), 0);
	EXPECT_EQ(bpf_maps_mapped(m, 0, &again), 0);
	EXPECT(p && p == again);
	EXPECT(p && !memcmp(p, first, sizeof(first)));
	if (p)
		((uint64_t *)p)[1] = 44;
	EXPECT_EQ(bpf_maps_lookup(m, 0, &key, got), 0);
	EXPECT_EQ(got[1], 44);
	EXPECT_EQ(got[511], 33);
}

TEST(maps_in_a_map)
{
	static const struct bpf_map_spec specs[] = {
		{ .name = "in0",
		  .type = BPF_MAP_TYPE_HASH,
		  .key_len = 8,
		  .val_len = 8,
		  .max_entries = 64,
		  .inner = -1 },
		{ .name = "in1",
		  .type = BPF_MAP_TYPE_HASH,
		  .key_len = 8,
		  .val_len = 8,
		  .max_entries = 64,
		  .inner = -1 },
		{ .name = "out",
		  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		  .key_len = 4,
		  .val_len = 4,
		  .max_entries = 3,
		  .inner = 0,
		  .n_inner = 2 },
		{ .name = "hist",
		  .type = BPF_MAP_TYPE_PERCPU_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 1,
		  .inner = -1 },
	};
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	uint32_t id[3] = { 0 }, key;

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(specs, MEM_LEN(specs), &m), 0);
	if (!m)
		return;
	for (key = 0; key < 3; key++)
		EXPECT_EQ(bpf_maps_lookup(m, 2, &key, &id[key]), key < 2 ? 0 : -ENOENT);
	EXPECT(id[0] && id[1] && id[0] != id[1]);
	EXPECT_EQ(bpf_maps_each(m, 2, see, NULL), -ENOTSUP);
	EXPECT_EQ(bpf_maps_clear(m, 2), -ENOTSUP);
}

TEST(what_cannot_be_made_says_why)
{
	const struct bpf_map_spec array = { .name = "a",
					    .type = BPF_MAP_TYPE_ARRAY,
					    .key_len = 4,
					    .val_len = 8,
					    .max_entries = 1,
					    .inner = -1 };
	struct bpf_map_spec s[2] = { array, array };
	struct bpf_maps *m = NULL;

	if (!asm_may())
		return;
	s[0].type = 9999;
	EXPECT_EQ(bpf_maps_new(s, 1, &m), -EINVAL);
	EXPECT_STR(sonde_err_str(),
		   "this kernel makes no map 'a' of type 9999 with keys of 4 bytes, "
		   "values of 8, 1 entries, flags 0x0");
	s[0] = array;
	s[0].max_entries = UINT32_MAX;
	s[0].val_len = 1 << 30;
	EXPECT(bpf_maps_new(s, 1, &m) < 0);
	EXPECT(strstr(sonde_err_str(), "map 'a': no room for 4294967295 entries"));
	s[0] = array;
	s[1].type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	s[1].inner = 1;
	s[1].n_inner = 1;
	EXPECT_EQ(bpf_maps_new(s, 2, &m), -EINVAL);
	EXPECT_STR(sonde_err_str(), "map 'a': its inner maps 1 .. 1 do not come before");
	s[1].inner = 0;
	s[1].n_inner = 2;
	EXPECT_EQ(bpf_maps_new(s, 2, &m), -EINVAL);
	s[0].task_storage = true;
	s[0].val_len = 12;
	EXPECT_EQ(bpf_maps_new(s, 1, &m), -EINVAL);
	EXPECT_STR(sonde_err_str(), "map 'a': values of 12 bytes in task storage");
	EXPECT(!m);
}

static int make_two(void)
{
	static const uint64_t data = 3;
	const struct bpf_map_spec specs[] = {
		{ .name = "x",
		  .type = BPF_MAP_TYPE_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 1,
		  .inner = -1,
		  .data = &data },
		{ .name = "y",
		  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		  .key_len = 4,
		  .val_len = 4,
		  .max_entries = 1,
		  .inner = 0,
		  .n_inner = 1 },
		{ .name = "z",
		  .type = BPF_MAP_TYPE_HASH,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 100,
		  .inner = -1 },
	};
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	uint32_t key = 5;
	uint64_t val = 1;
	int n = 0;

	int r = bpf_maps_new(specs, MEM_LEN(specs), &m);
	if (r >= 0)
		r = bpf_maps_update(m, 2, &key, &val);
	if (r >= 0)
		r = bpf_maps_each(m, 2, stop_at_third, &n);
	return r < 0 ? r : bpf_maps_clear(m, 2);
}

TEST(out_of_memory)
{
	if (asm_may())
		test_oom(make_two);
}

TEST(without_rights_it_says_which)
{
	const struct bpf_map_spec s = { .name = "h",
					.type = BPF_MAP_TYPE_HASH,
					.key_len = 4,
					.val_len = 8,
					.max_entries = 1,
					.inner = -1 };
	int status = -1;

	if (!asm_may())
		return;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct bpf_maps *m = NULL;
		bool right = syscall(SYS_setresuid, 65534, 65534, 65534) == 0 &&
			     bpf_maps_new(&s, 1, &m) == -EPERM &&
			     strstr(sonde_err_str(), "not permitted to make map 'h'") &&
			     strstr(sonde_err_str(), "CAP_BPF");
		_exit(!right);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
}

TEST(waits_for_programs)
{
	if (asm_may())
		bpf_quiesce(); // that it waits is shown by the tests of maps that are swapped
}
