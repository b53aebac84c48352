/* SPDX-License-Identifier: MIT */
/** A printer for tests: its output stays in memory, its names are made up. */
#ifndef TEST_OUT_MADE_H
#define TEST_OUT_MADE_H

#include <stddef.h>

#include "lang/out/printer.h"

/** A printer in the caller's storage; all zero but for the format before made_init(). */
struct made {
	struct printer p;
	struct script script;
	struct sonde_out out;
	int keep; /* a file in memory */
};

/** @sites and @maps are borrowed. */
void made_init(struct made *m, enum print_format format, struct site *site, size_t n_sites,
	       struct script_map *maps, size_t n_maps);
void made_fini(struct made *m);

/** All that was printed since the last call; lent until the next one. */
const char *made_text(struct made *m);

/** A value's text, on its own; lent until the next call. */
const char *made_value(enum print_format format, const struct type *t, const void *bytes);

/** Stack 7 of the names made up has these frames. */
extern const uint64_t made_frames[3];

#endif
