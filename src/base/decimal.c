/* SPDX-License-Identifier: MIT */
/** Decimal floating point of 34 digits. */
#include "base/decimal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

typedef unsigned __int128 u128;

/* Room for products: @hi * 2^128 + @lo. */
struct u256 {
	u128 hi, lo;
};

enum {
	DIGITS_HELD = 38, /* any number of 38 digits fits into 128 bits */
	EXP_MOST = 6000,  /* far from what clocks need; keeps loops short */
};

static u128 power10(unsigned n)
{
	u128 p = 1;

	while (n--)
		p *= 10;
	return p;
}

static unsigned digits_of(u128 v)
{
	unsigned n = 0;

	for (; v; v /= 10)
		n++;
	return n;
}

static struct u256 mul_full(u128 a, u128 b)
{
	const u128 mask = UINT64_MAX;
	const u128 ll = (a & mask) * (b & mask), lh = (a & mask) * (b >> 64);
	const u128 hl = (a >> 64) * (b & mask), hh = (a >> 64) * (b >> 64);
	const u128 mid = (ll >> 64) + (lh & mask) + (hl & mask);

	return (struct u256){ hh + (lh >> 64) + (hl >> 64) + (mid >> 64),
			      (mid << 64) | (ll & mask) };
}

/* Long division, bit by bit: 256 steps, and the few divisions here have the time. */
static struct u256 div_full(struct u256 a, u128 d, u128 *ret_rest)
{
	struct u256 q = { 0, 0 };
	u128 rest = 0;

	for (int i = 255; i >= 0; i--) {
		const bool over = rest >> 127;
		const u128 bit = (i >= 128 ? a.hi >> (i - 128) : a.lo >> i) & 1;

		rest = rest << 1 | bit;
		if (!over && rest < d)
			continue;
		rest -= d;
		if (i >= 128)
			q.hi |= (u128)1 << (i - 128);
		else
			q.lo |= (u128)1 << i;
	}
	*ret_rest = rest;
	return q;
}

/* @v to 34 digits, half to even. @more: the value is a bit larger than @v. */
static struct decimal round_full(bool neg, struct u256 v, int exp, bool more)
{
	u128 half = 0, rest = 0;

	while (v.hi || v.lo >= power10(DIGITS_HELD)) {
		more |= rest != 0;
		v = div_full(v, 10, &rest);
		half = 5;
		exp++;
	}
	const unsigned n = digits_of(v.lo);
	if (n > DECIMAL_DIGITS) {
		const u128 p = power10(n - DECIMAL_DIGITS);

		more |= rest != 0;
		rest = v.lo % p;
		v.lo /= p;
		half = p / 2;
		exp += (int)(n - DECIMAL_DIGITS);
	}
	if (half && (rest > half || (rest == half && (more || v.lo & 1))))
		v.lo++;
	return (struct decimal){ neg && v.lo, v.lo ? exp : 0, v.lo };
}

struct decimal decimal_int(int64_t v)
{
	return (struct decimal){ v < 0, 0, v < 0 ? -(u128)v : (u128)v };
}

struct decimal decimal_neg(struct decimal a)
{
	a.neg = !a.neg && a.coef;
	return a;
}

struct decimal decimal_mul(struct decimal a, struct decimal b)
{
	return round_full(a.neg != b.neg, mul_full(a.coef, b.coef), a.exp + b.exp, false);
}

struct decimal decimal_div(struct decimal a, struct decimal b)
{
	if (!a.coef || !b.coef)
		return (struct decimal){ false, 0, 0 };

	// A quotient of 35 digits at least, so that rounding sees one digit and the rest.
	int shift = DECIMAL_DIGITS + 2 + (int)digits_of(b.coef) - (int)digits_of(a.coef);
	if (shift < 0)
		shift = 0;
	struct u256 num = { 0, a.coef };
	int exp = a.exp - b.exp - shift;
	for (; shift > 0; shift -= DIGITS_HELD) {
		const u128 p = power10(shift < DIGITS_HELD ? (unsigned)shift : DIGITS_HELD);
		struct u256 low = mul_full(num.lo, p);

		low.hi += num.hi * p; // 38 + 36 digits: less than 256 bits
		num = low;
	}
	u128 rest;
	struct u256 q = div_full(num, b.coef, &rest);
	struct decimal r = round_full(a.neg != b.neg, q, exp, rest != 0);
	// As few digits as say the same: 1 / 2 is 0.5.
	while (!rest && r.exp < a.exp - b.exp && r.coef % 10 == 0) {
		r.coef /= 10;
		r.exp++;
	}
	return r;
}

/* Makes the exponent @exp or as low as 38 digits allow. */
static struct decimal lower(struct decimal a, int exp)
{
	while (a.coef && a.exp > exp && a.coef < power10(DIGITS_HELD - 1)) {
		a.coef *= 10;
		a.exp--;
	}
	if (!a.coef)
		a.exp = exp;
	return a;
}

