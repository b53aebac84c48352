/* SPDX-License-Identifier: MIT */
/** Packed pages: zlib, lzo, snappy, zstd; from any number of threads at once. */
#ifndef CRASH_DUMP_PAGE_PACK_H
#define CRASH_DUMP_PAGE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/format.h"

struct page_packs;

/** For pages of @page_size bytes. */
SONDE_MUST_CHECK int page_packs_new(uint32_t page_size, struct page_packs **ret);
void page_packs_free(struct page_packs *p);

/**
 * Unpacks the page at @from into @ret. -ENOTSUP with words: its library is not there. -EBADMSG with
 * words: damaged, or not of the page's size.
 */
SONDE_MUST_CHECK int page_unpack(struct page_packs *p, const struct place *from, uint8_t *ret);
/** The first @n bytes alone. False: this packing, or this page, has to be unpacked as a whole. */
bool page_unpack_begin(struct page_packs *p, const struct place *from, uint8_t *ret, size_t n);

#endif
