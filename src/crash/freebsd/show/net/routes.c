/* SPDX-License-Identifier: MIT */
/** Routes of the first table: netstat -rn. */
#include "crash/freebsd/show/net/net.h"

/*
 * The keys of a family hang in a radix tree. Nodes that decide on a bit have two below them, leaves
 * have a negative number of a bit, and behind them those with the same key and other masks. A leaf
 * is the begin of its route. Keys have at most some hundred bits: so deep is a tree at most.
 */
enum { NODES_MOST = 1 << 20, DEPTH_MOST = 512, ROOT = 2 };

/* Of a next hop: it is a group of several. */
enum { HOP_GROUP = 8 };

enum {
	TREE,
	BIT,
	LEAF_FLAGS,
	KEY,
	MASK,
	SAME_KEY,
	LEFT,
	RIGHT,
	ROUTE_HOP,
	HOP_FLAGS,
	HOP_GATEWAY,
	HOP_INTERFACE,
	HOP_REST,
	REST_FLAGS,
	HOP_MTU,
	OLD_GATEWAY,
	OLD_INTERFACE,
	OLD_FLAGS,
	OLD_MTU,
	FIELDS,
};

/* Since FreeBSD 13 routes share structs of where they lead to. */
static const struct kfield_want wanted[FIELDS] = {
	[TREE] = { "struct rib_head", "head.rnh_treetop" },
	[BIT] = { "struct radix_node", "rn_bit" },
	[LEAF_FLAGS] = { "struct radix_node", "rn_flags" },
	[KEY] = { "struct radix_node", "rn_u.rn_leaf.rn_Key" },
	[MASK] = { "struct radix_node", "rn_u.rn_leaf.rn_Mask" },
	[SAME_KEY] = { "struct radix_node", "rn_u.rn_leaf.rn_Dupedkey" },
	[LEFT] = { "struct radix_node", "rn_u.rn_node.rn_L" },
	[RIGHT] = { "struct radix_node", "rn_u.rn_node.rn_R" },
	[ROUTE_HOP] = { "struct rtentry", "rt_nhop" },
	[HOP_FLAGS] = { "struct nhop_object", "nh_flags" },
	[HOP_GATEWAY] = { "struct nhop_object", "gw_sa" },
	[HOP_INTERFACE] = { "struct nhop_object", "nh_ifp" },
	[HOP_REST] = { "struct nhop_object", "nh_priv" },
	[REST_FLAGS] = { "struct nhop_priv", "rt_flags" },
	[HOP_MTU] = { "struct nhop_object", "nh_mtu" },
	[OLD_GATEWAY] = { "struct rtentry", "rt_gateway" },
	[OLD_INTERFACE] = { "struct rtentry", "rt_ifp" },
	[OLD_FLAGS] = { "struct rtentry", "rt_flags" },
	[OLD_MTU] = { "struct rtentry", "rt_mtu" },
};

static const char what[] = "routes (netstat -rn)";

struct routes {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	struct table t;
	size_t n;
};

static bool get(struct routes *l, uint64_t at, unsigned field, uint64_t *ret)
{
	return freebsd_field(l->s->k, at, &l->f[field], ret);
}

static const char *flags_text(struct bsd_show *s, uint64_t flags)
{
	// Letters as netstat's.
	static const struct {
		unsigned bit;
		char letter;
	} all[] = {
		{ 0x1, 'U' },	   { 0x2, 'G' },    { 0x4, 'H' },    { 0x8, 'R' },
		{ 0x10, 'D' },	   { 0x20, 'M' },   { 0x400, 'L' },  { 0x800, 'S' },
		{ 0x1000, 'B' },   { 0x8000, '1' }, { 0x4000, '2' }, { 0x40000, '3' },
		{ 0x400000, 'b' },
	};
	char text[MEM_LEN(all) + 1];
	size_t n = 0;

	for (size_t i = 0; i < MEM_LEN(all); i++) {
		if (flags & all[i].bit)
			text[n++] = all[i].letter;
	}
	text[n] = '\0';
	return bsd_keep(s, "%s", text);
}

struct way {
	const char *gateway, *interface, *flags;
	uint64_t mtu; /* 0: not known */
};

static struct way by_hop(struct routes *l, uint64_t hop)
{
	struct way w = { .gateway = "?", .interface = "?", .flags = "?" };
	uint64_t v;

