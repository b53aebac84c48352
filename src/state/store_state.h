/* SPDX-License-Identifier: MIT */
/** The store's inside. */
#ifndef STATE_STORE_STATE_H
#define STATE_STORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/spill.h"
#include "base/u64map.h"
#include "state/format.h"
#include "state/store.h"

enum { STORE_BUF = 1 << 20 };

/** A node above the leaves at the right edge of a track's tree that is still being filled. */
struct open_node {
	uint64_t *columns; /* owned */
	uint16_t n, cap;
};

/* Open leaves are in chunks, so that one takes no more memory than it needs. */
enum { STORE_CHUNK = 8 /* words: a line of memory */, STORE_CHUNKS = FORMAT_WORDS / STORE_CHUNK };

/**
 * What appending needs of a track, in one line of memory: of many tracks each append finds another
 * one, and waits for it.
 */
struct edge {
	uint64_t *at;	 /* the next word, where .n is no multiple of STORE_CHUNK */
	int64_t end_ns;	 /* of the track */
	int64_t leaf_ns; /* where the open leaf begins */
	uint8_t n;	 /* words of the open leaf */
	uint8_t n_states;
	bool begun, sealed; /* has a segment; all is in the file */
	uint32_t chunks[STORE_CHUNKS];
};
_Static_assert(sizeof(struct edge) == 64, "it is one line");

/** A track while it is built. What its open leaf holds is not counted in .rec and .ns yet. */
struct track {
	struct format_track rec;
	struct open_node *above; /* owned: levels 1 .. n_above */
	uint64_t *ns;		 /* owned: time in each state; NULL: none */
	unsigned n_above;
};

/** Memory of chunks. Each is lent until it is given back. */
struct chunks {
	uint64_t **pieces; /* owned, and each: STORE_PIECE chunks */
	size_t n_pieces, cap_pieces;
	uint32_t n;    /* ever lent */
	uint32_t free; /* the first that was given back, plus 1; holds the next one's number */
};

enum { STORE_PIECE = 1 << 10 };

/** Nodes as they are asked: in the file or in memory, they look the same. */
struct node {
	const uint64_t *items; /* words of a leaf; or columns */
	unsigned n, level;
	unsigned stride; /* of its columns */
	int64_t end_ns;
	/* Of a leaf alone: its begin, and what was before it. */
	int64_t begin_ns;
	uint64_t n_known;
	const uint64_t *ns; /* NULL: nothing */
};

/** A leaf taken apart. */
struct leaf {
	unsigned n;
	int64_t end_ns;
	uint64_t n_known;
	uint64_t ns[STORE_STATES_MOST];
	struct leaf_segment {
		int64_t begin_ns;
		uint32_t state, value;
	} segs[FORMAT_WORDS];
};

/** Where a store that is built is; it goes on to the next one where it cannot be written. */
enum store_place { STORE_AT_PATH, STORE_AT_TEMP, STORE_IN_MEMORY };

struct store {
	int fd;
	enum store_place place;
	char *path;    /* owned; NULL: it was not to be kept */
	int unkept;    /* why it is not kept at its path all the same */
	bool is_built; /* by this process: asking needs the lock */
	char *temp;    /* owned, or NULL */
	pthread_mutex_t lock;
	int err; /* of a write: no more is taken */

	const uint8_t *map; /* the file, or as much of it as was needed */
	size_t map_len;
	_Atomic uint8_t *checked; /* owned: a bit for each 64 bytes where a checked node begins */
	_Atomic uint32_t n_asked; /* of another track than before, about */
	_Atomic uint32_t last_asked;
	struct format_header head;

	/* Opened: into the map. */
	const struct format_track *tracks;

	const char **texts; /* owned array; by number - 1 */
	size_t n_texts, cap_texts;

	/* Built. */
	struct track *built; /* @built_mem's: moves when one is added */
	struct edge *edges;  /* @edges_mem's: likewise */
	struct spill built_mem, edges_mem;
	struct chunks chunks;
	uint64_t words[FORMAT_WORDS]; /* of the open leaf that was looked at last */
	uint8_t *buf;		      /* owned: what belongs at @buf_at */
	size_t buf_len;
	uint64_t buf_at;
	uint64_t open_bytes;   /* of all open nodes */
	uint64_t open_most;    /* beyond it, they are written .. */
	bool shrinks;	       /* .. which is to be done */
	struct arena arena;    /* of the texts */
	struct u64map text_of; /* sum of a text -> its number */
};

static inline uint64_t *chunk_at(const struct chunks *c, uint32_t i)
{
	return c->pieces[i / STORE_PIECE] + (size_t)(i % STORE_PIECE) * STORE_CHUNK;
}

/** -ENOMEM (sonde_fail()). */
int chunks_take(struct chunks *c, uint32_t *ret);
void chunks_give(struct chunks *c, uint32_t i);
void chunks_fini(struct chunks *c);

static inline struct track *store_track_of(const struct store *s, uint32_t i)
{
	return &s->built[i];
}

static inline struct edge *store_edge_of(const struct store *s, uint32_t i)
{
	return &s->edges[i];
}

/** Appends bytes to the file; writes what is buffered; goes on to a multiple of 64. */
int store_write(struct store *s, const void *data, size_t len);
int store_flush(struct store *s);
int store_pad(struct store *s);
/**
 * Goes on at another place, as the file cannot be written because of @err; what the file holds goes
 * with it. @err (sonde_fail()): there is none left.
 */
int store_move(struct store *s, int err);
/** Frees what a track needs only while it grows. */
void store_free_open(struct store *s, uint32_t track);

