/* SPDX-License-Identifier: MIT */
/**
 * Reads the format of glibc 2.2 and later, which may stand behind an older one:
 *
 *     "glibc-ld.so.cache" "1.1" | u32 n | 24 bytes | n entries of 24 bytes | strings
 *
 * An entry has flags, and the places of name and path, counted from the magic.
 */
#include "sym/probe/ld_cache.h"

#include <string.h>

#define MAGIC "glibc-ld.so.cache1.1"

enum { HEAD = 48, ENTRY = 24, ENTRIES_MOST = 1 << 20 };

static uint32_t u32_at(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static const char *text_at(const uint8_t *begin, size_t len, uint32_t off)
{
	if (off >= len || !memchr(begin + off, '\0', len - off))
		return NULL;
	return (const char *)begin + off;
}

int ld_cache_each(struct sonde_span bytes, int (*f)(void *arg, const char *name, const char *path),
		  void *arg)
{
	const uint8_t *begin =
		bytes.len ? memmem(bytes.data, bytes.len, MAGIC, strlen(MAGIC)) : NULL;
	size_t len = begin ? bytes.len - (size_t)(begin - bytes.data) : 0;
	int r = 0;

	if (len < HEAD)
		return 0;
	uint32_t n = u32_at(begin + strlen(MAGIC));
	for (uint32_t i = 0; !r && i < n && i < ENTRIES_MOST; i++) {
		size_t at = HEAD + (size_t)i * ENTRY;

		if (len - HEAD < (i + 1ul) * ENTRY)
			break;
		const char *name = text_at(begin, len, u32_at(begin + at + 4));
		const char *path = text_at(begin, len, u32_at(begin + at + 8));
		if (name && path)
			r = f(arg, name, path);
	}
	return r;
}
