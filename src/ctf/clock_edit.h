/* SPDX-License-Identifier: MIT */
/** Changes what the clocks of a trace say, and nothing else, in the text of its metadata. */
#ifndef CTF_CLOCK_EDIT_H
#define CTF_CLOCK_EDIT_H

#include <sonde/span.h>
#include <sonde/type.h>

#include "base/strbuf.h"

/** What a clock shall say from now on. */
struct clock_edit {
	uint64_t freq;
	int64_t offset_s;
	uint64_t offset; /* cycles, less than @freq */
};

/**
 * The frequency and offset that come closest to a line for times from @begin_ns to @end_ns (before
 * it was changed), and how far off they are there at most. A frequency is a whole number in CTF, so
 * a clock of 1 GHz can be 1 ns off for each 2 s from the middle. -ERANGE (sonde_fail()): the clock
 * would begin before its first second.
 */
SONDE_MUST_CHECK int clock_edit_find(const struct sonde_clock *c, const struct sonde_clock_map *m,
				     int64_t begin_ns, int64_t end_ns, struct clock_edit *ret,
				     int64_t *ret_off_ns);

/**
 * Adds the metadata's text (of a plain or packetised file's @bytes) to @out as plain text, all of
 * its clocks changed as @edits says, by their order in the text. -EBADMSG, -ENOMEM.
 */
SONDE_MUST_CHECK int clock_edit_text(const char *path, struct sonde_span bytes,
				     const struct clock_edit *edits, size_t n_edits,
				     struct strbuf *out);

#endif
