/* SPDX-License-Identifier: MIT */
/** The text of a metadata file, and failures that point into it. */
#ifndef CTF_TSDL_TEXT_H
#define CTF_TSDL_TEXT_H

#include <errno.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/span.h>

#include "base/arena.h"

/** No metadata text is longer, so that positions fit in 32 bits. */
#define TSDL_TEXT_MAX ((size_t)64 << 20)

/** TSDL text, borrowed. */
struct tsdl_text {
	const char *path; /* for messages */
	const char *s;	  /* no 0 behind */
	uint32_t len;
};

/**
 * The text in the bytes of a metadata file: the bytes themselves, or what its packets hold, put
 * together in memory of @arena. Returns 0, -EBADMSG or -ENOMEM, with sonde_fail().
 */
SONDE_MUST_CHECK int tsdl_text_open(const char *path, struct sonde_span bytes, struct arena *arena,
				    struct tsdl_text *ret);

/**
 * Fails with "path:line:column: words", the line at @pos and a caret below it.
 * Returns -EBADMSG.
 */
int tsdl_error(const struct tsdl_text *t, uint32_t pos, const char *fmt, ...) SONDE_PRINTF(3, 4);
#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: tell it that a failure comes back. */
#define tsdl_error(t, pos, ...) ((void)tsdl_error((t), (pos), __VA_ARGS__), -EBADMSG)
#endif

#endif
