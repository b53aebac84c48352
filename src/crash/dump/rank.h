/* SPDX-License-Identifier: MIT */
/** How many bits of a bitmap are set before one: a small directory over a bitmap that stays in
 * place. */
#ifndef CRASH_DUMP_RANK_H
#define CRASH_DUMP_RANK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/*
 * The same where it is asked, for who is compiled once more for processors that count bits
 * themselves.
 */
enum { RANK_BLOCK = 128, RANK_SUPER = 32768 };

#define RANK_INLINE static inline __attribute__((always_inline))

/* Bits set among the first n_bits: whole words, then what is left of one. */
RANK_INLINE unsigned rank_count(const uint8_t *bits, uint64_t n_bits)
{
	unsigned n = 0;
	uint64_t w;

	for (; n_bits >= 64; n_bits -= 64, bits += 8) {
		memcpy(&w, bits, 8);
		n += (unsigned)__builtin_popcountll(w);
	}
	if (!n_bits)
		return n;
	w = 0;
	memcpy(&w, bits, (n_bits + 7) / 8);
	return n + (unsigned)__builtin_popcountll(w & (((uint64_t)1 << n_bits) - 1));
}

/*
 * Of a whole block, the first n_bits. A loop that ended where they do would be mispredicted, and
 * wait for memory, at every random question: both words are counted, one of them in part.
 */
RANK_INLINE unsigned rank_count_block(const uint8_t *bits, unsigned n_bits)
{
	const uint64_t second = -(uint64_t)(n_bits >> 6), part = ((uint64_t)1 << n_bits % 64) - 1;
	uint64_t w[2];

	memcpy(w, bits, sizeof(w));
	return (unsigned)__builtin_popcountll(w[0] & (second | part)) +
	       (unsigned)__builtin_popcountll(w[1] & (second & part));
}

RANK_INLINE uint64_t rank_before_here(const struct rank *r, uint64_t i)
{
	const uint64_t block = i / RANK_BLOCK, first = block * RANK_BLOCK;
	const uint8_t *bits = r->bits + first / 8;
	const uint64_t n = r->base[i / RANK_SUPER] + r->rel[block];

	return n + (__builtin_expect(r->n_bits - first >= RANK_BLOCK, 1)
			    ? rank_count_block(bits, i % RANK_BLOCK)
			    : rank_count(bits, i % RANK_BLOCK));
}

/** The first bit at or behind @i that is set, or that is not; n_bits: none. */
uint64_t rank_next_set(const struct rank *r, uint64_t i);
uint64_t rank_next_clear(const struct rank *r, uint64_t i);

#endif
