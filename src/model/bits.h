/* SPDX-License-Identifier: MIT */
/**
 * Integers of any bit length at any bit offset.
 *
 * CTF 1.8.3, section 4.1.5: a little-endian field fills each byte from its least significant bit,
 * a big-endian one from its most significant bit. No byte outside the field is touched.
 */
#ifndef MODEL_BITS_H
#define MODEL_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sonde/type.h>

/** Any @len (1 .. 64), any @at; slow. */
uint64_t bits_slow(const uint8_t *data, uint64_t at, unsigned len, bool big_endian);

/** The unsigned integer of @len bits at bit @at. The caller has checked that it lies inside. */
static inline uint64_t bits_u64(const uint8_t *data, uint64_t at, unsigned len, bool big_endian)
{
	const uint8_t *p = data + at / 8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (__builtin_expect(at % 8 == 0, 1)) {
		const bool swap = big_endian == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

		switch (len) {
		case 8: return *p;
		case 16: memcpy(&v16, p, 2); return swap ? __builtin_bswap16(v16) : v16;
		case 32: memcpy(&v32, p, 4); return swap ? __builtin_bswap32(v32) : v32;
		case 64: memcpy(&v64, p, 8); return swap ? __builtin_bswap64(v64) : v64;
		default: break;
		}
	}
	return bits_slow(data, at, len, big_endian);
}

/** Copies the sign bit of a @len-bit value upwards. */
static inline int64_t bits_sign(uint64_t v, unsigned len)
{
	const unsigned up = 64 - len;

	return (int64_t)(v << up) >> up;
}

/** The integer of type @t at bit @at, sign-extended to 64 bits where it is signed. */
static inline uint64_t bits_int(const uint8_t *data, uint64_t at, const struct sonde_int *t)
{
	uint64_t v = bits_u64(data, at, t->len, t->big_endian);

	return t->is_signed ? (uint64_t)bits_sign(v, t->len) : v;
}

/** The next multiple of @align (a power of two). */
static inline uint64_t bits_align(uint64_t at, uint64_t align)
{
	return (at + align - 1) & ~(align - 1);
}

#endif
