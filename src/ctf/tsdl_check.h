/* SPDX-License-Identifier: MIT */
/** What a whole description must hold, and which clock its times are of. */
#ifndef CTF_TSDL_CHECK_H
#define CTF_TSDL_CHECK_H

#include "ctf/tsdl_type.h"

/** Adds a clock to the trace, which has fewer than TSDL_CLOCKS_MAX. */
void clock_add(struct build *b, struct sonde_clock *c);

/**
 * Checks fields that readers know by name in the structure @t that @it gives to @scope, and maps
 * timestamps that say no clock to the only one.
 */
SONDE_MUST_CHECK int root_check(struct build *b, const struct ast_item *it, enum sonde_scope scope,
				const struct sonde_type *t);

/** Finishes the clocks, and tells each stream its own. Returns 0, -EBADMSG or -ENOMEM. */
SONDE_MUST_CHECK int trace_check(struct build *b);

#endif
