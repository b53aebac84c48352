/* SPDX-License-Identifier: MIT */
/** Tests tables and JSON: units, alignment, cuts, escapes. */
#include "base/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <sonde/err.h>

#include "base/json.h"
#include "base/out.h"
#include "test.h"

/* What is in the buffer; the output has no descriptor and is small. */
static const char *text_of(struct sonde_out *o)
{
	out_add(o, "", 1);
	return o->buf;
}

TEST(values_in_their_units)
{
	static const struct {
		enum table_unit unit;
		struct table_cell cell;
		const char *want;
	} cases[] = {
		{ TABLE_NS, { TABLE_INT, { .i = 0 } }, "0 ns" },
		{ TABLE_NS, { TABLE_INT, { .i = 999 } }, "999 ns" },
		{ TABLE_NS, { TABLE_INT, { .i = 1000 } }, "1.000 us" },
		{ TABLE_NS, { TABLE_INT, { .i = 1234567 } }, "1.235 ms" },
		{ TABLE_NS, { TABLE_INT, { .i = 999999999 } }, "1.000  s" },
		{ TABLE_NS, { TABLE_INT, { .i = 5904091700 } }, "5.904  s" },
		{ TABLE_NS, { TABLE_INT, { .i = -1500000 } }, "-1.500 ms" },
		{ TABLE_NS, { TABLE_REAL, { .d = 15628.4 } }, "15.628 us" },
		{ TABLE_NS, { TABLE_NONE, { .i = 0 } }, "-" },
		{ TABLE_COUNT, { TABLE_INT, { .i = 0 } }, "0" },
		{ TABLE_COUNT, { TABLE_INT, { .i = 999 } }, "999" },
		{ TABLE_COUNT, { TABLE_INT, { .i = 1000 } }, "1,000" },
		{ TABLE_COUNT, { TABLE_INT, { .i = INT64_MIN } }, "-9,223,372,036,854,775,808" },
		{ TABLE_ID, { TABLE_INT, { .i = 12345 } }, "12345" },
		{ TABLE_PERCENT, { TABLE_REAL, { .d = 4.928 } }, "4.93 %" },
		{ TABLE_BYTES, { TABLE_INT, { .i = 1023 } }, "1023 B  " },
		{ TABLE_BYTES, { TABLE_INT, { .i = 1536 } }, "1.5 KiB" },
		{ TABLE_BYTES, { TABLE_INT, { .i = 1048575 } }, "1.0 MiB" },
		{ TABLE_RATE, { TABLE_REAL, { .d = 12345.6 } }, "12,346 /s" },
		{ TABLE_RATE, { TABLE_REAL, { .d = 0.25 } }, "0.25 /s" },
	};
	char got[TABLE_VALUE_MOST];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		table_value(cases[i].unit, &cases[i].cell, got);
		EXPECT_STR(got, cases[i].want);
	}
	table_ns(5904091700, got);
	EXPECT_STR(got, "5.904 s");
	table_count(1801, got);
	EXPECT_STR(got, "1,801");
}

static const struct table_column cols[] = {
	{ "tid", "TID", TABLE_ID },
	{ "name", "NAME", TABLE_TEXT },
	{ "secret", NULL, TABLE_ID },
	{ "time_ns", "TIME", TABLE_NS },
};

static void fill(struct table *t)
{
	table_init(t, cols, 4);
	table_int(t, 7);
	table_str(t, "a rather \"long\"\n name");
	table_int(t, 1);
	table_int(t, 12345678);
	table_int(t, 1234567);
	table_str(t, "x\xc3\xa9\xff");
	table_none(t);
	table_none(t);
}

