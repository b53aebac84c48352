/* SPDX-License-Identifier: MIT */
/** Why something failed: a chain of words per thread, of fixed size, that owns nothing. */
#ifndef SONDE_ERR_H
#define SONDE_ERR_H

#include <sonde/def.h>

SONDE_BEGIN_DECLS

/**
 * Starts this thread's chain anew with the given words and returns @err (a negative errno).
 *
 * Words: lower case, no full stop, what was found and what was wanted, names in single quotes.
 */
SONDE_API int sonde_fail(int err, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** Puts words before those of the failure @err, as "words: earlier words", and returns @err. */
SONDE_API int sonde_wrap(int err, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** Like sonde_fail(), with errno's own words added: "words: No such file or directory". */
SONDE_API int sonde_fail_errno(int err, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** Lends this thread's chain as text, until its next sonde_fail() or sonde_wrap(). */
SONDE_API const char *sonde_err_str(void);

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: tell it that @err comes back. */
#define sonde_fail(err, ...)	   ((void)sonde_fail((err), __VA_ARGS__), (err))
#define sonde_wrap(err, ...)	   ((void)sonde_wrap((err), __VA_ARGS__), (err))
#define sonde_fail_errno(err, ...) ((void)sonde_fail_errno((err), __VA_ARGS__), (err))
#endif

SONDE_END_DECLS

#endif
