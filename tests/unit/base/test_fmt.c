/* SPDX-License-Identifier: MIT */
/** Tests the formatting of numbers against printf. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "test.h"

static uint64_t seed = 88172645463325252U;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A number of any length. */
static uint64_t any_length(void)
{
	return next_random() >> next_random() % 64;
}

static double as_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* 0 behind the text, so that it can be compared. */
static const char *close_text(char *text, char *end)
{
	*end = '\0';
	return text;
}

static void check_integer(uint64_t v)
{
	char got[FMT_MOST + 1], want[FMT_MOST + 1];

	snprintf(want, sizeof(want), "%" PRIu64, v);
	EXPECT_STR(close_text(got, fmt_u64(got, v)), want);
	snprintf(want, sizeof(want), "%" PRId64, (int64_t)v);
	EXPECT_STR(close_text(got, fmt_i64(got, (int64_t)v)), want);
	snprintf(want, sizeof(want), "%" PRIX64, v);
	EXPECT_STR(close_text(got, fmt_hex_upper(got, v)), want);
	snprintf(want, sizeof(want), "%" PRIx64, v);
	EXPECT_STR(close_text(got, fmt_hex(got, v)), want);
	snprintf(want, sizeof(want), "%" PRIo64, v);
	EXPECT_STR(close_text(got, fmt_octal(got, v)), want);
	snprintf(want, sizeof(want), "%020" PRIu64, v);
	EXPECT_STR(close_text(got, fmt_u64_pad(got, v, 20)), want);
	snprintf(want, sizeof(want), "%012" PRIu64, v);
	EXPECT_STR(close_text(got, fmt_u64_pad(got, v, 12)), want);
	snprintf(want, sizeof(want), "%09u", (unsigned)(v % 1000000000));
	EXPECT_STR(close_text(got, fmt_nine(got, (uint32_t)(v % 1000000000))), want);
}

TEST(integers)
{
	check_integer(0);
	for (unsigned i = 0; i < 64; i++) {
		check_integer(1ULL << i);
		check_integer((1ULL << i) - 1);
		check_integer(0 - (1ULL << i));
	}
	for (uint64_t v = 1; v < UINT64_MAX / 10; v *= 10) {
		check_integer(v);
		check_integer(v - 1);
		check_integer(9 * v);
	}
	for (unsigned i = 0; i < 100000; i++)
		check_integer(any_length());
}

TEST(binary)
{
	char got[FMT_MOST + 1];

	EXPECT_STR(close_text(got, fmt_binary(got, 5, 3)), "101");
	EXPECT_STR(close_text(got, fmt_binary(got, 5, 6)), "000101");
	EXPECT_STR(close_text(got, fmt_binary(got, UINT64_MAX, 64)),
		   "1111111111111111111111111111111111111111111111111111111111111111");
}

static void check_g(double v)
{
	char got[FMT_MOST + 1], want[FMT_MOST + 1];

	snprintf(want, sizeof(want), "%g", v);
	EXPECT_STR(close_text(got, fmt_g(got, v)), want);
}

TEST(g_special)
{
	static const double some[] = {
		0.0,
		-0.0,
		INFINITY,
		-INFINITY,
		NAN,
		-NAN,
		1,
		0.1,
		0.5,
		1e5,
		999999,
		999999.4,
		999999.5,
		999999.6,
		1000000,
		100000.5,
		100001.5,
		1234565,
		1234575,
		12345.65,
		0.0001,
		0.00001,
		9.99999e-5,
		0.000099999949999,
		0.00009999995,
		5e-324,
		1e-310,
		2.2250738585072014e-308,
		1.7976931348623157e308,
		1e22,
		1e23,
		1e100,
		1e-100,
		123456.5,
		123457.5,
		3.5,
		33.3,
		2.5e-5,
		1e6,
		1e15,
		4503599627370496.5,
	};

	for (size_t i = 0; i < MEM_LEN(some); i++) {
		check_g(some[i]);
		check_g(-some[i]);
	}
}

TEST(g_powers_of_ten)
{
	for (int i = -330; i <= 310; i++) {
		char text[16];

		snprintf(text, sizeof(text), "1e%d", i);
		double v = strtod(text, NULL);
		check_g(v);
		check_g(nextafter(v, 0));
		check_g(nextafter(v, INFINITY));
		check_g(v * 5);
		check_g(v * 9.999995);
		check_g(v * 9.9999949999999);
	}
	for (int i = -1074; i < 1024; i++)
		check_g(ldexp(1, i));
}

/* Six digits and a half: as close to a tie as a double comes. */
TEST(g_halves)
{
	for (unsigned i = 0; i < 300000; i++) {
		double v = (double)(100000 + next_random() % 900000) + 0.5;
		int exp = (int)(next_random() % 40) - 20;
		double w = exp < 0 ? v / pow(10, -exp) : v * pow(10, exp);

		check_g(v);
		check_g(w);
		check_g(nextafter(w, 0));
		check_g(nextafter(w, INFINITY));
	}
}

/* SONDE_TEST_MANY=40000000 runs more than a unit test should. */
TEST(g_random)
{
	const char *many = getenv("SONDE_TEST_MANY");
	const long n = many ? strtol(many, NULL, 10) : 400000;

	for (long i = 0; i < n; i++) {
		check_g(as_double(next_random()));
		check_g((double)any_length() / (double)(1 + next_random() % 1000000));
		check_g((double)(float)as_double(next_random()));
	}
}

static void check_shortest(double v)
{
	char got[FMT_MOST + 1];
	const char *text = close_text(got, fmt_shortest(got, v));
	double back = strtod(text, NULL);

	if (memcmp(&back, &v, sizeof(v)))
		test_failed(__FILE__, __LINE__, "%s for %.17g", text, v);
}

TEST(shortest_reads_back)
{
	for (unsigned i = 0; i < 200000; i++) {
		double v = as_double(next_random());

		if (!isnan(v))
			check_shortest(v);
		check_shortest((double)any_length());
		check_shortest((double)any_length() / 1000);
		check_shortest((double)(float)next_random() / 3);
	}
	for (int i = -330; i <= 308; i++) {
		char text[16];

		snprintf(text, sizeof(text), "1e%d", i);
		check_shortest(strtod(text, NULL));
		check_shortest(-3 * strtod(text, NULL));
	}
}

TEST(shortest_looks)
{
	static const struct {
		double v;
		const char *want;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 0.1, "0.1" },
		{ 3.14, "3.14" },
		{ -2.5, "-2.5" },
		{ 1e15, "1000000000000000" },
		{ 123456789012, "123456789012" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e21, "1e+21" },
		{ 0.00001, "0.00001" },
		{ 0.000001, "1e-06" },
		{ 1e300, "1e+300" },
		{ 9007199254740992, "9007199254740992" },
	};
	char got[FMT_MOST + 1];

	for (size_t i = 0; i < MEM_LEN(rows); i++)
		EXPECT_STR(close_text(got, fmt_shortest(got, rows[i].v)), rows[i].want);
}

TEST(allocates_nothing)
{
	char got[FMT_MOST + 1];
	uint64_t before = test_allocations();

	for (unsigned i = 0; i < 1000; i++) {
		fmt_g(got, as_double(next_random()));
		fmt_u64(got, next_random());
	}
	EXPECT_EQ(test_allocations(), before);
}
