/* SPDX-License-Identifier: MIT */
/**
 * An xarray is a pointer to an entry, or (its lowest two bits 10) to a node of some slots, which
 * hold the same again; each node's shift says which bits of the index its slots stand for.
 */
#include <errno.h>

#include <sonde/err.h>

#include "crash/walk/parts.h"

enum { DEPTH = 12, NODE_BIT = 2, ENTRY_BITS = 3, NODES_FROM = 4096 };

struct xa {
	struct walking *w;
	uint64_t shift, slots, n_slots;
};

/* Numbers that are kept instead of pointers are odd; they are no objects. */
static int go_into(struct xa *x, uint64_t entry, uint64_t index, unsigned depth, uint64_t above)
{
	uint64_t shift;

	if ((entry & ENTRY_BITS) != NODE_BIT)
		return entry && !(entry & 1) ? walking_give(x->w, index, entry & ~1ull) : 0;
	if (entry < NODES_FROM)
		return 0;
	const uint64_t node = entry - NODE_BIT;
	if (crash_read_uint(x->w->core, node + x->shift, 1, &shift) < 0) {
		x->w->cut = "a part of it is not in the dump";
		return 0;
	}
	// Shifts become smaller on the way down.
	if (!depth || shift >= above) {
		x->w->cut = "a node makes no sense";
		return 0;
	}
	int r = walking_enter(x->w, node);
	if (r <= 0)
		return r;
	r = 0;
	for (uint64_t i = 0; !r && i < x->n_slots; i++) {
		uint64_t slot;

		if (!walking_read(x->w, node + x->slots + i * 8, &slot))
			return 0;
		r = slot ? go_into(x, slot, index | i << shift, depth - 1, shift) : 0;
	}
	return r;
}

int walk_xarray(struct walking *w)
{
	struct xa x = { .w = w };
	uint64_t head, entry;

	int r = walking_member(w, "struct xarray", "xa_head", &head, NULL);
	r = r ? r : walking_member(w, "struct xa_node", "shift", &x.shift, NULL);
	r = r ? r : walking_member(w, "struct xa_node", "slots", &x.slots, &x.n_slots);
	if (r < 0 || !walking_read(w, w->over->head + head, &entry))
		return r;
	return go_into(&x, entry, 0, DEPTH, 64);
}
