/* SPDX-License-Identifier: MIT */
/** Build-ids: what tells one build of a program from another of the same name. */
#ifndef SYM_BUILD_ID_H
#define SYM_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sonde/span.h>

enum { BUILD_ID_MOST = 20, BUILD_ID_HEX = 2 * BUILD_ID_MOST + 1 };

/** @len 0: there is none. Bytes behind @len are 0. */
struct build_id {
	uint8_t len;
	uint8_t data[BUILD_ID_MOST];
};

/** Two absent ones are not the same. */
static inline bool build_id_same(const struct build_id *a, const struct build_id *b)
{
	return a->len && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/** Writes lower-case hex digits and a 0; "" for an absent one. */
void build_id_hex(const struct build_id *id, char ret[BUILD_ID_HEX]);

/** False, *ret untouched: @hex is not 1 .. 20 bytes in hex. */
bool build_id_parse(const char *hex, size_t len, struct build_id *ret);

/** Finds the GNU build-id among ELF notes of this machine's byte order. */
bool build_id_from_notes(struct sonde_span notes, struct build_id *ret);

/**
 * Reads the build-id of the ELF file @fd by its program headers: a few small reads.
 * False, *ret untouched: no ELF file, none inside, or longer than 20 bytes.
 */
bool build_id_read(int fd, struct build_id *ret);

/** The running kernel's, from /sys/kernel/notes. */
bool build_id_of_kernel(struct build_id *ret);

#endif
