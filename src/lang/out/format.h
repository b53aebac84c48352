/* SPDX-License-Identifier: MIT */
/** printf formats: taken apart once for each place in a script, then run for each record. */
#ifndef LANG_FORMAT_H
#define LANG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

struct format;
struct printer;
struct site;
struct strbuf;

/** Takes @site's format (borrowed, as are its arguments) apart. -ENOMEM. */
SONDE_MUST_CHECK int format_new(const struct site *site, struct format **ret);
void format_free(struct format *f);
SONDE_DEFINE_AUTO(struct format *, format_free)

/**
 * Appends the text of one record. -EBADMSG: the payload is too short for the arguments, or there
 * are fewer of them than the format wants; -ENOMEM.
 */
SONDE_MUST_CHECK int format_add(const struct format *f, struct printer *p, const uint8_t *payload,
				size_t len, struct strbuf *ret);

#endif
