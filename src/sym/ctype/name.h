/* SPDX-License-Identifier: MIT */
/** Names of types as C writes them. */
#ifndef SYM_CTYPE_NAME_H
#define SYM_CTYPE_NAME_H

#include <stdbool.h>

enum { CTYPE_NAME_MOST = 512 };

/** Copies @name without blanks around it and with one between words; false: empty or too long. */
bool ctype_name_trim(const char *name, char ret[CTYPE_NAME_MOST]);

/** What stands behind the word @word in a trimmed name; NULL: it does not begin with it. */
const char *ctype_name_after(const char *name, const char *word);

/** Whether all its words are C's own: "unsigned long", not "u32". */
bool ctype_name_is_c(const char *name);

#endif
