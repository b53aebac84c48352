/* SPDX-License-Identifier: MIT */
/** Memory that is freed all at once: for a parse, a compile, a trace's description. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/mem.h"

/** An arena in the caller's storage; all zero is an empty one without a limit. */
struct arena {
	struct arena_block *blocks; /* owned */
	size_t used;		    /* bytes handed out */
	size_t limit;		    /* most bytes to hand out; 0: no limit */
};

/** Frees all that it handed out. */
void arena_fini(struct arena *a);

/** Zeroed memory, aligned for anything; NULL (sonde_fail(-ENOMEM)) when there is none. */
void *arena_alloc(struct arena *a, size_t len);

/** @n elements of @size bytes, likewise; safe for sizes from outside. */
void *arena_array(struct arena *a, size_t n, size_t size);

/** A copy of @len bytes with a 0 behind, likewise. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
