/* SPDX-License-Identifier: MIT */
/** A trace's description as TSDL text (CTF 1.8.3, section 7.3), without packets around it. */
#ifndef CTF_TSDL_PRINT_H
#define CTF_TSDL_PRINT_H

#include <sonde/type.h>

#include "base/strbuf.h"

/**
 * Adds the metadata of @t, from its signature on. ctf_metadata_parse() makes the same description
 * of it. Lengths and tags are found by their slot numbers; options of variants are called like
 * labels of their tag.
 *
 * Returns 0; -EINVAL where something cannot be written as TSDL; -ENOMEM; with sonde_fail().
 */
SONDE_MUST_CHECK int tsdl_print(const struct sonde_trace *t, struct strbuf *out);

#endif