/* Makes the exponent @exp, and tells whether digits went. */
static struct decimal raise(struct decimal a, int exp, bool *ret_more)
{
	for (; a.exp < exp && a.coef; a.exp++) {
		*ret_more |= a.coef % 10 != 0;
		a.coef /= 10;
	}
	a.exp = exp;
	return a;
}

struct decimal decimal_add(struct decimal a, struct decimal b)
{
	bool more = false;

	if (!a.coef || !b.coef)
		return a.coef ? a : b;
	a = lower(a, b.exp);
	b = lower(b, a.exp);
	const int exp = a.exp > b.exp ? a.exp : b.exp;
	a = raise(a, exp, &more);
	b = raise(b, exp, &more);
	if (a.neg == b.neg) {
		const u128 sum = a.coef + b.coef; // of 38 digits each: no overflow
		if (sum < power10(DIGITS_HELD) && !more)
			return (struct decimal){ a.neg, exp, sum };
		return round_full(a.neg, (struct u256){ 0, sum }, exp, more);
	}
	const bool swap = a.coef < b.coef;
	const u128 diff = swap ? b.coef - a.coef : a.coef - b.coef;
	if (!more)
		return (struct decimal){ diff && (swap ? b.neg : a.neg), diff ? exp : 0, diff };
	return round_full(swap ? b.neg : a.neg, (struct u256){ 0, diff }, exp, false);
}

int decimal_cmp(struct decimal a, struct decimal b)
{
	const struct decimal d = decimal_add(a, decimal_neg(b));

	return !d.coef ? 0 : d.neg ? -1 : 1;
}

bool decimal_fixed(struct decimal a, unsigned bits, __int128 *ret)
{
	struct u256 v;
	u128 rest = 0, half = 0;

	if (!a.coef || a.exp < -2 * DIGITS_HELD) {
		*ret = 0;
		return true;
	}
	if (bits > 126 || a.exp > DIGITS_HELD)
		return false;
	v = mul_full(a.coef, (u128)1 << bits);
	for (int e = a.exp; e > 0; e--) {
		struct u256 low = mul_full(v.lo, 10);

		if (v.hi > UINT64_MAX)
			return false;
		v = (struct u256){ low.hi + v.hi * 10, low.lo };
	}
	// In two steps where one power does not fit; the first one's rest is below all notice.
	for (int e = -a.exp; e > 0; e -= DIGITS_HELD) {
		const u128 p = power10(e < DIGITS_HELD ? (unsigned)e : DIGITS_HELD);

		v = div_full(v, p, &rest);
		half = p / 2;
	}
	if (half && rest >= half && ++v.lo == 0)
		v.hi++;
	if (v.hi || v.lo >> 127)
		return false;
	*ret = a.neg ? -(__int128)v.lo : (__int128)v.lo;
	return true;
}

double decimal_real(struct decimal a)
{
	double v = (double)a.coef;

	for (int e = a.exp; e > 0; e--)
		v *= 10;
	for (int e = a.exp; e < 0; e++)
		v /= 10;
	return a.neg ? -v : v;
}

void decimal_text(struct decimal a, char ret[DECIMAL_TEXT_MOST])
{
	char digits[DIGITS_HELD + 2] = "";
	char *p = ret;
	int n = 0;

	if (digits_of(a.coef) > DECIMAL_DIGITS)
		a = round_full(a.neg, (struct u256){ 0, a.coef }, a.exp, false);
	while (a.coef && digits_of(a.coef) < DECIMAL_DIGITS) {
		a.coef *= 10;
		a.exp--;
	}
	if (!a.coef)
		a.exp = 1 - DECIMAL_DIGITS;
	for (u128 v = a.coef; v || n < 1; v /= 10)
		digits[n++] = (char)('0' + (int)(v % 10));

	// The digit before the point has the number @top: those that are not there are zeros.
	int top = n - 1 + a.exp;
	if (top < 0)
		top = 0;
	const int room = DECIMAL_TEXT_MOST - 4;
	if (a.neg)
		*p++ = '-';
	for (int at = top; (at >= 0 || at >= a.exp) && p - ret < room; at--) {
		const int i = at - a.exp;

		if (at == -1)
			*p++ = '.';
		*p++ = i >= 0 && i < n ? digits[i] : '0';
	}
	*p = '\0';
}

int decimal_parse(const char *text, struct decimal *ret)
{
	struct decimal v = { *text == '-', 0, 0 };
	bool point = false, some = false;
	const char *p = text + (*text == '-' || *text == '+');

	for (; *p; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*p))
			return sonde_fail(-EINVAL, "'%.60s' is no decimal number", text);
		some = true;
		if (v.coef >= power10(DIGITS_HELD - 1) || v.exp < -EXP_MOST)
			return sonde_fail(-EINVAL, "'%.60s' has more digits than fit", text);
		v.coef = v.coef * 10 + (u128)(*p - '0');
		v.exp -= point;
	}
	if (!some)
		return sonde_fail(-EINVAL, "'%.60s' is no decimal number", text);
	v.neg = v.neg && v.coef;
	*ret = v;
	return 0;
}
