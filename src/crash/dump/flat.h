/* SPDX-License-Identifier: MIT */
/** makedumpfile's flattened files: pieces of a file, in the order in which they were written. */
#ifndef CRASH_DUMP_FLAT_H
#define CRASH_DUMP_FLAT_H

#include <stdbool.h>

#include <sonde/def.h>

#include "crash/dump/bytes.h"

bool flat_known(struct bytes *b);

/** Puts the pieces of @flat in order, without copying them. On success @flat is the result's. */
SONDE_MUST_CHECK int flat_open(struct bytes *flat, struct bytes **ret);

#endif
