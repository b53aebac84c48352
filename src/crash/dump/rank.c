/* SPDX-License-Identifier: MIT */
/** How many bits of a bitmap are set before one: a small directory over a bitmap that stays in
 * place. */
#include "crash/dump/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { BLOCK = 1024, SUPER = 32 * BLOCK };

#define BITS_MOST ((uint64_t)1 << 40)

// Bits set among the first n_bits: whole words, then what is left of one.
static inline __attribute__((always_inline)) unsigned count_bits(const uint8_t *bits,
								 uint64_t n_bits)
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

static unsigned count_plain(const uint8_t *bits, uint64_t n_bits)
{
	return count_bits(bits, n_bits);
}

#if defined(__x86_64__) || defined(__i386__)
__attribute__((target("popcnt"))) static unsigned count_fast(const uint8_t *bits, uint64_t n_bits)
{
	return count_bits(bits, n_bits);
}
#endif

int rank_init(struct rank *r, const uint8_t *bits, uint64_t n_bits)
{
	if (n_bits > BITS_MOST)
		return sonde_fail(-E2BIG, "a bitmap of %llu bits", (unsigned long long)n_bits);

	struct rank n = { .bits = bits, .n_bits = n_bits, .count = count_plain };

#if defined(__x86_64__) || defined(__i386__)
	if (__builtin_cpu_supports("popcnt"))
		n.count = count_fast;
#endif
	n.base = malloc((n_bits / SUPER + 1) * sizeof(*n.base));
	n.rel = malloc((n_bits / BLOCK + 1) * sizeof(*n.rel));
	if (!n.base || !n.rel) {
		rank_fini(&n);
		return sonde_fail(-ENOMEM, "out of memory");
	}
	for (uint64_t i = 0; i <= n_bits; i += BLOCK) {
		uint64_t len = n_bits - i < BLOCK ? n_bits - i : BLOCK;

		if (i % SUPER == 0)
			n.base[i / SUPER] = n.n_set;
		n.rel[i / BLOCK] = (uint16_t)(n.n_set - n.base[i / SUPER]);
		n.n_set += n.count(bits + i / 8, len);
	}
	*r = n;
	return 0;
}

void rank_fini(struct rank *r)
{
	free(r->base);
	free(r->rel);
	*r = (struct rank){ 0 };
}

uint64_t rank_before(const struct rank *r, uint64_t i)
{
	uint64_t block = i / BLOCK;

	return r->base[i / SUPER] + r->rel[block] +
	       r->count(r->bits + block * (BLOCK / 8), i % BLOCK);
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
