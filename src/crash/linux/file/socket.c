/* SPDX-License-Identifier: MIT */
/** Reads a socket by its family: what of struct sock is used, and what lies around it. */
#include "crash/linux/file/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <sonde/err.h>

enum {
	PRIVATE,
	FILE_INODE,
	FILE_MODE,
	SOCK,
	SOCKET,
	INODE,
	INO,
	FAMILY,
	STATE,
	DADDR,
	SADDR,
	NUM,
	DPORT,
	DADDR6,
	SADDR6,
	NET,
	OF_SOCKET,
	TYPE,
	PROTOCOL,
	SUBSTATE,
	ACK_BACKLOG,
	MAX_ACK_BACKLOG,
	RMEM,
	WMEM,
	RCV_NXT,
	COPIED,
	WRITE_SEQ,
	UNA,
	UNIX_ADDR,
	UNIX_LEN,
	UNIX_NAME,
	UNIX_PEER,
	PORTID,
	DST_PORTID,
	DST_GROUP,
	IFINDEX,
	FIELDS
};

_Static_assert((int)FIELDS <= (int)SOCKET_FIELDS, "room for all fields");

enum {
	UNIX_PATH = 108,
	FAMILY_LEN = 2, /* of a struct sockaddr, before its path */
	LISTEN = 10,
	TIME_WAIT = 6,
	SYN_RECV = 12, /* half open: a struct of its own */
	FIN_WAIT_2 = 5,
};

static const struct kfield_want wanted[FIELDS] = {
	[PRIVATE] = { "struct file", "private_data" },
	[FILE_INODE] = { "struct file", "f_inode" },
	[FILE_MODE] = { "struct inode", "i_mode" },
	[SOCK] = { "struct socket", "sk" },
	[SOCKET] = { "struct socket_alloc", "socket" },
	[INODE] = { "struct socket_alloc", "vfs_inode" },
	[INO] = { "struct inode", "i_ino" },
	[FAMILY] = { "struct sock_common", "skc_family" },
	[STATE] = { "struct sock_common", "skc_state" },
	[DADDR] = { "struct sock_common", "skc_daddr" },
	[SADDR] = { "struct sock_common", "skc_rcv_saddr" },
	[NUM] = { "struct sock_common", "skc_num" },
	[DPORT] = { "struct sock_common", "skc_dport" },
	[DADDR6] = { "struct sock_common", "skc_v6_daddr" },
	[SADDR6] = { "struct sock_common", "skc_v6_rcv_saddr" },
	[NET] = { "struct sock_common", "skc_net.net" },
	[OF_SOCKET] = { "struct sock", "sk_socket" },
	[TYPE] = { "struct sock", "sk_type" },
	[PROTOCOL] = { "struct sock", "sk_protocol" },
	[SUBSTATE] = { "struct inet_timewait_sock", "tw_substate" },
	[ACK_BACKLOG] = { "struct sock", "sk_ack_backlog" },
	[MAX_ACK_BACKLOG] = { "struct sock", "sk_max_ack_backlog" },
	[RMEM] = { "struct sock", "sk_backlog.rmem_alloc.counter" },
	[WMEM] = { "struct sock", "sk_wmem_alloc.refs.counter|sk_wmem_alloc.counter" },
	[RCV_NXT] = { "struct tcp_sock", "rcv_nxt" },
	[COPIED] = { "struct tcp_sock", "copied_seq" },
	[WRITE_SEQ] = { "struct tcp_sock", "write_seq" },
	[UNA] = { "struct tcp_sock", "snd_una" },
	[UNIX_ADDR] = { "struct unix_sock", "addr" },
	[UNIX_LEN] = { "struct unix_address", "len" },
	[UNIX_NAME] = { "struct unix_address", "name" },
	[UNIX_PEER] = { "struct unix_sock", "peer" },
	[PORTID] = { "struct netlink_sock", "portid" },
	[DST_PORTID] = { "struct netlink_sock", "dst_portid" },
	[DST_GROUP] = { "struct netlink_sock", "dst_group" },
	[IFINDEX] = { "struct packet_sock", "ifindex" },
};

static const char *const states[] = { "UNCONN",	    "ESTAB",	  "SYN-SENT",  "SYN-RECV",
				      "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
				      "CLOSE-WAIT", "LAST-ACK",	  "LISTEN",    "CLOSING",
				      "SYN-RECV" };

/* As they are numbered, or NULL. */
static const char *const netlinks[] = {
	"route", "unused", "usersock",	 "firewall",  "sock_diag", "nflog",  "xfrm",	"selinux",
	"iscsi", "audit",  "fib_lookup", "connector", "netfilter", "ip6_fw", "dnrtmsg", "uevent",
	"genl",	 NULL,	   "scsi",	 "ecryptfs",  "rdma",	   "crypto", "smc",
};

