/* SPDX-License-Identifier: MIT */
/** Bytes that lie elsewhere, as in a packed dump, and come page by page when they are wanted. */
#ifndef BASE_PAGED_H
#define BASE_PAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

struct paged_from {
	size_t len;
	size_t in_page; /* where the first byte lies in a page of 4 KiB */
	/** @n bytes from @off on, all of one page; a negative errno. */
	int (*read)(void *arg, size_t off, void *ret, size_t n);
	void *arg; /* borrowed; outlives the bytes */
};

struct paged;

/** Room for all bytes, of which none is there yet. -ENOMEM. */
SONDE_MUST_CHECK int paged_new(const struct paged_from *from, struct paged **ret);
void paged_free(struct paged *p);
SONDE_DEFINE_AUTO(struct paged *, paged_free)

/** Where they come to be; until paged_free(). */
uint8_t *paged_bytes(const struct paged *p);
/** Has the bytes [@off, @off + @n) come, as far as there are so many. False: they cannot be read.
 */
bool paged_want(struct paged *p, size_t off, size_t n);
/** The same of a text, up to its end or that of all bytes. */
bool paged_want_text(struct paged *p, size_t off);
/** Why some could not be read, -ENOMEM before others; 0: none was wanted that could not. */
int paged_failed(const struct paged *p);
/** Gives the memory of all of them back: they come again when they are wanted. */
void paged_forget(struct paged *p);

#endif
