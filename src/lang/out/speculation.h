/* SPDX-License-Identifier: MIT */
/** Records of D's speculations: held back until it is known whether they are wanted. */
#ifndef LANG_SPECULATION_H
#define LANG_SPECULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "lang/gen/script.h"

struct spec_slot;

/** All zero is one that holds nothing and has room for none. */
struct speculations {
	struct spec_slot *slots; /* owned; @n, by number less 1 */
	uint32_t n;
	uint64_t most;	  /* bytes that one may hold */
	uint64_t dropped; /* records that there was no room for */
};

/** -ENOMEM. */
SONDE_MUST_CHECK int speculations_init(struct speculations *s, const struct script *script);
void speculations_fini(struct speculations *s);

/** Acts on a record of the ring, with its head. */
typedef int spec_act(void *arg, const void *record, size_t len);

/**
 * A record that belongs to speculation @mark. It is held; but where that has ended meanwhile, it
 * goes the way that the others went.
 */
SONDE_MUST_CHECK int speculations_take(struct speculations *s, uint64_t mark, const void *record,
				       size_t len, spec_act *act, void *arg);
/** The end of a speculation: @commit acts on all its records. Gives the first failure back. */
SONDE_MUST_CHECK int speculations_end(struct speculations *s, uint64_t mark, bool commit,
				      spec_act *act, void *arg);

#endif
