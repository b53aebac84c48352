/* SPDX-License-Identifier: MIT */
/** Blocks in a list, each twice the last; handed out from the front of the newest. */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST = 1024, ARENA_MOST = 1 << 20 };

struct arena_block {
	struct arena_block *next; /* owned, older */
	size_t len, used;	  /* of data[] */
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	a->used = 0;
}

static struct arena_block *block_new(struct arena *a, size_t len)
{
	size_t want = a->blocks ? a->blocks->len * 2 : ARENA_FIRST;
	if (want > ARENA_MOST)
		want = ARENA_MOST;
	if (want < len)
		want = len;

	size_t total;
	struct arena_block *b =
		mem_add(want, sizeof(*b), &total) ? (struct arena_block *)malloc(total) : NULL;
	if (!b)
		return NULL;
	b->len = want;
	b->used = 0;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t len)
{
	size_t rounded;
	if (!mem_add(len, ARENA_ALIGN - 1, &rounded))
		goto fail;
	rounded &= ~(size_t)(ARENA_ALIGN - 1);
	if (a->limit && (rounded > a->limit || a->used > a->limit - rounded))
		goto fail;

	struct arena_block *b = a->blocks;
	if (!b || b->len - b->used < rounded)
		b = block_new(a, rounded);
	if (!b)
		goto fail;

	void *p = b->data + b->used;
	b->used += rounded;
	a->used += rounded;
	memset(p, 0, rounded);
	return p;
fail:
	(void)sonde_fail(-ENOMEM, "out of memory: %zu bytes wanted after %zu", len, a->used);
	return NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t len;

	if (!mem_mul(n, size, &len))
		len = SIZE_MAX;
	return arena_alloc(a, len);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	size_t total;
	char *p = mem_add(len, 1, &total) ? (char *)arena_alloc(a, total) : NULL;

	if (p)
		memcpy(p, s, len);
	return p;
}
