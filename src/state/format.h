/* SPDX-License-Identifier: MIT */
/**
 * The store's file.
 *
 *   page 0      struct format_header
 *   nodes       each at a multiple of 64 bytes: a head, and behind it its items
 *   texts       one behind the other, each with a 0 behind it
 *   tracks      struct format_track [n]
 *
 * A leaf holds segments of one track in up to 64 words, and what came before it in the track: how
 * many known segments, and how long each state was. So the sum over any range is the difference of
 * two such sums and of what is left in two leaves. A node above holds up to 32 children: where each
 * lies, when it begins, and its longest segment. Each track has one root.
 *
 *              level 2           [ . . . . ]                       while a track grows, the
 *              level 1    [....] [....] [....] [..    ]  <- open   right edge of its tree is in
 *              level 0   || || | || || || || || || |     <- open   memory, the rest on disk
 *
 * Numbers are in the byte order of the machine that wrote; another one makes the file anew.
 */
#ifndef STATE_FORMAT_H
#define STATE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "state/store.h"

enum {
	FORMAT_VERSION = 4,
	FORMAT_PAGE = 4096,
	FORMAT_ALIGN = 64,
	FORMAT_WORDS = 64,
	FORMAT_CHILDREN = 32,
	FORMAT_LEVELS = 8,
};

#define FORMAT_MAGIC  "sonde st"
#define FORMAT_ENDIAN UINT32_C(0x01020304)

struct format_header {
	char magic[8];
	uint32_t version, endian;
	struct store_print print;
	uint64_t len; /* of the file */
	uint64_t tracks_at, n_tracks, tracks_sum;
	uint64_t texts_at, texts_len, n_texts, texts_sum;
	uint64_t cut;
	uint64_t counts[STORE_COUNTS];
	uint64_t sum; /* of all before it */
};
_Static_assert(sizeof(struct format_header) <= FORMAT_PAGE, "the header is one page");

struct format_track {
	uint64_t root_at; /* 0: it has no segments */
	uint64_t n_known;
	int64_t begin_ns, end_ns;
	int64_t id, aux;
	uint32_t kind, group, parent, name;
	uint32_t n_states, level; /* of the root */
};
_Static_assert(sizeof(struct format_track) == 72, "no padding is written");

struct format_node {
	uint64_t sum; /* of all behind it */
	uint32_t track;
	uint16_t n;
	uint8_t level, n_states; /* of a track's first leaf, which has no sums, 0 */
	int64_t end_ns;		 /* of its last segment */
};
_Static_assert(sizeof(struct format_node) == 24, "no padding is written");

/** A leaf: behind its head; then time by state before it, unless it is the first; its words. */
struct format_leaf {
	int64_t begin_ns;
	uint64_t n_known;
};
_Static_assert(sizeof(struct format_leaf) == 16, "no padding is written");

/*
 * A segment in a word:
 *
 *   bits 63 .. 28   27 .. 4   3 .. 0
 *        length     value     state      length: nanoseconds, plus 256
 *
 * Where the length or the value is too large, bits 63 .. 28 are what is above the value's lower 24
 * bits, which is below 256, and the length is in a word of its own behind it.
 */
#define FORMAT_SHORT_NS	   ((UINT64_C(1) << 36) - 1 - 256)
#define FORMAT_SHORT_VALUE ((UINT32_C(1) << 24) - 1)

/** Puts a segment of @ns > 0 into one or two words at @to; how many. */
static inline unsigned format_pack(uint64_t *to, uint64_t ns, uint32_t state, uint32_t value)
{
	const uint64_t low = (uint64_t)(value & FORMAT_SHORT_VALUE) << 4 | state;

	if (__builtin_expect(ns <= FORMAT_SHORT_NS && value <= FORMAT_SHORT_VALUE, 1)) {
		to[0] = (ns + 256) << 28 | low;
		return 1;
	}
	to[0] = (uint64_t)(value >> 24) << 28 | low;
	to[1] = ns;
	return 2;
}

/**
 * The segment at @from, of which @n > 0 words are left; how many it takes. A cut one has no length,
 * which no whole one has.
 */
static inline unsigned format_unpack(const uint64_t *from, unsigned n, uint64_t *ret_ns,
				     uint32_t *ret_state, uint32_t *ret_value)
{
	const uint64_t w = from[0], high = w >> 28;

	*ret_state = (uint32_t)w & 15;
	*ret_value = (uint32_t)(w >> 4) & FORMAT_SHORT_VALUE;
	if (__builtin_expect(high >= 256, 1)) {
		*ret_ns = high - 256;
		return 1;
	}
	*ret_value |= (uint32_t)high << 24;
	*ret_ns = n > 1 ? from[1] : 0;
	return n > 1 ? 2 : 1;
}

/*
 * The columns of a node above the leaves, one behind the other: each holds a number of all
 * children, so that a search or the longest of many touches few lines of memory.
 */
enum format_column {
	FORMAT_AT,	      /* 0: it is the open one, in memory */
	FORMAT_BEGIN,	      /* int64_t */
	FORMAT_LONGEST,	      /* ns of its longest known segment */
	FORMAT_LONGEST_BEGIN, /* int64_t: that one, so that its leaf need not be read .. */
	FORMAT_LONGEST_WHAT,  /* .. its state, and above that its value */
	FORMAT_COLUMNS,
};

/** Bytes of a node of @n words or children. */
static inline size_t format_len(unsigned level, unsigned n, unsigned n_states)
{
	const size_t word = sizeof(uint64_t);

	return sizeof(struct format_node) +
	       (level ? n * FORMAT_COLUMNS * word
		      : sizeof(struct format_leaf) + (n_states + n) * word);
}

static inline unsigned format_most(unsigned level)
{
	return level ? FORMAT_CHILDREN : FORMAT_WORDS;
}

/** A checksum: finds damage, not malice. */
uint64_t format_sum(const void *data, size_t len);

#endif
