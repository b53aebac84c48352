/* SPDX-License-Identifier: MIT */
/** A value in a dead kernel's memory: its type, where it lies, and the way to others by fields. */
#ifndef CRASH_VALUE_H
#define CRASH_VALUE_H

#include <stdint.h>

#include <sonde/def.h>

#include "crash/core.h"
#include "sym/ctype.h"

struct crash_value {
	const struct ctype *type;
	uint64_t addr;
	uint32_t bit_off, bit_size; /* of a bit field, from @addr on; bit_size 0: none */
};

/**
 * Goes from @from along @path as C would write it: "comm", "se.vruntime", "mm->pgd", "comm[3]",
 * "cred->uid.val". "." may stand for "->"; through a pointer its memory is read. -EINVAL with
 * words: no such way; else as crash_system.read, with words.
 */
SONDE_MUST_CHECK int crash_value_walk(struct crash_core *c, const struct crash_value *from,
				      const char *path, struct crash_value *ret);

/** The number at @v: of an integer, enumeration or pointer; signed ones are extended. */
SONDE_MUST_CHECK int crash_value_number(struct crash_core *c, const struct crash_value *v,
					uint64_t *ret);

#endif
