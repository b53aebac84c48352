/* SPDX-License-Identifier: MIT */
/**
 * Finds the tables of kallsyms in the kernel's data by their shape. Until 6.1 they lie so, each
 * from a multiple of 8 on:
 *
 *     offsets      4 bytes for each symbol
 *     base         8 bytes
 *     num_syms     4 bytes
 *     names        for each symbol its length, and that many tokens
 *     markers      where the name of each 256th symbol begins: 4 bytes each, before 4.20 8 bytes
 *     token_table  256 texts
 *     token_index  where each begins: 2 bytes each
 *
 * Digits stand for themselves in names, and so their texts follow one another in the table. From
 * there the index is found, from the index the table's begin; before it the markers end, of which
 * the first is 0. They tell how many symbols there are, but for the last 256.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/linux/ksyms.h"

enum {
	TOKENS = 256,
	TABLE_MOST = 1 << 13, /* bytes of all texts */
	INDEX_LEN = TOKENS * 2,
	MARK = 256,
	MARKERS_MOST = 1 << 13,
	GROUP_MOST = MARK * MARK, /* bytes of as many names as a marker stands for */
	CHUNK = 1 << 16,
};

#define IMAGE_MOST (1ull << 29) /* bytes of a kernel's code and data */

/* The texts of the digits, as they are in the table. */
static const uint8_t digits[20] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

static uint16_t index_at(const uint8_t *index, unsigned i)
{
	uint16_t off;

	memcpy(&off, index + 2ul * i, sizeof(off));
	return off;
}

/* Whether each of the index's places is that of a text; @digit is where in @b that of '0' is. */
static bool fits(const uint8_t *b, size_t digit, const uint8_t *index)
{
	uint16_t zero = index_at(index, '0');

	if (index_at(index, 0) || zero > digit)
		return false;
	const uint8_t *table = b + digit - zero;
	for (unsigned i = 1; i < TOKENS; i++) {
		uint16_t off = index_at(index, i);

		if (off <= index_at(index, i - 1) || table + off > index || table[off - 1])
			return false;
	}
	return true;
}

/* From where the texts of the digits are: the table and the index. @b: TABLE_MOST bytes before @va,
 * then as many, and an index. */
static bool find_tokens(struct space *mem, uint64_t va, uint8_t *b, struct ksyms_places *ret)
{
	size_t at = TABLE_MOST;

	if (space_read(mem, va - TABLE_MOST, b, TABLE_MOST) < 0)
		return false;
	size_t end = at + space_read_some(mem, va, b + at, TABLE_MOST + INDEX_LEN);
	for (unsigned i = '0'; i < TOKENS; i++) {
		const uint8_t *zero = at < end ? memchr(b + at, 0, end - at) : NULL;

		if (!zero)
			return false;
		at = (size_t)(zero - b) + 1;
	}
	at += -(va + at) & 7; // TABLE_MOST is a multiple of 8
	if (at + INDEX_LEN > end || !fits(b, TABLE_MOST, b + at))
		return false;
	ret->token_table = va - index_at(b + at, '0');
	ret->token_index = va + at - TABLE_MOST;
	return true;
}

struct markers {
	uint64_t start, second, last; /* where they lie; the second one and the last one */
	uint32_t n;
};

/* Goes back from the table's begin to the marker 0. */
static bool find_markers(struct space *mem, uint64_t table, unsigned size, struct markers *ret)
{
	struct markers m = { .start = table };
	uint64_t v = 0, before = UINT64_MAX;

	// An odd number of the small ones ends with padding.
	if (size == 4 && (space_read(mem, table - 4, &v, 4) < 0 || !v))
		m.start -= 4;
	for (v = 1; v; before = v, m.n++) {
		v = 0;
		m.start -= size;
		if (m.n == MARKERS_MOST || space_read(mem, m.start, &v, size) < 0 || v >= before)
			return false;
		if (!m.n)
			m.last = v;
		if (v)
			m.second = v;
	}
	*ret = m;
	return m.n > 1;
}

/* Where the name behind @n others ends that begin at @va. 0: not in the dump. */
static uint64_t skip_names(struct space *mem, uint64_t va, uint32_t n)
{
	while (n--) {
		uint8_t len;

		if (space_read(mem, va, &len, 1) < 0 || !len)
			return 0;
		va += 1ull + len;
	}
	return va;
}

/* Looks for the number of symbols, whose names it stands before. */
static bool find_names(struct space *mem, const struct markers *m, struct ksyms_places *ret)
{
	const uint64_t least = (m->n - 1) * (uint64_t)MARK, top = (m->start - m->last - 8) & ~7ull;

	for (uint64_t at = top; top - at < GROUP_MOST; at -= 8) {
		uint64_t n, names = at + 8;

		if (space_read(mem, at, &n, sizeof(n)) < 0)
			return false;
		if (n <= least || n > least + MARK)
			continue;
		uint64_t end = skip_names(mem, names + m->last, (uint32_t)(n - least));
		if (!end || ((end + 7) & ~7ull) != m->start ||
		    skip_names(mem, names, MARK) != names + m->second)
			continue;
		ret->names = names;
		ret->num_syms = at;
		ret->relative_base = at - 8;
		ret->offsets = at - 8 - ((n * 4 + 7) & ~7ull);
		return true;
	}
	return false;
}

static bool find_all(struct space *mem, uint64_t va, uint8_t *b, struct ksyms_places *ret)
{
	struct markers m;

	if (!find_tokens(mem, va, b, ret))
		return false;
	for (unsigned size = 4; size <= 8; size += 4) {
		if (find_markers(mem, ret->token_table, size, &m) && find_names(mem, &m, ret))
			return true;
	}
	return false;
}

int ksyms_search(struct space *mem, uint64_t text, struct ksyms_places *ret)
{
	const size_t table_room = 2 * TABLE_MOST + INDEX_LEN, keep = sizeof(digits) - 1;
	sonde_auto(mem_freep) uint8_t *b = malloc(table_room + CHUNK + keep);

	if (!b)
		return sonde_fail(-ENOMEM, "symbols: out of memory");
	uint8_t *chunk = b + table_room;
	uint64_t at = text & ~(uint64_t)(CHUNK - 1), end = at + IMAGE_MOST;
	for (; at < end; at += CHUNK) {
		// Parts of the image are given back once it runs.
		size_t n = space_read_some(mem, at, chunk, CHUNK + keep);
		const uint8_t *hit = chunk, *stop = chunk + n;

		while ((hit = memmem(hit, (size_t)(stop - hit), digits, sizeof(digits))) != NULL) {
			if (find_all(mem, at + (size_t)(hit - chunk), b, ret))
				return 0;
			hit++;
		}
	}
	return -ENOENT;
}
