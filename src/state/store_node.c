/* SPDX-License-Identifier: MIT */
/** Nodes of a store's trees, checked before they are believed. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>
#include <sonde/span.h>

#include "base/check.h"
#include "base/mem.h"
#include "state/store_state.h"

int store_map(struct store *s)
{
	size_t len = s->map_len ? s->map_len : (size_t)1 << 24;

	if (!s->is_built || s->buf_at <= s->map_len)
		return 0;
	// More than there is yet, so that this is rare; what is not there is never read.
	while (len < s->buf_at) {
		if (!mem_add(len, len, &len))
			return sonde_fail(-ENOMEM, "the index is too large");
	}
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return sonde_fail_errno(-errno, "cannot map the index");
	if (s->map)
		(void)munmap((void *)(uintptr_t)s->map, s->map_len);
	s->map = map;
	s->map_len = len;
	return 0;
}

/* Lends @len bytes of the file at @at, until the lock is given up. NULL: it has not so many. */
static const uint8_t *bytes_at(struct store *s, uint64_t at, size_t len)
{
	const uint64_t file_len = s->is_built ? s->buf_at + s->buf_len : s->head.len;
	uint64_t end;

	if (__builtin_add_overflow(at, len, &end) || end > file_len)
		return NULL;
	if (s->is_built && at >= s->buf_at)
		return s->buf + (at - s->buf_at);
	sonde_check(end <= s->map_len);
	return s->map + at;
}

/* Whether the node at @at has been found good; if not, what follows is to be believed from now on.
 */
static bool was_checked(const struct store *s, uint64_t at)
{
	const uint64_t i = at / FORMAT_ALIGN;

	return atomic_load_explicit(&s->checked[i / 8], memory_order_relaxed) >> (i % 8) & 1;
}

static void set_checked(struct store *s, uint64_t at)
{
	const uint64_t i = at / FORMAT_ALIGN;

	(void)atomic_fetch_or_explicit(&s->checked[i / 8], (uint8_t)(1u << (i % 8)),
				       memory_order_relaxed);
}

static int damaged(uint64_t at)
{
	return sonde_fail(-EBADMSG, "the index is damaged: no such node at %#llx",
			  (unsigned long long)at);
}

/* Where a node should be, and of which level. */
struct place {
	uint32_t track;
	unsigned level;
	uint64_t at;
};

/*
 * The node in the bytes that the file has there. @note: it is noted which were found good; of bytes
 * that were read just now, to add them up takes no longer than to look that up.
 */
static int node_in(struct store *s, const struct place *p, struct sonde_span in, bool note,
		   struct node *ret)
{
	const unsigned most = store_record(s, p->track)->n_states, level = p->level;
	struct format_node head;

	if (in.len < sizeof(head))
		return damaged(p->at);
	memcpy(&head, in.data, sizeof(head));
	const unsigned n_states = !level && !head.n_states ? 0 : most;
	const size_t len = format_len(level, head.n, n_states);
	if (!head.n || head.n > format_most(level) || head.level != level ||
	    head.track != p->track || head.n_states != n_states || len > in.len)
		return damaged(p->at);
	if (s->checked && !(note && was_checked(s, p->at))) {
		if (head.sum != format_sum(in.data + sizeof(head.sum), len - sizeof(head.sum)))
			return damaged(p->at);
		if (note)
			set_checked(s, p->at);
	}
	const uint64_t *words = (const uint64_t *)(const void *)(in.data + sizeof(head));
	*ret = (struct node){ words, head.n, level, head.n, head.end_ns, .n_known = 0 };
	if (!level) {
		ret->begin_ns = (int64_t)words[0];
		ret->n_known = words[1];
		ret->items = words + sizeof(struct format_leaf) / sizeof(*words) + n_states;
		ret->ns = n_states ? ret->items - n_states : NULL;
	}
	return 0;
}

/* How long a node is there at most, as far as the file has it; 0: there can be none. */
static size_t most_at(const struct store *s, const struct place *p)
{
	const uint64_t file_len = s->is_built ? s->buf_at + s->buf_len : s->head.len;
	const size_t most =
		format_len(p->level, format_most(p->level), store_record(s, p->track)->n_states);

	if (p->at % FORMAT_ALIGN || p->at < FORMAT_PAGE || p->at >= file_len)
		return 0;
	return file_len - p->at < most ? (size_t)(file_len - p->at) : most;
}

