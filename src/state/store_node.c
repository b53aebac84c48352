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

/* The node in the bytes that the file has at @at. */
static int node_in(struct store *s, uint32_t track, uint64_t at, unsigned level,
		   struct sonde_span in, struct node *ret)
{
	const unsigned n_states = store_record(s, track)->n_states;
	struct format_node head;

	if (in.len < sizeof(head))
		return damaged(at);
	memcpy(&head, in.data, sizeof(head));
	const size_t len = sizeof(head) + head.n * format_item(level, n_states);
	if (!head.n || head.n > format_items_most(level) || head.level != level ||
	    head.track != track || head.n_states != n_states || len > in.len)
		return damaged(at);
	if (s->checked && !was_checked(s, at)) {
		if (head.sum != format_sum(in.data + sizeof(head.sum), len - sizeof(head.sum)))
			return damaged(at);
		set_checked(s, at);
	}
	*ret = (struct node){ in.data + sizeof(head), head.n, level, head.n, head.end_ns };
	return 0;
}

/* How long a node of that level is at most, as far as the file has it; 0: there can be none. */
static size_t most_at(const struct store *s, uint32_t track, uint64_t at, unsigned level)
{
	const uint64_t file_len = s->is_built ? s->buf_at + s->buf_len : s->head.len;
	const size_t most =
		sizeof(struct format_node) +
		format_items_most(level) * format_item(level, store_record(s, track)->n_states);

	if (at % FORMAT_ALIGN || at < FORMAT_PAGE || at >= file_len)
		return 0;
	return file_len - at < most ? (size_t)(file_len - at) : most;
}

/* The node of @track at @at, which must be of @level. */
static int node_at(struct store *s, uint32_t track, uint64_t at, unsigned level, struct node *ret)
{
	const size_t most = most_at(s, track, at, level);
	const uint8_t *p = most ? bytes_at(s, at, most) : NULL;

	return p ? node_in(s, track, at, level, (struct sonde_span){ p, most }, ret) : damaged(at);
}

/* The same, from a copy. */
static int copy_at(struct store *s, uint32_t track, uint64_t at, unsigned level,
		   struct store_copies *copies, struct node *ret)
{
	struct store_copy *c = copies->nodes[level];

	if (c[0].at != at && c[1].at != at) {
		struct store_copy *over = &c[copies->next[level]];
		const size_t most = most_at(s, track, at, level);

		sonde_check(most <= sizeof(over->words));
		over->at = 0;
		const ssize_t n = most ? pread(s->fd, over->words, most, (off_t)at) : 0;
		if (n < 0)
			return sonde_fail_errno(-errno, "cannot read the index");
		over->len = (size_t)n;
		over->at = at;
	}
	if (c[0].at != at)
		c++;
	copies->next[level] = c == copies->nodes[level];
	return node_in(s, track, at, level,
		       (struct sonde_span){ (const uint8_t *)c->words, c->len }, ret);
}

struct node store_open_node(const struct track *t, unsigned level)
{
	const struct open_node *n = level ? &t->above[level - 1] : &t->leaf;

	return (struct node){ n->items, n->n, level, n->cap, t->rec.end_ns };
}

int store_root(struct store *s, uint32_t track, struct node *ret)
{
	const struct format_track *rec = store_record(s, track);

	if (!s->is_built || store_track_of(s, track)->sealed)
		return node_at(s, track, rec->root_at, rec->level, ret);
	*ret = store_open_node(store_track_of(s, track), store_track_of(s, track)->n_above);
	return 0;
}

int store_child(struct store *s, uint32_t track, const struct node *n, unsigned i, struct node *ret)
{
	const uint64_t at = node_column(n, FORMAT_AT)[i];

	if (at || !s->is_built || store_track_of(s, track)->sealed)
		return node_at(s, track, at, n->level - 1, ret);
	*ret = store_open_node(store_track_of(s, track), n->level - 1);
	return 0;
}

int store_child_copy(struct store *s, uint32_t track, const struct node *n, unsigned i,
		     struct store_copies *copies, struct node *ret)
{
	const uint64_t at = node_column(n, FORMAT_AT)[i];

	if (s->is_built || n->level > STORE_COPY_LEVELS)
		return store_child(s, track, n, i, ret);
	return copy_at(s, track, at, n->level - 1u, copies, ret);
}
