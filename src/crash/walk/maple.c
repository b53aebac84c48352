/* SPDX-License-Identifier: MIT */
/**
 * A maple tree is a pointer to an entry, or (its lowest two bits 10) to a node. Nodes are of 256
 * bytes, and what kind they are, the pointer to them says in its bits from the third on:
 *
 *     0 dense      slots alone, each of one index
 *     1 leaf       pivots and slots: slot i is of the indices up to pivot i, from behind the one
 * before 2 range      the same, but slots are pointers to nodes 3 arange     the same with fewer
 * slots, and the largest gap below each
 *
 * The last slot that is used goes to the end of what the node stands for; its pivot may be 0.
 */
#include <errno.h>

#include <sonde/err.h>

#include "crash/walk/parts.h"

enum {
	DEPTH = 32,
	NODE_BITS = 255,
	KIND_SHIFT = 3,
	KIND_BITS = 15,
	ENTRY_BITS = 3,
	INNER = 2, /* of what is not an entry */
	NODES_FROM = 4096,
};

enum { DENSE, LEAF, RANGE, ARANGE, KINDS };

struct maple {
	struct walking *w;
	struct {
		uint64_t pivots, n_pivots, slots, n_slots;
	} kinds[KINDS];
};

/* Pointers only: neither numbers that are kept (odd) nor what the tree keeps for itself. */
static int give(struct maple *m, uint64_t index, uint64_t entry)
{
	if (!entry || entry & 1 || (entry & ENTRY_BITS) == INNER)
		return 0;
	return walking_give(m->w, index, entry);
}

static int go_into(struct maple *m, uint64_t enode, uint64_t lo, uint64_t max, unsigned depth)
{
	const uint64_t node = enode & ~(uint64_t)NODE_BITS;
	const unsigned kind = enode >> KIND_SHIFT & KIND_BITS;

	if (!depth || kind >= KINDS) {
		m->w->cut = "a node makes no sense";
		return 0;
	}
	int r = walking_enter(m->w, node);
	if (r <= 0)
		return r;
	r = 0;
	for (uint64_t i = 0; !r && i < m->kinds[kind].n_slots; i++) {
		uint64_t slot, end = kind == DENSE ? lo : max;

		if (i < m->kinds[kind].n_pivots &&
		    !walking_read(m->w, node + m->kinds[kind].pivots + i * 8, &end))
			return 0;
		if ((kind != DENSE && i && !end) || end > max)
			end = max;
		if (!walking_read(m->w, node + m->kinds[kind].slots + i * 8, &slot))
			return 0;
		if (kind == RANGE || kind == ARANGE)
			r = slot ? go_into(m, slot, lo, end, depth - 1) : 0;
		else
			r = give(m, lo, slot);
		if (end >= max || end < lo)
			break;
		lo = end + 1;
	}
	return r;
}

int walk_maple(struct walking *w)
{
	static const char leaf[] = "struct maple_range_64", inner[] = "struct maple_arange_64";
	struct maple m = { .w = w };
	uint64_t root, entry;

	int r = walking_member(w, "struct maple_tree", "ma_root", &root, NULL);
	r = r ? r
	      : walking_member(w, leaf, "pivot", &m.kinds[LEAF].pivots, &m.kinds[LEAF].n_pivots);
	r = r ? r : walking_member(w, leaf, "slot", &m.kinds[LEAF].slots, &m.kinds[LEAF].n_slots);
	m.kinds[RANGE] = m.kinds[LEAF];
	r = r ? r
	      : walking_member(w, inner, "pivot", &m.kinds[ARANGE].pivots,
			       &m.kinds[ARANGE].n_pivots);
	r = r ? r
	      : walking_member(w, inner, "slot", &m.kinds[ARANGE].slots, &m.kinds[ARANGE].n_slots);
	r = r ? r
	      : walking_member(w, "struct maple_node", "slot", &m.kinds[DENSE].slots,
			       &m.kinds[DENSE].n_slots);
	if (r < 0 || !walking_read(w, w->over->head + root, &entry))
		return r;
	if ((entry & ENTRY_BITS) == INNER && entry >= NODES_FROM)
		return go_into(&m, entry, 0, UINT64_MAX, DEPTH);
	return give(&m, 0, entry);
}
