/* SPDX-License-Identifier: MIT */
/** Places as text, one a line, to compare them as a whole. */
#ifndef SHOW_PROBE_H
#define SHOW_PROBE_H

#include "lang/live/live.h"

/**
 * Resolves an attach point (split at its colons) in a live world without kernel types but those of
 * @opt. Owned text: of each place a line, fields below it, "+ " before places that the program of
 * the one above serves too; or the error's message. NULL: out of memory.
 */
char *show_attach(const struct live_options *opt, const char *attach,
		  const struct probe_wants *wants);

#endif
