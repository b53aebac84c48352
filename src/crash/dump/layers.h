/* SPDX-License-Identifier: MIT */
/** What a dump's file is wrapped in, taken off. */
#ifndef CRASH_DUMP_LAYERS_H
#define CRASH_DUMP_LAYERS_H

#include <sonde/def.h>

#include "crash/dump/bytes.h"

/** Opens @path, unpacks it where it is packed, orders it where it is flattened. A negative errno
 * has words. */
SONDE_MUST_CHECK int layers_open(const char *path, struct bytes **ret);

#endif
