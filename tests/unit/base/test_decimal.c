/* SPDX-License-Identifier: MIT */
/** Tests decimal floating point against values that other implementations give. */
#include <errno.h>

#include "base/decimal.h"
#include "test.h"

static struct decimal parse(const char *text)
{
	struct decimal v = { false, 0, 0 };

	EXPECT_EQ(decimal_parse(text, &v), 0);
	return v;
}

static const char *text(struct decimal v)
{
	static char s[DECIMAL_TEXT_MOST];

	decimal_text(v, s);
	return s;
}

TEST(results_are_those_of_decimal128)
{
	static const struct {
		char op;
		const char *a, *b, *want;
	} cases[] = {
		{ '/', "1", "3", "0.3333333333333333333333333333333333" },
		{ '/', "2", "3", "0.6666666666666666666666666666666667" },
		{ '/', "1", "8", "0.1250000000000000000000000000000000" },
		{ '/', "-7", "7", "-1.000000000000000000000000000000000" },
		{ '/', "106900354", "107194007", "0.9972605464781254049025334037564246" },
		{ '/', "1", "1.000058625066383030723307598788165",
		  "0.9999413783703139011056845831168394" },
		{ '*', "1.000058625066383030723307598788165", "1361214092889854105",
		  "1361293894156411289.646212093712609" },
		{ '*', "99999999999999999", "99999999999999999",
		  "9999999999999999800000000000000001" },
		// 35 digits, the last a 5: to the even neighbour.
		{ '*', "5", "2000000000000000000000000000000003",
		  "10000000000000000000000000000000020" },
		{ '*', "5", "2000000000000000000000000000000001",
		  "10000000000000000000000000000000000" },
		{ '+', "1361214092970284788", "-1361293894075842857.877651439554251",
		  "-79801105558069.87765143955425100000" },
		{ '+', "0.1", "-0.1", "0.000000000000000000000000000000000" },
		{ '+', "1", "0.0000000000000000000000000000000000001",
		  "1.000000000000000000000000000000000" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct decimal a = parse(cases[i].a), b = parse(cases[i].b);
		const struct decimal got = cases[i].op == '/'	? decimal_div(a, b)
					   : cases[i].op == '*' ? decimal_mul(a, b)
								: decimal_add(a, b);

		EXPECT_STR(text(got), cases[i].want);
	}
}

TEST(integers_and_order)
{
	EXPECT_STR(text(decimal_int(INT64_MIN)), "-9223372036854775808.000000000000000");
	EXPECT_EQ(decimal_cmp(parse("1.5"), parse("1.50")), 0);
	EXPECT_EQ(decimal_cmp(parse("-2"), parse("1")), -1);
	EXPECT_EQ(decimal_cmp(parse("2"), parse("1.999999999999999999999999999999999")), 1);
	EXPECT(decimal_real(parse("-0.25")) == -0.25);
}

TEST(fixed_point)
{
	__int128 v = 0;

	EXPECT(decimal_fixed(parse("1.5"), 1, &v));
	EXPECT_EQ(v, 3);
	EXPECT(decimal_fixed(parse("-0.75"), 2, &v));
	EXPECT_EQ(v, -3);
	EXPECT(decimal_fixed(parse("1361293894075842857.877651439554251"), 60, &v));
	EXPECT_EQ((long long)(v >> 60), 1361293894075842857);
	EXPECT_EQ((long long)(v & ((INT64_C(1) << 60) - 1)), 1011863218211252275);
	EXPECT(!decimal_fixed(parse("1361293894075842857"), 80, &v));
}

TEST(no_numbers)
{
	static const char *const wrong[] = { "",
					     "-",
					     "1e5",
					     "1.2.3",
					     "0x1",
					     "1 ",
					     ".",
					     ("123456789012345678901234567890"
					      "1234567890") };
	struct decimal v = { false, 7, 7 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		EXPECT_EQ(decimal_parse(wrong[i], &v), -EINVAL);
	EXPECT_EQ(v.exp, 7);
}
