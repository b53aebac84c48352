/* SPDX-License-Identifier: MIT */
/** Borrowed bytes with an end. */
#ifndef SONDE_SPAN_H
#define SONDE_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

SONDE_BEGIN_DECLS

/** @len read-only bytes at @data, lent by whoever made the span. */
struct sonde_span {
	const uint8_t *data;
	size_t len;
};

SONDE_END_DECLS

#endif
