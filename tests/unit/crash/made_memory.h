/* SPDX-License-Identifier: MIT */
/** Memory made up from a seed, and what a dump of it must give back; the slow reference. */
#ifndef MADE_MEMORY_H
#define MADE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/dump/dump.h"

enum { MADE_RANGES = 64, MADE_PAGE = 4096 };

/** Which memory there is. Ranges may overlap; what a byte is, its address alone says. */
struct made_memory {
	uint64_t seed, random;
	struct {
		uint64_t pa, len;
	} ranges[MADE_RANGES];
	size_t n;
};

/** A number below @below, of @m's own sequence. */
uint64_t made_random(struct made_memory *m, uint64_t below);

/** @n ranges within @span bytes; @whole: of whole pages, that do not overlap and are in order. */
void made_ranges(struct made_memory *m, uint64_t seed, size_t n, uint64_t span, bool whole);

/** Fills @n bytes as they are at @pa. */
void made_fill(const struct made_memory *m, uint64_t pa, uint8_t *ret, size_t n);

/** Is the byte at @pa in one of the ranges? */
bool made_has(const struct made_memory *m, uint64_t pa);

/** Reads @d here and there and expects what @m says, or -ENODATA where it has nothing. */
void made_compare(struct made_memory *m, struct dump *d, unsigned times);

/** Bytes that grow; a test's file in the making. Ends the test where memory does. */
struct made_file {
	uint8_t *data;
	size_t len;
	char path[64];
};

/** Puts @n bytes at @off, zeros before it where nothing was. */
void made_put(struct made_file *f, uint64_t off, const void *data, size_t n);
/** Writes the file under a new name in the folder for temporary files; leaves it in f->path. */
void made_write(struct made_file *f);
/** Removes the file. */
void made_fini(struct made_file *f);

/** An ELF core of @m. */
struct made_elf_how {
	bool is_32, sections_first, many; /* @many: says so in the first section */
	uint16_t machine, ehsize;
	const char *vmcoreinfo; /* NULL: without notes */
	uint64_t tail;		/* bytes that each segment has in memory alone, behind the others */
};
void made_elf(struct made_memory *m, const struct made_elf_how *how, struct made_file *ret);

/** kdump-compressed files of @m, whose ranges are whole pages. */
struct made_kdump_how {
	unsigned version; /* of the header: 0 to 6 */
	unsigned flags; /* KDUMP_ZLIB ...: pages are packed in one of these ways each, or not at all
			 */
	unsigned parts; /* 0: not split */
	bool is_32, one_bitmap;
	const char *vmcoreinfo; /* NULL: without; since version 3 */
	const char *notes;	/* NULL: without; since version 4 */
	size_t notes_size;
};
/** @ret has room for all parts. */
void made_kdump(struct made_memory *m, const struct made_kdump_how *how, struct made_file *ret);

/** The ways of packing that tests can do here: those of @flags. */
unsigned made_can_pack(unsigned flags);

/** Flattens @f as makedumpfile -F does: in random pieces, some of which are overwritten later. */
void made_flatten(struct made_memory *m, struct made_file *f);

/** Packs @f as "gzip", "bzip2", "xz" or "zstd" do, in one or two streams. False: not here. */
bool made_pack(struct made_file *f, const char *how, bool two);

#endif
