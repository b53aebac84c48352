/* SPDX-License-Identifier: MIT */
/** A machine's memory, put together byte by byte, and a dump of it. */
#ifndef MADE_IMAGE_H
#define MADE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "crash/space/space.h"
#include "made_memory.h"

enum { IMAGE_BASE = 0x100000 };

/** Memory from IMAGE_BASE on; page tables are made as things are mapped. */
struct made_image {
	struct made_file memory, elf;
	struct space_layout layout; /* set before the first image_map() */
	uint64_t next;		    /* physical address of the next free page */
	uint16_t machine;
	const void *notes; /* more, besides VMCOREINFO; or NULL */
	size_t notes_len;
};

void image_init(struct made_image *m, const struct space_layout *layout);
void image_fini(struct made_image *m);

/** Puts bytes at a physical address. */
void image_put(struct made_image *m, uint64_t pa, const void *data, size_t n);
void image_put64(struct made_image *m, uint64_t pa, uint64_t v);
uint64_t image_get64(const struct made_image *m, uint64_t pa);
/** Takes @n pages. */
uint64_t image_pages(struct made_image *m, size_t n);
/** Maps the page at @va, of 1 << @shift bytes (that of some level), to @pa. */
void image_map(struct made_image *m, uint64_t va, uint64_t pa, unsigned shift);

/** Writes an ELF core with the text as VMCOREINFO (NULL: none), and opens it. */
struct dump *image_open(struct made_image *m, const char *vmcoreinfo);

#endif
