/* SPDX-License-Identifier: MIT */
/** The header of a FreeBSD dump device: what savecore(8) keeps as a file info.N beside vmcore.N. */
#ifndef CRASH_FREEBSD_HEADER_H
#define CRASH_FREEBSD_HEADER_H

#include <stdint.h>

#include <sonde/def.h>

#include "base/strbuf.h"

/** All zero: there is none. */
struct bsd_dump_header {
	struct strbuf text; /* owned: as the file shows it */
	char hostname[64], version[256], panic[256];
	uint64_t time; /* seconds since 1970; 0: not told */
};

void bsd_dump_header_fini(struct bsd_dump_header *h);

/** Takes what the header @raw of a dump device says, of DEVICE_HEADER bytes. -ENOMEM. */
SONDE_MUST_CHECK int bsd_dump_header_of(const uint8_t *raw, struct bsd_dump_header *ret);

/**
 * Reads the file info.N beside the dump @path, vmcore.N, with whatever behind that says how it is
 * packed. No file, or one that is none of them, leaves @ret empty. -ENOMEM.
 */
SONDE_MUST_CHECK int bsd_dump_header_beside(const char *path, struct bsd_dump_header *ret);

#endif
