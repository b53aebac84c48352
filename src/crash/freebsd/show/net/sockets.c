/* SPDX-License-Identifier: MIT */
/** Sockets and the queues of those that listen: netstat -anA, netstat -aL. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crash/freebsd/show/net/net.h"

enum { SOCKETS_MOST = 1 << 18, IPV6 = 2 /* of inp_vflag */, LISTENS = 2 /* of so_options */ };
enum { PATH_AT = 2, PATH_MOST = 105 /* of struct sockaddr_un */ };

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
	SOCKET,
	OPTIONS,
	RECEIVED,
	UNSENT,
	QUEUE,
	INCOMPLETE,
	QUEUE_MOST,
	UNIX_NEXT,
	UNIX_SOCKET,
	UNIX_NAME,
	UNIX_PEER,
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
	[SOCKET] = { "struct inpcb", "inp_socket" },
	[OPTIONS] = { "struct socket", "so_options" },
	[RECEIVED] = { "struct socket", "so_rcv.sb_acc|so_rcv.sb_cc" },
	[UNSENT] = { "struct socket", "so_snd.sb_acc|so_snd.sb_cc" },
	[QUEUE] = { "struct socket", "sol_qlen|so_qlen" },
	[INCOMPLETE] = { "struct socket", "sol_incqlen|so_incqlen" },
	[QUEUE_MOST] = { "struct socket", "sol_qlimit|so_qlimit" },
	[UNIX_NEXT] = { "struct unpcb", "unp_link.le_next" },
	[UNIX_SOCKET] = { "struct unpcb", "unp_socket" },
	[UNIX_NAME] = { "struct unpcb", "unp_addr" },
	[UNIX_PEER] = { "struct unpcb", "unp_conn" },
};

struct sockets {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	struct table t, listening;
};

static const char what[] = "sockets (netstat -anA, -aL)";

static bool get(struct sockets *l, uint64_t at, unsigned field, uint64_t *ret)
{
	return freebsd_field(l->s->k, at, &l->f[field], ret);
}

