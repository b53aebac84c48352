/* SPDX-License-Identifier: MIT */
/** Building a store: segments go into open leaves, full nodes into the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "state/store_state.h"

/*
 * Open nodes of many tracks would take much memory: when they have come to the first of these, and
 * whenever they have grown by the second since, leaves are written as they are, and nodes above
 * them that have enough children for the tree to stay flat.
 */
enum { OPEN_MOST = 64 << 20, OPEN_MORE = 24 << 20, CHILDREN_LEAST = 4 };

void store_begin(struct store *s)
{
	store_lock(s);
}

void store_end(struct store *s)
{
	store_unlock(s);
}

int store_write(struct store *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	sonde_check(s->is_built);
	while (len) {
		const size_t room = STORE_BUF - s->buf_len, n = len < room ? len : room;

		memcpy(s->buf + s->buf_len, p, n);
		s->buf_len += n;
		p += n;
		len -= n;
		if (s->buf_len < STORE_BUF)
			continue;
		int r = store_flush(s);
		if (r < 0)
			return r;
	}
	return 0;
}

int store_flush(struct store *s)
{
	size_t done = 0;

	while (!s->err && done < s->buf_len) {
		const ssize_t n =
			pwrite(s->fd, s->buf + done, s->buf_len - done, (off_t)(s->buf_at + done));
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		s->err = store_move(s, n < 0 ? -errno : -EIO);
		done = 0;
	}
	if (s->err)
		return s->err;
	s->buf_at += s->buf_len;
	s->buf_len = 0;
	return 0;
}

int store_pad(struct store *s)
{
	static const uint8_t zero[FORMAT_ALIGN];
	const size_t over = (s->buf_at + s->buf_len) % FORMAT_ALIGN;

	return over ? store_write(s, zero, FORMAT_ALIGN - over) : 0;
}

/* Copies the columns of @n children to where they are another number apart. */
static void copy_columns(uint64_t *to, size_t to_stride, const uint64_t *from, size_t from_stride,
			 size_t n)
{
	for (unsigned c = 0; n && c < FORMAT_COLUMNS; c++)
		memcpy(to + c * to_stride, from + c * from_stride, n * sizeof(*to));
}

/* What is behind a node's head. */
static void copy_node(uint8_t *to, const struct node *n, unsigned n_states)
{
	if (n->level) {
		copy_columns((uint64_t *)(void *)to, n->n, n->items, n->stride, n->n);
		return;
	}
	const struct format_leaf leaf = { n->begin_ns, n->n_known };
	const size_t ns_len = n_states * sizeof(uint64_t);

	memcpy(to, &leaf, sizeof(leaf));
	if (ns_len)
		memcpy(to + sizeof(leaf), n->ns, ns_len);
	memcpy(to + sizeof(leaf) + ns_len, n->items, n->n * sizeof(*n->items));
}

/* Writes a node; never across the end of the buffer, so that it can be read there. */
static int write_node(struct store *s, uint32_t track, const struct node *n, uint64_t *ret_at)
{
	const bool first = !n->level && !n->ns;
	const unsigned n_states = first ? 0 : store_edge_of(s, track)->n_states;
	const size_t len = format_len(n->level, n->n, n_states);
	struct format_node head = {
		.track = track,
		.n = (uint16_t)n->n,
		.level = (uint8_t)n->level,
		.n_states = (uint8_t)n_states,
		.end_ns = n->end_ns,
	};

	int r = store_pad(s);
	if (r >= 0 && s->buf_len + len >= STORE_BUF)
		r = store_flush(s);
	if (r < 0)
		return r;
	uint8_t *at = s->buf + s->buf_len;
	*ret_at = s->buf_at + s->buf_len;
	memcpy(at, &head, sizeof(head));
	copy_node(at + sizeof(head), n, n_states);
	head.sum = format_sum(at + sizeof(head.sum), len - sizeof(head.sum));
	memcpy(at, &head.sum, sizeof(head.sum));
	s->buf_len += len;
	return 0;
}

static size_t columns_len(unsigned cap)
{
	return (size_t)cap * FORMAT_COLUMNS * sizeof(uint64_t);
}

