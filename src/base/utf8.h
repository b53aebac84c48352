/* SPDX-License-Identifier: MIT */
/** UTF-8: what is text, and what of it may be shown. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/** The bytes of the code point that the ended text @s begins with; 0: it is none. */
size_t utf8_len(const char *s);
/** The bytes of what may be shown first of @s; 0: a terminal may take it for an order, as U+0000 to
 * 1F and 7F to 9F, and such a byte that is no UTF-8. Other bytes that are none are 1. */
size_t utf8_shown_len(const char *s);

#endif
