/* SPDX-License-Identifier: MIT */
/** What verbs that show values share. */
#ifndef CRASH_VERBS_PRINT_H
#define CRASH_VERBS_PRINT_H

#include "base/json.h"
#include "crash/verbs/value.h"
#include "crash/verbs/verb.h"

/** Joins the words of a type at argument @at, "struct" "task_struct". Returns how many there were.
 */
int print_take_type(struct crash_run *r, int at, char *ret, size_t cap);

/** The value, as a line or lines of text, or (with @j) as an object; @index: or NULL. */
SONDE_MUST_CHECK int print_show(struct crash_run *r, const struct value *v, const uint64_t *index,
				struct json *j);

#endif
