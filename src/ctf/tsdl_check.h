/* SPDX-License-Identifier: MIT */
/** What a whole description must hold, and which clock its times are of. */
#ifndef CTF_TSDL_CHECK_H
#define CTF_TSDL_CHECK_H

#include "ctf/tsdl_type.h"

/** Adds a clock to the trace. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int clock_add(struct build *b, struct sonde_clock *c);

/** Finishes clocks and checks fields of known names. Returns 0, -EBADMSG or -ENOMEM. */
SONDE_MUST_CHECK int trace_check(struct build *b);

#endif
