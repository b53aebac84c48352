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

/** A node at the right edge of a track's tree that is still being filled. */
struct open_node {
	uint8_t *items; /* owned */
	uint16_t n, cap;
};

/** A track while it is built. */
struct track {
	struct format_track rec;
	struct open_node leaf;
	struct open_node *above; /* owned: levels 1 .. n_above */
	unsigned n_above;
	uint64_t *ns; /* owned: time in each state up to the end */
	bool sealed;  /* all is in the file */
};

/** Nodes as they are asked: in the file or in memory, they look the same. */
struct node {
	const uint8_t *items;
	unsigned n, level;
	unsigned stride; /* of its columns */
	int64_t end_ns;
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
	struct spill built_mem;
	uint8_t *buf; /* owned: what belongs at @buf_at */
	size_t buf_len;
	uint64_t buf_at;
	uint64_t open_bytes;   /* of all open nodes */
	uint64_t open_most;    /* beyond it, they are written */
	struct arena arena;    /* of the texts */
	struct u64map text_of; /* sum of a text -> its number */
};

static inline struct track *store_track_of(const struct store *s, uint32_t i)
{
	return &s->built[i];
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
void store_free_open(struct store *s, struct track *t);

/** The record of a track, wherever it is; NULL: there is none. */
const struct format_track *store_record(const struct store *s, uint32_t track);

/** Maps what is in the file; before nodes are asked for, as it moves what was lent. */
int store_map(struct store *s);

/** The open node of a level. */
struct node store_open_node(const struct track *t, unsigned level);

/** The root of a track that has segments. */
int store_root(struct store *s, uint32_t track, struct node *ret);
/** Child @i of a node. */
int store_child(struct store *s, uint32_t track, const struct node *n, unsigned i,
		struct node *ret);

enum { STORE_COPY_LEVELS = 3 };

/**
 * Nodes of the lowest levels, read instead of mapped: for who looks at few of a large file, where
 * the system would map 16 pages to show one of them. Two of each level, that read last.
 */
struct store_copies {
	struct store_copy {
		uint64_t at; /* 0: nothing was read */
		size_t len;
		uint64_t words[(sizeof(struct format_node) +
				FORMAT_CHILDREN * (FORMAT_COLUMNS + STORE_STATES_MOST) *
					sizeof(uint64_t)) /
			       sizeof(uint64_t)];
	} nodes[STORE_COPY_LEVELS][2];
	uint8_t next[STORE_COPY_LEVELS]; /* which of them is read over */
};

/** The same as store_child(), which lasts until two more of its level were asked for. */
int store_child_copy(struct store *s, uint32_t track, const struct node *n, unsigned i,
		     struct store_copies *copies, struct node *ret);

static inline const struct format_segment *node_segment(const struct node *n, unsigned i)
{
	return (const struct format_segment *)(const void *)n->items + i;
}

static inline const uint64_t *node_column(const struct node *n, enum format_column c)
{
	return (const uint64_t *)(const void *)n->items + (size_t)c * n->stride;
}

/** Time by state before child @i. */
static inline const uint64_t *node_ns(const struct node *n, unsigned i, unsigned n_states)
{
	return node_column(n, FORMAT_COLUMNS) + (size_t)i * n_states;
}

static inline int64_t node_begin(const struct node *n, unsigned i)
{
	return n->level ? (int64_t)node_column(n, FORMAT_BEGIN)[i] : node_segment(n, i)->begin_ns;
}

/** Where item @i ends: where the next one begins. */
static inline int64_t node_item_end(const struct node *n, unsigned i)
{
	return i + 1 < n->n ? node_begin(n, i + 1) : n->end_ns;
}

static inline struct store_segment node_whole(const struct node *n, unsigned i)
{
	const struct format_segment *s = node_segment(n, i);

	return (struct store_segment){ s->begin_ns, node_item_end(n, i), s->state, s->value };
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
