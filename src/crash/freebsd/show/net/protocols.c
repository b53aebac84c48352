/* SPDX-License-Identifier: MIT */
/** What protocols counted: netstat -s. */
#include <stdio.h>
#include <string.h>

#include "crash/freebsd/show/net/net.h"

/* Counters lie in an array of pointers, one for each member of the struct. */
static bool add_counters(struct bsd_show *s, struct table *t, const char *protocol)
{
	const struct cmember *members;
	const struct ctype *type;
	char name[64];
	uint64_t at, v;
	size_t n;

	(void)snprintf(name, sizeof(name), "struct %sstat", protocol);
	if (ctypes_find(s->types, name, &type) < 0 ||
	    !bsd_net_var(s, name + sizeof("struct ") - 1, &at))
		return true; // a kernel without that protocol
	members = ctype_members(type, &n);
	for (size_t i = 0; i < n; i++) {
		const char *what = strchr(members[i].name, '_');
		uint64_t off = members[i].bit_off / 64 * s->k->pointer;

		if (members[i].type->kind != CT_INT || members[i].type->size != 8)
			continue;
		if (freebsd_pointer(s->k, at + off, &v) < 0 || !freebsd_counter(s->k, v, &v))
			return false;
		if (!v)
			continue;
		table_str(t, bsd_keep(s, "%s", protocol));
		table_str(t, what ? what + 1 : members[i].name);
		table_int(t, (int64_t)v);
	}
	return true;
}

int bsd_protocols(struct bsd_show *s)
{
	static const char *const protocols[] = { "tcp", "udp",	 "ip",	"icmp",	 "igmp",
						 "ip6", "icmp6", "arp", "ipsec", "sctp" };
	static const struct table_column columns[] = {
		{ "protocol", "PROTOCOL", TABLE_TEXT },
		{ "what", "WHAT", TABLE_TEXT },
		{ "count", "COUNT", TABLE_COUNT },
	};
	static const char what[] = "protocols (netstat -s)";
	struct table t;

	if (!bsd_has_types(s, what))
		return 0;
	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < MEM_LEN(protocols); i++) {
		if (!add_counters(s, &t, protocols[i]))
			bsd_lack(s, what,
				 bsd_keep(s, "the counters of %s are not in the dump",
					  protocols[i]));
	}
	int r = page_table(&s->page, "protocols", "Protocols (netstat -s)", &t);
	table_fini(&t);
	return r;
}
