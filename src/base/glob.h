/* SPDX-License-Identifier: MIT */
/** Patterns of names, as scripts have them: * is any text, ? any letter; no escapes, no sets. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>

/** Whether @s has wildcards. */
bool glob_is(const char *s);

/** Whether @pattern matches all of @text; takes no more than len(pattern) * len(text) steps. */
bool glob_match(const char *pattern, const char *text);

#endif
