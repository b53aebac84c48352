/* SPDX-License-Identifier: MIT */
/** The two headers of kdump-compressed files, of all versions, 32 and 64 bits. */
#ifndef CRASH_DUMP_KDUMP_HEADER_H
#define CRASH_DUMP_KDUMP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/bytes.h"
#include "crash/dump/dump.h"

/* Bits of the header's status, and of a page's flags. */
enum {
	KDUMP_ZLIB = 1,
	KDUMP_LZO = 2,
	KDUMP_SNAPPY = 4,
	KDUMP_INCOMPLETE = 8,
	KDUMP_ZSTD = 0x20,
};

enum { KDUMP_MOST_NOTES = 64 << 20, KDUMP_ID = 16 };

struct kdump_header {
	enum dump_arch arch;
	bool has_arch; /* it says of which machine it is; QEMU does not of arm64 */
	uint32_t version, status, block_size;
	uint64_t pages;	     /* of the machine: bits of the bitmap */
	uint64_t bitmap;     /* where that of the dump's pages begins */
	uint64_t bitmap_len; /* bytes of it */
	uint64_t had; /* where that of the machine's pages begins, of the same length; 0: nowhere */
	unsigned level;	     /* see dump_about */
	uint64_t descs;	     /* where the pages' descriptors begin */
	bool is_linux;	     /* it says so */
	bool split;	     /* this file has only the pages of begin..end */
	uint64_t begin, end; /* pages */
	uint64_t phys_base;
	uint64_t info, info_size, notes, notes_size; /* sizes 0: not there */
	uint8_t id[KDUMP_ID]; /* the same in all parts: the time of the dump */
};

/** -EBADMSG, -ENOTSUP with words. */
SONDE_MUST_CHECK int kdump_header_read(struct bytes *f, struct kdump_header *ret);

#endif
