/* SPDX-License-Identifier: MIT */
/** Entries in an array, found by the hash of their name. */
#include "lang/syntax/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/hash.h"
#include "base/mem.h"

void names_fini(struct names *t)
{
	free(t->entries);
	u64map_fini(&t->index);
	*t = (struct names){ 0 };
}

static struct name_entry *find(const struct names *t, const char *name)
{
	uint32_t i;

	if (!u64map_get(&t->index, hash_text(HASH_BEGIN, name), &i))
		return NULL;
	for (i++; i; i = t->entries[i - 1].older) {
		if (!strcmp(t->entries[i - 1].name, name))
			return &t->entries[i - 1];
	}
	return NULL;
}

int names_put(struct names *t, const char *name, int64_t value)
{
	struct name_entry *e = find(t, name);
	uint32_t older;

	if (e) {
		e->value = value;
		return 0;
	}
	if (t->n >= U64MAP_MOST)
		return sonde_fail(-ENOMEM, "too many names");
	int r = mem_grow(&t->entries, &t->cap, t->n + 1);
	if (r < 0)
		return r;

	uint64_t h = hash_text(HASH_BEGIN, name);
	bool is_shared = u64map_get(&t->index, h, &older);
	r = u64map_put(&t->index, h, (uint32_t)t->n);
	if (r < 0)
		return r;
	t->entries[t->n++] = (struct name_entry){
		.name = name,
		.value = value,
		.older = is_shared ? older + 1 : 0,
	};
	return 0;
}

bool names_get(const struct names *t, const char *name, int64_t *ret)
{
	const struct name_entry *e = find(t, name);

	if (e)
		*ret = e->value;
	return e;
}
