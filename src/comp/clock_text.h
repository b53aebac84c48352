/* SPDX-License-Identifier: MIT */
/** Times as babeltrace2's text has them: local or GMT time of day, date, seconds. */
#ifndef COMP_CLOCK_TEXT_H
#define COMP_CLOCK_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_TEXT_MOST = 64 };

/** In the caller's storage, owns nothing; set the choices and leave the rest zero. */
struct clock_text {
	bool seconds; /* since the clock's origin, instead of the time of day */
	bool gmt;     /* instead of the local time zone */
	bool date;    /* in front of the time of day */

	/* The last second, as text. */
	bool cached;
	int64_t sec;
	unsigned len;
	char head[40];
	bool negative_seen;
};

/** Writes @ns since the origin at @p, at most CLOCK_TEXT_MOST bytes; returns the end. */
char *clock_text_put(struct clock_text *c, char *p, int64_t ns);

#endif
