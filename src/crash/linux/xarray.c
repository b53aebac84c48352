/* SPDX-License-Identifier: MIT */
/**
 * An xarray is a pointer to an entry, or (its lowest two bits 10) to a node of 64 slots, which hold
 * the same again; each node's shift says which bits of the index its slots stand for.
 */
#include "crash/linux/xarray.h"

#include <errno.h>

#include <sonde/err.h>

enum { SLOTS = 64, DEPTH = 12, NODE_BIT = 2, ENTRY_BITS = 3, NODES_MOST = 1 << 20 };

struct xa_walk {
	struct linux_kernel *k;
	struct kfield shift, slots;
	int (*f)(void *arg, uint64_t index, uint64_t entry);
	void *arg;
	unsigned left; /* nodes that may still be gone into */
};

static int go_into(struct xa_walk *w, uint64_t entry, uint64_t index, unsigned depth,
		   unsigned above)
{
	int r = 0;

	if ((entry & ENTRY_BITS) != NODE_BIT || entry < 4096)
		return entry && !(entry & ENTRY_BITS) ? w->f(w->arg, index, entry) : 0;
	const uint64_t node = entry - NODE_BIT;
	const uint64_t shift = linux_field_or(w->k, node, &w->shift, UINT64_MAX);
	// Shifts become smaller on the way down; what makes no sense is not gone into.
	if (!depth || !w->left || shift >= above)
		return 0;
	w->left--;
	for (uint64_t i = 0; !r && i < SLOTS; i++) {
		uint64_t slot = 0;

		if (!linux_read_u64(w->k, node + w->slots.off + i * 8, &slot) && slot)
			r = go_into(w, slot, index | i << shift, depth - 1, (unsigned)shift);
	}
	return r;
}

int xarray_each(struct linux_kernel *k, uint64_t root,
		int (*f)(void *arg, uint64_t index, uint64_t entry), void *arg)
{
	struct xa_walk w = { .k = k, .f = f, .arg = arg, .left = NODES_MOST };
	struct kfield head;
	uint64_t entry = 0;

	if (!kfield_find(k->types, "struct xarray", "xa_head", &head) ||
	    !kfield_find(k->types, "struct xa_node", "shift", &w.shift) ||
	    !kfield_find(k->types, "struct xa_node", "slots", &w.slots))
		return sonde_fail(-ENOTSUP, "this kernel has no xarrays");
	if (linux_read_field(k, root, &head, &entry) < 0)
		return sonde_fail(-ENODATA, "the xarray is not in the dump");
	return go_into(&w, entry, 0, DEPTH, 64);
}
