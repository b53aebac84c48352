/* SPDX-License-Identifier: MIT */
/** Writes CTF as ctf(5) tells. */
#include "made_ctf.h"

#include <string.h>
#include <zlib.h>

#include "sym/ctype/ctf_data.h"
#include "test.h"

void made_ctf_init(struct made_ctf *m, bool is_v3)
{
	m->is_v3 = is_v3;
	m->types_len = 0;
	m->strs_len = 1;
	m->strs[0] = '\0';
	m->n = 0;
}

static void put(struct made_ctf *m, uint64_t v, size_t len)
{
	EXPECT(m->types_len + len <= sizeof(m->types));
	memcpy(m->types + m->types_len, &v, len);
	m->types_len += len;
}

void made_ctf_u32(struct made_ctf *m, uint32_t v)
{
	put(m, v, 4);
}

void made_ctf_id(struct made_ctf *m, uint32_t id)
{
	put(m, id, m->is_v3 ? 4 : 2);
}

void made_ctf_pad(struct made_ctf *m)
{
	while (m->types_len % 4)
		put(m, 0, 1);
}

uint32_t made_ctf_str(struct made_ctf *m, const char *text)
{
	size_t len = strlen(text) + 1, at = m->strs_len;

	if (!*text)
		return 0;
	EXPECT(at + len <= sizeof(m->strs));
	memcpy(m->strs + at, text, len);
	m->strs_len += len;
	return (uint32_t)at;
}

uint32_t made_ctf_type(struct made_ctf *m, unsigned kind, const char *name, uint32_t n,
		       uint64_t size)
{
	uint64_t all = m->is_v3 ? UINT32_MAX : UINT16_MAX;

	put(m, made_ctf_str(m, name), 4);
	put(m, m->is_v3 ? kind << 26 | 1u << 25 | n : kind << 11 | 1u << 10 | n, m->is_v3 ? 4 : 2);
	put(m, size < all ? size : all, m->is_v3 ? 4 : 2);
	if (size >= all) {
		put(m, size >> 32, 4);
		put(m, size & UINT32_MAX, 4);
	}
	return ++m->n;
}

void made_ctf_member(struct made_ctf *m, const char *name, uint32_t type, uint64_t bit_off,
		     bool large)
{
	put(m, made_ctf_str(m, name), 4);
	put(m, type, large || m->is_v3 ? 4 : 2);
	if (large) {
		put(m, bit_off >> 32, 4);
		put(m, bit_off & UINT32_MAX, 4);
	} else {
		put(m, bit_off, m->is_v3 ? 4 : 2);
	}
}

size_t made_ctf_finish(const struct made_ctf *m, bool packed, uint8_t *ret)
{
	static uint8_t all[MADE_CTF_MOST];
	const uint32_t header[8] = {
		0, 0, 0, 0, 0, 0, (uint32_t)m->types_len, (uint32_t)m->strs_len
	};
	const uint16_t magic = 0xcff1;

	memset(ret, 0, 36);
	memcpy(ret, &magic, 2);
	ret[2] = m->is_v3 ? 3 : 2;
	ret[3] = packed;
	memcpy(ret + 4, header, sizeof(header));
	memcpy(all, m->types, m->types_len);
	memcpy(all + m->types_len, m->strs, m->strs_len);
	uLongf len = MADE_CTF_MOST - 36;
	if (packed)
		EXPECT_EQ(compress(ret + 36, &len, all, m->types_len + m->strs_len), Z_OK);
	else
		memcpy(ret + 36, all, len = m->types_len + m->strs_len);
	return 36 + len;
}

static uint32_t add_int(struct made_ctf *m, const char *name, uint32_t size, uint32_t flags,
			uint32_t bits)
{
	uint32_t id = made_ctf_type(m, CTF_INTEGER, name, 0, size);

	made_ctf_u32(m, flags << 24 | bits);
	return id;
}

static uint32_t add_array(struct made_ctf *m, uint32_t elem, uint32_t index, uint32_t n)
{
	uint32_t id = made_ctf_type(m, CTF_ARRAY, "", 0, 0);

	made_ctf_id(m, elem);
	made_ctf_id(m, index);
	made_ctf_u32(m, n);
	return id;
}

void made_ctf_world(struct made_ctf *m)
{
	uint32_t i32 = add_int(m, "int", 4, 1, 32), ch = add_int(m, "char", 1, 3, 8);
	uint32_t u64 = add_int(m, "unsigned long", 8, 0, 64);
	uint32_t bits3 = add_int(m, "unsigned int", 4, 0, 3), bits5 = add_int(m, "int", 4, 1, 5);
	uint32_t text = add_array(m, ch, i32, 12), words = add_array(m, u64, i32, 4);
	uint32_t colour = made_ctf_type(m, CTF_ENUM, "colour", 2, 4);

	made_ctf_u32(m, made_ctf_str(m, "RED"));
	made_ctf_u32(m, 1);
	made_ctf_u32(m, made_ctf_str(m, "BLUE"));
	made_ctf_u32(m, (uint32_t)-7);
	uint32_t inner = made_ctf_type(m, CTF_UNION, "", 2, 8);
	made_ctf_member(m, "word", u64, 0, false);
	made_ctf_member(m, "half", i32, 0, false);
	// The struct points to itself through a forward, const and a typedef.
	uint32_t forward = made_ctf_type(m, CTF_FORWARD, "thread", 0, CTF_STRUCT);
	uint32_t fixed = made_ctf_type(m, CTF_CONST, "", 0, forward);
	uint32_t pointer = made_ctf_type(m, CTF_POINTER, "", 0, fixed);
	uint32_t thread = made_ctf_type(m, CTF_STRUCT, "thread", 8, 80);
	made_ctf_member(m, "tid", i32, 0, false);
	made_ctf_member(m, "name", text, 32, false);
	made_ctf_member(m, "next", pointer, 128, false);
	made_ctf_member(m, "lo", bits3, 192, false);
	made_ctf_member(m, "hi", bits5, 195, false);
	made_ctf_member(m, "c", colour, 224, false);
	made_ctf_member(m, "words", words, 256, false);
	made_ctf_member(m, "", inner, 512, false);
	made_ctf_type(m, CTF_TYPEDEF, "thread_t", 0, thread);
	uint32_t f = made_ctf_type(m, CTF_FUNCTION, "", 3, i32);
	made_ctf_id(m, pointer);
	made_ctf_id(m, u64);
	made_ctf_id(m, 0);
	made_ctf_pad(m);
	uint32_t to_f = made_ctf_type(m, CTF_POINTER, "", 0, f);
	uint64_t size = m->is_v3 ? UINT64_C(1) << 33 : 1 << 17;
	made_ctf_type(m, CTF_STRUCT, "large", 2, size);
	made_ctf_member(m, "call", to_f, 64, true);
	made_ctf_member(m, "last", i32, (size - 4) * 8, true);
}
