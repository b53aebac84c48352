/* SPDX-License-Identifier: MIT */
/** Tidies a trace that ctf/writer.h was killed over. */
#ifndef CTF_REPAIR_H
#define CTF_REPAIR_H

#include <sonde/def.h>

/**
 * Cuts what is no whole packet off the ends of the streams of the trace in folder @dir, and makes
 * their indexes agree with them: babeltrace2 refuses traces whose last packet is cut. Nobody may be
 * writing it. Returns 0 or the first failure; what can be tidied is.
 */
SONDE_MUST_CHECK int ctf_repair(const char *dir);

#endif
