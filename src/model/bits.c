/* SPDX-License-Identifier: MIT */
/** Bit-packed integers, up to a byte at a time. */
#include "model/bits.h"

uint64_t bits_slow(const uint8_t *data, uint64_t at, unsigned len, bool big_endian)
{
	const uint8_t *p = data + at / 8;
	unsigned skip = at % 8; // bits of *p that come before the field
	uint64_t v = 0;

	for (unsigned got = 0; got < len; p++, skip = 0) {
		unsigned n = 8 - skip < len - got ? 8 - skip : len - got;
		unsigned mask = (1u << n) - 1;

		if (big_endian)
			v = v << n | (*p >> (8 - skip - n) & mask);
		else
			v |= (uint64_t)(*p >> skip & mask) << got;
		got += n;
	}
	return v;
}
