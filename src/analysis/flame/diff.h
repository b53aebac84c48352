/* SPDX-License-Identifier: MIT */
/** Two sets of folded stacks into one differential: what grew, and what shrank. */
#ifndef ANALYSIS_FLAME_DIFF_H
#define ANALYSIS_FLAME_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/flame/stacks.h"
#include "analysis/flame/svg.h"

/** In the caller's storage; flame_diff_init() first. */
struct flame_diff {
	struct stacks stacks;
	bool normalize; /* what was before is scaled to the same sum */
};

SONDE_MUST_CHECK int flame_diff_init(struct flame_diff *d);
void flame_diff_fini(struct flame_diff *d);

/**
 * Adds lines "outer;inner NUMBER"; @is_before: of what is compared with. -EBADMSG: line @name:N is
 * none, or a number or a sum is too large.
 */
SONDE_MUST_CHECK int flame_diff_add(struct flame_diff *d, const char *name, const char *text,
				    size_t len, bool is_before);

/** Writes it, as lines "outer;inner BEFORE NOW" of what changed, or as a picture. */
SONDE_MUST_CHECK int flame_diff_write(struct flame_diff *d, const char *title, enum flame_unit unit,
				      bool folded, struct sonde_out *out);

#endif
