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
 * The type that is called so: "struct task_struct", "task_struct", "u64", of the kernel or of any
 * module; with "@module" behind it of that one. -ENOENT: there is none; -ENOTSUP: no types are
 * known; both with words.
 */
SONDE_MUST_CHECK int crash_type_find(struct crash_core *c, const char *name,
				     const struct ctype **ret);

/** The whole of a type that the part of the kernel it was found in only declares; else @t. */
const struct ctype *crash_type_whole(struct crash_core *c, const struct ctype *t);

/** Into a member of the struct or union that @v is; false: it has none of that name. */
bool crash_value_member(struct crash_value *v, const char *name);

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
