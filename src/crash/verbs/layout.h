/* SPDX-License-Identifier: MIT */
/** How a type lies in memory: its members and where each begins. */
#ifndef CRASH_VERBS_LAYOUT_H
#define CRASH_VERBS_LAYOUT_H

#include "base/json.h"
#include "base/strbuf.h"
#include "sym/ctype.h"

/** What is shown: a type, or a member of one. */
struct layout_of {
	const struct ctype *type;
	const uint64_t *off;	    /* of a member, in bytes; NULL: none */
	uint32_t bit_off, bit_size; /* where it is a bit field */
};

/** Appends the type as C declares it, over lines, before each member where it begins, in bytes. */
void layout_print(const struct layout_of *of, struct strbuf *ret);

/** The same as an object; members of nameless structs inside are members of their own. */
void layout_json(const struct layout_of *of, struct json *j);

#endif
