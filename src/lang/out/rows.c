/* SPDX-License-Identifier: MIT */
/** Entries of maps, gathered and merged. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/out/printer.h"
#include "lang/out/value.h"

void rows_init(struct rows *r, const struct script_map *m)
{
	*r = (struct rows){ .key_len = m->key->size, .val_len = m->val->size };
}

void rows_fini(struct rows *r)
{
	free(r->keys);
	free(r->vals);
	r->keys = r->vals = NULL;
	r->n = r->cap = r->cap_keys = r->cap_vals = 0;
}

void rows_reset(struct rows *r)
{
	r->n = 0;
}

int rows_add(struct rows *r, const void *key, const void *val)
{
	size_t keys, vals;

	if (!mem_mul(r->n + 1, r->key_len, &keys) || !mem_mul(r->n + 1, r->val_len, &vals))
		return sonde_fail(-ENOMEM, "a map is too large");
	int err = mem_grow(&r->keys, &r->cap_keys, keys ? keys : 1);
	if (err >= 0)
		err = mem_grow(&r->vals, &r->cap_vals, vals ? vals : 1);
	if (err < 0)
		return sonde_wrap(err, "entries of a map");
	if (r->key_len)
		memcpy(r->keys + r->n * r->key_len, key, r->key_len);
	if (r->val_len)
		memcpy(r->vals + r->n * r->val_len, val, r->val_len);
	r->n++;
	return 0;
}

static void store_u64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void add_words(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_u64(dst + 8 * i, load_u64(dst + 8 * i) + load_u64(src + 8 * i));
}

static void merge_extreme(const struct type *t, void *dst, const void *src)
{
	struct extreme_value a, b;

	memcpy(&a, dst, sizeof(a));
	memcpy(&b, src, sizeof(b));
	if (!b.is_set)
		return;
	const bool less = t->is_signed ? b.value < a.value : (uint64_t)b.value < (uint64_t)a.value;
	if (!a.is_set || (b.value != a.value && less == (t->kind == TYPE_MIN)))
		memcpy(dst, &b, sizeof(b));
}

void agg_merge(const struct type *t, void *dst, const void *src)
{
	switch (t->kind) {
	case TYPE_COUNT:
	case TYPE_SUM:
	case TYPE_AVG:
	case TYPE_STATS:
	case TYPE_HIST:
	case TYPE_STDDEV:
	case TYPE_LLHIST:
	case TYPE_LHIST: add_words(dst, src, t->size / 8); break;
	case TYPE_MIN:
	case TYPE_MAX: merge_extreme(t, dst, src); break;
	default: memcpy(dst, src, t->size);
	}
}

bool agg_is_empty(const struct type *t, const void *val)
{
	const uint8_t *bytes = val;

	switch (t->kind) {
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
	case TYPE_STDDEV:
	case TYPE_STATS: return load_u64(bytes + 8) == 0; // is_set, count
	case TYPE_COUNT:
	case TYPE_SUM:
	case TYPE_HIST:
	case TYPE_LLHIST:
	case TYPE_LHIST:
		for (size_t i = 0; i < t->size / 8; i++)
			if (load_u64(bytes + 8 * i))
				return false;
		return true;
	default: return false;
	}
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	const unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

static uint64_t hash_key(const uint8_t *key, size_t len, uint64_t seed)
{
	const uint64_t odd = 0x9e3779b97f4a7c15U, other = 0xd1b54a32d192ed03U;
	uint64_t h = seed ^ mix(len ^ odd, other), last = 0;

	for (; len >= 8; key += 8, len -= 8)
		h = mix(h ^ load_u64(key) ^ odd, other ^ seed);
	if (len)
		memcpy(&last, key, len);
	return mix(h ^ last ^ odd, other ^ seed);
}

/* An index over rows by their key; slots hold a row's number plus 1. */
struct row_index {
	uint32_t *slots; /* owned */
	size_t mask;
	uint64_t seed;
};

/* The slot of @key: empty, or of the row among the first ones that has it. */
static uint32_t *find_slot(const struct row_index *ix, const struct rows *r, const uint8_t *key)
{
	size_t at = hash_key(key, r->key_len, ix->seed) & ix->mask;

	while (ix->slots[at] &&
	       memcmp(r->keys + (size_t)(ix->slots[at] - 1) * r->key_len, key, r->key_len) != 0)
		at = (at + 1) & ix->mask;
	return &ix->slots[at];
}

int rows_merge(struct rows *r, const struct script_map *m)
{
	size_t cap = 16, n = 0;

	if (r->n < 2)
		return 0;
	if (r->n >= UINT32_MAX / 2)
		return sonde_fail(-ENOMEM, "a map has too many entries");
	while (cap < 2 * r->n)
		cap *= 2;
	sonde_auto(mem_freep) uint32_t *slots = calloc(cap, sizeof(*slots));
	if (!slots)
		return sonde_fail(-ENOMEM, "out of memory for the entries of a map");

	// Where memory lies is not known to who writes the keys: no chains can be made to measure.
	const struct row_index ix = { slots, cap - 1, (uintptr_t)slots * 0x9e3779b97f4a7c15U };
	for (size_t i = 0; i < r->n; i++) {
		uint8_t *const key = r->keys + i * r->key_len, *const val =
								       r->vals + i * r->val_len;
		uint32_t *slot = find_slot(&ix, r, key);

		if (*slot) {
			agg_merge(m->val, r->vals + (size_t)(*slot - 1) * r->val_len, val);
			continue;
		}
		if (n != i) {
			memcpy(r->keys + n * r->key_len, key, r->key_len);
			memcpy(r->vals + n * r->val_len, val, r->val_len);
		}
		*slot = (uint32_t)++n;
	}
	r->n = n;
	return 0;
}
