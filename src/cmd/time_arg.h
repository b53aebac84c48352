/* SPDX-License-Identifier: MIT */
/** Points in time as people write them: --from and --to. */
#ifndef CMD_TIME_ARG_H
#define CMD_TIME_ARG_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

/** What --help says of them. */
#define TIME_ARG_HELP                                                                              \
	"A time is seconds or nanoseconds since 1970 (1412670961.2, 1412670961200000000), a time " \
	"of day (10:36:01.2), a date and time (2014-10-07 10:36:01.2), or a duration: '+1.5s' or " \
	"'10ms' after the begin of the trace, '-10ms' before its end. Units: ns, us, ms, s, m, h."

enum time_arg_kind {
	TIME_NONE,	  /* not given */
	TIME_ABSOLUTE,	  /* ns since the origin */
	TIME_AFTER_BEGIN, /* ns */
	TIME_BEFORE_END,  /* ns */
	TIME_OF_DAY,	  /* ns since midnight */
	TIME_OF_DATE,	  /* ns since midnight of year, month, day */
};

struct time_arg {
	enum time_arg_kind kind;
	int64_t ns;
	int year, month, day;
};

/** Reads a time. -EINVAL (sonde_fail()) where it is none. */
SONDE_MUST_CHECK int time_arg_parse(const char *text, struct time_arg *ret);

/**
 * The time in ns in a trace from @begin_ns to @end_ns. A time of day is that of the trace's first
 * day, or of a later one where the first would be before the begin and the later is not behind the
 * end. @gmt: else local.
 */
int64_t time_arg_ns(const struct time_arg *t, int64_t begin_ns, int64_t end_ns, bool gmt);

/** Does it depend on where the trace begins or ends? */
bool time_arg_is_relative(const struct time_arg *t);

#endif
