/* SPDX-License-Identifier: MIT */
/**
 * Decimal floating point of 34 digits, as IEEE 754's decimal128: for clocks, whose offsets have 16
 * digits before the point and whose slopes want 16 behind it. A double has neither.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

enum { DECIMAL_DIGITS = 34, DECIMAL_TEXT_MOST = 96 };

/** The value (-1)^neg * coef * 10^exp; zero is never negative. */
struct decimal {
	bool neg;
	int exp;
	unsigned __int128 coef;
};

struct decimal decimal_int(int64_t v);
struct decimal decimal_neg(struct decimal a);

/** Rounded to 34 digits, half to even. */
struct decimal decimal_mul(struct decimal a, struct decimal b);
/** Likewise; @b is not zero. */
struct decimal decimal_div(struct decimal a, struct decimal b);
/** Exact where 38 digits hold the sum, else rounded to 34. */
struct decimal decimal_add(struct decimal a, struct decimal b);

/** -1, 0 or 1, as @a is less than, equal to or greater than @b. */
int decimal_cmp(struct decimal a, struct decimal b);

/** The value times 2^@bits, to the nearest whole number. False: it does not fit. */
SONDE_MUST_CHECK bool decimal_fixed(struct decimal a, unsigned bits, __int128 *ret);

double decimal_real(struct decimal a);

/** Without an exponent, with 34 digits that count: "-79801185988752.87765143955425100000". */
void decimal_text(struct decimal a, char ret[DECIMAL_TEXT_MOST]);

/** Reads such a text. -EINVAL (sonde_fail()): it is none, or has more digits than fit. */
SONDE_MUST_CHECK int decimal_parse(const char *text, struct decimal *ret);

#endif
