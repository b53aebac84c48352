/* SPDX-License-Identifier: MIT */
/** A dump with some pages of another: small enough to be sent to somebody. */
#ifndef CRASH_THIN_THIN_H
#define CRASH_THIN_THIN_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/dump.h"

struct thin_result {
	const char *format; /* as others call it */
	uint64_t bytes;	    /* of the new file */
};

/**
 * Writes the pages of @d whose numbers are @pages, in order, to the new file @path, with all that
 * the dump says of itself. A kdump of zlib's, an ELF core where that cannot have these pages, or a
 * FreeBSD minidump of the same version. An old @path is replaced once all is there; @d's own files
 * are not (-EINVAL).
 */
SONDE_MUST_CHECK int thin_write(struct dump *d, const uint64_t *pages, size_t n, const char *path,
				struct thin_result *ret);

#endif
