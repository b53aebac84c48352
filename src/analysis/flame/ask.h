/* SPDX-License-Identifier: MIT */
/** What is asked of a flame graph, and how it ends: filters, picture or lines. */
#ifndef ANALYSIS_FLAME_ASK_H
#define ANALYSIS_FLAME_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/component.h>

#include "analysis/flame/frames.h"
#include "analysis/flame/svg.h"

struct flame_ask {
	const struct sonde_setup *setup; /* borrowed */
	int64_t from_ns, to_ns;
	bool folded;
};

/** -EINVAL: a parameter makes no sense. */
SONDE_MUST_CHECK int flame_ask_init(struct flame_ask *a, const struct sonde_setup *setup);

/** Whether a parameter @key of that value was given, or none at all of that key. */
bool flame_asks_for(const struct flame_ask *a, const char *key, int64_t value);

/** Tells a line that is no result. */
void flame_note(const struct flame_ask *a, const char *fmt, ...) SONDE_PRINTF(2, 3);

/**
 * Sums up and writes the result. @what stands below the title: time span, losses; what is above it
 * is the traces' paths where no title was given.
 */
SONDE_MUST_CHECK int flame_write(const struct flame_ask *a, struct stacks *s,
				 const struct frames *f, const char *what, enum flame_unit unit);

#endif