/* Room for one child more. */
static int grow_node(struct store *s, struct open_node *n)
{
	if (n->n < n->cap)
		return 0;
	unsigned cap = n->cap ? 2u * n->cap : 1;
	cap = cap > FORMAT_CHILDREN ? FORMAT_CHILDREN : cap;
	sonde_check(cap > n->n);
	uint64_t *columns = malloc(columns_len(cap));
	if (!columns)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	copy_columns(columns, cap, n->columns, n->cap, n->n);
	free(n->columns);
	s->open_bytes += columns_len(cap - n->cap);
	n->columns = columns;
	n->cap = (uint16_t)cap;
	return 0;
}

static void drop_node(struct store *s, struct open_node *n)
{
	s->open_bytes -= columns_len(n->cap);
	free(n->columns);
	*n = (struct open_node){ NULL, 0, 0 };
}

/* Room for a word more in the open leaf, whose chunks are full. */
static int add_chunk(struct store *s, struct edge *e)
{
	uint32_t *chunk = &e->chunks[e->n / STORE_CHUNK];
	int r = chunks_take(&s->chunks, chunk);

	if (r < 0)
		return r;
	e->at = chunk_at(&s->chunks, *chunk);
	s->open_bytes += STORE_CHUNK * sizeof(*e->at);
	return 0;
}

/* Empties the open leaf. The chunk that is given back last is taken first. */
static void drop_leaf(struct store *s, struct edge *e)
{
	for (unsigned i = 0; i * STORE_CHUNK < e->n; i++) {
		chunks_give(&s->chunks, e->chunks[i]);
		s->open_bytes -= STORE_CHUNK * sizeof(*e->at);
	}
	e->n = 0;
}

static struct open_node *level_of(struct track *t, unsigned level)
{
	return &t->above[level - 1];
}

/* Column @c of the last child of an open node. */
static uint64_t *last_of(const struct open_node *n, enum format_column c)
{
	return n->columns + (size_t)c * n->cap + (n->n - 1);
}

/* Adds to level @level the child that is open below. All of the level's are closed. */
static int add_child(struct store *s, struct track *t, unsigned level, int64_t begin_ns)
{
	struct open_node *n = level_of(t, level);
	int r = grow_node(s, n);
	if (r < 0)
		return r;

	n->n++;
	*last_of(n, FORMAT_AT) = 0;
	*last_of(n, FORMAT_BEGIN) = (uint64_t)begin_ns;
	*last_of(n, FORMAT_LONGEST) = 0;
	*last_of(n, FORMAT_LONGEST_BEGIN) = 0;
	*last_of(n, FORMAT_LONGEST_WHAT) = 0;
	return 0;
}

/* Puts a level above the highest one, whose only node becomes its first child. */
static int add_level(struct store *s, struct track *t)
{
	if (t->n_above + 1 >= FORMAT_LEVELS)
		return sonde_fail(-EFBIG, "the index is too deep");
	struct open_node *above = realloc(t->above, (t->n_above + 1) * sizeof(*above));
	if (!above)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	t->above = above;
	t->above[t->n_above++] = (struct open_node){ NULL, 0, 0 };
	return add_child(s, t, t->n_above, t->rec.begin_ns);
}

/* The longest known segment of a node above the leaves. */
static struct store_segment longest_child(const struct node *n)
{
	const uint64_t *longest = node_column(n, FORMAT_LONGEST);
	unsigned most = 0;

	for (unsigned i = 1; i < n->n; i++) {
		if (longest[i] > longest[most])
			most = i;
	}
	return node_longest(n, most);
}

/* What a leaf holds is from now on before the next one. And its longest known segment. */
static struct store_segment count_leaf(struct track *t, const struct node *leaf)
{
	struct store_segment longest = { .state = 0 };
	uint64_t most = 0, at = (uint64_t)leaf->begin_ns;

	for (unsigned i = 0; i < leaf->n;) {
		uint32_t state, value;
		uint64_t ns;

		i += format_unpack(leaf->items + i, leaf->n - i, &ns, &state, &value);
		t->ns[state] += ns;
		t->rec.n_known += state != 0;
		if (state && ns > most) {
			most = ns;
			longest = (struct store_segment){ (int64_t)at, (int64_t)(at + ns), state,
							  value };
		}
		at += ns;
	}
	return longest;
}

