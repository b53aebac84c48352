/* SPDX-License-Identifier: MIT */
/** A hash table from 64-bit keys to 32-bit values, most often indices into an array. */
#ifndef BASE_U64MAP_H
#define BASE_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

/** All zero is an empty one. */
struct u64map {
	struct u64map_slot *slots; /* owned */
	size_t n, cap;		   /* @cap is 0 or a power of two */
};

/** Values may be 0 .. U64MAP_MOST. */
#define U64MAP_MOST (UINT32_MAX - 1)

void u64map_fini(struct u64map *m);

/** True, and the value in *@ret, where @key is there. */
bool u64map_get(const struct u64map *m, uint64_t key, uint32_t *ret);

/** Sets or replaces. Returns 0 or -ENOMEM (sonde_fail()); then nothing changed. */
SONDE_MUST_CHECK int u64map_put(struct u64map *m, uint64_t key, uint32_t val);

/** Replaces the value of @key; false: it is not there. Never allocates. */
bool u64map_replace(struct u64map *m, uint64_t key, uint32_t val);

/** Does nothing where @key is not there. */
void u64map_del(struct u64map *m, uint64_t key);

/** Walks: *@at starts at 0; false at the end. The table must not change meanwhile. */
bool u64map_next(const struct u64map *m, size_t *at, uint64_t *ret_key, uint32_t *ret_val);

#endif
