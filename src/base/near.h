/* SPDX-License-Identifier: MIT */
/** How near two names are, for "did you mean". */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <limits.h>

/** What near_distance() gives for names that nobody would mix up. */
#define NEAR_NOT UINT_MAX

/**
 * How many letters must be changed, added, taken away or swapped with a neighbour to make @name of
 * @word. NEAR_NOT where that is more than a third of the longer one, or one is very long.
 *
 * Use: over all names, keep the one with the smallest distance.
 */
unsigned near_distance(const char *word, const char *name);

#endif
