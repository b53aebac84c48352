/* SPDX-License-Identifier: MIT */
/** Lines between clocks. */
#include "model/clock_map.h"

#include <errno.h>

#include <sonde/err.h>

int clock_map_make(struct decimal slope, struct decimal offset_ns, int64_t near_ns,
		   struct sonde_clock_map *ret)
{
	const struct decimal to = decimal_add(decimal_mul(slope, decimal_int(near_ns)), offset_ns);
	const __int128 one = (__int128)1 << CLOCK_MAP_BITS;
	__int128 rate, at;

	if (!decimal_fixed(slope, CLOCK_MAP_BITS, &rate) || rate < one / 8 || rate > 7 * one)
		return sonde_fail(-EINVAL, "a slope of %g is none of a clock", decimal_real(slope));
	if (!decimal_fixed(to, CLOCK_MAP_BITS, &at) || at >> CLOCK_MAP_BITS > INT64_MAX ||
	    at >> CLOCK_MAP_BITS < INT64_MIN)
		return sonde_fail(-EINVAL, "an offset of %g ns is none of a clock",
				  decimal_real(offset_ns));
	*ret = (struct sonde_clock_map){
		.from_ns = near_ns,
		.to_ns = (int64_t)(at >> CLOCK_MAP_BITS),
		.to_frac = (int64_t)(at & (one - 1)),
		.rate = (int64_t)rate,
	};
	return 0;
}
