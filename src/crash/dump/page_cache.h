/* SPDX-License-Identifier: MIT */
/** The last pages that were unpacked; of fixed size, for any number of threads at once. */
#ifndef CRASH_DUMP_PAGE_CACHE_H
#define CRASH_DUMP_PAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/format.h"

struct page_cache;

/** A page that somebody holds: it stays. */
struct page_held {
	uint8_t *bytes;
	uint64_t off;	    /* of the packed page in its file, which tells it from others */
	struct bytes *file; /* NULL: empty, or nobody else's */
	uint32_t holders;
	uint32_t used; /* when it was used last */
	bool filling;  /* somebody unpacks it right now */
	bool is_own;   /* in no set; its bytes follow */
};

SONDE_MUST_CHECK int page_cache_new(uint32_t page_size, struct page_cache **ret);
void page_cache_free(struct page_cache *c);

/** The unpacked page of @p, held until page_cache_drop(). */
SONDE_MUST_CHECK int page_cache_get(struct page_cache *c, const struct place *p,
				    struct page_held **ret);
/** The first bytes of the page, past the cache. False: not so, or not for less than all of it. */
bool page_cache_begin(struct page_cache *c, const struct place *p, void *ret, size_t n);
/** Memory for one page that has nothing to do with the others. */
SONDE_MUST_CHECK int page_cache_own(struct page_cache *c, struct page_held **ret);
void page_cache_drop(struct page_cache *c, struct page_held *h);

#endif