static const char *address(struct sockets *l, uint64_t pcb, bool is_6, unsigned four, unsigned six,
			   unsigned port)
{
	const struct kfield *f = &l->f[is_6 ? six : four];
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = { 0 };
	static const uint8_t any[16];
	uint64_t n = 0;

	if (!f->type || freebsd_read(l->s->k->core, pcb + f->off, bytes, is_6 ? 16 : 4) < 0 ||
	    !get(l, pcb, port, &n) ||
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

static void add_number(struct sockets *l, struct table *t, uint64_t at, unsigned field)
{
	uint64_t v;

	if (get(l, at, field, &v))
		table_int(t, (int64_t)v);
	else
		table_none(t);
}

/* The cells before the addresses; and a row of the other table if it listens. */
static void add_socket(struct sockets *l, uint64_t pcb, uint64_t socket, const char *protocol,
		       const char *local)
{
	uint64_t options;
	bool known = get(l, socket, OPTIONS, &options), listens = known && options & LISTENS;

	table_str(&l->t, bsd_keep(l->s, "0x%" PRIx64, pcb));
	table_str(&l->t, protocol);
	// Where those that listen have their queues, others have these.
	add_number(l, &l->t, listens ? 0 : socket, RECEIVED);
	add_number(l, &l->t, listens ? 0 : socket, UNSENT);
	table_str(&l->t, local);
	if (!listens)
		return;
	table_str(&l->listening, protocol);
	table_str(&l->listening, local);
	for (unsigned i = QUEUE; i <= QUEUE_MOST; i++)
		add_number(l, &l->listening, socket, i);
}

/* One step along a list. False: it ends here, and it is said why. */
static bool step(struct sockets *l, struct freebsd_steps *steps, uint64_t pcb)
{
	if (freebsd_steps_on(steps, pcb) && steps->n <= SOCKETS_MOST && freebsd_spend(l->s->k))
		return true;
	bsd_lack(l->s, what, "a list of them goes round, or is too long");
	return false;
}

static void add_sockets(struct sockets *l, const char *protocol, const char *table, bool is_tcp)
{
	struct freebsd_steps steps = { 0 };
	uint64_t pcb, info, flags, socket;

	// Before FreeBSD 14 the list's head was pointed to.
	if (!bsd_net_var(l->s, table, &info) || !get(l, info, HEAD, &pcb) ||
	    (l->f[HEAD].type->kind == CT_PTR && freebsd_pointer(l->s->k, pcb, &pcb) < 0)) {
		bsd_lack(l->s, what, bsd_keep(l->s, "those of %s were not found", protocol));
		return;
	}
	while (pcb && step(l, &steps, pcb)) {
		if (!get(l, pcb, FLAGS, &flags)) {
			bsd_lack(l->s, what, "some are not in the dump");
			return;
		}
		bool is_6 = flags & IPV6;
		if (!get(l, pcb, SOCKET, &socket))
			socket = 0;
		add_socket(l, pcb, socket, bsd_keep(l->s, "%s%s", protocol, is_6 ? "6" : "4"),
			   address(l, pcb, is_6, LOCAL_4, LOCAL_6, LOCAL_PORT));
		table_str(&l->t, address(l, pcb, is_6, FOREIGN_4, FOREIGN_6, FOREIGN_PORT));
		table_str(&l->t, is_tcp ? tcp_state(l, pcb) : "");
		if (!get(l, pcb, NEXT, &pcb)) {
			bsd_lack(l->s, what, "the rest of a list is not in the dump");
			return;
		}
	}
}

/* The path of a struct sockaddr_un, which need not end with a 0. */
static const char *unix_name(struct sockets *l, uint64_t pcb)
{
	char path[PATH_MOST];
	uint64_t at, len;

	if (!get(l, pcb, UNIX_NAME, &at))
		return "?";
	if (!at)
		return "";
	if (crash_read_uint(l->s->k->core, at, 1, &len) < 0 || len <= PATH_AT ||
	    len > PATH_AT + PATH_MOST ||
	    freebsd_read(l->s->k->core, at + PATH_AT, path, len - PATH_AT) < 0)
		return "?";
	return bsd_keep(l->s, "%.*s", (int)(len - PATH_AT), path);
}

static void add_unix(struct sockets *l, const char *protocol, const char *list)
{
	struct freebsd_steps steps = { 0 };
	uint64_t pcb, socket, peer;

	if (!freebsd_symbol(l->s->k, list, &pcb) || freebsd_pointer(l->s->k, pcb, &pcb) < 0) {
		bsd_lack(l->s, what, bsd_keep(l->s, "those of %s were not found", protocol));
		return;
	}
	while (pcb && step(l, &steps, pcb)) {
		if (!get(l, pcb, UNIX_SOCKET, &socket))
			socket = 0;
		add_socket(l, pcb, socket, protocol, unix_name(l, pcb));
		if (get(l, pcb, UNIX_PEER, &peer) && peer)
			table_str(&l->t, bsd_keep(l->s, "0x%" PRIx64, peer));
		else
			table_str(&l->t, "");
		table_str(&l->t, "");
		if (!get(l, pcb, UNIX_NEXT, &pcb)) {
			bsd_lack(l->s, what, "the rest of a list is not in the dump");
			return;
		}
	}
}

static int show_tables(struct sockets *l)
{
	int r = page_table(&l->s->page, "sockets", "Sockets (netstat -anA)", &l->t);

	if (r == 0)
		r = page_table(&l->s->page, "listen_queues", "Listen queues (netstat -aL)",
			       &l->listening);
	return r;
}

int bsd_sockets(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "pcb", "CONTROL BLOCK", TABLE_TEXT },
		{ "protocol", "PROTOCOL", TABLE_TEXT },
		{ "receive_queue", "RECEIVED", TABLE_COUNT },
		{ "send_queue", "UNSENT", TABLE_COUNT },
		{ "local", "LOCAL", TABLE_TEXT },
		{ "foreign", "FOREIGN", TABLE_TEXT },
		{ "state", "STATE", TABLE_TEXT },
	};
	static const struct table_column of_listening[] = {
		{ "protocol", "PROTOCOL", TABLE_TEXT }, { "local", "LOCAL", TABLE_TEXT },
		{ "queue", "WAITING", TABLE_COUNT },	{ "incomplete", "INCOMPLETE", TABLE_COUNT },
		{ "most", "MOST", TABLE_COUNT },
	};
	struct sockets l = { .s = s };

	if (!bsd_has_types(s, what))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, l.f);
	table_init(&l.t, columns, MEM_LEN(columns));
	table_init(&l.listening, of_listening, MEM_LEN(of_listening));
	add_sockets(&l, "tcp", "tcbinfo", true);
	add_sockets(&l, "udp", "udbinfo", false);
	add_sockets(&l, "ip", "ripcbinfo", false);
	add_unix(&l, "stream", "unp_shead");
	add_unix(&l, "dgram", "unp_dhead");
	add_unix(&l, "seqpac", "unp_sphead");
	int r = show_tables(&l);
	table_fini(&l.listening);
	table_fini(&l.t);
	return r;
}
