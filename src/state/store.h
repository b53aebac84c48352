/* SPDX-License-Identifier: MIT */
/**
 * The interval store: what was in which state from when to when, kept in a file beside the trace.
 *
 * A track (a thread, a CPU ...) is a line of segments, one behind the other: appended in order of
 * time, never changed. Above them stands a forest of summaries, so that a range of any length
 * costs about the same. A store is asked while it is built, by other threads; files are written
 * once, opened by mapping, and never trusted: what is damaged is told as -EBADMSG.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct store;

enum {
	STORE_STATES_MOST = 16,
	STORE_TRACKS_MOST = 1 << 24,
	STORE_COUNTS = 16,
	STORE_TEXTS_MOST = 1 << 24,
	STORE_TEXT_MOST = 1 << 12, /* bytes; what is longer is cut */
	STORE_PIXELS_MOST = 1 << 16,
};

#define STORE_NO_TRACK UINT32_MAX

/** What a store was made of: another one there means that it is of no use. */
struct store_print {
	uint64_t words[4];
};

/** One track. What kinds, groups, states and values mean is the caller's business. */
struct store_track {
	uint32_t kind, group;
	int64_t id, aux; /* a tid and a pid, say */
	uint32_t parent; /* the track that it came from, or STORE_NO_TRACK */
	uint32_t name;	 /* a text; 0: none */
	uint32_t n_states;
	uint64_t n_segments;	  /* from here on set by the store */
	int64_t begin_ns, end_ns; /* of the first and last segment */
};

/** [begin_ns, end_ns) in @state, which is below .n_states; 0 is what is not known. */
struct store_segment {
	int64_t begin_ns, end_ns;
	uint32_t state, value;
};

/** What is in one pixel of a row. */
struct store_cell {
	struct store_segment longest; /* whole; .state 0: the pixel is empty */
	uint64_t n;		      /* segments that are in it, even in part */
	uint64_t known_ns;	      /* time in any known state */
	uint32_t state;		      /* the known one that took most time */
};

/** Time in each state, and how many known segments lie in it, even in part. */
struct store_totals {
	uint64_t ns[STORE_STATES_MOST];
	uint64_t n;
};

/** Of the files of a folder: names, sizes, times; hidden ones are passed over. @rules: what read
 * them. */
SONDE_MUST_CHECK int store_print_folder(const char *path, const char *rules,
					struct store_print *ret);

/* Building. One thread appends; between store_begin() and store_end() no other can ask. */

/**
 * A new store that store_finish() puts at @path; NULL: it goes away with store_free(). Where its
 * disk turns out to be full, it goes on in the folder for temporary files, and then in memory.
 */
SONDE_MUST_CHECK int store_create(const char *path, const struct store_print *print,
				  struct store **ret);
void store_begin(struct store *s);
void store_end(struct store *s);
SONDE_MUST_CHECK int store_add_track(struct store *s, const struct store_track *track,
				     uint32_t *ret);
/** Changes what may change of a track: its .id, .aux, .parent and .name. */
void store_set_track(struct store *s, uint32_t track, const struct store_track *to);
/**
 * Appends. A hole before it becomes a segment of state 0; what begins before the track's end is cut
 * to it, and counted.
 */
SONDE_MUST_CHECK int store_append(struct store *s, uint32_t track, const struct store_segment *seg);
/** Nothing more comes on that track; frees what it needed. */
SONDE_MUST_CHECK int store_seal(struct store *s, uint32_t track);
/** The number of a text up to its first 0, the same for the same text, from 1 on. */
SONDE_MUST_CHECK int store_add_text(struct store *s, const char *text, size_t len, uint32_t *ret);
/** A number that the caller wants kept. */
void store_set_count(struct store *s, unsigned which, uint64_t count);
/** Nothing more comes at all; the file appears at its path. It can be asked as before. */
SONDE_MUST_CHECK int store_finish(struct store *s);
/** After store_finish(): 0, or the negative errno for which it is not kept at its path. */
int store_unkept(const struct store *s);
/** How many segments were cut, or left out, as they began before their track's end. */
uint64_t store_cut(const struct store *s);

/**
 * Opens a finished one. -ENOENT: there is none; -ESTALE: it is of another @print, or another
 * version; -EBADMSG: it is damaged.
 */
SONDE_MUST_CHECK int store_open(const char *path, const struct store_print *print,
				struct store **ret);
void store_free(struct store *s);

/* Asking, from any thread. -EBADMSG: the store is damaged. */

uint32_t store_n_tracks(struct store *s);
/** -EINVAL: there is no such track. */
SONDE_MUST_CHECK int store_get_track(struct store *s, uint32_t track, struct store_track *ret);
/** Lent as long as the store; "" for 0 and what is not there. */
const char *store_text(struct store *s, uint32_t text);
uint64_t store_count(const struct store *s, unsigned which);

/** The segment at @ns. 1: here it is, state 0 included; 0: the track has nothing there. */
SONDE_MUST_CHECK int store_at(struct store *s, uint32_t track, int64_t ns,
			      struct store_segment *ret);
/**
 * The first @cap known segments that are in [from, to), even in part, in order; ask again from the
 * last one's end on.
 */
SONDE_MUST_CHECK int store_read(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
				struct store_segment *ret, size_t cap, size_t *ret_n);
/** Time by state in [from, to). What lies outside of the track is in no state. */
SONDE_MUST_CHECK int store_sum(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
			       struct store_totals *ret);
/** [from, to) in @n equal pixels. */
SONDE_MUST_CHECK int store_row(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
			       struct store_cell *ret, size_t n);

#endif