int socket_fields_find(struct linux_kernel *k, struct socket_fields *ret)
{
	kfield_find_all(k->types, wanted, FIELDS, ret->f);
	if (!ret->f[PRIVATE].type || !ret->f[SOCK].type || !ret->f[FAMILY].type ||
	    !ret->f[STATE].type || !ret->f[TYPE].type)
		return sonde_fail(-ENOTSUP, "how this kernel keeps sockets is not understood");
	return 0;
}

uint64_t socket_of_file(struct linux_kernel *k, const struct socket_fields *f, uint64_t file)
{
	uint64_t inode = linux_field_or(k, file, &f->f[FILE_INODE], 0);
	uint64_t socket = 0;

	if (inode && S_ISSOCK(linux_field_or(k, inode, &f->f[FILE_MODE], 0)))
		socket = linux_field_or(k, file, &f->f[PRIVATE], 0);
	return socket ? linux_field_or(k, socket, &f->f[SOCK], 0) : 0;
}

static uint64_t inode_of(struct linux_kernel *k, const struct kfield *f, uint64_t sk)
{
	uint64_t socket = linux_field_or(k, sk, &f[OF_SOCKET], 0);

	if (!socket || !f[SOCKET].type || !f[INODE].type)
		return 0;
	return linux_field_or(k, socket - f[SOCKET].off + f[INODE].off, &f[INO], 0);
}

/* "127.0.0.1:22", "[::1]:22"; a port that is none as "*". */
static void print_inet(struct linux_kernel *k, uint64_t family, uint64_t at, uint64_t port,
		       char *ret)
{
	char ip[INET6_ADDRSTRLEN] = "?", number[8] = "*";
	uint8_t bytes[16];

	if (!linux_read(k, at, bytes, family == AF_INET ? 4 : 16))
		(void)inet_ntop((int)family, bytes, ip, sizeof(ip)); // there is room
	if (port)
		(void)snprintf(number, sizeof(number), "%u", (unsigned)(port & 0xffff));
	(void)snprintf(ret, SOCKET_ADDRESS, family == AF_INET ? "%s:%s" : "[%s]:%s", ip, number);
}

static void about_inet(struct linux_kernel *k, const struct kfield *f, uint64_t sk,
		       struct socket_about *a)
{
	const uint64_t family = linux_field_or(k, sk, &f[FAMILY], 0);
	const struct kfield *here = &f[family == AF_INET ? SADDR : SADDR6];
	const struct kfield *there = &f[family == AF_INET ? DADDR : DADDR6];

	if (!here->type || !there->type)
		return;
	print_inet(k, family, sk + here->off, linux_field_or(k, sk, &f[NUM], 0), a->local);
	print_inet(k, family, sk + there->off, ntohs((uint16_t)linux_field_or(k, sk, &f[DPORT], 0)),
		   a->peer);
}

/* What it is bound to: a path, or "@" and a name in no folder. */
static bool unix_name(struct linux_kernel *k, const struct kfield *f, uint64_t sk, char *ret)
{
	uint64_t addr = linux_field_or(k, sk, &f[UNIX_ADDR], 0);
	char text[UNIX_PATH + 1] = "";

	*ret = '\0';
	if (!addr || !f[UNIX_NAME].type)
		return false;
	uint64_t len = linux_field_or(k, addr, &f[UNIX_LEN], 0);
	len = len > FAMILY_LEN ? len - FAMILY_LEN : 0;
	if (len > UNIX_PATH)
		len = UNIX_PATH;
	if (!len || linux_read(k, addr + f[UNIX_NAME].off + FAMILY_LEN, text, (size_t)len) < 0)
		return false;
	if (*text) {
		(void)snprintf(ret, SOCKET_ADDRESS, "%s", text);
		return true;
	}
	for (uint64_t i = 0; i < len; i++)
		ret[i] = text[i] ? text[i] : '@';
	ret[len] = '\0';
	return true;
}

static void about_unix(struct linux_kernel *k, const struct kfield *f, uint64_t sk,
		       struct socket_about *a)
{
	uint64_t peer = linux_field_or(k, sk, &f[UNIX_PEER], 0);
	char name[SOCKET_ADDRESS];

	if (!unix_name(k, f, sk, a->local))
		(void)snprintf(a->local, sizeof(a->local), "*");
	if (!peer) {
		(void)snprintf(a->peer, sizeof(a->peer), "*");
		return;
	}
	bool named = unix_name(k, f, peer, name);
	uint64_t inode = inode_of(k, f, peer);
	if (inode) // 0: nobody has accepted it yet
		(void)snprintf(a->peer, sizeof(a->peer), "%.100s%s[%" PRIu64 "]", name,
			       named ? " " : "", inode);
	else
		(void)snprintf(a->peer, sizeof(a->peer), "%s", named ? name : "?");
}

