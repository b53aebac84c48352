/* SPDX-License-Identifier: MIT */
/** The bytes of a dump's file by offset, whether they lie open in it or must be unpacked. */
#ifndef CRASH_DUMP_BYTES_H
#define CRASH_DUMP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

struct bytes;

/** How bytes are got that do not all lie in memory. All may be called by several threads at once.
 */
struct bytes_class {
	/* 0, or a negative errno with words; the range lies within the length. */
	int (*read)(struct bytes *b, uint64_t off, void *ret, size_t n);
	/* Memory that stays until the close, or NULL: these must be read; NULL as a whole: all
	 * must. */
	const uint8_t *(*lend)(struct bytes *b, uint64_t off, size_t n);
	void (*close)(struct bytes *b); /* its own things; the struct itself goes afterwards */
};

struct bytes {
	const uint8_t *map; /* all of them; NULL: ask the class */
	uint64_t len;
	const struct bytes_class *class;
	char *path;		   /* owned: for words */
	const char *packing;	   /* "xz" ...; NULL: lies open */
	uint64_t spilled;	   /* bytes that were unpacked into a temporary file */
	char *cut;		   /* owned: NULL, or why bytes at the end are missing */
	uint8_t *device;	   /* owned: NULL, or the header of the device that it lay on */
	bool live;		   /* the memory of the running system: no two reads need agree */
	struct bytes_copy *copies; /* owned */
};

/** Maps @path, as it is; what cannot be mapped is read. A negative errno has words. */
SONDE_MUST_CHECK int bytes_map(const char *path, struct bytes **ret);
void bytes_close(struct bytes *b);
SONDE_DEFINE_AUTO(struct bytes *, bytes_close)

/** A range that lies in memory, lent until the close; NULL: outside, or must be read. */
static inline const uint8_t *bytes_lend(struct bytes *b, uint64_t off, uint64_t n)
{
	if (off > b->len || n > b->len - off)
		return NULL;
	if (b->map)
		return b->map + off;
	return b->class->lend ? b->class->lend(b, off, n) : NULL;
}

/** @n bytes at @off. -ENODATA with words: behind the end. */
SONDE_MUST_CHECK int bytes_read(struct bytes *b, uint64_t off, void *ret, size_t n);

/** Like bytes_lend(), but copies what cannot be lent into memory of @b's. Not for several threads.
 */
SONDE_MUST_CHECK int bytes_keep(struct bytes *b, uint64_t off, size_t n, const uint8_t **ret);

#endif
