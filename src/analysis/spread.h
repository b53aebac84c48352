/* SPDX-License-Identifier: MIT */
/** Durations put together: how many, how long, how far apart. */
#ifndef ANALYSIS_SPREAD_H
#define ANALYSIS_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

struct table;

/** All zero is of none. Squares of many hours fit into 128 bits; what does not saturates. */
struct spread {
	uint64_t n;
	int64_t least_ns, most_ns;
	int64_t most_at_ns; /* when the longest one ended */
	unsigned __int128 sum, squares;
};

/** One more; @ns is not negative. */
void spread_add(struct spread *s, int64_t ns, int64_t end_ns);
/** All of @add, too. */
void spread_merge(struct spread *s, const struct spread *add);

int64_t spread_total(const struct spread *s);
double spread_mean(const struct spread *s);
/** With n - 1; of two or more. */
double spread_deviation(const struct spread *s);

/** Six cells: count, total, min, mean, max, standard deviation; empty where there are none. */
void spread_cells(const struct spread *s, struct table *t);
#define SPREAD_COLUMNS(prefix, head)                           \
	{ prefix "count", head "COUNT", TABLE_COUNT },         \
		{ prefix "total_ns", head "TOTAL", TABLE_NS }, \
		{ prefix "min_ns", head "MIN", TABLE_NS },     \
		{ prefix "mean_ns", head "MEAN", TABLE_NS },   \
		{ prefix "max_ns", head "MAX", TABLE_NS },     \
	{                                                      \
		prefix "sd_ns", head "STD DEV", TABLE_NS       \
	}

#endif
