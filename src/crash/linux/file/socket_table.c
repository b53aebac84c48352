/* SPDX-License-Identifier: MIT */
/** Goes through the kernel's hash tables of sockets: chains behind an array of heads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/linux/file/socket.h"

enum { HEADS_MOST = 1 << 23, AT_ONCE = 256, SOCKETS_MOST = 1 << 22 };

/** One table: a global struct that has an array, or a pointer to one, and how long that is. */
struct socket_table {
	const char *symbol, *type, *array, *mask;
	const char *slot, *head; /* what it is an array of, and where in that a chain begins */
};

static const struct socket_table tables[] = {
	{ "tcp_hashinfo", "struct inet_hashinfo", "ehash", "ehash_mask", "struct inet_ehash_bucket",
	  "chain" },
	// Those that listen: until 5.18 by their ports, in a table within.
	{ "tcp_hashinfo", "struct inet_hashinfo", "listening_hash|lhash2", "lhash2_mask",
	  "struct inet_listen_hashbucket", "nulls_head|head" },
	{ "udp_table", "struct udp_table", "hash", "mask", "struct udp_hslot", "head" },
};

struct walk {
	struct linux_kernel *k;
	int (*f)(void *arg, uint64_t sk);
	void *arg;
	uint64_t node, next; /* where in a sock its node lies, and in that the pointer */
	uint64_t n;
	const char *cut;
};

/* Chains end with 0, or with an odd number. */
static int walk_chain(struct walk *w, uint64_t at)
{
	uint64_t seen = 0, steps = 0, power = 1;

	while (at && !(at & 1)) {
		if (at == seen || ++w->n > SOCKETS_MOST) {
			w->cut = at == seen ? "a chain of sockets goes round"
					    : "there are too many sockets";
			return 0;
		}
		if (++steps >= power) {
			seen = at;
			power *= 2;
		}
		int r = w->f(w->arg, at - w->node);
		if (r)
			return r;
		if (linux_read_u64(w->k, at + w->next, &at) < 0) {
			w->cut = "a chain of sockets is not in the dump";
			return 0;
		}
	}
	return 0;
}

static int walk_slots(struct walk *w, uint64_t at, uint64_t n, uint64_t each, uint64_t head)
{
	sonde_auto(mem_freep) uint8_t *some = malloc(AT_ONCE * each);

	if (!some)
		return sonde_fail(-ENOMEM, "out of memory");
	for (uint64_t i = 0; i < n; i += AT_ONCE) {
		const uint64_t want = (n - i < AT_ONCE ? n - i : AT_ONCE) * each;
		const uint64_t got = space_read_some(&w->k->mem, at + i * each, some, want);

		for (uint64_t off = 0; off + each <= got; off += each) {
			uint64_t first;

			memcpy(&first, some + off + head, sizeof(first));
			int r = walk_chain(w, first);
			if (r)
				return r;
			if (w->n > SOCKETS_MOST)
				return 0;
		}
		if (got < want) {
			w->cut = "a table of sockets is not in the dump";
			return 0;
		}
	}
	return 0;
}

static int walk_table(struct walk *w, const struct socket_table *t)
{
	struct linux_kernel *k = w->k;
	struct kfield array, mask, head;
	uint64_t at, n, slots;
	const uint64_t each = kfield_sizeof(k->types, t->slot);

	if (!linux_symbol(k, t->symbol, &at) || !kfield_find(k->types, t->type, t->array, &array) ||
	    !kfield_find(k->types, t->slot, t->head, &head) || head.off + 8 > each || each > 4096)
		return 0; // this kernel has none
	if (array.type->kind == CT_ARRAY) {
		slots = at + array.off;
		n = array.type->n;
	} else {
		if (!kfield_find(k->types, t->type, t->mask, &mask) ||
		    linux_read_field(k, at, &array, &slots) < 0 ||
		    linux_read_field(k, at, &mask, &n) < 0) {
			w->cut = "a table of sockets is not in the dump";
			return 0;
		}
		n = (n & UINT32_MAX) + 1;
	}
	if (n > HEADS_MOST) {
		w->cut = "a table of sockets is too large";
		n = HEADS_MOST;
	}
	return walk_slots(w, slots, n, each, head.off);
}

int socket_tables(struct linux_kernel *k, int (*f)(void *arg, uint64_t sk), void *arg,
		  const char **ret_cut)
{
	struct walk w = { .k = k, .f = f, .arg = arg };
	struct kfield node, next;
	int r = 0;

	if (!kfield_find(k->types, "struct sock_common", "skc_node|skc_nulls_node", &node))
		return sonde_fail(-ENOTSUP, "how this kernel keeps sockets is not understood");
	w.node = node.off;
	w.next = kfield_find(k->types, "struct hlist_node", "next", &next) ? next.off : 0;
	for (size_t i = 0; !r && i < MEM_LEN(tables); i++)
		r = walk_table(&w, &tables[i]);
	*ret_cut = w.cut;
	return r;
}
