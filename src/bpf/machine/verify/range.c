/* SPDX-License-Identifier: MIT */
/** Arithmetic on ranges: each result holds all that the numbers could give, perhaps more. */
#include "bpf/machine/verify/range.h"

#include "base/check.h"
#include "base/mem.h"

struct range range_any(void)
{
	return (struct range){ INT64_MIN, INT64_MAX, 0, UINT64_MAX, 0 };
}

static uint8_t zeros_of(uint64_t v)
{
	return v ? (uint8_t)__builtin_ctzll(v) : 63;
}

struct range range_const(uint64_t v)
{
	return (struct range){ (int64_t)v, (int64_t)v, v, v, zeros_of(v) };
}

bool range_is_const(const struct range *r)
{
	return r->umin == r->umax;
}

bool range_has(const struct range *r, uint64_t v)
{
	return v >= r->umin && v <= r->umax && (int64_t)v >= r->smin && (int64_t)v <= r->smax &&
	       zeros_of(v) >= r->zeros;
}

bool range_equal(const struct range *a, const struct range *b)
{
	return a->smin == b->smin && a->smax == b->smax && a->umin == b->umin &&
	       a->umax == b->umax && a->zeros == b->zeros;
}

/* What either half knows of the other, once; false: no number is left. */
static bool settle_once(struct range *r)
{
	const uint64_t low = (1ULL << r->zeros) - 1;

	// Numbers of one sign have the same order either way.
	if (r->smin >= 0 || r->smax < 0) {
		r->umin = r->umin > (uint64_t)r->smin ? r->umin : (uint64_t)r->smin;
		r->umax = r->umax < (uint64_t)r->smax ? r->umax : (uint64_t)r->smax;
	}
	if (r->umin > r->umax || r->smin > r->smax || r->umin > UINT64_MAX - low)
		return false;
	r->umin = (r->umin + low) & ~low;
	r->umax &= ~low;
	if (r->umin > r->umax)
		return false;
	if ((int64_t)r->umin <= (int64_t)r->umax) {
		r->smin = r->smin > (int64_t)r->umin ? r->smin : (int64_t)r->umin;
		r->smax = r->smax < (int64_t)r->umax ? r->smax : (int64_t)r->umax;
	}
	return r->smin <= r->smax;
}

static bool settle(struct range *r)
{
	for (int i = 0; i < 2; i++) {
		if (!settle_once(r))
			return false;
	}
	if (r->umin == r->umax)
		*r = range_const(r->umin);
	return true;
}

static struct range made(struct range r)
{
	return settle(&r) ? r : range_any();
}

static struct range unsigned_range(uint64_t min, uint64_t max, uint8_t zeros)
{
	return made((struct range){ INT64_MIN, INT64_MAX, min, max, zeros });
}

struct range range_signed(int64_t min, int64_t max)
{
	return made((struct range){ min, max, 0, UINT64_MAX, 0 });
}

struct range range_bits(unsigned bits, bool is_signed)
{
	if (bits >= 64)
		return range_any();
	if (is_signed)
		return range_signed(-(int64_t)(1ULL << (bits - 1)),
				    (int64_t)(1ULL << (bits - 1)) - 1);
	return unsigned_range(0, (1ULL << bits) - 1, 0);
}

struct range range_low32(const struct range *a)
{
	if (a->umax <= UINT32_MAX)
		return *a;
	return unsigned_range(0, UINT32_MAX, a->zeros > 32 ? 32 : a->zeros);
}

