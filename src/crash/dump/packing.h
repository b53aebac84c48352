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

/** The parts of a file, in order; see packing_parts_fini(). */
struct packing_parts {
	struct packing_unit *units; /* owned */
	size_t n;   /* 0: there are none, or the file is cut, or they are not worth it */
	int before; /* owned: a temporary file with what parts refer to; -1: none */
	char *cut;  /* owned: NULL, or why the last bytes are in no part */
};

void packing_parts_fini(struct packing_parts *p);

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
	/* Finds the parts, into @ret that is empty, also where it fails. @budget: how many unpacked
	   bytes are kept. Both NULL: the packing has no parts. */
	int (*list)(const struct sonde_span *all, uint64_t budget, struct packing_parts *ret);
	/* As begin, for a part; the first *ret_skip of its bytes are not for step. */
	int (*begin_unit)(const struct sonde_span *all, const struct packing_parts *parts,
			  const struct packing_unit *unit, void **ret, size_t *ret_skip);
};

extern const struct packing packing_bzip2, packing_gzip, packing_xz, packing_zstd;

/** The packing that @head is of; NULL: none. */
const struct packing *packing_of(const uint8_t *head, size_t n);

#endif