TEST(text)
{
	static const struct {
		unsigned width;
		const char *want;
	} cases[] = {
		{ 0, "    TID  NAME                        TIME\n"
		     "      7  a rather \"long\"? name  12.346 ms\n"
		     "1234567  x\xc3\xa9\xff                            -\n" },
		{ 34, "    TID  NAME                 TIME\n"
		      "      7  a rather \"lon\xe2\x80\xa6  12.346 ms\n"
		      "1234567  x\xc3\xa9\xff                     -\n" },
		{ 1, "    TID  NAME           TIME\n"
		     "      7  a rathe\xe2\x80\xa6  12.346 ms\n"
		     "1234567  x\xc3\xa9\xff               -\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sonde_out o;
		struct table t;

		fill(&t);
		EXPECT_EQ(out_init(&o, -1), 0);
		EXPECT_EQ(table_print(&t, &o, 0, cases[i].width), 0);
		EXPECT_STR(text_of(&o), cases[i].want);
		out_fini(&o);
		table_fini(&t);
	}
}

TEST(json)
{
	struct sonde_out o;
	struct table t;
	struct json j;

	fill(&t);
	EXPECT_EQ(out_init(&o, -1), 0);
	json_init(&j, &o);
	json_object(&j, NULL);
	json_real(&j, "tenth", 0.1);
	json_real(&j, "third", 1.0 / 3);
	json_real(&j, "none", NAN);
	json_uint(&j, "most", UINT64_MAX);
	EXPECT_EQ(table_json(&t, &j, "rows"), 0);
	json_array(&j, "empty");
	json_end_array(&j);
	json_end_object(&j);
	EXPECT_STR(text_of(&o),
		   "{\n  \"tenth\": 0.1,\n  \"third\": 0.3333333333333333,\n  \"none\": null,\n"
		   "  \"most\": 18446744073709551615,\n  \"rows\": [\n"
		   "    {\"tid\": 7, \"name\": \"a rather \\\"long\\\"\\n name\", \"secret\": 1, "
		   "\"time_ns\": 12345678},\n"
		   "    {\"tid\": 1234567, \"name\": \"x\xc3\xa9\xef\xbf\xbd\", \"secret\": null, "
		   "\"time_ns\": null}\n  ],\n  \"empty\": []\n}\n");
	out_fini(&o);
	table_fini(&t);
}

static int fill_and_print(void)
{
	struct sonde_out o;
	struct table t;
	int r = out_init(&o, -1);

	if (r < 0)
		return r;
	fill(&t);
	r = table_sort(&t, "tid");
	if (r >= 0)
		r = table_print(&t, &o, 2, 80);
	out_fini(&o);
	table_fini(&t);
	return r;
}

TEST(out_of_memory)
{
	test_oom(fill_and_print);
}

TEST(sort_and_limit)
{
	struct table t;

	fill(&t);
	table_int(&t, 9);
	table_str(&t, "b");
	table_int(&t, 1);
	table_int(&t, 99999999);
	EXPECT_EQ(table_sort(&t, "time_ns"), 0);
	EXPECT_EQ(t.cells[0].u.i, 9);
	EXPECT_EQ(t.cells[4].u.i, 7);
	EXPECT_EQ(t.cells[8].u.i, 1234567);
	EXPECT_EQ(table_sort(&t, "name"), 0);
	EXPECT_EQ(t.cells[0].u.i, 7);
	EXPECT_EQ(t.cells[4].u.i, 9);
	EXPECT_EQ(table_sort(&t, "secret"), 0);
	EXPECT_EQ(t.cells[0].u.i, 7);
	EXPECT_EQ(table_sort(&t, "size"), -EINVAL);
	EXPECT_STR(sonde_err_str(), "no column 'size'; there are tid, name, secret, time_ns");
	EXPECT_EQ(table_limit(&t, 0), 0);
	EXPECT_EQ(table_limit(&t, 2), 1);
	EXPECT_EQ(table_rows(&t), 2);
	table_fini(&t);
}

TEST(half_a_row_is_refused)
{
	struct sonde_out o;
	struct table t;

	table_init(&t, cols, 4);
	table_int(&t, 1);
	EXPECT_EQ(out_init(&o, -1), 0);
	EXPECT_EQ(table_print(&t, &o, 0, 0), -EINVAL);
	out_fini(&o);
	table_fini(&t);
}
