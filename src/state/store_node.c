/* SPDX-License-Identifier: MIT */
/** Nodes of a store's trees, checked before they are believed. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

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

/* The node of @track at @at, which must be of @level. */
static int node_at(struct store *s, uint32_t track, uint64_t at, unsigned level, struct node *ret)
{
	const unsigned n_states = store_record(s, track)->n_states;
	struct format_node head;
	const uint8_t *p =
		at % FORMAT_ALIGN || at < FORMAT_PAGE ? NULL : bytes_at(s, at, sizeof(head));

	if (!p)
		return damaged(at);
	memcpy(&head, p, sizeof(head));
	const size_t len = sizeof(head) + head.n * format_item(level, n_states);
	if (!head.n || head.n > format_items_most(level) || head.level != level ||
	    head.track != track || head.n_states != n_states || !bytes_at(s, at, len))
		return damaged(at);
	if (s->checked && !was_checked(s, at)) {
		if (head.sum != format_sum(p + sizeof(head.sum), len - sizeof(head.sum)))
			return damaged(at);
		set_checked(s, at);
	}
	*ret = (struct node){ p + sizeof(head), head.n, level, head.n, head.end_ns };
	return 0;
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
