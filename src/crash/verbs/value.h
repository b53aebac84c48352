/* SPDX-License-Identifier: MIT */
/** Values in a dump, and types, shown as C would write them. */
#ifndef CRASH_VERBS_VALUE_H
#define CRASH_VERBS_VALUE_H

#include "base/strbuf.h"
#include "crash/core.h"
#include "crash/value.h"

struct value_style {
	uint64_t elements; /* of an array at most; 0: what is usual */
	bool hex;	   /* numbers as 0x... */
};

/** Appends what is there, over lines where it is a struct; what cannot be read as "?". */
void value_print(struct crash_core *c, const struct crash_value *v, const struct value_style *style,
		 struct strbuf *ret);

#endif
