/* SPDX-License-Identifier: MIT */
/**
 * The store's file.
 *
 *   page 0      struct format_header
 *   nodes       each at a multiple of 64 bytes: a head, and behind it its items
 *   texts       one behind the other, each with a 0 behind it
 *   tracks      struct format_track [n]
 *
 * A leaf holds up to 62 segments of one track. A node above holds up to 32 children: where each
 * lies, when it begins, its longest segment, and what came before it in the track: how many
 * known segments, and how long each state was. So the sum over any range is the difference of two
 * such sums and of what is left in two leaves. Each track has one root.
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
	FORMAT_VERSION = 2,
	FORMAT_PAGE = 4096,
	FORMAT_ALIGN = 64,
	FORMAT_SEGMENTS = 62,
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
	uint8_t level, n_states;
	int64_t end_ns; /* of its last segment */
};
_Static_assert(sizeof(struct format_node) == 24, "no padding is written");

struct format_segment {
	int64_t begin_ns;
	uint32_t state, value;
};
_Static_assert(sizeof(struct format_node) + FORMAT_SEGMENTS * sizeof(struct format_segment) <= 1024,
	       "a leaf is 1 KiB");

/*
 * The columns of a node above the leaves, one behind the other: each holds a number of all
 * children, so that a search or the longest of many touches few lines of memory. Behind them lies a
 * row for each child: time by state before it.
 */
enum format_column {
	FORMAT_AT,	      /* 0: it is the open one, in memory */
	FORMAT_BEGIN,	      /* int64_t */
	FORMAT_LONGEST,	      /* ns of its longest known segment */
	FORMAT_LONGEST_BEGIN, /* int64_t: that one, so that its leaf need not be read .. */
	FORMAT_LONGEST_WHAT,  /* .. its state, and above that its value */
	FORMAT_KNOWN,	      /* known segments before it */
	FORMAT_COLUMNS,
};

/** Bytes of an item of a node. */
static inline size_t format_item(unsigned level, unsigned n_states)
{
	return level ? (FORMAT_COLUMNS + n_states) * sizeof(uint64_t)
		     : sizeof(struct format_segment);
}

static inline unsigned format_items_most(unsigned level)
{
	return level ? FORMAT_CHILDREN : FORMAT_SEGMENTS;
}

/** A checksum: finds damage, not malice. */
uint64_t format_sum(const void *data, size_t len);

#endif
