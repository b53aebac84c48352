/* SPDX-License-Identifier: MIT */
/** Open addressing with linear probing; deletion closes the hole, so there are no tombstones. */
#include "base/u64map.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/check.h"

struct u64map_slot {
	uint64_t key;
	uint32_t val1; /* value + 1; 0: free */
};

static size_t home_of(const struct u64map *m, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15u;

	return (size_t)(h ^ (h >> 32)) & (m->cap - 1);
}

/* The key's slot, or the free one where it would go. */
static struct u64map_slot *slot_of(const struct u64map *m, uint64_t key)
{
	size_t i = home_of(m, key);

	while (m->slots[i].val1 && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

void u64map_fini(struct u64map *m)
{
	free(m->slots);
	*m = (struct u64map){ 0 };
}

bool u64map_get(const struct u64map *m, uint64_t key, uint32_t *ret)
{
	if (!m->n)
		return false;
	const struct u64map_slot *s = slot_of(m, key);
	if (!s->val1)
		return false;
	*ret = s->val1 - 1;
	return true;
}

static int rehash(struct u64map *m, size_t cap)
{
	struct u64map to = { .cap = cap, .n = m->n };

	to.slots = calloc(cap, sizeof(*to.slots));
	if (!to.slots)
		return sonde_fail(-ENOMEM, "out of memory: a table of %zu", cap);
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].val1)
			*slot_of(&to, m->slots[i].key) = m->slots[i];
	}
	free(m->slots);
	*m = to;
	return 0;
}

int u64map_put(struct u64map *m, uint64_t key, uint32_t val)
{
	sonde_check(val <= U64MAP_MOST);
	if ((m->n + 1) * 4 > m->cap * 3) {
		int r = rehash(m, m->cap ? m->cap * 2 : 16);
		if (r < 0)
			return r;
	}
	struct u64map_slot *s = slot_of(m, key);
	m->n += !s->val1;
	*s = (struct u64map_slot){ key, val + 1 };
	return 0;
}

bool u64map_replace(struct u64map *m, uint64_t key, uint32_t val)
{
	sonde_check(val <= U64MAP_MOST);
	struct u64map_slot *s = m->n ? slot_of(m, key) : NULL;
	if (!s || !s->val1)
		return false;
	s->val1 = val + 1;
	return true;
}

void u64map_del(struct u64map *m, uint64_t key)
{
	if (!m->n)
		return;
	struct u64map_slot *s = slot_of(m, key);
	if (!s->val1)
		return;
	m->n--;

	// Whatever stands behind moves into the hole unless its home lies between hole and it.
	const size_t mask = m->cap - 1;
	size_t hole = (size_t)(s - m->slots);
	for (size_t i = (hole + 1) & mask; m->slots[i].val1; i = (i + 1) & mask) {
		size_t home = home_of(m, m->slots[i].key);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].val1 = 0;
}

bool u64map_next(const struct u64map *m, size_t *at, uint64_t *ret_key, uint32_t *ret_val)
{
	for (; *at < m->cap; ++*at) {
		const struct u64map_slot *s = &m->slots[*at];

		if (!s->val1)
			continue;
		*ret_key = s->key;
		*ret_val = s->val1 - 1;
		++*at;
		return true;
	}
	return false;
}