/** The record of a track, wherever it is; NULL: there is none. */
const struct format_track *store_record(const struct store *s, uint32_t track);

/** From when to when a track has segments; the same twice: it has none. And how many known ones. */
void store_span(const struct store *s, uint32_t track, int64_t *ret_begin_ns, int64_t *ret_end_ns);
uint64_t store_n_known(struct store *s, uint32_t track);

/** Maps what is in the file; before nodes are asked for, as it moves what was lent. */
int store_map(struct store *s);

/** The open node of a level; words of a leaf last until another one is asked for. */
struct node store_open_node(struct store *s, uint32_t track, unsigned level);

/** The root of a track that has segments. */
int store_root(struct store *s, uint32_t track, struct node *ret);
/** Child @i of a node. */
int store_child(struct store *s, uint32_t track, const struct node *n, unsigned i,
		struct node *ret);

enum { STORE_COPY_LEVELS = 3 };

/**
 * Nodes of the lowest levels, read instead of mapped: for who looks at few of a large file, where
 * the system would map 16 pages to show one of them. The two of each level that were read last.
 */
struct store_copies {
	struct store_copy {
		uint64_t words[(sizeof(struct format_node) +
				FORMAT_CHILDREN * FORMAT_COLUMNS * sizeof(uint64_t)) /
			       sizeof(uint64_t)];
	} nodes[STORE_COPY_LEVELS][2];
	uint8_t next[STORE_COPY_LEVELS]; /* which of them, modulo 2, is read over */
};

/** The same as store_child(), which lasts until two more of its level were asked for. */
int store_child_copy(struct store *s, uint32_t track, const struct node *n, unsigned i,
		     struct store_copies *copies, struct node *ret);

/** Takes a leaf apart. -EBADMSG: it makes no sense. */
int store_leaf(const struct node *n, unsigned n_states, struct leaf *ret);

static inline struct store_segment leaf_segment(const struct leaf *l, unsigned i)
{
	const struct leaf_segment *s = &l->segs[i];

	return (struct store_segment){ s->begin_ns, i + 1 < l->n ? s[1].begin_ns : l->end_ns,
				       s->state, s->value };
}

/** The segment of a leaf that @ns is in; the first or the last one where that is outside. */
static inline unsigned leaf_find(const struct leaf *l, int64_t ns)
{
	unsigned i = 0;

	while (i + 1 < l->n && l->segs[i + 1].begin_ns <= ns)
		i++;
	return i;
}

static inline const uint64_t *node_column(const struct node *n, enum format_column c)
{
	return n->items + (size_t)c * n->stride;
}

/** The last child from @low on that begins at or before @ns; @low if none does. */
static inline unsigned node_find(const struct node *n, unsigned low, int64_t ns)
{
	const uint64_t *begin = node_column(n, FORMAT_BEGIN);
	unsigned high = n->n;

	while (high - low > 1) {
		const unsigned mid = (low + high) / 2;

		if ((int64_t)begin[mid] <= ns)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/** The longest known segment of child @i; its .state is 0 where it has none. */
static inline struct store_segment node_longest(const struct node *n, unsigned i)
{
	const int64_t begin = (int64_t)node_column(n, FORMAT_LONGEST_BEGIN)[i];
	const uint64_t what = node_column(n, FORMAT_LONGEST_WHAT)[i];

	return (struct store_segment){
		.begin_ns = begin,
		.end_ns = (int64_t)((uint64_t)begin + node_column(n, FORMAT_LONGEST)[i]),
		.state = (uint32_t)what,
		.value = (uint32_t)(what >> 32),
	};
}

/** From @begin to @end, which is not before it. */
static inline uint64_t span_ns(int64_t begin, int64_t end)
{
	return (uint64_t)end - (uint64_t)begin;
}

/*
 * Adds a leaf's time by state in [from_ns, to_ns), and its known segments that begin there; @i is
 * the segment that @from_ns is in. The segment behind those.
 */
static inline unsigned leaf_sum(const struct leaf *l, unsigned i, int64_t from_ns, int64_t to_ns,
				struct store_totals *sum)
{
	for (; i < l->n && l->segs[i].begin_ns < to_ns; i++) {
		const struct store_segment seg = leaf_segment(l, i);
		const int64_t begin = seg.begin_ns > from_ns ? seg.begin_ns : from_ns;
		const int64_t end = seg.end_ns < to_ns ? seg.end_ns : to_ns;

		sum->ns[seg.state] += span_ns(begin, end);
		sum->n += seg.state && seg.begin_ns >= from_ns;
	}
	return i;
}

/** @ret becomes what is between two sums; @at is the segment at the first one's moment. */
static inline void totals_subtract(const struct store_totals *from, const struct store_totals *to,
				   int64_t from_ns, const struct store_segment *at,
				   struct store_totals *ret)
{
	for (unsigned i = 0; i < STORE_STATES_MOST; i++)
		ret->ns[i] = to->ns[i] - from->ns[i];
	ret->n = to->n - from->n + (at->state && at->begin_ns < from_ns);
}

/** A track that is asked, and its root. */
struct asked {
	struct store *s;
	uint32_t track;
	unsigned n_states;
	int64_t begin_ns, end_ns; /* the same: it has no segments */
	struct node root;
};

/** Before each question, under the lock. */
int store_ask(struct store *s, uint32_t track, struct asked *ret);

static inline void store_lock(struct store *s)
{
	if (s->is_built)
		(void)pthread_mutex_lock(&s->lock); // cannot fail: not recursive, not robust
}

static inline void store_unlock(struct store *s)
{
	if (s->is_built)
		(void)pthread_mutex_unlock(&s->lock);
}

#endif
