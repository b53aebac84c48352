/* SPDX-License-Identifier: MIT */
/** What is known of a number: where it lies, as a signed and as an unsigned one, and its last bits.
 */
#ifndef BPF_VERIFY_RANGE_H
#define BPF_VERIFY_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/machine/alu.h"

struct range {
	int64_t smin, smax;
	uint64_t umin, umax;
	uint8_t zeros; /* lowest bits that are 0 for sure; at most 63 */
};

struct range range_any(void);
struct range range_const(uint64_t v);
/** A number of so many bits (8, 16, 32, 64), extended by zeros or its sign. */
struct range range_bits(unsigned bits, bool is_signed);
struct range range_signed(int64_t min, int64_t max);

bool range_is_const(const struct range *r);
bool range_has(const struct range *r, uint64_t v);

/** All that @a op @b may be. */
struct range range_op(struct alu how, const struct range *a, const struct range *b);
/** Its lowest 32 bits, extended by zeros. */
struct range range_low32(const struct range *a);

/** What is left of @a and @b where the condition holds (@yes) or not; false: nothing. */
bool range_refine(uint8_t cond, bool is64, bool yes, struct range *a, struct range *b);

/** All that is in @a or @b. */
struct range range_join(const struct range *a, const struct range *b);
/** Numbers that bounds may stop at, in order. */
struct range_stops {
	const uint64_t *n;
	size_t len;
};
/** Like @to, but where it reaches farther than @from: up to the next stop. */
struct range range_widen(const struct range *from, const struct range *to,
			 const struct range_stops *stops);
bool range_equal(const struct range *a, const struct range *b);

#endif
