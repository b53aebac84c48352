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
static void copy_columns(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride,
			 size_t n, size_t n_states)
{
	const size_t word = sizeof(uint64_t);

	for (unsigned c = 0; n && c < FORMAT_COLUMNS; c++)
		memcpy(to + c * to_stride * word, from + c * from_stride * word, n * word);
	if (n)
		memcpy(to + FORMAT_COLUMNS * to_stride * word,
		       from + FORMAT_COLUMNS * from_stride * word, n * n_states * word);
}

/* Writes a node; never across the end of the buffer, so that it can be read there. */
static int write_node(struct store *s, const struct format_track *rec, uint32_t track,
		      const struct open_node *n, unsigned level, uint64_t *ret_at)
{
	const size_t len = n->n * format_item(level, rec->n_states);
	struct format_node head = {
		.track = track,
		.n = n->n,
		.level = (uint8_t)level,
		.n_states = (uint8_t)rec->n_states,
		.end_ns = rec->end_ns,
	};

	int r = store_pad(s);
	if (r >= 0 && s->buf_len + sizeof(head) + len >= STORE_BUF)
		r = store_flush(s);
	if (r < 0)
		return r;
	uint8_t *at = s->buf + s->buf_len;
	*ret_at = s->buf_at + s->buf_len;
	memcpy(at, &head, sizeof(head));
	if (level)
		copy_columns(at + sizeof(head), n->n, n->items, n->cap, n->n, rec->n_states);
	else
		memcpy(at + sizeof(head), n->items, len);
	head.sum = format_sum(at + sizeof(head.sum), sizeof(head) - sizeof(head.sum) + len);
	memcpy(at, &head.sum, sizeof(head.sum));
	s->buf_len += sizeof(head) + len;
	return 0;
}

/* Room for one item more. */
static int grow_node(struct store *s, struct open_node *n, unsigned level, unsigned n_states)
{
	const unsigned most = format_items_most(level);
	const size_t item = format_item(level, n_states);

	if (n->n < n->cap)
		return 0;
	unsigned cap = n->cap ? 2u * n->cap : level ? 1 : 4;
	cap = cap > most ? most : cap;
	sonde_check(cap > n->n);
	uint8_t *items = level ? malloc(cap * item) : realloc(n->items, cap * item);
	if (!items)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	if (level) {
		copy_columns(items, cap, n->items, n->cap, n->n, n_states);
		free(n->items);
	}
	s->open_bytes += (cap - n->cap) * item;
	n->items = items;
	n->cap = (uint16_t)cap;
	return 0;
}

static void drop_node(struct store *s, struct open_node *n, unsigned level, unsigned n_states)
{
	s->open_bytes -= n->cap * format_item(level, n_states);
	free(n->items);
	*n = (struct open_node){ NULL, 0, 0 };
}

static struct open_node *level_of(struct track *t, unsigned level)
{
	return level ? &t->above[level - 1] : &t->leaf;
}

/* Column @c of the last child of an open node. */
static uint64_t *last_of(const struct open_node *n, enum format_column c)
{
	return (uint64_t *)(void *)n->items + (size_t)c * n->cap + (n->n - 1);
}

/* What comes before a child in its track. */
struct before {
	int64_t begin_ns; /* where the child begins */
	const uint64_t *ns;
	uint64_t n_known;
};

/* Adds to level @level the child that is open below. All of the level's are closed. */
static int add_child(struct store *s, struct track *t, unsigned level, const struct before *b)
{
	struct open_node *n = level_of(t, level);
	int r = grow_node(s, n, level, t->rec.n_states);
	if (r < 0)
		return r;

	const size_t n_states = t->rec.n_states;
	uint64_t *ns = (uint64_t *)(void *)n->items + (size_t)FORMAT_COLUMNS * n->cap;

	memcpy(ns + n->n * n_states, b->ns, n_states * sizeof(*ns));
	n->n++;
	*last_of(n, FORMAT_AT) = 0;
	*last_of(n, FORMAT_BEGIN) = (uint64_t)b->begin_ns;
	*last_of(n, FORMAT_LONGEST) = 0;
	*last_of(n, FORMAT_LONGEST_BEGIN) = 0;
	*last_of(n, FORMAT_LONGEST_WHAT) = 0;
	*last_of(n, FORMAT_KNOWN) = b->n_known;
	return 0;
}

/* Puts a level above the highest one, whose only node becomes its first child. */
static int add_level(struct store *s, struct track *t)
{
	static const uint64_t zero[STORE_STATES_MOST];
	const struct before none = { t->rec.begin_ns, zero, 0 };

	if (t->n_above + 1 >= FORMAT_LEVELS)
		return sonde_fail(-EFBIG, "the index is too deep");
	struct open_node *above = realloc(t->above, (t->n_above + 1) * sizeof(*above));
	if (!above)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	t->above = above;
	t->above[t->n_above++] = (struct open_node){ NULL, 0, 0 };
	return add_child(s, t, t->n_above, &none);
}

/* The longest known segment of a node: its place is the last child of the node above. */
static void note_longest(const struct node *n, const struct open_node *above)
{
	struct store_segment longest = { .state = 0 };
	uint64_t most = 0;

	for (unsigned i = 0; i < n->n; i++) {
		const struct store_segment seg = n->level ? node_longest(n, i) : node_whole(n, i);
		const uint64_t ns = seg.state ? span_ns(seg.begin_ns, seg.end_ns) : 0;

		if (ns > most) {
			most = ns;
			longest = seg;
		}
	}
	*last_of(above, FORMAT_LONGEST) = most;
	*last_of(above, FORMAT_LONGEST_BEGIN) = (uint64_t)longest.begin_ns;
	*last_of(above, FORMAT_LONGEST_WHAT) = (uint64_t)longest.value << 32 | longest.state;
}

