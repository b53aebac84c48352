/* SPDX-License-Identifier: MIT */
/**
 * Escapes of strings: those of babeltrace2's text (as in C), and those of JSON.
 *
 * JSON is UTF-8: a byte that is none becomes U+FFFD and its two hexadecimal digits, so that
 * nothing is lost and any parser takes it.
 */
#ifndef COMP_ESCAPE_H
#define COMP_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

/** At most so many bytes go in at a time, and so many come out for each. */
enum { ESCAPE_CHUNK = 64, ESCAPE_GROWTH = 6 };

/**
 * Writes the next bytes of [*@from, @end) at @to, escaped, without quotes, and moves *@from on.
 * Returns the end of what was written: at most ESCAPE_CHUNK * ESCAPE_GROWTH bytes.
 */
char *escape_chunk(char *to, const uint8_t **from, const uint8_t *end, bool json);

#endif
