/* SPDX-License-Identifier: MIT */
/** Bytes as JSON strings. */
#ifndef LANG_QUOTE_H
#define LANG_QUOTE_H

#include <stddef.h>

struct strbuf;

/** Appends @len bytes with quotes and escapes; what is no UTF-8 becomes U+FFFD. */
void quote_json(struct strbuf *ret, const char *s, size_t len);

#endif
