/* SPDX-License-Identifier: MIT */
/** How many bits of a bitmap are set before one: a small directory over a bitmap that stays in
 * place. */
#include "crash/dump/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#define BITS_MOST ((uint64_t)1 << 40)

RANK_INLINE void fill(struct rank *r)
{
	for (uint64_t i = 0; i <= r->n_bits; i += RANK_BLOCK) {
		uint64_t left = r->n_bits - i;

		if (i % RANK_SUPER == 0)
			r->base[i / RANK_SUPER] = r->n_set;
		r->rel[i / RANK_BLOCK] = (uint16_t)(r->n_set - r->base[i / RANK_SUPER]);
		r->n_set += left < RANK_BLOCK ? rank_count(r->bits + i / 8, left)
					      : rank_count(r->bits + i / 8, RANK_BLOCK);
	}
}

static uint64_t before_plain(const struct rank *r, uint64_t i)
{
	return rank_before_here(r, i);
}

static void fill_plain(struct rank *r)
{
	fill(r);
}

#if defined(__x86_64__) || defined(__i386__)
__attribute__((target("popcnt"))) static uint64_t before_fast(const struct rank *r, uint64_t i)
{
	return rank_before_here(r, i);
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
	n.base = malloc((n_bits / RANK_SUPER + 1) * sizeof(*n.base));
	n.rel = malloc((n_bits / RANK_BLOCK + 1) * sizeof(*n.rel));
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
