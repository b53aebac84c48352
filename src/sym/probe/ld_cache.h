/* SPDX-License-Identifier: MIT */
/** The dynamic linker's list of libraries (/etc/ld.so.cache). */
#ifndef SYM_PROBE_LD_CACHE_H
#define SYM_PROBE_LD_CACHE_H

#include <sonde/span.h>

/**
 * Calls @f for each library with its name and path, in the order of the list (higher versions
 * first), until it returns other than 0, which is returned. What makes no sense is left out.
 */
int ld_cache_each(struct sonde_span bytes, int (*f)(void *arg, const char *name, const char *path),
		  void *arg);

#endif
