/* SPDX-License-Identifier: MIT */
/** Distributions of durations, in buckets that grow with what is in them. */
#include "analysis/odd/dist.h"

#include <stdlib.h>

static unsigned bucket_of(uint64_t v)
{
	if (v < DIST_PARTS)
		return (unsigned)v;
	const unsigned high = 63u - (unsigned)__builtin_clzll(v); // 3 or more
	const unsigned part = (unsigned)(v >> (high - 3)) & (DIST_PARTS - 1);

	return (high - 2) * DIST_PARTS + part;
}

/* The middle of a bucket. */
static int64_t middle_of(unsigned bucket)
{
	if (bucket < DIST_PARTS)
		return bucket;
	const unsigned shift = bucket / DIST_PARTS - 1;
	const uint64_t low = (uint64_t)(DIST_PARTS + bucket % DIST_PARTS) << shift;

	const uint64_t middle = low + ((UINT64_C(1) << shift) >> 1);

	return middle > INT64_MAX ? INT64_MAX : (int64_t)middle;
}

void dist_add(struct dist *d, int64_t ns)
{
	uint32_t *n = &d->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)];

	*n += *n < UINT32_MAX;
	d->n++;
}

int64_t dist_median(const struct dist *d)
{
	uint64_t below = 0;

	for (unsigned i = 0; i < DIST_BUCKETS; i++) {
		below += d->buckets[i];
		if (below * 2 >= d->n && d->n)
			return middle_of(i);
	}
	return 0;
}

struct deviation {
	int64_t ns;
	uint64_t n;
};

static int by_size(const void *a, const void *b)
{
	const struct deviation *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

int64_t dist_mad(const struct dist *d, int64_t median)
{
	struct deviation all[DIST_BUCKETS];
	uint64_t below = 0;

	for (unsigned i = 0; i < DIST_BUCKETS; i++) {
		const int64_t middle = middle_of(i);

		all[i] = (struct deviation){ middle > median ? middle - median : median - middle,
					     d->buckets[i] };
	}
	qsort(all, DIST_BUCKETS, sizeof(*all), by_size);
	for (unsigned i = 0; i < DIST_BUCKETS; i++) {
		below += all[i].n;
		if (below * 2 >= d->n && d->n)
			return all[i].ns;
	}
	return 0;
}
