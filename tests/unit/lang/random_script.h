/* SPDX-License-Identifier: MIT */
/** Random scripts of one BEGIN probe, within what reference.h knows. */
#ifndef RANDOM_SCRIPT_H
#define RANDOM_SCRIPT_H

#include <stdint.h>

#include "base/strbuf.h"

/** Inputs, @in[0] ... and @xin[0] ..., which the script only reads. */
enum { RANDOM_NUMS = 10, RANDOM_TEXTS = 4, RANDOM_TEXT_MOST = 40 };

struct random_shape {
	unsigned results; /* how many @r[N] = ...; at least */
	unsigned depth;	  /* of expressions */
	unsigned nest;	  /* of statements: 0: only straight ones */
	bool texts, maps, steps;
};

/** Appends a script; the same for the same @seed. */
void random_script_text(uint64_t seed, const struct random_shape *shape, struct strbuf *ret);

uint64_t random_next(uint64_t *state);
/** Numbers that matter: 0, 1, -1, borders of each width, small ones. */
uint64_t random_number(uint64_t *state);
/** At most @most letters of few kinds, with a 0 behind. */
void random_text(uint64_t *state, unsigned most, char *ret);

#endif
