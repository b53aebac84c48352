/* SPDX-License-Identifier: MIT */
/**
 * Numbers as text, by hand.
 *
 * fmt_g() of v = m * 2^e finds the power of ten that brings v between 10^5 and 2 * 10^6, so that
 * the six digits of "%g" stand before the point:
 *
 *      m (64 bits)  *  10^k (64 bits, rounded)  =  128 bits
 *                                                  |int part, 17 .. 21 bits| fraction ... |
 *
 * The power is off by less than 2^-62 of its value, so the fraction is known to within a few units
 * of bit 64. Unless it is that close to a half, the rounding is decided; else (about once in 2^37
 * random numbers, and for true ties such as 100000.5) snprintf() decides.
 */
#include "base/fmt.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

const char fmt_pairs[200] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* m * 2^e, m between 2^63 and 2^64. */
struct scaled {
	uint64_t m;
	int e;
};

// clang-format off
/* 10^(20 i) for i from -16 to 17, rounded to nearest. */
static const struct scaled tens_of_20[] = {
	{ 0xfd00b897478238d1U, -1127 }, { 0xab70fe17c79ac6caU, -1060 }, { 0xe858ad248f5c22caU, -994 },
	{ 0x9d71ac8fada6c9b5U, -927 }, { 0xd5605fcdcf32e1d7U, -861 }, { 0x9096ea6f3848984fU, -794 },
	{ 0xc3f490aa77bd60fdU, -728 }, { 0x84c8d4dfd2c63f3bU, -661 }, { 0xb3f4e093db73a093U, -595 },
	{ 0xf3e2f893dec3f126U, -529 }, { 0xa54394fe1eedb8ffU, -462 }, { 0xdff9772470297ebdU, -396 },
	{ 0x97c560ba6b0919a6U, -329 }, { 0xcdb02555653131b6U, -263 }, { 0x8b61313bbabce2c6U, -196 },
	{ 0xbce5086492111aebU, -130 }, { 0x8000000000000000U, -63 }, { 0xad78ebc5ac620000U, 3 },
	{ 0xeb194f8e1ae525fdU, 69 }, { 0x9f4f2726179a2245U, 136 }, { 0xd7e77a8f87daf7fcU, 202 },
	{ 0x924d692ca61be758U, 269 }, { 0xc646d63501a1511eU, 335 }, { 0x865b86925b9bc5c2U, 402 },
	{ 0xb616a12b7fe617aaU, 468 }, { 0xf6c69a72a3989f5cU, 534 }, { 0xa738c6bebb12d16dU, 601 },
	{ 0xe2a0b5dc971f303aU, 667 }, { 0x9991a6f3d6bf1766U, 734 }, { 0xd01fef10a657842cU, 800 },
	{ 0x8d07e33455637eb3U, 867 }, { 0xbf21e44003acdd2dU, 933 }, { 0x81842f29f2cce376U, 1000 },
	{ 0xaf87023b9bf0ee6bU, 1066 },
};

/* 10^i for i from 0 to 19, exact. */
static const struct scaled tens[] = {
	{ 0x8000000000000000U, -63 }, { 0xa000000000000000U, -60 }, { 0xc800000000000000U, -57 },
	{ 0xfa00000000000000U, -54 }, { 0x9c40000000000000U, -50 }, { 0xc350000000000000U, -47 },
	{ 0xf424000000000000U, -44 }, { 0x9896800000000000U, -40 }, { 0xbebc200000000000U, -37 },
	{ 0xee6b280000000000U, -34 }, { 0x9502f90000000000U, -30 }, { 0xba43b74000000000U, -27 },
	{ 0xe8d4a51000000000U, -24 }, { 0x9184e72a00000000U, -20 }, { 0xb5e620f480000000U, -17 },
	{ 0xe35fa931a0000000U, -14 }, { 0x8e1bc9bf04000000U, -10 }, { 0xb1a2bc2ec5000000U, -7 },
	{ 0xde0b6b3a76400000U, -4 }, { 0x8ac7230489e80000U, 0 },
};
// clang-format on