/* All bits up to the highest one of @v. */
static uint64_t ones(uint64_t v)
{
	return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static struct range add(const struct range *a, const struct range *b)
{
	struct range r = range_any();

	r.zeros = least(a->zeros, b->zeros);
	if (__builtin_add_overflow(a->smin, b->smin, &r.smin) ||
	    __builtin_add_overflow(a->smax, b->smax, &r.smax)) {
		r.smin = INT64_MIN;
		r.smax = INT64_MAX;
	}
	if (__builtin_add_overflow(a->umin, b->umin, &r.umin) ||
	    __builtin_add_overflow(a->umax, b->umax, &r.umax)) {
		r.umin = 0;
		r.umax = UINT64_MAX;
	}
	return made(r);
}

static struct range sub(const struct range *a, const struct range *b)
{
	struct range r = range_any();

	r.zeros = least(a->zeros, b->zeros);
	if (__builtin_sub_overflow(a->smin, b->smax, &r.smin) ||
	    __builtin_sub_overflow(a->smax, b->smin, &r.smax)) {
		r.smin = INT64_MIN;
		r.smax = INT64_MAX;
	}
	if (a->umin >= b->umax) {
		r.umin = a->umin - b->umax;
		r.umax = a->umax - b->umin;
	}
	return made(r);
}

static struct range mul(const struct range *a, const struct range *b)
{
	const unsigned zeros = (unsigned)a->zeros + b->zeros;
	struct range r = range_any();
	uint64_t max;

	r.zeros = zeros > 63 ? 63 : (uint8_t)zeros;
	if (!__builtin_mul_overflow(a->umax, b->umax, &max)) {
		r.umin = a->umin * b->umin;
		r.umax = max;
	}
	return made(r);
}

static struct range divide(const struct range *a, const struct range *b)
{
	return b->umin ? unsigned_range(a->umin / b->umax, a->umax / b->umin, 0)
		       : unsigned_range(0, a->umax, 0);
}

static struct range modulo(const struct range *a, const struct range *b)
{
	if (b->umin && a->umax < b->umin)
		return *a;
	if (b->umin && b->umax - 1 < a->umax)
		return unsigned_range(0, b->umax - 1, 0);
	return unsigned_range(0, a->umax, 0);
}

static struct range lsh(const struct range *a, const struct range *by)
{
	const unsigned min = (unsigned)by->umin, max = (unsigned)by->umax;
	sonde_dcheck(min < 64 && max < 64);
	const unsigned zeros = a->zeros + min;
	const uint8_t z = zeros > 63 ? 63 : (uint8_t)zeros;

	if (a->umax <= UINT64_MAX >> max)
		return unsigned_range(a->umin << min, a->umax << max, z);
	return unsigned_range(0, UINT64_MAX, z);
}

static struct range rsh(const struct range *a, const struct range *by)
{
	const unsigned min = (unsigned)by->umin, max = (unsigned)by->umax;
	sonde_dcheck(min < 64 && max < 64);

	return unsigned_range(a->umin >> max, a->umax >> min,
			      a->zeros > max ? (uint8_t)(a->zeros - max) : 0);
}

static struct range arsh(const struct range *a, const struct range *by)
{
	const unsigned min = (unsigned)by->umin, max = (unsigned)by->umax;
	sonde_dcheck(min < 64 && max < 64);

	// Towards 0 from above, towards -1 from below.
	struct range r = range_signed(a->smin >> (a->smin < 0 ? min : max),
				      a->smax >> (a->smax < 0 ? max : min));
	r.zeros = a->zeros > max ? (uint8_t)(a->zeros - max) : 0;
	return made(r);
}

static struct range op64(struct alu how, const struct range *a, const struct range *b)
{
	const uint64_t mask = how.is64 ? 63 : 31;
	struct range by = *b;

	if (range_is_const(b))
		by = range_const(b->umin & mask);
	else if (b->umax > mask)
		by = unsigned_range(0, mask, 0);
	switch (how.op) {
	case BPF_ADD: return add(a, b);
	case BPF_SUB: return sub(a, b);
	case BPF_MUL: return mul(a, b);
	case BPF_DIV: return how.is_signed ? range_any() : divide(a, b);
	case BPF_MOD: return how.is_signed ? range_any() : modulo(a, b);
	case BPF_AND:
		return unsigned_range(0, a->umax < b->umax ? a->umax : b->umax,
				      a->zeros > b->zeros ? a->zeros : b->zeros);
	case BPF_OR:
		return unsigned_range(a->umin > b->umin ? a->umin : b->umin,
				      ones(a->umax | b->umax), least(a->zeros, b->zeros));
	case BPF_XOR: return unsigned_range(0, ones(a->umax | b->umax), least(a->zeros, b->zeros));
	case BPF_LSH: return lsh(a, &by);
	case BPF_RSH: return rsh(a, &by);
	case BPF_ARSH: return arsh(a, &by);
	default: return range_any();
	}
}

struct range range_op(struct alu how, const struct range *a, const struct range *b)
{
	if (range_is_const(a) && range_is_const(b))
		return range_const(alu_do(how, a->umin, b->umin));
	if (how.op == BPF_NEG) {
		const struct range zero = range_const(0);
		how.op = BPF_SUB;
		return range_op(how, &zero, a);
	}
	if (how.is64)
		return op64(how, a, b);
	const struct range x = range_low32(a), y = range_low32(b);
	if (how.op == BPF_ARSH && x.umax > INT32_MAX)
		return range_bits(32, false);
	const struct range r = op64(how, &x, &y);
	return range_low32(&r);
}

/* --- conditions --- */

/* @a == @b: both are what both may be. */
static bool meet(struct range *a, struct range *b)
{
	a->smin = a->smin > b->smin ? a->smin : b->smin;
	a->smax = a->smax < b->smax ? a->smax : b->smax;
	a->umin = a->umin > b->umin ? a->umin : b->umin;
	a->umax = a->umax < b->umax ? a->umax : b->umax;
	a->zeros = a->zeros > b->zeros ? a->zeros : b->zeros;
	if (!settle(a))
		return false;
	*b = *a;
	return true;
}

static bool exclude(struct range *a, const struct range *b)
{
	if (!range_is_const(b))
		return true;
	if (range_is_const(a))
		return a->umin != b->umin;
	a->umin += a->umin == b->umin;
	a->umax -= a->umax == b->umin;
	a->smin += a->smin == b->smin;
	a->smax -= a->smax == b->smin;
	return settle(a);
}

/* @a < @b, or <= where not @strict. */
static bool below(struct range *a, struct range *b, bool strict)
{
	if (strict && (b->umax == 0 || a->umin == UINT64_MAX))
		return false;
	a->umax = a->umax < b->umax - strict ? a->umax : b->umax - strict;
	b->umin = b->umin > a->umin + strict ? b->umin : a->umin + strict;
	return settle(a) && settle(b);
}

static bool below_signed(struct range *a, struct range *b, bool strict)
{
	if (strict && (b->smax == INT64_MIN || a->smin == INT64_MAX))
		return false;
	a->smax = a->smax < b->smax - strict ? a->smax : b->smax - strict;
	b->smin = b->smin > a->smin + strict ? b->smin : a->smin + strict;
	return settle(a) && settle(b);
}

static uint8_t opposite(uint8_t cond)
{
	switch (cond) {
	case BPF_JEQ: return BPF_JNE;
	case BPF_JNE: return BPF_JEQ;
	case BPF_JGT: return BPF_JLE;
	case BPF_JGE: return BPF_JLT;
	case BPF_JLT: return BPF_JGE;
	case BPF_JLE: return BPF_JGT;
	case BPF_JSGT: return BPF_JSLE;
	case BPF_JSGE: return BPF_JSLT;
	case BPF_JSLT: return BPF_JSGE;
	default: return BPF_JSGT; // BPF_JSLE
	}
}

static bool refine64(uint8_t cond, struct range *a, struct range *b)
{
	switch (cond) {
	case BPF_JEQ: return meet(a, b);
	case BPF_JNE: return exclude(a, b) && exclude(b, a);
	case BPF_JLT: return below(a, b, true);
	case BPF_JLE: return below(a, b, false);
	case BPF_JGT: return below(b, a, true);
	case BPF_JGE: return below(b, a, false);
	case BPF_JSLT: return below_signed(a, b, true);
	case BPF_JSLE: return below_signed(a, b, false);
	case BPF_JSGT: return below_signed(b, a, true);
	default: return below_signed(b, a, false); // BPF_JSGE
	}
}

static bool is_signed_cond(uint8_t cond)
{
	return cond == BPF_JSGT || cond == BPF_JSGE || cond == BPF_JSLT || cond == BPF_JSLE;
}

bool range_refine(uint8_t cond, bool is64, bool yes, struct range *a, struct range *b)
{
	const struct range zero = range_const(0);

	if (range_is_const(a) && range_is_const(b))
		return alu_cond(cond, is64, a->umin, b->umin) == yes;
	if (!is64) {
		const uint64_t most = is_signed_cond(cond) ? INT32_MAX : UINT32_MAX;
		// Else the upper halves, which are not compared, may be anything.
		if (a->umax > most || b->umax > most)
			return true;
	}
	if (cond == BPF_JSET)
		return !yes || (exclude(a, &zero) && exclude(b, &zero));
	return refine64(yes ? cond : opposite(cond), a, b);
}

/* --- joining --- */

struct range range_join(const struct range *a, const struct range *b)
{
	return made((struct range){
		a->smin < b->smin ? a->smin : b->smin,
		a->smax > b->smax ? a->smax : b->smax,
		a->umin < b->umin ? a->umin : b->umin,
		a->umax > b->umax ? a->umax : b->umax,
		least(a->zeros, b->zeros),
	});
}

/* The least stop that is not below @v, as an unsigned or signed number; false: there is none. */
static bool stop_above(const struct range_stops *stops, uint64_t v, bool is_signed, uint64_t *ret)
{
	bool found = false;

	for (size_t i = 0; i < stops->len; i++) {
		const uint64_t s = stops->n[i];
		const bool above = is_signed ? (int64_t)s >= (int64_t)v : s >= v;
		const bool nearer = !found || (is_signed ? (int64_t)s < (int64_t)*ret : s < *ret);

		if (above && nearer) {
			*ret = s;
			found = true;
		}
	}
	return found;
}

struct range range_widen(const struct range *from, const struct range *to,
			 const struct range_stops *stops)
{
	struct range r = *to;
	uint64_t stop = 0;

	if (to->umax > from->umax)
		r.umax = stop_above(stops, to->umax, false, &stop) ? stop : UINT64_MAX;
	if (to->smax > from->smax)
		r.smax = stop_above(stops, (uint64_t)to->smax, true, &stop) ? (int64_t)stop
									    : INT64_MAX;
	if (to->umin < from->umin)
		r.umin = 0;
	if (to->smin < from->smin)
		r.smin = to->smin >= 0 ? 0 : INT64_MIN;
	return made(r);
}
