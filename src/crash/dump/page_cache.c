/* SPDX-License-Identifier: MIT */
/** The last pages that were unpacked. */
#include "crash/dump/page_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "crash/dump/page_pack.h"

/*
 * Sets of a few pages each, with a lock for each set: a page can only be in the set that its place
 * in the file chooses, so that pages that a dump has once for many addresses are here once, too. A
 * page is unpacked outside of the lock. Who finds all of a set held, or wants a page that another
 * is about to unpack, gets memory of its own instead of waiting.
 */
enum { WAYS = 8, BUDGET = 4 << 20 };

struct set {
	pthread_mutex_t lock;
	uint32_t clock;
	struct page_held pages[WAYS];
};

struct page_cache {
	struct page_packs *packs; /* owned */
	uint8_t *memory;	  /* owned, of BUDGET bytes; comes into being as it is used */
	uint32_t page_size;
	size_t n_sets;	  /* a power of two */
	struct set *sets; /* owned */
};

void page_cache_free(struct page_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->sets && i < c->n_sets; i++)
		pthread_mutex_destroy(&c->sets[i].lock);
	free(c->sets);
	if (c->memory)
		munmap(c->memory, BUDGET);
	page_packs_free(c->packs);
	free(c);
}
SONDE_DEFINE_AUTO(struct page_cache *, page_cache_free)

int page_cache_new(uint32_t page_size, struct page_cache **ret)
{
	sonde_auto(page_cache_freep) struct page_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = page_packs_new(page_size, &c->packs);
	if (r < 0)
		return r;

	c->page_size = page_size;
	c->n_sets = BUDGET / page_size / WAYS;
	c->sets = calloc(c->n_sets, sizeof(*c->sets));
	void *p = mmap(NULL, BUDGET, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	c->memory = p == MAP_FAILED ? NULL : p;
	for (size_t i = 0; c->sets && i < c->n_sets; i++)
		pthread_mutex_init(&c->sets[i].lock, NULL);
	if (!c->sets || !c->memory)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->n_sets * WAYS; i++)
		c->sets[i / WAYS].pages[i % WAYS].bytes = c->memory + i * page_size;
	*ret = sonde_take(c);
	return 0;
}

static struct set *set_of(const struct page_cache *c, const struct place *p)
{
	uint64_t h = (p->off ^ (uintptr_t)p->file >> 4) * 0x9e3779b97f4a7c15;

	return &c->sets[(h >> 40) & (c->n_sets - 1)];
}

int page_cache_own(struct page_cache *c, struct page_held **ret)
{
	struct page_held *h = malloc(sizeof(*h) + c->page_size);

	if (!h)
		return sonde_fail(-ENOMEM, "out of memory");
	*h = (struct page_held){ .bytes = (uint8_t *)(h + 1), .is_own = true };
	*ret = h;
	return 0;
}

static int get_own(struct page_cache *c, const struct place *p, struct page_held **ret)
{
	sonde_auto(mem_freep) struct page_held *h = NULL;

	int r = page_cache_own(c, &h);
	if (r < 0 || !h)
		return r;
	r = page_unpack(c->packs, p, h->bytes);
	if (r == 0)
		*ret = sonde_take(h);
	return r;
}

/* Under the lock: the page, or the one that is to become it (then filling); NULL: no room. */
static struct page_held *choose(struct set *s, const struct place *p)
{
	struct page_held *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct page_held *h = &s->pages[i];

		if (h->file == p->file && h->off == p->off)
			return h->filling ? NULL : h;
		if (h->holders)
			continue;
		if (!oldest || s->clock - h->used > s->clock - oldest->used)
			oldest = h;
	}
	if (oldest) {
		oldest->file = p->file;
		oldest->off = p->off;
		oldest->filling = true;
	}
	return oldest;
}

bool page_cache_begin(struct page_cache *c, const struct place *p, void *ret, size_t n)
{
	return page_unpack_begin(c->packs, p, ret, n);
}

int page_cache_get(struct page_cache *c, const struct place *p, struct page_held **ret)
{
	struct set *s = set_of(c, p);

	pthread_mutex_lock(&s->lock);
	struct page_held *h = choose(s, p);
	bool fill = h && h->filling;
	if (h) {
		h->holders++;
		h->used = ++s->clock;
	}
	pthread_mutex_unlock(&s->lock);
	if (!h)
		return get_own(c, p, ret);

	int r = fill ? page_unpack(c->packs, p, h->bytes) : 0;
	if (fill) {
		pthread_mutex_lock(&s->lock);
		h->filling = false;
		if (r < 0) {
			h->file = NULL;
			h->holders--;
		}
		pthread_mutex_unlock(&s->lock);
	}
	if (r == 0)
		*ret = h;
	return r;
}

void page_cache_drop(struct page_cache *c, struct page_held *h)
{
	if (h->is_own) {
		free(h);
		return;
	}
	struct set *s = &c->sets[(size_t)(h->bytes - c->memory) / c->page_size / WAYS];
	pthread_mutex_lock(&s->lock);
	h->holders--;
	pthread_mutex_unlock(&s->lock);
}
