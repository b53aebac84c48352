/* SPDX-License-Identifier: MIT */
/** All entries of a map: read, or removed, in batches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/map_state.h"
#include "bpf/sys.h"

enum {
	BATCH_BYTES = 256 << 10, /* of one batch, where a single entry is not larger */
	BATCH_MOST = 4096,	 /* entries */
};

struct entries {
	const struct bpf_map *map;
	size_t key_len, row_len;
	uint32_t cap;
	uint8_t *keys, *vals; /* owned, @cap of each */
	/* Where the kernel goes on: for hash tables a number, else the last key. */
	uint8_t *from, *to; /* owned */
};

static void entries_fini(struct entries *e)
{
	free(e->keys);
	free(e->vals);
	free(e->from);
	free(e->to);
}

static int no_memory(const struct bpf_map *map)
{
	return sonde_fail(-ENOMEM, "map '%s': out of memory", map->spec->name);
}

static int make_room(struct entries *e, uint32_t cap)
{
	size_t n_keys, n_vals;

	if (!mem_mul(e->key_len, cap, &n_keys) || !mem_mul(e->row_len, cap, &n_vals))
		return no_memory(e->map);
	free(e->keys);
	free(e->vals);
	e->keys = malloc(n_keys + 1);
	e->vals = malloc(n_vals + 1);
	e->cap = cap;
	return e->keys && e->vals ? 0 : no_memory(e->map);
}

static int give(const struct entries *e, uint32_t n,
		int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	for (uint32_t i = 0; i < n; i++) {
		int r = f(arg, e->keys + i * e->key_len, e->vals + i * e->row_len);
		if (r)
			return r;
	}
	return 0;
}

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/*
 * One batch into @e, from e->from on; *@ret_n entries came, and e->to is where to go on. 0, or a
 * negative errno of the kernel's, without words; -ENOENT: these were the last.
 */
static int batch(struct entries *e, int cmd, bool first, uint32_t *ret_n)
{
	for (;;) {
		union bpf_attr a = sys_attr();

		a.batch.in_batch = first ? 0 : ptr(e->from);
		a.batch.out_batch = ptr(e->to);
		a.batch.keys = ptr(e->keys);
		a.batch.values = ptr(e->vals);
		a.batch.count = e->cap;
		a.batch.map_fd = (uint32_t)e->map->fd;
		int r = sys_bpf(cmd, &a);

		*ret_n = r == 0 || r == -ENOENT ? a.batch.count : 0;
		// A bucket of the hash table comes as a whole, and this one needs more room.
		if (r != -ENOSPC || e->cap > UINT32_MAX / 2)
			return r;
		r = make_room(e, e->cap * 2);
		if (r < 0)
			return r;
	}
}

/*
 * Goes through the map with batch command @cmd; @f NULL: nobody asks for the entries. -ENOTSUP: the
 * kernel has no batches of this kind of map; nothing was given.
 */
static int each_batch(struct entries *e, int cmd,
		      int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	enum { KERNEL_ENOTSUPP = 524 }; // which is not for the eyes of programs, but gets there

	for (bool first = true;; first = false) {
		uint32_t n;
		int r = batch(e, cmd, first, &n);

		if (first && (r == -KERNEL_ENOTSUPP || r == -EINVAL))
			return sonde_fail(-ENOTSUP, "this kernel reads no batches of map '%s'",
					  e->map->spec->name);
		if (r < 0 && r != -ENOENT)
			return sys_bpf_failed(r, "read map '%s'", e->map->spec->name);
		int stop = f ? give(e, n, f, arg) : 0;
		if (stop || r == -ENOENT)
			return stop;

		uint8_t *from = e->from;
		e->from = e->to;
		e->to = from;
	}
}

/*
 * Arrays of kernels that know no batches of them: entries never go, so that no key comes twice.
 */
static int each_single(struct entries *e, struct bpf_maps *m, size_t map,
		       int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	union bpf_attr a = sys_attr();

	a.map_fd = (uint32_t)e->map->fd;

	for (bool first = true;; first = false) {
		a.key = first ? 0 : ptr(e->from);
		a.next_key = ptr(e->to);
		int r = sys_bpf(BPF_MAP_GET_NEXT_KEY, &a);
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return sys_bpf_failed(r, "read map '%s'", e->map->spec->name);
		memcpy(e->from, e->to, e->key_len);
		r = bpf_maps_lookup(m, map, e->from, e->vals);
		if (r == -ENOENT)
			continue;
		if (!r)
			r = f(arg, e->from, e->vals);
		if (r)
			return r;
	}
}

static bool is_hash(const struct bpf_map_spec *s)
{
	return s->type == BPF_MAP_TYPE_HASH || s->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       s->type == BPF_MAP_TYPE_LRU_HASH || s->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int entries_init(struct entries *e, const struct bpf_maps *m, size_t map)
{
	sonde_check(map < m->n);

	const struct bpf_map_spec *s = m->maps[map].spec;
	bool is_array = s->type == BPF_MAP_TYPE_ARRAY || s->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	if (!is_array && !is_hash(s))
		return sonde_fail(-ENOTSUP, "map '%s': its kind cannot be read as a whole",
				  s->name);
	*e = (struct entries){ .map = &m->maps[map],
			       .key_len = s->key_len,
			       .row_len = bpf_maps_row_len(m, map) };
	size_t cap = BATCH_BYTES / (e->key_len + e->row_len + 1) + 1;
	if (cap > BATCH_MOST)
		cap = BATCH_MOST;
	if (cap > s->max_entries)
		cap = s->max_entries;
	// A number of 4 bytes stands where a key would.
	e->from = calloc(1, e->key_len + 8);
	e->to = calloc(1, e->key_len + 8);
	if (!e->from || !e->to)
		return no_memory(e->map);
	return make_room(e, (uint32_t)cap);
}

int bpf_maps_each(struct bpf_maps *m, size_t map,
		  int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	sonde_auto(entries_fini) struct entries e = { 0 };

	int r = entries_init(&e, m, map);
	if (r < 0)
		return r;
	r = each_batch(&e, BPF_MAP_LOOKUP_BATCH, f, arg);
	if (r == -ENOTSUP && !is_hash(e.map->spec))
		return each_single(&e, m, map, f, arg);
	return r;
}

/* Those of a per-CPU array are zeroed for all CPUs at once. */
static int zero_array(struct entries *e, struct bpf_maps *m, size_t map)
{
	memset(e->vals, 0, e->row_len);
	for (uint32_t i = 0; i < e->map->spec->max_entries; i++) {
		int r = bpf_maps_update(m, map, &i, e->vals);
		if (r < 0)
			return r;
	}
	return 0;
}

int bpf_maps_clear(struct bpf_maps *m, size_t map)
{
	sonde_auto(entries_fini) struct entries e = { 0 };

	int r = entries_init(&e, m, map);
	if (r < 0)
		return r;
	if (!is_hash(e.map->spec))
		return zero_array(&e, m, map);
	return each_batch(&e, BPF_MAP_LOOKUP_AND_DELETE_BATCH, NULL, NULL);
}
