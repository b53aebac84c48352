/* SPDX-License-Identifier: MIT */
/** Libraries that few runs need, opened when one does: start-up links none of them. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stddef.h>

#include <sonde/def.h>

/** One function that is wanted of a library. */
struct library_symbol {
	const char *name;
	void **ret;
};

/**
 * Opens the first of @files (ended by NULL) that is there and finds all of @symbols (ended by a
 * NULL name). -ENOTSUP with words where that fails. The handle is to be given to dlclose().
 */
SONDE_MUST_CHECK int library_open(const char *const *files, const struct library_symbol *symbols,
				  void **ret);

#endif
