/* SPDX-License-Identifier: MIT */
/** Tests bit-packed integers against a bit-by-bit reference. */
#include "model/bits.h"

#include "test.h"

static uint64_t reference(const uint8_t *data, uint64_t at, unsigned len, bool big_endian)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++) {
		uint64_t bit = at + i;

		if (big_endian)
			v = v << 1 | (data[bit / 8] >> (7 - bit % 8) & 1);
		else
			v |= (uint64_t)(data[bit / 8] >> bit % 8 & 1) << i;
	}
	return v;
}

TEST(every_offset_and_length)
{
	uint8_t data[24];
	unsigned wrong = 0;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 167 + 29);
	for (uint64_t at = 0; at < 100; at++) {
		for (unsigned len = 1; len <= 64; len++) {
			wrong += bits_u64(data, at, len, false) != reference(data, at, len, false);
			wrong += bits_u64(data, at, len, true) != reference(data, at, len, true);
		}
	}
	EXPECT_EQ(wrong, 0);
}

TEST(sign_and_align)
{
	EXPECT_EQ(bits_sign(0x1f, 5), -1);
	EXPECT_EQ(bits_sign(0x0f, 5), 15);
	EXPECT_EQ(bits_sign(UINT64_MAX, 64), -1);
	EXPECT_EQ(bits_align(0, 8), 0);
	EXPECT_EQ(bits_align(9, 8), 16);
}
