/* SPDX-License-Identifier: MIT */
/** A table from names to numbers: macros, typedefs, enumerators. */
#ifndef LANG_NAMES_H
#define LANG_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/u64map.h"

struct name_entry {
	const char *name; /* borrowed */
	int64_t value;
	uint32_t older; /* index + 1 of the one before with this hash; 0: none */
};

/** All zero is an empty one. */
struct names {
	struct name_entry *entries; /* owned */
	size_t n, cap;
	struct u64map index; /* hash of the name to the newest entry of that hash */
};

void names_fini(struct names *t);

/** Sets or replaces; borrows @name. 0 or -ENOMEM (sonde_fail()). */
SONDE_MUST_CHECK int names_put(struct names *t, const char *name, int64_t value);

/** True, and the value in *@ret, where @name is there. */
bool names_get(const struct names *t, const char *name, int64_t *ret);

#endif
