/* SPDX-License-Identifier: MIT */
/** Sums and differences of times that may lie at both ends of what 64 bits hold. */
#ifndef SONDE_BASE_NS_H
#define SONDE_BASE_NS_H

#include <stdint.h>

/** From @begin to @end; saturates. */
static inline int64_t ns_between(int64_t begin, int64_t end)
{
	int64_t ns;

	if (__builtin_sub_overflow(end, begin, &ns))
		return end < begin ? INT64_MIN : INT64_MAX;
	return ns;
}

/** @ns behind @at; saturates. */
static inline int64_t ns_after(int64_t at, int64_t ns)
{
	int64_t sum;

	if (__builtin_add_overflow(at, ns, &sum))
		return ns < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

#endif
