/* SPDX-License-Identifier: MIT */
/** The network: what protocols counted (netstat -s), and sockets (netstat -an). */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crash/freebsd/show/show.h"

enum { SOCKETS_MOST = 1 << 18, IPV6 = 2 /* of inp_vflag */ };

/* struct vnet, of which all kernels with VIMAGE have at least one: variables of a network stack lie
 * at a distance from their symbols. */
static bool find_var(struct bsd_show *s, const char *name, uint64_t *ret)
{
	uint64_t vnet, base;
	struct kfield f;
	char entry[64];

	if (freebsd_symbol(s->k, name, ret))
		return true;
	(void)snprintf(entry, sizeof(entry), "vnet_entry_%s", name);
	if (!freebsd_symbol(s->k, entry, ret) || !freebsd_symbol(s->k, "vnet0", &vnet) ||
	    freebsd_pointer(s->k, vnet, &vnet) < 0 ||
	    !kfield_find(s->types, "struct vnet", "vnet_data_base", &f) ||
	    !freebsd_field(s->k, vnet, &f, &base))
		return false;
	*ret += base;
	return true;
}

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
	    !find_var(s, name + sizeof("struct ") - 1, &at))
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

enum {
	HEAD,
	NEXT,
	FLAGS,
	LOCAL_PORT,
	FOREIGN_PORT,
	LOCAL_4,
	FOREIGN_4,
	LOCAL_6,
	FOREIGN_6,
	PROTOCOL_CB,
	TCP_STATE,
	TCP_INPCB,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[HEAD] = { "struct inpcbinfo", "ipi_listhead" },
	[NEXT] = { "struct inpcb", "inp_list.cle_next|inp_list.le_next" },
	[FLAGS] = { "struct inpcb", "inp_vflag" },
	[LOCAL_PORT] = { "struct inpcb", "inp_inc.inc_ie.ie_lport" },
	[FOREIGN_PORT] = { "struct inpcb", "inp_inc.inc_ie.ie_fport" },
	[LOCAL_4] = { "struct inpcb",
		      "inp_inc.inc_ie.ie_dependladdr.id46_addr.ia46_addr4.s_addr|"
		      "inp_inc.inc_ie.ie_dependladdr.ie46_local.ia46_addr4.s_addr" },
	[FOREIGN_4] = { "struct inpcb",
			"inp_inc.inc_ie.ie_dependfaddr.id46_addr.ia46_addr4.s_addr|"
			"inp_inc.inc_ie.ie_dependfaddr.ie46_foreign.ia46_addr4.s_addr" },
	[LOCAL_6] = { "struct inpcb", "inp_inc.inc_ie.ie_dependladdr.id6_addr" },
	[FOREIGN_6] = { "struct inpcb", "inp_inc.inc_ie.ie_dependfaddr.id6_addr" },
	[PROTOCOL_CB] = { "struct inpcb", "inp_ppcb" },
	[TCP_STATE] = { "struct tcpcb", "t_state" },
	[TCP_INPCB] = { "struct tcpcb", "t_inpcb" },
};

struct sockets {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	struct table t;
};

static const char *address(struct sockets *l, uint64_t pcb, bool is_6, unsigned four, unsigned six,
			   unsigned port)
{
	const struct kfield *f = &l->f[is_6 ? six : four];
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = { 0 };
	static const uint8_t any[16];
	uint64_t n = 0;

	if (!f->type || freebsd_read(l->s->k->core, pcb + f->off, bytes, is_6 ? 16 : 4) < 0 ||
	    !freebsd_field(l->s->k, pcb, &l->f[port], &n) ||
	    !inet_ntop(is_6 ? AF_INET6 : AF_INET, bytes, text, sizeof(text)))
		return "?";
	if (!memcmp(bytes, any, sizeof(any)))
		(void)snprintf(text, sizeof(text), "*");
	if (!n)
		return bsd_keep(l->s, "%s.*", text);
	return bsd_keep(l->s, "%s.%u", text, ntohs((uint16_t)n));
}

/* Since FreeBSD 14 a connection's struct begins with the socket's, before that it is pointed to. */
static const char *tcp_state(struct sockets *l, uint64_t pcb)
{
	static const char *const names[] = { "closed",	     "listen",	    "syn sent",
					     "syn received", "established", "close wait",
					     "fin wait 1",   "closing",	    "last ack",
					     "fin wait 2",   "time wait" };
	uint64_t state;

	if (l->f[TCP_INPCB].type && l->f[TCP_INPCB].type->kind != CT_PTR)
		pcb -= l->f[TCP_INPCB].off;
	else if (!freebsd_field(l->s->k, pcb, &l->f[PROTOCOL_CB], &pcb))
		return "?";
	if (!freebsd_field(l->s->k, pcb, &l->f[TCP_STATE], &state) || state >= MEM_LEN(names))
		return "?";
	return names[state];
}

static void add_sockets(struct sockets *l, const char *protocol, const char *table, bool is_tcp)
{
	static const char what[] = "sockets (netstat -an)";
	struct freebsd_steps steps = { 0 };
	uint64_t pcb, info, flags;

	// Before FreeBSD 14 the list's head was pointed to.
	if (!find_var(l->s, table, &info) || !freebsd_field(l->s->k, info, &l->f[HEAD], &pcb) ||
	    (l->f[HEAD].type->kind == CT_PTR && freebsd_pointer(l->s->k, pcb, &pcb) < 0)) {
		bsd_lack(l->s, what, bsd_keep(l->s, "those of %s were not found", protocol));
		return;
	}
	while (pcb) {
		if (!freebsd_steps_on(&steps, pcb) || steps.n > SOCKETS_MOST) {
			bsd_lack(l->s, what, "a list of them is broken");
			return;
		}
		if (!freebsd_field(l->s->k, pcb, &l->f[FLAGS], &flags)) {
			bsd_lack(l->s, what, "some are not in the dump");
			return;
		}
		bool is_6 = flags & IPV6;
		table_str(&l->t, bsd_keep(l->s, "%s%s", protocol, is_6 ? "6" : "4"));
		table_str(&l->t, address(l, pcb, is_6, LOCAL_4, LOCAL_6, LOCAL_PORT));
		table_str(&l->t, address(l, pcb, is_6, FOREIGN_4, FOREIGN_6, FOREIGN_PORT));
		table_str(&l->t, is_tcp ? tcp_state(l, pcb) : "");
		if (!freebsd_field(l->s->k, pcb, &l->f[NEXT], &pcb)) {
			bsd_lack(l->s, what, "the rest of a list is not in the dump");
			return;
		}
	}
}

int bsd_sockets(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "protocol", "PROTOCOL", TABLE_TEXT },
		{ "local", "LOCAL", TABLE_TEXT },
		{ "foreign", "FOREIGN", TABLE_TEXT },
		{ "state", "STATE", TABLE_TEXT },
	};
	struct sockets l = { .s = s };

	if (!bsd_has_types(s, "sockets (netstat -an)"))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, l.f);
	table_init(&l.t, columns, MEM_LEN(columns));
	add_sockets(&l, "tcp", "tcbinfo", true);
	add_sockets(&l, "udp", "udbinfo", false);
	int r = page_table(&s->page, "sockets", "Sockets (netstat -an)", &l.t);
	table_fini(&l.t);
	return r;
}
