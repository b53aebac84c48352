/* SPDX-License-Identifier: MIT */
/** Assertions on the code itself; they never test input. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/** Ends the process with file, line and the condition. */
_Noreturn void check_failed(const char *file, int line, const char *cond);

/** A caller's mistake: always on. */
#define sonde_check(c)                                        \
	do {                                                  \
		if (__builtin_expect(!(c), 0))                \
			check_failed(__FILE__, __LINE__, #c); \
	} while (0)

/** An invariant on a hot path: off in release builds. */
#if defined(__clang_analyzer__)
#define sonde_dcheck(c) ((c) ? (void)0 : __builtin_unreachable())
#elif defined(NDEBUG)
#define sonde_dcheck(c) ((void)sizeof(c))
#else
#define sonde_dcheck(c) sonde_check(c)
#endif

#endif
