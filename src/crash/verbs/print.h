/* SPDX-License-Identifier: MIT */
/** What verbs that show values share. */
#ifndef CRASH_VERBS_PRINT_H
#define CRASH_VERBS_PRINT_H

#include "base/json.h"
#include "crash/value.h"
#include "crash/verbs/verb.h"

/** Joins the words of a type at argument @at, "struct" "task_struct". Returns how many there were.
 */
int print_take_type(struct crash_run *r, int at, char *ret, size_t cap);

/** What stands beside a value. */
struct print_label {
	const char *text;      /* before it; NULL: nothing */
	const char *path;      /* what it is of the struct; NULL: the struct itself */
	const uint64_t *index; /* where it is kept; NULL: nowhere */
	const unsigned *cpu;   /* whose it is; NULL: no CPU's */
	uint64_t elements;     /* of an array at most; 0: what is usual */
};

/** The value, as a line or lines of text, or (with @j) as an object. */
SONDE_MUST_CHECK int print_show(struct crash_run *r, const struct crash_value *v,
				const struct print_label *label, struct json *j);

#endif
