/* SPDX-License-Identifier: MIT */
/** Interns mapped files. */
#include "sym/dso.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

void dsos_fini(struct dsos *d)
{
	arena_fini(&d->arena);
	free(d->all);
	u64map_fini(&d->by_hash);
	*d = (struct dsos){ 0 };
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0xff51afd7ed558ccdu;
	return h ^ (h >> 32);
}

static uint64_t hash_of(const struct dso *k, size_t path_len)
{
	uint64_t h = mix(0x9e3779b97f4a7c15u, path_len);

	for (size_t i = 0; i < path_len; i++)
		h = mix(h, (uint8_t)k->path[i]);
	for (size_t i = 0; i < k->id.len; i++)
		h = mix(h, k->id.data[i]);
	h = mix(h, (uint64_t)k->maj << 32 | k->min);
	h = mix(h, k->ino);
	return mix(h, k->gen);
}

static bool same(const struct dso *a, const struct dso *b, size_t b_len)
{
	return strlen(a->path) == b_len && !memcmp(a->path, b->path, b_len) &&
	       a->id.len == b->id.len && !memcmp(a->id.data, b->id.data, a->id.len) &&
	       a->maj == b->maj && a->min == b->min && a->ino == b->ino && a->gen == b->gen;
}

static int add(struct dsos *d, const struct dso *key, size_t path_len, uint64_t hash, uint32_t *ret)
{
	if (d->n >= DSOS_MOST)
		return sonde_fail(-E2BIG, "more than %d mapped files", DSOS_MOST);
	int r = mem_grow(&d->all, &d->cap, d->n + 1);
	if (r < 0)
		return r;
	d->arena.limit = DSO_PATHS_MOST;
	const char *path = arena_strndup(&d->arena, key->path, path_len);
	if (!path)
		return -ENOMEM;
	r = u64map_put(&d->by_hash, hash, (uint32_t)d->n);
	if (r < 0)
		return r;
	d->all[d->n] = *key;
	d->all[d->n].path = path;
	*ret = (uint32_t)d->n++;
	return 0;
}

/* The parts of @key that count. Returns the path's length. */
static size_t settle(const struct dso *key, size_t path_len, struct dso *ret)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;

	*ret = *key;
	if (path_len > DSO_PATH_MOST)
		path_len = DSO_PATH_MOST;
	if (path_len > tail && !memcmp(key->path + path_len - tail, deleted, tail))
		path_len -= tail;
	if (ret->id.len) {
		ret->maj = ret->min = 0;
		ret->ino = ret->gen = 0;
	}
	return path_len;
}

/* Looks for a settled key; if it is not there, *@ret_hash is a free one. */
static bool find(const struct dsos *d, const struct dso *k, size_t path_len, uint64_t *ret_hash,
		 uint32_t *ret)
{
	// Hashes that meet by accident move on to the next free one.
	for (uint64_t hash = hash_of(k, path_len);; hash++) {
		if (!u64map_get(&d->by_hash, hash, ret)) {
			*ret_hash = hash;
			return false;
		}
		if (same(&d->all[*ret], k, path_len))
			return true;
	}
}

bool dsos_find(const struct dsos *d, const struct dso *key, size_t path_len, uint32_t *ret)
{
	struct dso k;
	uint64_t hash;
	uint32_t i = 0;

	path_len = settle(key, path_len, &k);
	if (!find(d, &k, path_len, &hash, &i))
		return false;
	*ret = i;
	return true;
}

int dsos_intern(struct dsos *d, const struct dso *key, size_t path_len, uint32_t *ret)
{
	struct dso k;
	uint64_t hash;
	uint32_t i = 0;

	path_len = settle(key, path_len, &k);
	if (!find(d, &k, path_len, &hash, &i))
		return add(d, &k, path_len, hash, ret);
	*ret = i;
	return 0;
}

bool dso_is_special(const struct dso *d)
{
	return d->path[0] != '/' || !strncmp(d->path, "//", 2) || !strncmp(d->path, "/memfd:", 7) ||
	       !strncmp(d->path, "/dev/zero", 9) || !strncmp(d->path, "/SYSV", 5);
}

const char *dso_name(const struct dso *d)
{
	if (d->path[0] == '[')
		return d->path;
	if (dso_is_special(d))
		return "[anon]";
	return strrchr(d->path, '/') + 1;
}
