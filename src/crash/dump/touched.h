/* SPDX-License-Identifier: MIT */
/** Which pages of a dump were read, while somebody wants to know. */
#ifndef CRASH_DUMP_TOUCHED_H
#define CRASH_DUMP_TOUCHED_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

struct touched;

SONDE_MUST_CHECK int touched_new(uint32_t page_size, struct touched **ret);
void touched_free(struct touched *t);
SONDE_DEFINE_AUTO(struct touched *, touched_free)

/** Notes the pages of @len bytes at @pa; from any number of threads. */
void touched_add(struct touched *t, uint64_t pa, uint64_t len);

/**
 * The numbers of all noted pages, in order; the caller frees *@ret. -ENOMEM: now, or when one was
 * to be noted.
 */
SONDE_MUST_CHECK int touched_pages(struct touched *t, uint64_t **ret, size_t *ret_n);

#endif
