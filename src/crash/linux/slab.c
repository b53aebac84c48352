/* SPDX-License-Identifier: MIT */
/** Reads the list of slabs (of SLUB, the only allocator since 6.8), and sums over nodes. */
#include "crash/linux/slab.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/facts.h"

enum { NAME_MOST = 64, SLABS_MOST = 1 << 14, NODES_MOST = 64, RECLAIM_ACCOUNT = 0x20000 };

enum { LIST, NAME, SIZE, OO, FLAGS, NODE, IN_NODE, NR_SLABS, OBJECTS, PARTIAL, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[LIST] = { "struct kmem_cache", "list" },
	[NAME] = { "struct kmem_cache", "name" },
	[SIZE] = { "struct kmem_cache", "object_size" },
	[OO] = { "struct kmem_cache", "oo.x" },
	[FLAGS] = { "struct kmem_cache", "flags" },
	[NODE] = { "struct kmem_cache", "node|per_node" }, // each a pair of pointers since 7.0
	[IN_NODE] = { "struct kmem_cache_per_node_ptrs", "node" },
	[NR_SLABS] = { "struct kmem_cache_node", "nr_slabs.counter" },
	[OBJECTS] = { "struct kmem_cache_node", "total_objects.counter" },
	[PARTIAL] = { "struct kmem_cache_node", "nr_partial" },
};

/* The array of nodes is as long as there are nodes, whatever its type says. */
static uint64_t n_nodes(struct linux_kernel *k, const struct kfield *node)
{
	uint64_t n = 1;

	if (linux_global(k, "nr_node_ids", 4, &n) < 0 || !n)
		n = 1;
	if (node->type->n && n > node->type->n)
		n = node->type->n;
	return n < NODES_MOST ? n : NODES_MOST;
}

static void read_one(struct linux_kernel *k, const struct kfield *f, uint64_t cache,
		     struct slab *ret)
{
	uint64_t name = 0, node;
	char text[NAME_MOST] = "?";
	const uint64_t oo = linux_field_or(k, cache, &f[OO], 0), n = n_nodes(k, &f[NODE]);
	const uint64_t pair = kfield_sizeof(k->types, "struct kmem_cache_per_node_ptrs");
	const uint64_t each = pair ? pair : sizeof(node);
	const uint64_t first = cache + f[NODE].off + f[IN_NODE].off; // 0 where there is no pair

	*ret = (struct slab){ .object_size = linux_field_or(k, cache, &f[SIZE], 0) };
	for (uint64_t i = 0; i < n; i++) {
		if (linux_read_u64(k, first + i * each, &node) < 0 || !node)
			continue;
		ret->slabs += linux_field_or(k, node, &f[NR_SLABS], 0);
		ret->objects += linux_field_or(k, node, &f[OBJECTS], 0);
		ret->partial += linux_field_or(k, node, &f[PARTIAL], 0);
	}
	if (!linux_read_field(k, cache, &f[NAME], &name))
		(void)space_string(&k->mem, name, text, sizeof(text)); // else it stays "?"
	ret->name = arena_strndup(&k->core->arena, text, strlen(text));
	k->core->ran_out |= !ret->name;
	ret->name = ret->name ? ret->name : "?";
	ret->bytes = ret->slabs * (linux_page_size(k) << (oo >> 16 & 15));
	// Other allocators had the same number for it.
	ret->is_reclaimable = linux_field_or(k, cache, &f[FLAGS], 0) & RECLAIM_ACCOUNT;
}

int slab_each(struct linux_kernel *k, void (*f)(void *arg, const struct slab *s), void *arg,
	      const char **ret_cut)
{
	struct kfield fields[FIELDS];
	struct linux_list list;
	struct slab s;
	uint64_t head;

	kfield_find_all(k->types, wanted, FIELDS, fields);
	if (!linux_symbol(k, "slab_caches", &head) || !fields[LIST].type || !fields[NODE].type)
		return sonde_fail(-ENOTSUP, "how this kernel keeps slabs is not understood");
	linux_list_begin(&list, head);
	while (linux_list_next(k, &list)) {
		if (list.n > SLABS_MOST) {
			list.cut = "there are too many slabs";
			break;
		}
		read_one(k, fields, list.at - fields[LIST].off, &s);
		f(arg, &s);
	}
	*ret_cut = list.cut;
	return 0;
}
