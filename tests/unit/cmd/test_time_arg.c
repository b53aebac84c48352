/* SPDX-License-Identifier: MIT */
/** Tests times as people write them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/time_arg.h"
#include "test.h"

/* A trace of 2015-06-30 23:59:50 to 2015-07-01 00:00:10 GMT. */
static const int64_t begin = 1435708790000000000, end = 1435708810000000000;

TEST(times)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "1435708791", 1435708791000000000 },
		{ "1435708791.5", 1435708791500000000 },
		{ "1435708791.123456789", 1435708791123456789 },
		{ "1435708791.1234567899", 1435708791123456789 },
		{ "1435708791000000001", 1435708791000000001 },
		{ "0", 0 },
		{ "+1.5s", 1435708791500000000 },
		{ "+2", 1435708792000000000 },
		{ "10ms", 1435708790010000000 },
		{ "3us", 1435708790000003000 },
		{ "3\xc2\xb5s", 1435708790000003000 },
		{ "7ns", 1435708790000000007 },
		{ "0.1m", 1435708796000000000 },
		{ "1h", 1435712390000000000 },
		{ "-10ms", 1435708809990000000 },
		{ "-1", 1435708809000000000 },
		{ "23:59:58", 1435708798000000000 },
		{ "23:59:58.25", 1435708798250000000 },
		{ "23:58", 1435708680000000000 },
		{ "00:00:05", 1435708805000000000 },
		{ "00:10", 1435623000000000000 },
		{ "2015-07-01 00:00:05.000000001", 1435708805000000001 },
		{ "2015-07-01T00:00:05", 1435708805000000000 },
		{ "2015-07-01", 1435708800000000000 },
		{ "1969-12-31 23:59:59.5", -500000000 },
	};

	for (size_t i = 0; i < MEM_LEN(rows); i++) {
		struct time_arg t;
		int r = time_arg_parse(rows[i].text, &t);

		if (r < 0 || time_arg_ns(&t, begin, end, true) != rows[i].ns)
			test_failed(__FILE__, __LINE__, "'%s': %" PRId64 ", wanted %" PRId64,
				    rows[i].text, r < 0 ? r : time_arg_ns(&t, begin, end, true),
				    rows[i].ns);
	}
}

TEST(local_times)
{
	struct time_arg t;

	setenv("TZ", "America/Montreal", 1);
	tzset();
	EXPECT_EQ(time_arg_parse("19:59:58", &t), 0);
	EXPECT_EQ(time_arg_ns(&t, begin, end, false), 1435708798000000000);
	EXPECT_EQ(time_arg_parse("2015-06-30 20:00", &t), 0);
	EXPECT_EQ(time_arg_ns(&t, begin, end, false), 1435708800000000000);
	EXPECT(!time_arg_is_relative(&t));
}

TEST(no_times)
{
	static const char *const rows[] = {
		"",
		"soon",
		"1x",
		"5d",
		"+",
		"-",
		"1.5.2",
		"24:00",
		"10:60:00",
		"10:00:61",
		"10:00:00x",
		"1:2:3:4",
		"2015-13-01",
		"2015-07-01x",
		"2015-07-01 5",
		"99999999999999999999",
		"+1 s",
		"--1s",
		"1e9",
		" 5",
		"9223372036854775807h",
	};

	for (size_t i = 0; i < MEM_LEN(rows); i++) {
		struct time_arg t;

		if (time_arg_parse(rows[i], &t) != -EINVAL)
			test_failed(__FILE__, __LINE__, "'%s' was taken", rows[i]);
	}
	EXPECT_STR(sonde_err_str(), "'9223372036854775807h' is no time; '10:36:01.2', "
				    "'1412670961.2', '+1.5s' and '-10ms' are");
}
