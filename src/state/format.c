/* SPDX-License-Identifier: MIT */
/** The checksum of the store's file. */
#include "state/format.h"

#include <string.h>

#define PRIME UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t turn(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline uint64_t word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Four lanes, so that the multiplications do not wait for each other. */
uint64_t format_sum(const void *data, size_t len)
{
	uint64_t lanes[4] = { len ^ PRIME, PRIME * 3, PRIME * 5, PRIME * 7 };
	const uint8_t *p = data;
	uint8_t rest[32] = { 0 };

	for (; len >= 32; len -= 32, p += 32) {
		for (unsigned i = 0; i < 4; i++)
			lanes[i] = turn(lanes[i] ^ word(p + 8 * i), 29) * PRIME;
	}
	if (len)
		memcpy(rest, p, len);
	for (unsigned i = 0; i < 4; i++)
		lanes[i] = turn(lanes[i] ^ word(rest + 8 * i), 29) * PRIME;

	uint64_t sum = lanes[0] ^ turn(lanes[1], 17) ^ turn(lanes[2], 31) ^ turn(lanes[3], 47);
	sum = (sum ^ sum >> 32) * PRIME;
	return sum ^ sum >> 29;
}
