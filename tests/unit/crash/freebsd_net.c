/* SPDX-License-Identifier: MIT */
/** The network of the FreeBSD kernel that was never alive. */
#include "freebsd_kernel.h"

/* Sockets and protocols. */
struct in6_addr {
	uint8_t s6_addr[16];
};
struct in_addr {
	uint32_t s_addr;
};
struct in_addr_4in6 {
	uint32_t ia46_pad32[3];
	struct in_addr ia46_addr4;
};
union in_dependaddr {
	struct in_addr_4in6 id46_addr;
	struct in6_addr id6_addr;
};
struct in_endpoints {
	uint16_t ie_fport, ie_lport;
	union in_dependaddr ie_dependfaddr, ie_dependladdr;
};
struct in_conninfo {
	uint32_t flags;
	struct in_endpoints inc_ie;
};
struct sockbuf {
	unsigned sb_acc;
};
struct socket {
	int so_options;
	union {
		struct {
			struct sockbuf so_rcv, so_snd;
		};
		struct {
			unsigned sol_qlen, sol_incqlen, sol_qlimit;
		};
	};
};
static struct socket s_listening = { 2, { .sol_qlen = 7, .sol_incqlen = 3, .sol_qlimit = 128 } };
static struct socket s_connection = { 0, { { { 500 }, { 60 } } } };
struct inpcb {
	struct {
		struct inpcb *cle_next, **cle_prev;
	} inp_list;
	struct in_conninfo inp_inc;
	struct socket *inp_socket;
	uint8_t inp_vflag;
};
struct tcpcb {
	struct inpcb t_inpcb;
	int t_state;
};
struct inpcbinfo {
	int lock;
	struct {
		struct inpcb *clh_first;
	} ipi_listhead;
};
static struct tcpcb listening = { { .inp_vflag = 2,
				    .inp_socket = &s_listening,
				    .inp_inc = { .inc_ie = { .ie_lport = 0x1600 } } },
				  1 };
static struct tcpcb connection = {
	{ .inp_list = { &listening.t_inpcb, 0 },
	  .inp_socket = &s_connection,
	  .inp_vflag = 1,
	  .inp_inc = { .inc_ie = { 0x5000,
				   0x1600,
				   { { .ia46_addr4 = { 0x0200000a } } },
				   { { .ia46_addr4 = { 0x0100000a } } } } } },
	4
};
struct vnet {
	void *vnet_data_mem;
	uintptr_t vnet_data_base;
};
/* Its variables lie at a distance from their symbols. */
KEEP struct {
	char vnet_entry[256];
	struct inpcbinfo tcbinfo;
} vnet_set = { "", { 0, { &connection.t_inpcb } } };
extern char vnet_entry_tcbinfo[];
__asm__(".globl vnet_entry_tcbinfo\n.set vnet_entry_tcbinfo, vnet_set\n");
static struct vnet vnet = { 0, 256 };
KEEP struct vnet *vnet0 = &vnet;
KEEP struct inpcbinfo udbinfo = { 0, { 0 } };
KEEP struct inpcbinfo ripcbinfo = { 0, { 0 } };

/* Sockets of one machine. */
struct sockaddr_un {
	uint8_t sun_len, sun_family;
	char sun_path[104];
};
struct unpcb {
	LIST_ENTRY(unpcb) unp_link;
	struct socket *unp_socket;
	struct unpcb *unp_conn;
	struct sockaddr_un *unp_addr;
};
static struct sockaddr_un log_name = { 14, 1, "/var/run/log" };
static struct unpcb log_socket = { { 0, 0 }, &s_connection, 0, &log_name };
static struct unpcb stream_socket = { { 0, 0 }, &s_listening, 0, 0 };
KEEP LIST_HEAD(unp_head, unpcb) unp_shead = { &stream_socket };
KEEP struct unp_head unp_dhead = { &log_socket }, unp_sphead;

COUNTER(c_sent, 3, 4);
COUNTER(c_none, 0, 0);
struct udpstat {
	uint64_t udps_ipackets, udps_opackets;
};
KEEP uint64_t *udpstat[2] = { COUNTER_OF(c_none), COUNTER_OF(c_sent) };
KEEP struct udpstat udpstat_is_known;

