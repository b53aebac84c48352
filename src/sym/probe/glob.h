/* SPDX-License-Identifier: MIT */
/** Names with wildcards: * for any letters, ? for one. No other letter means more than itself. */
#ifndef SYM_PROBE_GLOB_H
#define SYM_PROBE_GLOB_H

#include <stdbool.h>

/** Whether there is a wildcard in @pattern. */
bool glob_is(const char *pattern);

/** Whether @pattern is all of @text. */
bool glob_match(const char *pattern, const char *text);

#endif
