/* SPDX-License-Identifier: MIT */
/** A packed file that is made of parts: each is unpacked when somebody reads of it. */
#ifndef CRASH_DUMP_UNITS_H
#define CRASH_DUMP_UNITS_H

#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/bytes.h"

struct packing;

/** How much of what was unpacked is kept, in a temporary file. */
#define UNITS_BUDGET (UINT64_C(1) << 30)

/**
 * Makes of @packed the bytes inside of it, and closes it on success. At most @budget of them are
 * kept, or one part for each reader. 1: done; 0: it has no parts that are worth it, and stays as it
 * is.
 */
SONDE_MUST_CHECK int units_open(struct bytes *packed, const struct packing *how, uint64_t budget,
				struct bytes **ret);

#endif
