/* SPDX-License-Identifier: MIT */
/** Points in time as people write them. */
#include "cmd/time_arg.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/ns.h"

static const int64_t NS = 1000000000, DAY = 86400 * INT64_C(1000000000);

/* A whole number without a unit is of seconds up to here (year 5138), of nanoseconds beyond. */
static const uint64_t SECONDS_MOST = UINT64_C(100000000000);

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },	     { "us", 1000 },	     { "\xc2\xb5s", 1000 }, { "ms", 1000000 },
	{ "s", 1000000000 }, { "min", 60000000000 }, { "m", 60000000000 },  { "h", 3600000000000 },
};

/* At most @most digits; false where there are none, or more. */
static bool read_digits(const char **s, unsigned most, uint64_t *ret)
{
	unsigned n = 0;
	uint64_t v = 0;

	for (; isdigit((unsigned char)**s) && n <= most; (*s)++, n++)
		v = v * 10 + (uint64_t)(**s - '0');
	*ret = v;
	return n && n <= most;
}

/* ".123" of a unit of @unit ns, cut to whole ns. */
static int64_t read_fraction(const char **s, int64_t unit)
{
	__int128 v = 0, scale = 1;

	if (**s != '.')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++) {
		if (scale < INT64_C(1000000000000000)) {
			v = v * 10 + (**s - '0');
			scale *= 10;
		}
	}
	return (int64_t)(v * unit / scale);
}

static bool read_duration(const char *s, bool wants_unit, int64_t *ret)
{
	uint64_t whole;
	int64_t unit = wants_unit ? 0 : NS, ns;

	if (!read_digits(&s, 19, &whole))
		return false;
	const char *fraction = s;
	(void)read_fraction(&s, 1); // to get behind it
	for (size_t i = 0; i < MEM_LEN(units); i++) {
		if (!strcmp(s, units[i].name))
			unit = units[i].ns;
	}
	if (!unit || (*s && !wants_unit && !isalpha((unsigned char)*s) && *s != '\xc2') ||
	    whole > INT64_MAX || __builtin_mul_overflow((int64_t)whole, unit, &ns) ||
	    __builtin_add_overflow(ns, read_fraction(&fraction, unit), &ns))
		return false;
	*ret = ns;
	return true;
}

/* "10:36:01.2" or "10:36", to the end of the text. */
static bool read_day_time(const char *s, int64_t *ret)
{
	uint64_t hour, minute, second = 0;

	if (!read_digits(&s, 2, &hour) || *s++ != ':' || !read_digits(&s, 2, &minute) ||
	    hour > 23 || minute > 59)
		return false;
	if (*s == ':' && (s++, !read_digits(&s, 2, &second) || second > 60))
		return false;
	*ret = (int64_t)(hour * 3600 + minute * 60 + second) * NS + read_fraction(&s, NS);
	return !*s;
}

static bool read_date(const char *s, struct time_arg *ret)
{
	uint64_t year, month, day;
	int64_t ns = 0;

	if (!read_digits(&s, 4, &year) || *s++ != '-' || !read_digits(&s, 2, &month) ||
	    *s++ != '-' || !read_digits(&s, 2, &day) || !month || month > 12 || !day || day > 31)
		return false;
	if (*s && ((*s != ' ' && *s != 'T') || !read_day_time(s + 1, &ns)))
		return false;
	*ret = (struct time_arg){ TIME_OF_DATE, ns, (int)year, (int)month, (int)day };
	return true;
}

static bool read_epoch(const char *s, int64_t *ret)
{
	uint64_t whole;
	int64_t ns;

	if (!read_digits(&s, 19, &whole) || whole > INT64_MAX)
		return false;
	if (!*s && whole >= SECONDS_MOST) {
		*ret = (int64_t)whole;
		return true;
	}
	if (__builtin_mul_overflow((int64_t)whole, NS, &ns) ||
	    __builtin_add_overflow(ns, read_fraction(&s, NS), &ns))
		return false;
	*ret = ns;
	return !*s;
}

int time_arg_parse(const char *text, struct time_arg *ret)
{
	struct time_arg t = { .kind = TIME_NONE };

	if ((*text == '+' || *text == '-') && read_duration(text + 1, false, &t.ns))
		t.kind = *text == '+' ? TIME_AFTER_BEGIN : TIME_BEFORE_END;
	else if (read_duration(text, true, &t.ns))
		t.kind = TIME_AFTER_BEGIN;
	else if (read_day_time(text, &t.ns))
		t.kind = TIME_OF_DAY;
	else if (read_epoch(text, &t.ns))
		t.kind = TIME_ABSOLUTE;
	else if (!read_date(text, &t))
		return sonde_fail(-EINVAL,
				  "'%s' is no time; '10:36:01.2', '1412670961.2', '+1.5s' and "
				  "'-10ms' are",
				  text);
	*ret = t;
	return 0;
}

bool time_arg_is_relative(const struct time_arg *t)
{
	return t->kind == TIME_AFTER_BEGIN || t->kind == TIME_BEFORE_END || t->kind == TIME_OF_DAY;
}

/* Midnight, and some nanoseconds behind it by the clock on the wall. */
static int64_t on_date(struct tm date, int64_t ns, bool gmt)
{
	struct tm tm = { .tm_year = date.tm_year,
			 .tm_mon = date.tm_mon,
			 .tm_mday = date.tm_mday,
			 .tm_isdst = -1 };
	int64_t sec, at;

	tm.tm_sec = (int)(ns / NS);
	sec = gmt ? timegm(&tm) : mktime(&tm);
	if (__builtin_mul_overflow(sec, NS, &at))
		return sec < 0 ? INT64_MIN : INT64_MAX;
	return ns_after(at, ns % NS);
}

static int64_t of_day(int64_t ns, int64_t begin_ns, int64_t end_ns, bool gmt)
{
	const time_t sec = (time_t)(begin_ns / NS - (begin_ns % NS < 0));
	struct tm tm = { 0 };

	(void)(gmt ? gmtime_r(&sec, &tm) : localtime_r(&sec, &tm)); // else: 1900, before all
	int64_t at = on_date(tm, ns, gmt);
	if (at < begin_ns && ns_after(at, DAY) <= end_ns) {
		tm.tm_mday++;
		at = on_date(tm, ns, gmt);
	}
	return at;
}

int64_t time_arg_ns(const struct time_arg *t, int64_t begin_ns, int64_t end_ns, bool gmt)
{
	const struct tm date = { .tm_year = t->year - 1900,
				 .tm_mon = t->month - 1,
				 .tm_mday = t->day };

	switch (t->kind) {
	case TIME_NONE:
	case TIME_ABSOLUTE: break;
	case TIME_AFTER_BEGIN: return ns_after(begin_ns, t->ns);
	case TIME_BEFORE_END: return ns_after(end_ns, -t->ns);
	case TIME_OF_DAY: return of_day(t->ns, begin_ns, end_ns, gmt);
	case TIME_OF_DATE: return on_date(date, t->ns, gmt);
	}
	return t->ns;
}