static void about_netlink(struct linux_kernel *k, const struct kfield *f, uint64_t sk,
			  struct socket_about *a)
{
	uint64_t protocol = linux_field_or(k, sk, &f[PROTOCOL], 0);
	uint64_t to = linux_field_or(k, sk, &f[DST_PORTID], 0);
	uint64_t group = linux_field_or(k, sk, &f[DST_GROUP], 0);
	const char *name = protocol < MEM_LEN(netlinks) ? netlinks[protocol] : NULL;
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)protocol);
	(void)snprintf(a->local, sizeof(a->local), "%s:%" PRIu64, name ? name : text,
		       linux_field_or(k, sk, &f[PORTID], 0));
	if (to || group)
		(void)snprintf(a->peer, sizeof(a->peer), "%" PRIu64 "/%" PRIu64, to, group);
	else
		(void)snprintf(a->peer, sizeof(a->peer), "*");
}

static void about_packet(struct linux_kernel *k, const struct kfield *f, uint64_t sk,
			 struct socket_about *a)
{
	uint64_t index = linux_field_or(k, sk, &f[IFINDEX], 0);

	if (index)
		(void)snprintf(a->local, sizeof(a->local), "interface %" PRIu64, index);
	else
		(void)snprintf(a->local, sizeof(a->local), "*");
	(void)snprintf(a->peer, sizeof(a->peer), "*");
}

static const char *type_name(uint64_t family, uint64_t type, uint64_t protocol)
{
	static const char *const names[][4] = {
		{ "u_str", "u_dgr", "raw", "u_seq" },
		{ "p_str", "p_dgr", "p_raw", "p_seq" },
		{ "v_str", "v_dgr", "v_raw", "v_seq" },
		{ "stream", "datagram", "raw", "seqpacket" },
	};
	unsigned i = type == SOCK_SEQPACKET ? 3 : type >= 1 && type <= 3 ? (unsigned)type - 1 : 2;

	switch (family) {
	case AF_INET:
	case AF_INET6: break;
	case AF_UNIX: return names[0][i];
	case AF_PACKET: return names[1][i];
	case AF_VSOCK: return names[2][i];
	case AF_NETLINK: return "nl";
	default: return names[3][i];
	}
	if (type == SOCK_RAW)
		return "raw";
	switch (protocol) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return "icmp";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_UDPLITE: return "udplite";
	case IPPROTO_MPTCP: return "mptcp";
	default: return names[3][i];
	}
}

static void queues(struct linux_kernel *k, const struct kfield *f, uint64_t sk, uint64_t state,
		   struct socket_about *a)
{
	if (state == LISTEN) {
		a->receive_queue = linux_field_or(k, sk, &f[ACK_BACKLOG], 0);
		a->send_queue = linux_field_or(k, sk, &f[MAX_ACK_BACKLOG], 0);
		return;
	}
	if (!strcmp(a->type, "tcp")) {
		uint64_t end = linux_field_or(k, sk, &f[RCV_NXT], 0);
		uint64_t written = linux_field_or(k, sk, &f[WRITE_SEQ], 0);

		a->receive_queue = (uint32_t)(end - linux_field_or(k, sk, &f[COPIED], end));
		a->send_queue = (uint32_t)(written - linux_field_or(k, sk, &f[UNA], written));
		// One more number than bytes where the other side has ended.
		if ((int32_t)a->receive_queue < 0)
			a->receive_queue = 0;
		return;
	}
	a->receive_queue = linux_field_or(k, sk, &f[RMEM], 0);
	a->send_queue = linux_field_or(k, sk, &f[WMEM], 1);
	a->send_queue -= a->send_queue > 0; // one is the socket itself
}

bool socket_about(struct linux_kernel *k, const struct socket_fields *fields, uint64_t sk,
		  struct socket_about *ret)
{
	const struct kfield *f = fields->f;
	uint64_t family, state;

	*ret = (struct socket_about){ .type = "?", .state = "?", .local = "?", .peer = "?" };
	if (linux_read_field(k, sk, &f[FAMILY], &family) < 0 ||
	    linux_read_field(k, sk, &f[STATE], &state) < 0)
		return false;
	ret->net = linux_field_or(k, sk, &f[NET], 0);
	if (state == TIME_WAIT || state == SYN_RECV) { // not a whole struct sock
		ret->type = "tcp";
		if (state == TIME_WAIT && linux_field_or(k, sk, &f[SUBSTATE], 0) == FIN_WAIT_2)
			state = FIN_WAIT_2;
	} else {
		ret->type = type_name(family, linux_field_or(k, sk, &f[TYPE], 0),
				      linux_field_or(k, sk, &f[PROTOCOL], 0));
		ret->inode = inode_of(k, f, sk);
		queues(k, f, sk, state, ret);
	}
	if (state < MEM_LEN(states))
		ret->state = states[state];
	switch (family) {
	case AF_INET:
	case AF_INET6: about_inet(k, f, sk, ret); break;
	case AF_UNIX: about_unix(k, f, sk, ret); break;
	case AF_NETLINK: about_netlink(k, f, sk, ret); break;
	case AF_PACKET: about_packet(k, f, sk, ret); break;
	default: break;
	}
	return true;
}
