/* SPDX-License-Identifier: MIT */
/** Values in a dump by their types: found by path, shown as C would write them. */
#ifndef CRASH_VERBS_VALUE_H
#define CRASH_VERBS_VALUE_H

#include "base/strbuf.h"
#include "crash/core.h"
#include "sym/ctype.h"

struct value {
	const struct ctype *type;
	uint64_t addr;
	unsigned bit_off, bit_size; /* of a bit field, from @addr; else 0 */
};

/**
 * The type that is called so: "struct task_struct", "task_struct", "u64", with "@module" behind it
 * of a module. -ENOENT, -ENOTSUP (sonde_fail()).
 */
SONDE_MUST_CHECK int value_type(struct crash_core *c, const char *name, const struct ctype **ret);

/**
 * Follows a path as "mm->pgd.pgd" or "comm[0]" from @v; "." follows pointers too. -ENOENT: there is
 * no such member, with words; -EFAULT, -ENODATA.
 */
SONDE_MUST_CHECK int value_follow(struct crash_core *c, struct value *v, const char *path);

/** Appends what is there, over lines where it is a struct; what cannot be read as "?". */
void value_print(struct crash_core *c, const struct value *v, unsigned depth, struct strbuf *ret);

#endif
