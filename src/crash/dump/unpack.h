/* SPDX-License-Identifier: MIT */
/** A packed file, unpacked whole into a temporary file. */
#ifndef CRASH_DUMP_UNPACK_H
#define CRASH_DUMP_UNPACK_H

#include "crash/dump/bytes.h"

struct packing;

/**
 * Makes of @packed the bytes inside of it. It is closed on success. Where it is cut or damaged,
 * what lies before that is given, and .cut says so.
 */
SONDE_MUST_CHECK int unpack_whole(struct bytes *packed, const struct packing *how,
				  struct bytes **ret);

#endif