static const uint64_t powers[20] = {
	1U,
	10U,
	100U,
	1000U,
	10000U,
	100000U,
	1000000U,
	10000000U,
	100000000U,
	1000000000U,
	10000000000U,
	100000000000U,
	1000000000000U,
	10000000000000U,
	100000000000000U,
	1000000000000000U,
	10000000000000000U,
	100000000000000000U,
	1000000000000000000U,
	10000000000000000000U,
};

static unsigned count_digits(uint64_t v)
{
	// 1233 / 4096 is a little more than log10(2).
	unsigned n = (unsigned)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= powers[n] || !n);
}

char *fmt_u64_pad(char *p, uint64_t v, unsigned width)
{
	unsigned n = count_digits(v);

	for (; n < width; width--)
		*p++ = '0';
	return fmt_u64(p, v);
}

char *fmt_nine(char *p, uint32_t v)
{
	fmt_word_(p, fmt_eight_(v / 10));
	p[8] = (char)('0' + v % 10);
	return p + 9;
}

static inline char *put_hex(char *p, uint64_t v, const char *digits)
{
	const unsigned n = (67 - (unsigned)__builtin_clzll(v | 1)) / 4;

	for (unsigned i = n; i-- > 0; v >>= 4)
		p[i] = digits[v & 15];
	return p + n;
}

char *fmt_hex_upper(char *p, uint64_t v)
{
	return put_hex(p, v, "0123456789ABCDEF");
}

char *fmt_hex(char *p, uint64_t v)
{
	return put_hex(p, v, "0123456789abcdef");
}

char *fmt_octal(char *p, uint64_t v)
{
	const unsigned n = (66 - (unsigned)__builtin_clzll(v | 1)) / 3;

	for (unsigned i = n; i-- > 0; v >>= 3)
		p[i] = (char)('0' + (v & 7));
	return p + n;
}

char *fmt_binary(char *p, uint64_t v, unsigned len)
{
	for (unsigned i = len; i-- > 0;)
		*p++ = (char)('0' + (v >> i & 1));
	return p;
}

/* 10^k, -320 <= k < 360. */
static struct scaled power_of_ten(int k)
{
	const unsigned at = (unsigned)(k + 320);
	const struct scaled small = tens[at % 20];
	if (at / 20 == 16)
		return small;

	const struct scaled big = tens_of_20[at / 20];
	unsigned __int128 m = (unsigned __int128)big.m * small.m;
	int e = big.e + small.e + 64;
	if (!(uint64_t)(m >> 127)) {
		m <<= 1;
		e--;
	}
	return (struct scaled){ (uint64_t)(m >> 64), e };
}

/*
 * The six digits of @bits (positive, finite, not 0), and the decimal exponent of the first of
 * them. False: a tie, or too close to one.
 */
static bool six_digits(uint64_t bits, uint32_t *ret, int *ret_exp)
{
	enum { CLOSE = 64 }; // far more than the error
	uint64_t m = bits & 0xfffffffffffffU;
	int e = (int)(bits >> 52);

	if (e)
		m |= 1ULL << 52;
	else
		e = 1;
	const int up = __builtin_clzll(m);
	m <<= up;
	e -= 1075 + up;

	// floor(log10(2^(e + 63))), which is the exponent or one less. 1292913986 / 2^32 is
	// log10(2).
	int exp = (int)((int64_t)(e + 63) * 1292913986 >> 32);
	const struct scaled ten = power_of_ten(5 - exp);
	const uint64_t high = (uint64_t)((unsigned __int128)m * ten.m >> 64);
	const unsigned shift = (unsigned)-(e + ten.e + 64); // 41 .. 48 bits of fraction
	const uint64_t whole = high >> shift;
	uint64_t rest = high & ((1ULL << shift) - 1), half = 1ULL << (shift - 1);
	uint32_t digits = (uint32_t)whole;

	if (whole >= 1000000) {
		digits = (uint32_t)(whole / 10);
		rest += whole % 10 << shift;
		half *= 10;
		exp++;
	}
	if (rest + CLOSE >= half && rest <= half + CLOSE)
		return false;
	digits += rest > half;
	if (digits == 1000000) {
		digits = 100000;
		exp++;
	}
	*ret = digits;
	*ret_exp = exp;
	return true;
}

