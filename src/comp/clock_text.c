/* SPDX-License-Identifier: MIT */
/** Times as babeltrace2's text has them. */
#include "comp/clock_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"

enum { NS = 1000000000 };

static char *put_seconds(char *p, bool negative, uint64_t sec, uint32_t ns)
{
	if (negative)
		*p++ = '-';
	p = fmt_u64(p, sec);
	*p++ = '.';
	return fmt_nine(p, ns);
}

/* Makes the text of second @sec, up to and with the point. False: no calendar has it. */
static bool make_head(struct clock_text *c, int64_t sec)
{
	const time_t t = (time_t)sec;
	struct tm tm;

	if (!(c->gmt ? gmtime_r(&t, &tm) : localtime_r(&t, &tm)))
		return false;
	size_t len = c->date ? strftime(c->head, sizeof(c->head), "%Y-%m-%d ", &tm) : 0;
	if (c->date && !len)
		return false;
	char *p = fmt_two(c->head + len, (unsigned)tm.tm_hour);
	*p++ = ':';
	p = fmt_two(p, (unsigned)tm.tm_min);
	*p++ = ':';
	p = fmt_two(p, (unsigned)tm.tm_sec);
	*p++ = '.';
	c->len = (unsigned)(p - c->head);
	c->sec = sec;
	c->cached = true;
	return true;
}

char *clock_text_put(struct clock_text *c, char *p, int64_t ns)
{
	const bool negative = ns < 0;
	const uint64_t abs = negative ? 0 - (uint64_t)ns : (uint64_t)ns;
	const uint64_t sec = abs / NS;
	const uint32_t rest = (uint32_t)(abs % NS);

	if (c->seconds)
		return put_seconds(p, negative, sec, rest);
	if (negative && !c->negative_seen) {
		// So does babeltrace2: the first time before the origin is in seconds, the
		// others show the time of day as if they were behind it.
		c->negative_seen = true;
		return put_seconds(p, negative, sec, rest);
	}
	if (!(c->cached && c->sec == (int64_t)sec) && !make_head(c, (int64_t)sec))
		return put_seconds(p, negative, sec, rest);
	memcpy(p, c->head, sizeof(c->head));
	return fmt_nine(p + c->len, rest);
}
