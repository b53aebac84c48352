/* SPDX-License-Identifier: MIT */
/** Debug files from a server (debuginfod), by the library of elfutils. */
#ifndef CRASH_DEBUG_FETCH_H
#define CRASH_DEBUG_FETCH_H

#include <sonde/def.h>

#include "sym/build_id.h"

/**
 * Fetches the debug file of that build-id into the library's cache: its path in *@ret (owned).
 * -ENOTSUP: no library or no server is named; -ENOENT: the servers do not have it.
 */
SONDE_MUST_CHECK int debug_fetch(const struct build_id *id, char **ret);

#endif