/* The @n digits in @d with a point behind the first, and an exponent of at least two digits. */
static char *put_scientific(char *p, const char *d, unsigned n, int exp)
{
	*p++ = *d;
	if (n > 1) {
		*p++ = '.';
		memcpy(p, d + 1, n - 1);
		p += n - 1;
	}
	*p++ = 'e';
	*p++ = exp < 0 ? '-' : '+';
	unsigned e = (unsigned)(exp < 0 ? -exp : exp);
	if (e >= 100) {
		*p++ = (char)('0' + e / 100);
		e %= 100;
	}
	return fmt_two(p, e);
}

/* The @n digits in @d, the first of them worth 10^exp, without an exponent. */
static char *put_plain(char *p, const char *d, unsigned n, int exp)
{
	if (exp < 0) {
		*p++ = '0';
		*p++ = '.';
		for (int i = -1; i > exp; i--)
			*p++ = '0';
		memcpy(p, d, n);
		return p + n;
	}
	const unsigned whole = (unsigned)exp + 1;
	if (n <= whole) {
		memcpy(p, d, n);
		memset(p + n, '0', whole - n);
		return p + whole;
	}
	memcpy(p, d, whole);
	p[whole] = '.';
	memcpy(p + whole + 1, d + whole, n - whole);
	return p + n + 1;
}

/* What is neither a number nor has digits; NULL: it has. */
static char *put_special(char *p, double v)
{
	if (isnan(v) || isinf(v)) {
		memcpy(p, isnan(v) ? "nan" : "inf", 3);
		return p + 3;
	}
	if (v == 0) {
		*p = '0';
		return p + 1;
	}
	return NULL;
}

char *fmt_g(char *p, double v)
{
	char *const begin = p;
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	if (bits >> 63)
		*p++ = '-';
	bits &= INT64_MAX;
	if (!bits || bits >> 52 == 0x7ff)
		return put_special(p, v);

	uint32_t digits;
	int exp;
	if (!six_digits(bits, &digits, &exp))
		return begin + snprintf(begin, FMT_MOST, "%g", v);

	char d[16];
	const uint64_t word = fmt_eight_(digits) >> 16; // the first two are 0
	const unsigned n = 8 - (unsigned)__builtin_clzll(word) / 8;
	fmt_word_(d, word);
	return exp < -4 || exp >= 6 ? put_scientific(p, d, n, exp) : put_plain(p, d, n, exp);
}

/*
 * Finds digits and exponent where 15 digits are enough and IEEE division or multiplication proves
 * it: an integer below 2^53 by a power of ten up to 10^22, all of them exact.
 */
static bool fifteen_digits(double v, uint64_t *ret, int *ret_exp)
{
	static const double exact[] = { 1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,
					1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	if (!(v >= 1e-7 && v < 1e22))
		return false;

	int exp = -7;
	while (exp < 21 && v >= (exp + 1 < 0 ? 1 / exact[-exp - 1] : exact[exp + 1]))
		exp++;
	const int k = 14 - exp; // digits behind the point
	const double n = rint(k >= 0 ? v * exact[k] : v / exact[-k]);
	if (n > 1e15 || (k >= 0 ? n / exact[k] : n * exact[-k]) != v)
		return false;
	*ret = (uint64_t)n;
	*ret_exp = exp + (n == 1e15);
	return true;
}

char *fmt_shortest(char *p, double v)
{
	if (signbit(v)) {
		*p++ = '-';
		v = -v;
	}
	char *end = put_special(p, v);
	if (end)
		return end;

	uint64_t digits;
	int exp;
	if (!fifteen_digits(v, &digits, &exp)) {
		for (int precision = 15; precision < 17; precision++) {
			int len = snprintf(p, FMT_MOST - 1, "%.*g", precision, v);
			if (strtod(p, NULL) == v)
				return p + len;
		}
		return p + snprintf(p, FMT_MOST - 1, "%.17g", v);
	}

	char d[20];
	unsigned n = (unsigned)(fmt_u64(d, digits) - d);
	while (d[n - 1] == '0')
		n--;
	return exp < -5 || exp >= 16 ? put_scientific(p, d, n, exp) : put_plain(p, d, n, exp);
}
