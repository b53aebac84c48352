/* SPDX-License-Identifier: MIT */
/** Times of one clock as those of another: a line, exact enough for a century of nanoseconds. */
#ifndef MODEL_CLOCK_MAP_H
#define MODEL_CLOCK_MAP_H

#include <sonde/type.h>

#include "base/decimal.h"

enum { CLOCK_MAP_BITS = 60 };

/**
 * The line @slope * t + @offset_ns, best near @near_ns. -EINVAL (sonde_fail()): the slope is not
 * between 1/8 and 7, as that of a clock is, or there the line is beyond all times.
 */
SONDE_MUST_CHECK int clock_map_make(struct decimal slope, struct decimal offset_ns, int64_t near_ns,
				    struct sonde_clock_map *ret);

/** To the nearest ns; saturates at the ends of int64_t. */
static inline int64_t clock_map_ns(const struct sonde_clock_map *m, int64_t ns)
{
	const __int128 half = (__int128)1 << (CLOCK_MAP_BITS - 1);
	const __int128 delta = (__int128)ns - m->from_ns;
	const __int128 t = ((delta * m->rate + m->to_frac + half) >> CLOCK_MAP_BITS) + m->to_ns;

	if (t > INT64_MAX)
		return INT64_MAX;
	return t < INT64_MIN ? INT64_MIN : (int64_t)t;
}

#endif
