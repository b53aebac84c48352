/* SPDX-License-Identifier: MIT */
/**
 * Hash tables by open addressing. Drawing:
 *
 *	slots: | tag, entry | tag, NULL | tag, entry | ...	at most half of them in use
 *			|			 |
 *	chunks: | entry | entry | ...		| entry | ...
 *	entry: | is_used, was_seen | key | value |
 *
 * The tag is the key itself where it has at most 8 bytes, so that nothing else is compared; of
 * longer keys it is the hash. An entry that was deleted holds the next such in place of its key.
 *
 * Hash: two factors multiplied to 128 bits and folded, as wyhash does it; without the secret nobody
 * can make keys that fall together. Both factors depend on the key, or what comes out is multiplied
 * once more: for one secret in a hundred, numbers one behind the other would fall together else.
 */
#include "bpf/machine/hash.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"

#define ODD 0x9e3779b97f4a7c15u /* 2^64 by the golden ratio */

enum { SLOTS_LEAST = 64, CHUNK_LEAST = 4096, CHUNK_MOST = 1 << 22, KEY_OFF = 8 };

struct entry {
	bool is_used;
	bool was_seen; /* by a lookup, since the hand went by */
};

struct slot {
	uint64_t tag;
	struct entry *entry; /* NULL: free */
};

struct chunk {
	uint8_t *mem; /* owned */
	uint32_t n, used;
};

struct hash {
	struct slot *slots; /* owned */
	uint64_t mask;
	uint64_t secret[2];
	uint32_t key_len, val_off, stride, n;
	struct hash_shape shape;
	struct chunk *chunks; /* owned */
	size_t n_chunks, cap_chunks;
	uint32_t room;	       /* entries of all chunks */
	size_t chunk;	       /* of which entries are taken now */
	struct entry *free;    /* deleted ones */
	struct hash_walk hand; /* is_lru: where the search for what is forgotten goes on */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	const __uint128_t r = (__uint128_t)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static uint64_t hash8(const struct hash *h, uint64_t key)
{
	return mix(key * ODD ^ h->secret[0], (key << 32 | key >> 32) ^ h->secret[1]);
}

static uint64_t hash16(const struct hash *h, uint64_t a, uint64_t b)
{
	return mix(a ^ h->secret[0], b ^ h->secret[1]);
}

static uint64_t load8(const void *p)
{
	uint64_t r;

	memcpy(&r, p, 8);
	return r;
}

/* Of at most 8 bytes: the key as a number; else its hash. */
static uint64_t tag_of(const struct hash *h, const void *key)
{
	const uint8_t *p = key;
	uint32_t left = h->key_len;
	uint64_t sum = 0, a = 0, b = 0;

	if (left == 16)
		return hash16(h, load8(p), load8(p + 8));
	if (left <= 8) {
		memcpy(&a, p, left);
		return a;
	}
	for (; left > 16; left -= 16, p += 16)
		sum = hash16(h, load8(p), load8(p + 8) ^ sum);
	memcpy(&a, p, left < 8 ? left : 8);
	if (left > 8)
		memcpy(&b, p + 8, left - 8);
	return hash16(h, a, b ^ sum);
}

/* Of a tag that is a hash. */
static uint64_t spread(const struct hash *h, uint64_t tag)
{
	return tag * ODD >> 32 & h->mask;
}

static uint64_t home_of(const struct hash *h, uint64_t tag)
{
	return h->key_len <= 8 ? hash8(h, tag) & h->mask : spread(h, tag);
}

static void *key_of(const struct entry *e)
{
	return (uint8_t *)e + KEY_OFF;
}

static void *val_of(const struct hash *h, const struct entry *e)
{
	return (uint8_t *)e + h->val_off;
}

static struct entry *entry_at(const struct hash *h, const struct chunk *c, uint32_t i)
{
	return (struct entry *)(void *)(c->mem + (size_t)i * h->stride);
}

static bool is_same(const struct hash *h, const struct slot *s, uint64_t tag, const void *key)
{
	return s->tag == tag && (h->key_len <= 8 || !memcmp(key_of(s->entry), key, h->key_len));
}

/* The slot of @key, or the free one where it would go. */
static struct slot *slot_of(const struct hash *h, const void *key, uint64_t tag)
{
	uint64_t i = home_of(h, tag);