/* Tells the parent, if there is one, of its last child: where it is, and its longest segment. */
static void close_child(struct track *t, unsigned level, uint64_t at,
			const struct store_segment *longest)
{
	if (level == t->n_above)
		return;
	const struct open_node *above = level_of(t, level + 1);
	*last_of(above, FORMAT_AT) = at;
	*last_of(above, FORMAT_LONGEST) = span_ns(longest->begin_ns, longest->end_ns);
	*last_of(above, FORMAT_LONGEST_BEGIN) = (uint64_t)longest->begin_ns;
	*last_of(above, FORMAT_LONGEST_WHAT) = (uint64_t)longest->value << 32 | longest->state;
}

/* Writes the open leaf and empties it. */
static int close_leaf(struct store *s, uint32_t track, uint64_t *ret_at)
{
	struct track *t = store_track_of(s, track);
	struct edge *e = store_edge_of(s, track);
	const struct node leaf = store_open_node(s, track, 0);
	int r = write_node(s, track, &leaf, ret_at);

	if (r < 0)
		return r;
	if (!t->ns)
		t->ns = calloc(e->n_states, sizeof(*t->ns));
	if (!t->ns)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	const struct store_segment longest = count_leaf(t, &leaf);
	close_child(t, 0, *ret_at, &longest);
	drop_leaf(s, e);
	return 0;
}

/* Writes an open node whose children are closed. */
static int close_node(struct store *s, uint32_t track, unsigned level, uint64_t *ret_at)
{
	struct track *t = store_track_of(s, track);
	const struct node n = store_open_node(s, track, level);
	int r = write_node(s, track, &n, ret_at);

	if (r < 0)
		return r;
	const struct store_segment longest = longest_child(&n);
	close_child(t, level, *ret_at, &longest);
	level_of(t, level)->n = 0;
	return 0;
}

static int close_any(struct store *s, uint32_t track, unsigned level, uint64_t *ret_at)
{
	return level ? close_node(s, track, level, ret_at) : close_leaf(s, track, ret_at);
}

/*
 * Writes the open node of @level, whose children are closed, and empties it. Where it was the
 * highest one, it gets a level above it first.
 */
static int close_level(struct store *s, uint32_t track, unsigned level)
{
	struct track *t = store_track_of(s, track);
	uint64_t at;
	int r = level == t->n_above ? add_level(s, t) : 0;

	return r < 0 ? r : close_any(s, track, level, &at);
}

/* A new leaf begins at the track's end: each level above gets room for it. */
static int begin_leaf(struct store *s, uint32_t track)
{
	struct track *t = store_track_of(s, track);
	struct edge *e = store_edge_of(s, track);
	unsigned level = 1;
	int r = 0;

	e->leaf_ns = e->end_ns;
	// Up to the lowest node that has room; those below it begin anew, as its children.
	for (; r >= 0; level++) {
		if (level_of(t, level)->n == FORMAT_CHILDREN)
			r = close_level(s, track, level);
		if (level_of(t, level)->n)
			break;
	}
	for (; r >= 0 && level > 0; level--)
		r = add_child(s, t, level, e->end_ns);
	return r;
}

/* Writes what is open of a track, so that it takes little memory. */
static int shrink_track(struct store *s, uint32_t track)
{
	struct track *t = store_track_of(s, track);
	int r = close_level(s, track, 0);

	for (unsigned level = 1; r >= 0 && level <= t->n_above; level++) {
		const unsigned n = level_of(t, level)->n;

		if (n && n < CHILDREN_LEAST)
			break;
		r = n ? close_level(s, track, level) : 0;
		drop_node(s, level_of(t, level));
	}
	return r;
}

static int shrink(struct store *s)
{
	for (uint32_t i = 0; i < s->head.n_tracks; i++) {
		int r = store_edge_of(s, i)->n ? shrink_track(s, i) : 0;

		if (r < 0)
			return r;
	}
	s->open_most = s->open_bytes + OPEN_MORE;
	s->open_most = s->open_most < OPEN_MOST ? OPEN_MOST : s->open_most;
	return 0;
}

