/* SPDX-License-Identifier: MIT */
/** Points in time for people. */
#include "base/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void time_text(int64_t ns, char *ret)
{
	const int64_t some_years = INT64_C(100000000) * 1000000000;
	const time_t s = (time_t)(ns / 1000000000);
	const uint64_t abs = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	struct tm tm;

	if (ns >= some_years && localtime_r(&s, &tm)) {
		size_t n = strftime(ret, TIME_TEXT_MOST, "%Y-%m-%d %H:%M:%S", &tm);
		snprintf(ret + n, TIME_TEXT_MOST - n, ".%09" PRId64, ns % 1000000000);
		return;
	}
	snprintf(ret, TIME_TEXT_MOST, "%s%" PRIu64 ".%09" PRIu64 " s", ns < 0 ? "-" : "",
		 abs / 1000000000, abs % 1000000000);
}
