/* SPDX-License-Identifier: MIT */
/** Hashes of bytes: FNV-1a of 64 bits (draft-eastlake-fnv), for tables that are kept in memory. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/** Goes on from @h, HASH_BEGIN at first. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	for (const uint8_t *p = data; len; p++, len--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h;
}

/** The same of text up to its 0. */
static inline uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return h;
}

#endif