/* Room for @n words, one after the other: where the open leaf has it not, in a new one. */
static int make_room(struct store *s, uint32_t track, unsigned n)
{
	struct edge *e = store_edge_of(s, track);
	int r = e->n + n > FORMAT_WORDS ? close_level(s, track, 0) : 0;

	if (r >= 0 && !e->n && store_track_of(s, track)->n_above)
		r = begin_leaf(s, track);
	s->shrinks |= s->open_bytes > s->open_most;
	return r;
}

static inline int add_word(struct store *s, struct edge *e, uint64_t word)
{
	int r = e->n % STORE_CHUNK ? 0 : add_chunk(s, e);

	if (r < 0)
		return r;
	*e->at++ = word;
	e->n++;
	return 0;
}

/* A segment of a track, from its end up to @end_ns. */
static inline int push(struct store *s, uint32_t track, struct edge *e, int64_t end_ns,
		       uint32_t state, uint32_t value)
{
	uint64_t words[2];
	const unsigned n = format_pack(words, span_ns(e->end_ns, end_ns), state, value);
	int r = 0;

	if (__builtin_expect(e->n % STORE_CHUNK + n > STORE_CHUNK || !(e->n % STORE_CHUNK), 0))
		r = make_room(s, track, n);
	if (r >= 0)
		r = add_word(s, e, words[0]);
	if (r >= 0 && __builtin_expect(n > 1, 0))
		r = add_word(s, e, words[1]);
	e->end_ns = r < 0 ? e->end_ns : end_ns;
	return r;
}

/* The first segment of a track. */
static void begin_track(struct store *s, uint32_t track, struct edge *e, int64_t begin_ns)
{
	store_track_of(s, track)->rec.begin_ns = e->leaf_ns = e->end_ns = begin_ns;
	e->begun = true;
}

int store_append(struct store *s, uint32_t track, const struct store_segment *seg)
{
	sonde_check(track < s->head.n_tracks);
	struct edge *e = store_edge_of(s, track);
	int64_t begin_ns = seg->begin_ns;
	int r = s->err;

	sonde_check(!e->sealed && seg->state < e->n_states);
	if (r < 0)
		return r;
	if (!e->begun)
		begin_track(s, track, e, begin_ns);
	if (begin_ns < e->end_ns) {
		s->head.cut++;
		begin_ns = e->end_ns;
	}
	if (begin_ns >= seg->end_ns)
		return 0;
	if (begin_ns > e->end_ns)
		r = push(s, track, e, begin_ns, 0, 0); // a hole
	if (r >= 0)
		r = push(s, track, e, seg->end_ns, seg->state, seg->value);
	if (r >= 0 && __builtin_expect(s->shrinks, 0)) {
		s->shrinks = false;
		r = shrink(s);
	}
	if (r < 0)
		s->err = r;
	return r;
}

void store_free_open(struct store *s, uint32_t track)
{
	struct track *t = store_track_of(s, track);

	drop_leaf(s, store_edge_of(s, track));
	for (unsigned level = 1; level <= t->n_above; level++)
		drop_node(s, level_of(t, level));
	free(t->above);
	free(t->ns);
	t->above = NULL;
	t->ns = NULL;
	t->n_above = 0;
}

int store_seal(struct store *s, uint32_t track)
{
	sonde_check(track < s->head.n_tracks);
	struct track *t = store_track_of(s, track);
	struct edge *e = store_edge_of(s, track);
	int r = s->err;

	if (e->sealed || r < 0)
		return r;
	for (unsigned level = 0; r >= 0 && level <= t->n_above; level++) {
		// A leaf that was written as it was leaves no open one behind.
		if (!(level ? level_of(t, level)->n : e->n))
			continue;
		r = close_any(s, track, level, &t->rec.root_at);
		t->rec.level = level;
	}
	if (r < 0) {
		s->err = r;
		return r;
	}
	t->rec.end_ns = e->end_ns;
	store_free_open(s, track);
	e->sealed = true;
	return 0;
}