	while (h->slots[i].entry && !is_same(h, &h->slots[i], tag, key))
		i = (i + 1) & h->mask;
	return &h->slots[i];
}

static void *find_small(struct hash *h, uint64_t key)
{
	for (uint64_t i = hash8(h, key) & h->mask;; i = (i + 1) & h->mask) {
		const struct slot *s = &h->slots[i];

		if (!s->entry)
			return NULL;
		if (s->tag == key)
			return val_of(h, s->entry);
	}
}

static void *find4(struct hash *h, const void *key)
{
	uint32_t k;

	memcpy(&k, key, sizeof(k));
	return find_small(h, k);
}

static void *find8(struct hash *h, const void *key)
{
	return find_small(h, load8(key));
}

static void *find16(struct hash *h, const void *key)
{
	const uint64_t a = load8(key), b = load8((const uint8_t *)key + 8), tag = hash16(h, a, b);

	for (uint64_t i = spread(h, tag);; i = (i + 1) & h->mask) {
		const struct slot *s = &h->slots[i];

		if (!s->entry)
			return NULL;
		const uint8_t *k = key_of(s->entry);
		if (s->tag == tag && load8(k) == a && load8(k + 8) == b)
			return val_of(h, s->entry);
	}
}

void *hash_find(struct hash *h, const void *key)
{
	struct slot *s = slot_of(h, key, tag_of(h, key));

	if (!s->entry)
		return NULL;
	s->entry->was_seen = true;
	return val_of(h, s->entry);
}

hash_find_fn *hash_finder(const struct hash *h)
{
	if (h->shape.is_lru)
		return hash_find;
	switch (h->key_len) {
	case 4: return find4;
	case 8: return find8;
	case 16: return find16;
	default: return hash_find;
	}
}

struct hash_layout hash_layout(const struct hash *h)
{
	return (struct hash_layout){ KEY_OFF, h->val_off, h->stride };
}

size_t hash_steps(const struct hash *h, const void *key)
{
	const uint64_t tag = tag_of(h, key), at = (uint64_t)(slot_of(h, key, tag) - h->slots);

	return ((at - home_of(h, tag)) & h->mask) + 1;
}

size_t hash_len(const struct hash *h)
{
	return h->n;
}

static int grow_slots(struct hash *h)
{
	const uint64_t n = 2 * (h->mask + 1);
	struct slot *old = h->slots, *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	h->slots = slots;
	h->mask = n - 1;
	for (uint64_t k = 0; k < n / 2; k++) {
		uint64_t i = home_of(h, old[k].tag);

		if (!old[k].entry)
			continue;
		while (slots[i].entry)
			i = (i + 1) & h->mask;
		slots[i] = old[k];
	}
	free(old);
	return 0;
}

/* Each chunk has twice the entries of the one before, so there are few. */
static int add_chunk(struct hash *h)
{
	const uint32_t left = h->shape.max_entries - h->room;
	const uint32_t most = CHUNK_MOST / h->stride ? CHUNK_MOST / h->stride : 1;
	uint32_t n = h->room ? h->room : CHUNK_LEAST / h->stride + 1;

	n = n < most ? n : most;
	n = n < left ? n : left;
	if (mem_grow(&h->chunks, &h->cap_chunks, h->n_chunks + 1) < 0)
		return -ENOMEM;
	sonde_dcheck(n);
	uint8_t *mem = calloc(n, h->stride);
	if (!mem)
		return -ENOMEM;
	int r = h->shape.on_chunk ? h->shape.on_chunk(h->shape.arg, mem, (size_t)n * h->stride) : 0;
	if (r < 0) {
		free(mem);
		return r;
	}
	h->chunks[h->n_chunks++] = (struct chunk){ mem, n, 0 };
	h->room += n;
	return 0;
}

/* The next entry that never was one, in a new chunk where the others are full. */
static int take_fresh(struct hash *h, struct entry **ret)
{
	while (h->chunk < h->n_chunks && h->chunks[h->chunk].used == h->chunks[h->chunk].n)
		h->chunk++;
	if (h->chunk == h->n_chunks) {
		int r = add_chunk(h);
		if (r < 0)
			return r;
	}
	struct chunk *c = &h->chunks[h->chunk];
	*ret = entry_at(h, c, c->used++);
	return 0;
}

static int take_entry(struct hash *h, struct entry **ret)
{
	struct entry *e = h->free;

	if (!e)
		return take_fresh(h, ret);
	memcpy(&h->free, key_of(e), sizeof(h->free));
	*ret = e;
	return 0;
}

/* Closes the gap at @i: entries behind it that would be looked for there move up. */
static void remove_slot(struct hash *h, uint64_t i)
{
	for (uint64_t k = (i + 1) & h->mask; h->slots[k].entry; k = (k + 1) & h->mask) {
		const uint64_t home = home_of(h, h->slots[k].tag);

		if (((k - home) & h->mask) >= ((k - i) & h->mask)) {
			h->slots[i] = h->slots[k];
			i = k;
		}
	}
	h->slots[i].entry = NULL;
}

/* @e, which @s leads to. */
static void remove_entry(struct hash *h, struct slot *s, struct entry *e)
{
	remove_slot(h, (uint64_t)(s - h->slots));
	e->is_used = false;
	memcpy(key_of(e), &h->free, sizeof(h->free));
	h->free = e;
	h->n--;
}

/* Forgets the first entry from the hand on that was not seen since it went by. */
static void forget_one(struct hash *h)
{
	struct hash_walk *w = &h->hand;

	for (;;) {
		if (w->chunk >= h->n_chunks)
			*w = (struct hash_walk){ 0 };
		const struct chunk *c = &h->chunks[w->chunk];
		if (w->i >= c->used) {
			*w = (struct hash_walk){ w->chunk + 1, 0 };
			continue;
		}
		struct entry *e = entry_at(h, c, w->i++);
		if (e->is_used && !e->was_seen) {
			remove_entry(h, slot_of(h, key_of(e), tag_of(h, key_of(e))), e);
			return;
		}
		e->was_seen = false;
	}
}

static int add(struct hash *h, const void *key, const void *val)
{
	struct entry *e;

	if (h->n >= h->shape.max_entries) {
		if (!h->shape.is_lru)
			return -E2BIG;
		forget_one(h);
	}
	if (2 * ((uint64_t)h->n + 1) > h->mask + 1) {
		int r = grow_slots(h);
		if (r < 0)
			return r;
	}
	int r = take_entry(h, &e);
	if (r < 0)
		return r;
	const uint64_t tag = tag_of(h, key);
	// Programs may hand over what once was an entry, this one too.
	memmove(key_of(e), key, h->key_len);
	memmove(val_of(h, e), val, h->shape.val_len);
	e->is_used = true;
	e->was_seen = false;
	*slot_of(h, key, tag) = (struct slot){ tag, e };
	h->n++;
	return 0;
}

int hash_update(struct hash *h, const void *key, const void *val, uint64_t flags)
{
	struct slot *s = slot_of(h, key, tag_of(h, key));

	if (!s->entry)
		return flags == BPF_EXIST ? -ENOENT : add(h, key, val);
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	s->entry->was_seen = true;
	memmove(val_of(h, s->entry), val, h->shape.val_len); // may be the same
	return 0;
}

int hash_delete(struct hash *h, const void *key)
{
	struct slot *s = slot_of(h, key, tag_of(h, key));

	if (!s->entry)
		return -ENOENT;
	remove_entry(h, s, s->entry);
	return 0;
}

void hash_clear(struct hash *h)
{
	memset(h->slots, 0, (h->mask + 1) * sizeof(*h->slots));
	for (size_t c = 0; c < h->n_chunks; c++) {
		for (uint32_t i = 0; i < h->chunks[c].used; i++)
			entry_at(h, &h->chunks[c], i)->is_used = false;
		h->chunks[c].used = 0;
	}
	h->free = NULL;
	h->chunk = 0;
	h->n = 0;
	h->hand = (struct hash_walk){ 0 };
}

bool hash_next(const struct hash *h, struct hash_walk *w, const void **ret_key, void **ret_val)
{
	for (; w->chunk < h->n_chunks; *w = (struct hash_walk){ w->chunk + 1, 0 }) {
		const struct chunk *c = &h->chunks[w->chunk];

		while (w->i < c->used) {
			struct entry *e = entry_at(h, c, w->i++);

			if (!e->is_used)
				continue;
			*ret_key = key_of(e);
			*ret_val = val_of(h, e);
			return true;
		}
	}
	return false;
}

int hash_new(const struct hash_shape *shape, struct hash **ret)
{
	const uint64_t key_room = ((uint64_t)shape->key_len + 7) & ~7ULL;
	const uint64_t stride = KEY_OFF + key_room + (((uint64_t)shape->val_len + 7) & ~7ULL);
	struct hash *h = calloc(1, sizeof(*h));

	if (!h || stride > UINT32_MAX) {
		free(h);
		return -ENOMEM;
	}
	h->slots = calloc(SLOTS_LEAST, sizeof(*h->slots));
	if (!h->slots) {
		free(h);
		return -ENOMEM;
	}
	h->mask = SLOTS_LEAST - 1;
	memcpy(h->secret, shape->secret, sizeof(h->secret));
	h->shape = *shape;
	h->key_len = shape->key_len;
	h->val_off = (uint32_t)(KEY_OFF + key_room);
	h->stride = (uint32_t)stride;
	*ret = h;
	return 0;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_chunks; i++)
		free(h->chunks[i].mem);
	free(h->chunks);
	free(h->slots);
	free(h);
}
