/* SPDX-License-Identifier: MIT */
/** Page tables of x86-64 and arm64, read from a dump. */
#ifndef CRASH_SPACE_TABLES_H
#define CRASH_SPACE_TABLES_H

#include "crash/space/space.h"

/** -EINVAL (sonde_fail()): no processor has such tables. */
SONDE_MUST_CHECK int tables_check(const struct space_layout *l);

/** See space_translate(). Reads at most five entries, whatever they say. */
SONDE_MUST_CHECK int tables_walk(struct dump *d, const struct space_layout *l, uint64_t va,
				 uint64_t *ret_pa, uint64_t *ret_len);

#endif