static int node_at(struct store *s, const struct place *p, struct node *ret)
{
	const size_t most = most_at(s, p);
	const uint8_t *bytes = most ? bytes_at(s, p->at, most) : NULL;

	return bytes ? node_in(s, p, (struct sonde_span){ bytes, most }, true, ret)
		     : damaged(p->at);
}

/* The same, from a copy. */
static int copy_at(struct store *s, const struct place *p, struct store_copies *copies,
		   struct node *ret)
{
	uint64_t *words = copies->nodes[p->level][copies->next[p->level]++ % 2].words;
	const size_t most = most_at(s, p);

	sonde_check(most <= sizeof(copies->nodes[0][0].words));
	const ssize_t n = most ? pread(s->fd, words, most, (off_t)p->at) : 0;
	if (n < 0)
		return sonde_fail_errno(-errno, "cannot read the index");
	return node_in(s, p, (struct sonde_span){ (const uint8_t *)words, (size_t)n }, false, ret);
}

struct node store_open_node(struct store *s, uint32_t track, unsigned level)
{
	const struct track *t = store_track_of(s, track);
	const struct edge *e = store_edge_of(s, track);

	if (!level) {
		for (unsigned i = 0; i * STORE_CHUNK < e->n; i++)
			memcpy(s->words + (size_t)i * STORE_CHUNK,
			       chunk_at(&s->chunks, e->chunks[i]), STORE_CHUNK * sizeof(*s->words));
		return (struct node){ .items = s->words,
				      .n = e->n,
				      .end_ns = e->end_ns,
				      .begin_ns = e->leaf_ns,
				      .n_known = t->rec.n_known,
				      .ns = t->ns };
	}
	const struct open_node *n = &t->above[level - 1];
	return (struct node){ n->columns, n->n, level, n->cap, e->end_ns, .n_known = 0 };
}

int store_leaf(const struct node *n, unsigned n_states, struct leaf *ret)
{
	uint64_t at = (uint64_t)n->begin_ns, left = span_ns(n->begin_ns, n->end_ns);
	unsigned segs = 0;
	bool good = n->begin_ns < n->end_ns;

	for (unsigned i = 0; good && i < n->n; segs++) {
		struct leaf_segment *seg = &ret->segs[segs];
		uint64_t ns;

		seg->begin_ns = (int64_t)at;
		i += format_unpack(n->items + i, n->n - i, &ns, &seg->state, &seg->value);
		good = ns && ns <= left && seg->state < n_states;
		at += ns;
		left -= ns;
	}
	if (!good || left)
		return sonde_fail(-EBADMSG, "the index is damaged: a leaf that makes no sense");
	ret->n = segs;
	ret->end_ns = n->end_ns;
	ret->n_known = n->n_known;
	for (unsigned i = 0; i < n_states; i++)
		ret->ns[i] = n->ns ? n->ns[i] : 0;
	return 0;
}

/* Whether all of a track is in the file. */
static bool is_whole(const struct store *s, uint32_t track)
{
	return !s->is_built || store_edge_of(s, track)->sealed;
}

int store_root(struct store *s, uint32_t track, struct node *ret)
{
	const struct format_track *rec = store_record(s, track);

	if (is_whole(s, track))
		return node_at(s, &(struct place){ track, rec->level, rec->root_at }, ret);
	*ret = store_open_node(s, track, store_track_of(s, track)->n_above);
	return 0;
}

int store_child(struct store *s, uint32_t track, const struct node *n, unsigned i, struct node *ret)
{
	const uint64_t at = node_column(n, FORMAT_AT)[i];

	if (at || is_whole(s, track))
		return node_at(s, &(struct place){ track, n->level - 1, at }, ret);
	*ret = store_open_node(s, track, n->level - 1);
	return 0;
}

int store_child_copy(struct store *s, uint32_t track, const struct node *n, unsigned i,
		     struct store_copies *copies, struct node *ret)
{
	const uint64_t at = node_column(n, FORMAT_AT)[i];

	if (s->is_built || n->level > STORE_COPY_LEVELS)
		return store_child(s, track, n, i, ret);
	return copy_at(s, &(struct place){ track, n->level - 1, at }, copies, ret);
}
