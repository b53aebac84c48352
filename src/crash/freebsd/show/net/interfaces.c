/* SPDX-License-Identifier: MIT */
/** Network interfaces, what they counted and their addresses: netstat -id. */
#include "crash/freebsd/show/net/net.h"

enum { INTERFACES_MOST = 1 << 16, ADDRESSES_MOST = 1 << 18 };

/* Bits of if_flags. */
enum { UP = 1, LOOPBACK = 8, PROMISCUOUS = 0x100 };

enum {
	NEXT,
	NAME,
	FLAGS,
	MTU,
	IN,
	IN_ERRORS,
	IN_DROPS,
	OUT,
	OUT_ERRORS,
	COLLISIONS,
	OUT_DROPS,
	ADDRESSES,
	A_NEXT,
	A_ADDRESS,
	A_MASK,
	FIELDS,
};

/* Since FreeBSD 11 they have an array of counters. */
static const struct kfield_want wanted[FIELDS] = {
	[NEXT] = { "struct ifnet", "if_link.cstqe_next|if_link.tqe_next" },
	[NAME] = { "struct ifnet", "if_xname" },
	[FLAGS] = { "struct ifnet", "if_flags" },
	[MTU] = { "struct ifnet", "if_mtu|if_data.ifi_mtu" },
	[IN] = { "struct ifnet", "if_counters[0]|if_data.ifi_ipackets" },
	[IN_ERRORS] = { "struct ifnet", "if_counters[1]|if_data.ifi_ierrors" },
	[IN_DROPS] = { "struct ifnet", "if_counters[9]|if_data.ifi_iqdrops" },
	[OUT] = { "struct ifnet", "if_counters[2]|if_data.ifi_opackets" },
	[OUT_ERRORS] = { "struct ifnet", "if_counters[3]|if_data.ifi_oerrors" },
	[COLLISIONS] = { "struct ifnet", "if_counters[4]|if_data.ifi_collisions" },
	[OUT_DROPS] = { "struct ifnet", "if_counters[10]|if_snd.ifq_drops" },
	[ADDRESSES] = { "struct ifnet", "if_addrhead.cstqh_first|if_addrhead.tqh_first" },
	[A_NEXT] = { "struct ifaddr", "ifa_link.cstqe_next|ifa_link.tqe_next" },
	[A_ADDRESS] = { "struct ifaddr", "ifa_addr" },
	[A_MASK] = { "struct ifaddr", "ifa_netmask" },
};

static const char what[] = "interfaces (netstat -id)";

struct interfaces {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	struct table t, addresses;
};

static void add_number(struct interfaces *l, uint64_t at, unsigned field)
{
	uint64_t v;

	if (freebsd_field_sum(l->s->k, at, &l->f[field], &v))
		table_int(&l->t, (int64_t)v);
	else
		table_none(&l->t);
}

static void add_addresses(struct interfaces *l, uint64_t at, const char *name)
{
	struct freebsd_steps steps = { 0 };
	struct freebsd_kernel *k = l->s->k;
	uint64_t a, address, mask;

	if (!freebsd_field(k, at, &l->f[ADDRESSES], &a))
		a = 0;
	while (a) {
		if (!freebsd_steps_on(&steps, a) || steps.n > ADDRESSES_MOST || !freebsd_spend(k) ||
		    !freebsd_field(k, a, &l->f[A_ADDRESS], &address)) {
			bsd_lack(l->s, what,
				 bsd_keep(l->s, "addresses of %s are broken, or not in the dump",
					  name));
			return;
		}
		if (!freebsd_field(k, a, &l->f[A_MASK], &mask))
			mask = 0;
		table_str(&l->addresses, name);
		table_str(&l->addresses, bsd_address(l->s, address, mask));
		if (!freebsd_field(k, a, &l->f[A_NEXT], &a))
			return;
	}
}

static void add_interface(struct interfaces *l, uint64_t at)
{
	const char *name = bsd_keep_text(l->s, at + l->f[NAME].off);
	uint64_t flags = 0;

	(void)freebsd_field(l->s->k, at, &l->f[FLAGS], &flags); // down, then
	table_str(&l->t, name);
	table_str(&l->t, bsd_keep(l->s, "%s%s%s", flags & UP ? "up" : "down",
				  flags & LOOPBACK ? ", loopback" : "",
				  flags & PROMISCUOUS ? ", promiscuous" : ""));
	for (unsigned i = MTU; i <= OUT_DROPS; i++)
		add_number(l, at, i);
	add_addresses(l, at, name);
}

static void add_all(struct interfaces *l, uint64_t at)
{
	struct freebsd_steps steps = { 0 };

	while (at) {
		if (!freebsd_steps_on(&steps, at) || steps.n > INTERFACES_MOST ||
		    !freebsd_spend(l->s->k)) {
			bsd_lack(l->s, what, "the list of interfaces goes round, or is too long");
			return;
		}
		add_interface(l, at);
		if (!freebsd_field(l->s->k, at, &l->f[NEXT], &at)) {
			bsd_lack(l->s, what, "the rest of the list is not in the dump");
			return;
		}
	}
}

int bsd_interfaces(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "interface", "INTERFACE", TABLE_TEXT },
		{ "state", "STATE", TABLE_TEXT },
		{ "mtu", "MTU", TABLE_ID },
		{ "received", "RECEIVED", TABLE_COUNT },
		{ "receive_errors", "ERRORS", TABLE_COUNT },
		{ "receive_drops", "DROPS", TABLE_COUNT },
		{ "sent", "SENT", TABLE_COUNT },
		{ "send_errors", "ERRORS", TABLE_COUNT },
		{ "collisions", "COLLISIONS", TABLE_COUNT },
		{ "send_drops", "DROPS", TABLE_COUNT },
	};
	static const struct table_column of_addresses[] = {
		{ "interface", "INTERFACE", TABLE_TEXT },
		{ "address", "ADDRESS", TABLE_TEXT },
	};
	struct interfaces l = { .s = s };
	uint64_t at;

	if (!bsd_has_types(s, what))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, l.f);
	if (!l.f[NAME].type || !l.f[NEXT].type || !bsd_net_var(s, "ifnet", &at) ||
	    freebsd_pointer(s->k, at, &at) < 0) {
		bsd_lack(s, what, "the list of interfaces was not found");
		return 0;
	}
	table_init(&l.t, columns, MEM_LEN(columns));
	table_init(&l.addresses, of_addresses, MEM_LEN(of_addresses));
	add_all(&l, at);
	int r = page_table(&s->page, "interfaces", "Interfaces (netstat -id)", &l.t);
	if (r == 0)
		r = page_table(&s->page, "addresses", "Addresses", &l.addresses);
	table_fini(&l.addresses);
	table_fini(&l.t);
	return r;
}