/* Tells the parent, if there is one, where its last child is now. */
static void close_child(struct track *t, unsigned level, uint64_t at)
{
	const struct node n = store_open_node(t, level);

	if (level == t->n_above)
		return;
	const struct open_node *above = level_of(t, level + 1);
	*last_of(above, FORMAT_AT) = at;
	note_longest(&n, above);
}

/*
 * Writes the open node of @level, whose children are closed, and empties it. Where it was the
 * highest one, it gets a level above it first.
 */
static int close_level(struct store *s, uint32_t track, struct track *t, unsigned level)
{
	uint64_t at;

	int r = level == t->n_above ? add_level(s, t) : 0;
	if (r >= 0)
		r = write_node(s, &t->rec, track, level_of(t, level), level, &at);
	if (r < 0)
		return r;
	close_child(t, level, at);
	level_of(t, level)->n = 0;
	return 0;
}

/* A new leaf begins at the track's end: each level above gets room for it. */
static int begin_leaf(struct store *s, uint32_t track, struct track *t)
{
	const struct before before = { t->rec.end_ns, t->ns, t->rec.n_known };
	unsigned level = 1;
	int r = 0;

	// Up to the lowest node that has room; those below it begin anew, as its children.
	for (; r >= 0; level++) {
		if (level_of(t, level)->n == FORMAT_CHILDREN)
			r = close_level(s, track, t, level);
		if (level_of(t, level)->n)
			break;
	}
	for (; r >= 0 && level > 0; level--)
		r = add_child(s, t, level, &before);
	return r;
}

/* Writes what is open of a track, so that it takes little memory. */
static int shrink_track(struct store *s, uint32_t track, struct track *t)
{
	for (unsigned level = 0; level <= t->n_above; level++) {
		struct open_node *n = level_of(t, level);

		if (level && n->n && n->n < CHILDREN_LEAST)
			break;
		int r = n->n ? close_level(s, track, t, level) : 0;
		if (r < 0)
			return r;
		drop_node(s, level_of(t, level), level, t->rec.n_states);
	}
	return 0;
}

static int shrink(struct store *s)
{
	for (uint32_t i = 0; i < s->head.n_tracks; i++) {
		struct track *t = store_track_of(s, i);
		int r = t->ns && t->leaf.n ? shrink_track(s, i, t) : 0;

		if (r < 0)
			return r;
	}
	s->open_most = s->open_bytes + OPEN_MORE;
	s->open_most = s->open_most < OPEN_MOST ? OPEN_MOST : s->open_most;
	return 0;
}

/* A segment of a track, from its end up to @end_ns. */
static inline int push(struct store *s, uint32_t track, struct track *t, int64_t end_ns,
		       uint32_t state, uint32_t value)
{
	const int64_t begin_ns = t->rec.end_ns;
	int r = 0;

	if (t->leaf.n == FORMAT_SEGMENTS)
		r = close_level(s, track, t, 0);
	if (r >= 0 && !t->leaf.n && t->n_above)
		r = begin_leaf(s, track, t);
	if (r >= 0)
		r = grow_node(s, &t->leaf, 0, 0);
	if (r < 0)
		return r;
	struct format_segment *item = (struct format_segment *)(void *)t->leaf.items + t->leaf.n++;
	item->begin_ns = begin_ns;
	item->state = state;
	item->value = value;
	t->ns[state] += span_ns(begin_ns, end_ns);
	t->rec.n_known += state != 0;
	t->rec.end_ns = end_ns;
	return 0;
}

/* The first segment of a track. */
static int begin_track(struct track *t, int64_t begin_ns)
{
	t->ns = calloc(t->rec.n_states, sizeof(*t->ns));
	if (!t->ns)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	t->rec.begin_ns = t->rec.end_ns = begin_ns;
	return 0;
}

int store_append(struct store *s, uint32_t track, const struct store_segment *seg)
{
	sonde_check(track < s->head.n_tracks);
	struct track *t = store_track_of(s, track);
	int64_t begin_ns = seg->begin_ns;
	int r = s->err;

	sonde_check(!t->sealed && seg->state < t->rec.n_states);
	if (r >= 0 && !t->ns)
		r = begin_track(t, begin_ns);
	if (r < 0)
		return r;
	if (begin_ns < t->rec.end_ns) {
		s->head.cut++;
		begin_ns = t->rec.end_ns;
	}
	if (begin_ns >= seg->end_ns)
		return 0;
	if (begin_ns > t->rec.end_ns)
		r = push(s, track, t, begin_ns, 0, 0); // a hole
	if (r >= 0)
		r = push(s, track, t, seg->end_ns, seg->state, seg->value);
	if (r >= 0 && s->open_bytes > s->open_most)
		r = shrink(s);
	if (r < 0)
		s->err = r;
	return r;
}

void store_free_open(struct store *s, struct track *t)
{
	for (unsigned level = 0; level <= t->n_above; level++)
		drop_node(s, level_of(t, level), level, t->rec.n_states);
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
	int r = s->err;

	if (t->sealed || r < 0)
		return r;
	for (unsigned level = 0; t->ns && r >= 0 && level <= t->n_above; level++) {
		struct open_node *n = level_of(t, level);
		uint64_t at;

		// A leaf that was written as it was leaves no open one behind.
		if (!n->n)
			continue;
		r = write_node(s, &t->rec, track, n, level, &at);
		if (r < 0)
			break;
		close_child(t, level, at);
		t->rec.root_at = at;
		t->rec.level = level;
	}
	if (r < 0) {
		s->err = r;
		return r;
	}
	store_free_open(s, t);
	t->sealed = true;
	return 0;
}