/* Interfaces: em0 with two addresses, lo0. Their addresses are as the kernel keeps them. */
struct sockaddr {
	uint8_t sa_len, sa_family;
	uint8_t sa_data[26];
};
struct ifaddr {
	struct sockaddr *ifa_addr, *ifa_netmask;
	struct {
		struct ifaddr *cstqe_next;
	} ifa_link;
};
struct ifnet {
	struct {
		struct ifnet *cstqe_next;
	} if_link;
	char if_xname[16];
	int if_flags;
	uint32_t if_mtu;
	struct {
		struct ifaddr *cstqh_first;
	} if_addrhead;
	uint64_t *if_counters[12];
};
COUNTER(i_in, 1000, 500);
COUNTER(i_none, 0, 0);
COUNTER(i_out, 200, 22);
COUNTER(i_lost, 0, 9);
static struct sockaddr in_10_0_0_1 = { 16, 2, { 0, 0, 10, 0, 0, 1 } };
static struct sockaddr in_10_0_0_0 = { 16, 2, { 0, 0, 10, 0, 0, 0 } };
static struct sockaddr in_any = { 16, 2 }, in_10_0_0_254 = { 16, 2, { 0, 0, 10, 0, 0, 254 } };
static struct sockaddr mask_24 = { 7, 0, { 0, 0, 255, 255, 255 } }, mask_0 = { 0 };
static struct sockaddr in6_fe80 = { 28, 28, { [6] = 0xfe, 0x80, 0, 3, [21] = 1 } };
static struct sockaddr mask_64 = { 16, 0, { [6] = 255, 255, 255, 255, 255, 255, 255, 255 } };
static struct sockaddr mac = { 20, 18, { 1, 0, 6, 3, 6, 0, 'e', 'm', '0', 2, 0, 0, 0xab, 1, 2 } };
static struct ifaddr a_6 = { &in6_fe80, &mask_64, { 0 } };
static struct ifaddr a_4 = { &in_10_0_0_1, &mask_24, { &a_6 } };
static struct ifaddr a_mac = { &mac, 0, { &a_4 } };
#define COUNTERS(in, out, lost)                                                               \
	{                                                                                     \
		COUNTER_OF(in), COUNTER_OF(i_none), COUNTER_OF(out), COUNTER_OF(i_none),      \
			COUNTER_OF(i_none), [9] = COUNTER_OF(lost), [10] = COUNTER_OF(i_none) \
	}
static struct ifnet lo0 = { { 0 }, "lo0", 9, 16384, { 0 }, COUNTERS(i_none, i_none, i_none) };
static struct ifnet em0 = { { &lo0 }, "em0", 1, 1500, { &a_mac }, COUNTERS(i_in, i_out, i_lost) };
KEEP struct {
	struct ifnet *cstqh_first;
} ifnet = { &em0 };

/* Routes: a tree of one decision, at whose ends are the ends that all trees have. */
struct radix_node {
	struct radix_mask *rn_mklist;
	struct radix_node *rn_parent;
	short rn_bit;
	char rn_bmask;
	uint8_t rn_flags;
	union {
		struct {
			struct sockaddr *rn_Key, *rn_Mask;
			struct radix_node *rn_Dupedkey;
		} rn_leaf;
		struct {
			int rn_Off;
			struct radix_node *rn_L, *rn_R;
		} rn_node;
	} rn_u;
};
struct nhop_priv {
	uint32_t rt_flags;
};
struct nhop_object {
	uint16_t nh_flags, nh_mtu;
	struct sockaddr gw_sa;
	struct ifnet *nh_ifp;
	struct nhop_priv *nh_priv;
};
struct rtentry {
	struct radix_node rt_nodes[2];
	struct nhop_object *rt_nhop;
};
struct rib_head {
	struct {
		struct radix_node *rnh_treetop;
	} head;
};
static struct nhop_priv p_default = { 0x803 }, p_net = { 0x1 };
static struct nhop_object h_default = {
	0, 1500, { 16, 2, { 0, 0, 10, 0, 0, 254 } }, &em0, &p_default
};
static struct nhop_object h_net = { 0, 0, { 8, 18, { 3 } }, &em0, &p_net };
#define LEAF(key, mask, more, flags)                                                       \
	{                                                                                  \
		.rn_bit = -1, .rn_flags = flags, .rn_u = {.rn_leaf = { key, mask, more } } \
	}
static struct rtentry r_net = { { LEAF(&in_10_0_0_0, &mask_24, 0, 4) }, &h_net };
static struct rtentry r_default = { { LEAF(&in_any, &mask_0, 0, 4) }, &h_default };
static struct radix_node left_end = LEAF(&in_any, 0, &r_default.rt_nodes[0], 6);
static struct radix_node right_end = LEAF(0, 0, 0, 6);
#define FORK(bit, left, right)                                                         \
	{                                                                              \
		.rn_bit = bit, .rn_flags = 4, .rn_u = {.rn_node = { 0, left, right } } \
	}
static struct radix_node inner = FORK(36, &left_end, &r_net.rt_nodes[0]);
static struct radix_node top = FORK(32, &inner, &right_end);
static struct rib_head rib_4 = { { &top } };
static struct rib_head *ribs[43] = { [2] = &rib_4 };
KEEP struct rib_head **rt_tables = ribs;

/* NFS. */
struct nfsstatsv1 {
	int vers;
	uint64_t attrcache_hits, attrcache_misses;
	uint64_t rpccnt[30], rpcretries;
	uint64_t srvrpccnt[20];
};
KEEP struct nfsstatsv1 nfsstatsv1 = {
	1, 81, 0, { [6] = 66, [25] = 4 }, 12, { [9] = 99 },
};
