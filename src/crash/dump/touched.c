/* SPDX-License-Identifier: MIT */
/** Which pages of a dump were read: bits of a sparse bitmap. */
#include "crash/dump/touched.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"

enum { WORD_SHIFT = 4, WORD = 1 << WORD_SHIFT }; /* pages of one value, which has 32 bits */

struct touched {
	pthread_mutex_t lock; /* guards what follows */
	struct u64map words;  /* page >> WORD_SHIFT: a bit for each page */
	size_t n;
	bool failed; /* there was no memory to note one */
	unsigned page_bits;
};

int touched_new(uint32_t page_size, struct touched **ret)
{
	struct touched *t = calloc(1, sizeof(*t));

	if (!t)
		return sonde_fail(-ENOMEM, "out of memory");
	(void)pthread_mutex_init(&t->lock, NULL); // fails in no libc with default attributes
	t->page_bits = (unsigned)__builtin_ctz(page_size);
	*ret = t;
	return 0;
}

void touched_free(struct touched *t)
{
	if (!t)
		return;
	u64map_fini(&t->words);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void add_page(struct touched *t, uint64_t page)
{
	uint32_t word = 0, bit = 1u << (page & (WORD - 1));

	(void)u64map_get(&t->words, page >> WORD_SHIFT, &word); // else none of them yet
	if (word & bit)
		return;
	if (u64map_put(&t->words, page >> WORD_SHIFT, word | bit) < 0)
		t->failed = true;
	else
		t->n++;
}

void touched_add(struct touched *t, uint64_t pa, uint64_t len)
{
	if (!len)
		return;
	uint64_t last = (pa + (len - 1)) >> t->page_bits;

	pthread_mutex_lock(&t->lock);
	for (uint64_t page = pa >> t->page_bits; page <= last && !t->failed; page++)
		add_page(t, page);
	pthread_mutex_unlock(&t->lock);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int touched_pages(struct touched *t, uint64_t **ret, size_t *ret_n)
{
	uint64_t key;
	uint32_t word;
	size_t at = 0, n = 0;

	sonde_auto(mem_freep) uint64_t *all = calloc(t->n + 1, sizeof(*all));
	if (!all || t->failed)
		return sonde_fail(-ENOMEM, "pages that were read: out of memory");
	while (u64map_next(&t->words, &at, &key, &word)) {
		for (; word; word &= word - 1)
			all[n++] = key << WORD_SHIFT | (unsigned)__builtin_ctz(word);
	}
	qsort(all, n, sizeof(*all), by_number);
	*ret = sonde_take(all);
	*ret_n = n;
	return 0;
}
