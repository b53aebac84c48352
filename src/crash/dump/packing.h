/* SPDX-License-Identifier: MIT */
/** Packed files: gzip, zstd ..., each a stream that is unpacked step by step. */
#ifndef CRASH_DUMP_PACKING_H
#define CRASH_DUMP_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/span.h>

/** Input that is there, and room for output; both move on. */
struct packing_io {
	const uint8_t *in;
	size_t n_in;
	uint8_t *out;
	size_t n_out;
};

/** A part that can be unpacked alone: where it is in the packed file, and inside. */
struct packing_unit {
	uint64_t in, in_len, out, out_len;
	int kind; /* what the packing wants to know of it */
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
	/* The parts of a whole file, in order: an owned array, *ret_n 0 where there are none or
	   where the file is cut; both NULL: the packing has no parts. */
	int (*list)(const struct sonde_span *all, struct packing_unit **ret, size_t *ret_n);
	/* As begin, for a part; the first *ret_skip of its bytes are not for step. */
	int (*begin_unit)(const struct sonde_span *all, const struct packing_unit *unit, void **ret,
			  size_t *ret_skip);
};

extern const struct packing packing_bzip2, packing_gzip, packing_xz, packing_zstd;

/** The packing that @head is of; NULL: none. */
const struct packing *packing_of(const uint8_t *head, size_t n);

#endif
