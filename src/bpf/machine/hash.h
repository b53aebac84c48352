/* SPDX-License-Identifier: MIT */
/**
 * Hash tables of a machine: keys and values of any fixed length, whose addresses stay.
 *
 * Memory of an entry is used again for another one, but freed only with the table: programs may
 * still have its address.
 */
#ifndef BPF_MACHINE_HASH_H
#define BPF_MACHINE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct hash;

struct hash_shape {
	uint32_t key_len, val_len, max_entries;
	bool is_lru; /* a full table forgets an entry that was not looked at for long */
	uint64_t secret[2];
	/** Tells of memory for entries before it is used; a failure is that of hash_update(). */
	int (*on_chunk)(void *arg, const void *data, size_t len);
	void *arg;
};

/** Where an entry's parts are, from its begin on. */
struct hash_layout {
	uint32_t key_off, val_off, stride;
};

SONDE_MUST_CHECK int hash_new(const struct hash_shape *shape, struct hash **ret);
void hash_free(struct hash *h);

struct hash_layout hash_layout(const struct hash *h);

/** The value of @key, or NULL. */
void *hash_find(struct hash *h, const void *key);
/** The same in a machine's programs; fit for the table's length of keys. */
typedef void *hash_find_fn(struct hash *h, const void *key);
hash_find_fn *hash_finder(const struct hash *h);

/** @flags: BPF_ANY, _NOEXIST, _EXIST. -EEXIST, -ENOENT, -E2BIG: full, -ENOMEM. */
SONDE_MUST_CHECK int hash_update(struct hash *h, const void *key, const void *val, uint64_t flags);
/** -ENOENT. */
SONDE_MUST_CHECK int hash_delete(struct hash *h, const void *key);
void hash_clear(struct hash *h);
size_t hash_len(const struct hash *h);
/** How many slots a lookup of @key looks at; for tests. */
size_t hash_steps(const struct hash *h, const void *key);

/** A place in a table, from all zero on. Entries may come and go meanwhile. */
struct hash_walk {
	size_t chunk;
	uint32_t i;
};
/** The next entry in the order of their memory; false: that was the last. */
bool hash_next(const struct hash *h, struct hash_walk *w, const void **ret_key, void **ret_val);

#endif
