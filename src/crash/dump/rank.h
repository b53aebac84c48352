/* SPDX-License-Identifier: MIT */
/** How many bits of a bitmap are set before one: a small directory over a bitmap that stays in
 * place. */
#ifndef CRASH_DUMP_RANK_H
#define CRASH_DUMP_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

/**
 * The place of a page in a dump is the number of pages dumped before it. Two bytes for 128 bits say
 * how many are set since the last multiple of 32,768, and eight bytes for each of those how many
 * since the begin: a question costs two loads and two counts in one cache line of the bitmap,
 * without a branch that depends on the answer. After D. Zhou, D. Andersen, M. Kaminsky,
 * "Space-Efficient, High-Performance Rank & Select Structures on Uncompressed Bit Sequences", SEA
 * 2013.
 */
struct rank {
	const uint8_t *bits; /* borrowed; the lowest bit of each byte first */
	uint64_t n_bits, n_set;
	uint64_t *base; /* owned */
	uint16_t *rel;	/* owned */
	uint64_t (*before)(const struct rank *r, uint64_t i);
};

/** All of the @n_bits / 8 bytes, rounded up, are read once. -E2BIG, -ENOMEM. */
SONDE_MUST_CHECK int rank_init(struct rank *r, const uint8_t *bits, uint64_t n_bits);
void rank_fini(struct rank *r);

/** Whether bit @i is set; no bit behind the end is. */
static inline bool rank_has(const struct rank *r, uint64_t i)
{
	return i < r->n_bits && r->bits[i / 8] >> (i % 8) & 1;
}

/** How many are set before bit @i, which is within the bitmap. */
static inline uint64_t rank_before(const struct rank *r, uint64_t i)
{
	return r->before(r, i);
}

/** The first bit at or behind @i that is set, or that is not; n_bits: none. */
uint64_t rank_next_set(const struct rank *r, uint64_t i);
uint64_t rank_next_clear(const struct rank *r, uint64_t i);

#endif
