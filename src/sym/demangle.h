/* SPDX-License-Identifier: MIT */
/** Names as the programmer wrote them, of C++ and Rust functions. */
#ifndef SYM_DEMANGLE_H
#define SYM_DEMANGLE_H

#include <stdbool.h>

#include "base/strbuf.h"

/**
 * Appends the plain form of a mangled name, without parameters. False, and @ret as it was: the
 * name is not mangled, or too long, or this build has no demangler.
 */
bool demangle(const char *name, struct strbuf *ret);

/** The same with parameters: "ns::fn(int, char*)". */
bool demangle_full(const char *name, struct strbuf *ret);

/** Whether this build has a demangler. */
bool demangle_available(void);

#endif
