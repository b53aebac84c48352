/* SPDX-License-Identifier: MIT */
/**
 * Arrays that may become larger than memory should: beyond some size they lie in a temporary file
 * without a name, of which the process holds only what it uses now.
 */
#ifndef BASE_SPILL_H
#define BASE_SPILL_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

enum { SPILL_MEMORY = 32 << 20 }; /* bytes of one that stay in memory */

/** All zero is an empty one. */
struct spill {
	void *p;    /* owned */
	size_t cap; /* bytes */
	bool in_file;
	bool no_file; /* there is no place for one: all is in memory */
	int fd;	      /* owned where @in_file */
};

void spill_fini(struct spill *s);

/**
 * Makes room for @n elements of @size bytes, new ones all zero, and tells *@arr where they are now.
 * -ENOMEM (sonde_fail()): then nothing changed.
 */
SONDE_MUST_CHECK int spill_room_(struct spill *s, void **arr, size_t n, size_t size);
#define spill_room(s, arr, n) spill_room_((s), (void **)(arr), (n), sizeof(**(arr)))

/** What lies in the file is read from there again when it is used next. */
void spill_trim(const struct spill *s);

#endif
