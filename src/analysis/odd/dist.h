/* SPDX-License-Identifier: MIT */
/** How durations of one kind are spread: enough for a median, and for how far the others are off.
 */
#ifndef ANALYSIS_ODD_DIST_H
#define ANALYSIS_ODD_DIST_H

#include <stdint.h>

enum { DIST_PARTS = 8, DIST_BUCKETS = 64 * DIST_PARTS };

/** All zero is of none; eight buckets for each doubling. */
struct dist {
	uint64_t n;
	uint32_t buckets[DIST_BUCKETS]; /* saturate */
};

/** One more; below 0 counts as 0. */
void dist_add(struct dist *d, int64_t ns);

/** The median to an eighth of a doubling; 0 of none. */
int64_t dist_median(const struct dist *d);

/** The median of how far each is off @median. */
int64_t dist_mad(const struct dist *d, int64_t median);

#endif
