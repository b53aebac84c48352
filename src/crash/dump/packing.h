/* SPDX-License-Identifier: MIT */
/** Packed files: gzip, zstd ..., each a stream that is unpacked step by step. */
#ifndef CRASH_DUMP_PACKING_H
#define CRASH_DUMP_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

/** Input that is there, and room for output; both move on. */
struct packing_io {
	const uint8_t *in;
	size_t n_in;
	uint8_t *out;
	size_t n_out;
};

/** One way of packing; its library is opened when a file of it is. */
struct packing {
	const char *name;
	uint8_t magic[6];
	size_t n_magic;
	/* Ready for a stream's first byte. -ENOTSUP with words: the library is not there. */
	int (*begin)(void **ret);
	/* 1: the stream has ended; 0: go on; a negative errno with words. */
	int (*step)(void *state, struct packing_io *io);
	void (*end)(void *state);
};

extern const struct packing packing_bzip2, packing_gzip, packing_xz, packing_zstd;

/** The packing that @head is of; NULL: none. */
const struct packing *packing_of(const uint8_t *head, size_t n);

#endif
