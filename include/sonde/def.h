/* SPDX-License-Identifier: MIT */
/** Marks that the public headers put on what they declare. */
#ifndef SONDE_DEF_H
#define SONDE_DEF_H

#ifdef __cplusplus
#define SONDE_BEGIN_DECLS extern "C" {
#define SONDE_END_DECLS	  }
#else
#define SONDE_BEGIN_DECLS
#define SONDE_END_DECLS
#endif

/** Seen from outside the library. */
#define SONDE_API __attribute__((visibility("default")))
/** The result must not be ignored. */
#define SONDE_MUST_CHECK __attribute__((warn_unused_result))
/** Checks a format string and its arguments; @fmt and @args are 1-based positions. */
#define SONDE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
