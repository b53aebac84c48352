/* SPDX-License-Identifier: MIT */
/**
 * The names of one trace's code: from its symbol folder, then from this machine where kernel and
 * files are the very same, else as module+offset. Never a wrong name.
 */
#ifndef SYM_NAMING_H
#define SYM_NAMING_H

#include "base/strbuf.h"
#include "sym/procs.h"

struct naming;

/** What is known of the trace in @dir (NULL: nothing). -EBADMSG: its symbol folder is damaged. */
SONDE_MUST_CHECK int naming_new(const char *dir, struct naming **ret);
void naming_free(struct naming *n);
SONDE_DEFINE_AUTO(struct naming *, naming_free)

/** The files that the trace's events tell of; to be filled by the caller. */
struct dsos *naming_dsos(struct naming *n);

/**
 * The function that an address lies in, as tables of symbols have it, and how far from its begin;
 * *@ret_name NULL: it has no name. Of modules " [module]" is behind it. Lent until naming_free().
 * 0 or -ENOMEM.
 */
SONDE_MUST_CHECK int naming_kernel_function(struct naming *n, uint64_t addr, const char **ret_name,
					    uint64_t *ret_off);
SONDE_MUST_CHECK int naming_user_function(struct naming *n, const struct map *map, uint64_t addr,
					  const char **ret_name, uint64_t *ret_off);

/** Appends the name of a kernel address: "name", "name [module]" or "[kernel]". */
SONDE_MUST_CHECK int naming_kernel(struct naming *n, uint64_t addr, struct strbuf *ret);

/** Appends the name of a user address that @map covers: "name", "libc.so.6+0x1234", "[anon]". */
SONDE_MUST_CHECK int naming_user(struct naming *n, const struct map *map, uint64_t addr,
				 struct strbuf *ret);

#endif
