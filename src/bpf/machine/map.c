/* SPDX-License-Identifier: MIT */
/** Maps of a machine: arrays, hash tables, and the ring that is none. */
#include "bpf/machine/map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"

enum {
	KNOWN_FLAGS = BPF_F_NO_PREALLOC | BPF_F_MMAPABLE | BPF_F_NO_COMMON_LRU,
	KEY_MOST = 1 << 16,
	VAL_MOST = 1 << 26,
};

static uint32_t round8(uint32_t n)
{
	return (n + 7) & ~7U;
}

void map_fini(struct machine_map *map)
{
	free(map->values);
	hash_free(map->hash);
}

static int no_memory(const struct bpf_map_spec *s)
{
	return sonde_fail(-ENOMEM, "map '%s': out of memory", s->name);
}

static int make_array(struct machine *m, struct machine_map *map)
{
	const struct bpf_map_spec *s = map->spec;
	size_t len;

	if (s->key_len != sizeof(uint32_t))
		return sonde_fail(-EINVAL, "map '%s': keys of %u bytes in an array", s->name,
				  s->key_len);
	map->stride = round8(s->val_len);
	if (!mem_mul(map->stride, s->max_entries, &len))
		return no_memory(s);
	map->values = calloc(1, len);
	if (!map->values)
		return no_memory(s);
	if (s->data)
		memcpy(map->values, s->data, s->val_len);
	return machine_add_region(m, map->values, len, map);
}

static int on_chunk(void *arg, const void *data, size_t len)
{
	struct machine_map *map = arg;

	return machine_add_region(map->m, data, len, map);
}

static int make_hash(struct machine *m, struct machine_map *map, bool is_lru)
{
	const struct bpf_map_spec *s = map->spec;
	struct hash_shape shape = {
		.key_len = s->key_len,
		.val_len = s->val_len,
		.max_entries = s->max_entries,
		.is_lru = is_lru,
		.on_chunk = on_chunk,
		.arg = map,
	};

	memcpy(shape.secret, m->secret, sizeof(shape.secret));
	return hash_new(&shape, &map->hash) < 0 ? no_memory(s) : 0;
}

static int check_spec(const struct bpf_map_spec *s)
{
	if (s->type == BPF_MAP_TYPE_RINGBUF)
		return 0;
	if (!s->key_len || !s->val_len || !s->max_entries || s->key_len > KEY_MOST ||
	    s->val_len > VAL_MOST)
		return sonde_fail(-EINVAL, "map '%s': %u entries of %u bytes key, %u bytes value",
				  s->name, s->max_entries, s->key_len, s->val_len);
	if (s->flags & ~(uint32_t)KNOWN_FLAGS)
		return sonde_fail(-ENOTSUP, "map '%s': flags 0x%x", s->name, s->flags);
	return 0;
}

int map_make(struct machine *m, size_t i, const struct bpf_map_spec *s)
{
	struct machine_map *map = &m->maps[i];

	map->m = m;
	map->spec = s;
	int r = check_spec(s);
	if (r < 0)
		return r;
	switch (s->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY: map->kind = MAP_ARRAY; return make_array(m, map);
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
		map->kind = MAP_HASH;
		return make_hash(m, map, /* is_lru= */ false);
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		map->kind = MAP_HASH;
		return make_hash(m, map, /* is_lru= */ true);
	case BPF_MAP_TYPE_RINGBUF: map->kind = MAP_RING; return 0;
	default:
		return sonde_fail(-ENOTSUP, "map '%s': this machine has no maps of type %u",
				  s->name, s->type);
	}
}

static void *array_find(const struct machine_map *map, const void *key)
{
	uint32_t i;

	memcpy(&i, key, sizeof(i));
	return i < map->spec->max_entries ? map->values + (size_t)i * map->stride : NULL;
}

void *map_find(const struct machine_map *map, const void *key)
{
	switch (map->kind) {
	case MAP_ARRAY: return array_find(map, key);
	case MAP_HASH: return hash_find(map->hash, key);
	default: return NULL;
	}
}

int map_update(struct machine *m, struct machine_map *map, const void *key, const void *val,
	       uint64_t flags)
{
	if (flags > BPF_EXIST || map->kind == MAP_RING)
		return -EINVAL;
	if (map->kind == MAP_HASH) {
		int r = hash_update(map->hash, key, val, flags);
		m->no_memory += r == -ENOMEM;
		return r;
	}
	void *v = array_find(map, key);
	if (!v)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	memmove(v, val, map->spec->val_len); // may be the same
	return 0;
}

int map_delete(struct machine_map *map, const void *key)
{
	return map->kind == MAP_HASH ? hash_delete(map->hash, key) : -EINVAL;
}

/* --- for those who run programs --- */

static struct machine_map *map_of(const struct machine *m, size_t map)
{
	sonde_check(map < m->n_maps);
	return &m->maps[map];
}

int machine_map_each(struct machine *m, size_t map,
		     int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	const struct machine_map *mm = map_of(m, map);
	struct hash_walk w = { 0 };
	const void *key;
	void *val;
	int r = 0;

	for (uint32_t i = 0; mm->kind == MAP_ARRAY && i < mm->spec->max_entries && !r; i++)
		r = f(arg, &i, mm->values + (size_t)i * mm->stride);
	while (mm->kind == MAP_HASH && !r && hash_next(mm->hash, &w, &key, &val))
		r = f(arg, key, val);
	return r;
}

void *machine_map_value(struct machine *m, size_t map)
{
	return map_of(m, map)->values;
}

const void *machine_map_find(struct machine *m, size_t map, const void *key)
{
	return map_find(map_of(m, map), key);
}

int machine_map_update(struct machine *m, size_t map, const void *key, const void *val)
{
	return map_update(m, map_of(m, map), key, val, BPF_ANY);
}

int machine_map_delete(struct machine *m, size_t map, const void *key)
{
	return map_delete(map_of(m, map), key);
}

void machine_map_clear(struct machine *m, size_t map)
{
	struct machine_map *mm = map_of(m, map);

	if (mm->kind == MAP_ARRAY)
		memset(mm->values, 0, (size_t)mm->stride * mm->spec->max_entries);
	else if (mm->kind == MAP_HASH)
		hash_clear(mm->hash);
}

size_t machine_map_len(const struct machine *m, size_t map)
{
	const struct machine_map *mm = map_of(m, map);

	switch (mm->kind) {
	case MAP_ARRAY: return mm->spec->max_entries;
	case MAP_HASH: return hash_len(mm->hash);
	default: return 0;
	}
}