	if (!get(l, hop, HOP_FLAGS, &v))
		return w;
	if (v & HOP_GROUP) {
		w.gateway = "(several)";
		return w;
	}
	w.gateway = bsd_address(l->s, hop + l->f[HOP_GATEWAY].off, 0);
	if (get(l, hop, HOP_INTERFACE, &v))
		w.interface = bsd_interface_name(l->s, v);
	if (get(l, hop, HOP_REST, &v) && get(l, v, REST_FLAGS, &v))
		w.flags = flags_text(l->s, v);
	(void)get(l, hop, HOP_MTU, &w.mtu);
	return w;
}

static struct way by_route(struct routes *l, uint64_t at)
{
	struct way w = { .gateway = "?", .interface = "?", .flags = "?" };
	uint64_t v;

	if (l->f[ROUTE_HOP].type)
		return get(l, at, ROUTE_HOP, &v) ? by_hop(l, v) : w;
	if (get(l, at, OLD_GATEWAY, &v))
		w.gateway = bsd_address(l->s, v, 0);
	if (get(l, at, OLD_INTERFACE, &v))
		w.interface = bsd_interface_name(l->s, v);
	if (get(l, at, OLD_FLAGS, &v))
		w.flags = flags_text(l->s, v);
	(void)get(l, at, OLD_MTU, &w.mtu);
	return w;
}

static void add_route(struct routes *l, uint64_t at)
{
	struct way w = by_route(l, at);
	uint64_t key = 0, mask = 0;

	(void)get(l, at, KEY, &key); // then "?" is shown
	(void)get(l, at, MASK, &mask);
	table_str(&l->t, bsd_address(l->s, key, mask));
	table_str(&l->t, w.gateway);
	table_str(&l->t, w.flags);
	table_str(&l->t, w.interface);
	if (w.mtu)
		table_int(&l->t, (int64_t)w.mtu);
	else
		table_none(&l->t);
}

/* A leaf and those of the same key. False: broken, or not in the dump. */
static bool add_leaves(struct routes *l, uint64_t at)
{
	uint64_t flags;

	while (at) {
		if (l->n++ >= NODES_MOST || !freebsd_spend(l->s->k) ||
		    !get(l, at, LEAF_FLAGS, &flags))
			return false;
		if (!(flags & ROOT))
			add_route(l, at);
		if (!get(l, at, SAME_KEY, &at))
			return false;
	}
	return true;
}

static bool add_tree(struct routes *l, uint64_t top)
{
	uint64_t waiting[DEPTH_MOST], at, bit;
	size_t n = 0;

	waiting[n++] = top;
	while (n) {
		at = waiting[--n];
		if (l->n++ >= NODES_MOST || !freebsd_spend(l->s->k) || !get(l, at, BIT, &bit))
			return false;
		if ((int16_t)bit < 0) {
			if (!add_leaves(l, at))
				return false;
			continue;
		}
		if (n + 2 > DEPTH_MOST || !get(l, at, RIGHT, &waiting[n]) ||
		    !get(l, at, LEFT, &waiting[n + 1]))
			return false;
		n += 2;
	}
	return true;
}

/* The first table of a family; tables of further numbers are behind all of these. */
static void add_family(struct routes *l, uint64_t tables, unsigned family, const char *name)
{
	uint64_t head, top;

	if (freebsd_pointer(l->s->k, tables + family * l->s->k->pointer, &head) < 0) {
		bsd_lack(l->s, what, "the table of tables is not in the dump");
		return;
	}
	if (!head)
		return; // a kernel without
	if (!get(l, head, TREE, &top) || !add_tree(l, top))
		bsd_lack(l->s, what,
			 bsd_keep(l->s, "the tree of %s is broken, too large, or not in the dump",
				  name));
}

int bsd_routes(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "destination", "DESTINATION", TABLE_TEXT },
		{ "gateway", "GATEWAY", TABLE_TEXT },
		{ "flags", "FLAGS", TABLE_TEXT },
		{ "interface", "INTERFACE", TABLE_TEXT },
		{ "mtu", "MTU", TABLE_ID },
	};
	struct routes l = { .s = s };
	uint64_t at;

	if (!bsd_has_types(s, what))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, l.f);
	if (!l.f[TREE].type)
		(void)kfield_find(s->types, "struct radix_node_head", "rh.rnh_treetop|rnh_treetop",
				  &l.f[TREE]);
	if (!l.f[TREE].type || !bsd_net_var(s, "rt_tables", &at) ||
	    freebsd_pointer(s->k, at, &at) < 0 || !at) {
		bsd_lack(s, what, "the tables were not found");
		return 0;
	}
	table_init(&l.t, columns, MEM_LEN(columns));
	add_family(&l, at, BSD_INET, "IPv4");
	add_family(&l, at, BSD_INET6, "IPv6");
	int r = page_table(&s->page, "routes", "Routes (netstat -rn)", &l.t);
	table_fini(&l.t);
	return r;
}
