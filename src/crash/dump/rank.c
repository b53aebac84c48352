/* SPDX-License-Identifier: MIT */
/** How many bits of a bitmap are set before one: a small directory over a bitmap that stays in
 * place. */
#include "crash/dump/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

enum { BLOCK = 128, SUPER = 32768 };

#define BITS_MOST ((uint64_t)1 << 40)

#define INLINE static inline __attribute__((always_inline))

// Bits set among the first n_bits: whole words, then what is left of one.
INLINE unsigned count_bits(const uint8_t *bits, uint64_t n_bits)
{
	unsigned n = 0;
	uint64_t w;

	for (; n_bits >= 64; n_bits -= 64, bits += 8) {
		memcpy(&w, bits, 8);
		n += __builtin_popcountll(w);
	}
	if (!n_bits)
		return n;
	w = 0;
	memcpy(&w, bits, (n_bits + 7) / 8);
	return n + __builtin_popcountll(w & (((uint64_t)1 << n_bits) - 1));
}

// Of a whole block, the first n_bits. A loop that ended where they do would be mispredicted, and
// wait for memory, at every random question: both words are counted, one of them in part.
INLINE unsigned count_block(const uint8_t *bits, unsigned n_bits)
{
	const uint64_t second = -(uint64_t)(n_bits >> 6), part = ((uint64_t)1 << n_bits % 64) - 1;
	uint64_t w[2];

	memcpy(w, bits, sizeof(w));
	return (unsigned)__builtin_popcountll(w[0] & (second | part)) +
	       (unsigned)__builtin_popcountll(w[1] & (second & part));
}

INLINE uint64_t before(const struct rank *r, uint64_t i)
{
	const uint64_t block = i / BLOCK, first = block * BLOCK;
	const uint8_t *bits = r->bits + first / 8;
	const uint64_t n = r->base[i / SUPER] + r->rel[block];

	return n + (r->n_bits - first >= BLOCK ? count_block(bits, i % BLOCK)
					       : count_bits(bits, i % BLOCK));
}

INLINE void fill(struct rank *r)
{
	for (uint64_t i = 0; i <= r->n_bits; i += BLOCK) {
		uint64_t left = r->n_bits - i;

		if (i % SUPER == 0)
			r->base[i / SUPER] = r->n_set;
		r->rel[i / BLOCK] = (uint16_t)(r->n_set - r->base[i / SUPER]);
		r->n_set += left < BLOCK ? count_bits(r->bits + i / 8, left)
					 : count_bits(r->bits + i / 8, BLOCK);
	}
}

static uint64_t before_plain(const struct rank *r, uint64_t i)
{
	return before(r, i);
}

static void fill_plain(struct rank *r)
{
	fill(r);
}

#if defined(__x86_64__) || defined(__i386__)
__attribute__((target("popcnt"))) static uint64_t before_fast(const struct rank *r, uint64_t i)
{
	return before(r, i);
}

__attribute__((target("popcnt"))) static void fill_fast(struct rank *r)
{
	fill(r);
}
#endif

int rank_init(struct rank *r, const uint8_t *bits, uint64_t n_bits)
{
	if (n_bits > BITS_MOST)
		return sonde_fail(-E2BIG, "a bitmap of %llu bits", (unsigned long long)n_bits);

	struct rank n = { .bits = bits, .n_bits = n_bits, .before = before_plain };
	void (*fill_with)(struct rank * r) = fill_plain;

#if defined(__x86_64__) || defined(__i386__)
	if (__builtin_cpu_supports("popcnt")) {
		n.before = before_fast;
		fill_with = fill_fast;
	}
#endif
	n.base = malloc((n_bits / SUPER + 1) * sizeof(*n.base));
	n.rel = malloc((n_bits / BLOCK + 1) * sizeof(*n.rel));
	if (!n.base || !n.rel) {
		rank_fini(&n);
		return sonde_fail(-ENOMEM, "out of memory");
	}
	fill_with(&n);
	*r = n;
	return 0;
}

void rank_fini(struct rank *r)
{
	free(r->base);
	free(r->rel);
	*r = (struct rank){ 0 };
}

static uint64_t next(const struct rank *r, uint64_t i, uint64_t flip)
{
	while (i < r->n_bits) {
		uint64_t left = r->n_bits - i / 8 * 8, w = 0;

		memcpy(&w, r->bits + i / 8, left >= 64 ? 8 : (left + 7) / 8);
		w = (w ^ flip) >> (i % 8);
		if (w) {
			uint64_t at = i + (unsigned)__builtin_ctzll(w);

			return at < r->n_bits ? at : r->n_bits;
		}
		i = i / 8 * 8 + 64;
	}
	return r->n_bits;
}

uint64_t rank_next_set(const struct rank *r, uint64_t i)
{
	return next(r, i, 0);
}

uint64_t rank_next_clear(const struct rank *r, uint64_t i)
{
	return next(r, i, ~(uint64_t)0);
}
