/* SPDX-License-Identifier: MIT */
/** Events of the network: which classes tell what, and reading them. */
#include "analysis/net/events.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/deep.h"
#include "model/field.h"

enum {
	PROTOCOL_TCP = 6,
	FAMILY_INET6 = 10,
	FLAGS_INTERRUPT = 0x18, /* ftrace's: hard interrupt, softirq */
	FLAG_PEEK = 2,		/* of recv(): the data stays where it is */
	/*
	 * Where a device cuts a segment up, or puts some together, the first has no PSH, and
	 * others no CWR.
	 */
	FLAGS_CHANGED = 0x88,
};

/* Fields by kind of event. */
enum { F_SADDR, F_DADDR, F_SPORT, F_DPORT, F_SOCK, F_A, F_B, F_C, F_NEXT, F_UNACKED, N_FIELDS };

struct class_info {
	bool resolved;
	bool tells_sends;
	uint8_t kind; /* of what it tells of connections */
	uint8_t rank; /* of what it tells of devices; 0: nothing */
	uint8_t way;
	struct field_ref f[N_FIELDS];
	struct field_ref tid, flags, device, len, transport, rc;
};

struct net_reader {
	struct class_info *classes; /* owned, by class index */
	size_t cap;
	uint64_t *slots; /* owned: for deep_fields() */
	size_t cap_slots;
};

int net_reader_new(struct net_reader **ret)
{
	struct net_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return sonde_fail(-ENOMEM, "out of memory for connections");
	*ret = r;
	return 0;
}

void net_reader_free(struct net_reader *r)
{
	if (!r)
		return;
	free(r->classes);
	free(r->slots);
	free(r);
}

static const struct {
	const char *name;
	uint8_t kind;
	unsigned need; /* bit per field */
	const char *fields[N_FIELDS][2];
} known[] = {
	{ "inet_sock_set_state",
	  NET_STATE,
	  0x3f | 1 << F_B,
	  { { "saddr_v6", "saddr" },
	    { "daddr_v6", "daddr" },
	    { "sport" },
	    { "dport" },
	    { "skaddr" },
	    [F_A] = { "oldstate" },
	    [F_B] = { "newstate" },
	    [F_C] = { "protocol" } } },
	{ "tcp_probe",
	  NET_ARRIVED,
	  0x0f | 1 << F_A,
	  { { "saddr" },
	    { "daddr" },
	    { "sport" },
	    { "dport" },
	    { "skaddr" },
	    [F_A] = { "data_len", "length" },
	    [F_B] = { "srtt" },
	    [F_C] = { "family" },
	    [F_NEXT] = { "snd_nxt" },
	    [F_UNACKED] = { "snd_una" } } },
	{ "sock_send_length",
	  NET_SEND,
	  1 << F_SOCK | 1 << F_A,
	  { [F_SOCK] = { "sk" }, [F_A] = { "ret" }, [F_C] = { "protocol" } } },
	{ "sock_recv_length",
	  NET_RECEIVE,
	  1 << F_SOCK | 1 << F_A,
	  { [F_SOCK] = { "sk" }, [F_A] = { "ret" }, [F_B] = { "flags" }, [F_C] = { "protocol" } } },
	{ "tcp_retransmit_skb",
	  NET_AGAIN,
	  0x0f,
	  { { "saddr_v6", "saddr" },
	    { "daddr_v6", "daddr" },
	    { "sport" },
	    { "dport" },
	    { "skaddr" } } },
	// LTTng's, with a patch of their own; addresses are numbers.
	{ "inet_connect",
	  NET_NAMED,
	  0x1f,
	  { { "saddr" }, { "daddr" }, { "sport" }, { "dport" }, { "sk" } } },
	{ "inet_accept",
	  NET_NAMED,
	  0x1f,
	  { { "saddr" }, { "daddr" }, { "sport" }, { "dport" }, { "sk" } } },
	{ "inet_sock_delete", NET_DELETED, 1 << F_SOCK, { [F_SOCK] = { "sk" } } },
	{ "inet_sock_local_out",
	  NET_SEG_OUT,
	  1 << F_A | 1 << F_B | 1 << F_C,
	  { [F_SOCK] = { "sk" }, [F_A] = { "seq" }, [F_B] = { "ack_seq" }, [F_C] = { "flags" } } },
	{ "inet_sock_local_in",
	  NET_SEG_IN,
	  1 << F_A | 1 << F_B | 1 << F_C,
	  { [F_SOCK] = { "sk" }, [F_A] = { "seq" }, [F_B] = { "ack_seq" }, [F_C] = { "flags" } } },
};

/*
 * At devices. LTTng's since 2.10 have the headers too. netif_receive_skb_entry sees too few: not
 * what comes over the loopback device, or in lists.
 */
static const struct {
	const char *name;
	uint8_t way, rank, kind;
} devices[] = {
	{ "net_dev_xmit", NET_OUT, 3, NET_NONE },
	{ "net_dev_start_xmit", NET_OUT, 2, NET_NONE },
	{ "net_dev_queue", NET_OUT, 1, NET_SEG_OUT },
	{ "netif_receive_skb", NET_IN, 3, NET_SEG_IN },
	{ "net_if_receive_skb", NET_IN, 3, NET_SEG_IN },
};

static void resolve_device(const struct sonde_event_class *cls, const char *name,
			   struct class_info *c)
{
	struct field_ref header;

	for (size_t i = 0; i < MEM_LEN(devices); i++) {
		if (strcmp(name, devices[i].name) != 0 ||
		    !field_find(cls, SONDE_SCOPE_PAYLOAD, "len", &c->len))
			continue;
		c->rank = devices[i].rank;
		c->way = devices[i].way;
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "name", &c->device);
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "rc", &c->rc);
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "transport_offset", &c->transport);
		if (field_find(cls, SONDE_SCOPE_PAYLOAD, "network_header", &header))
			c->kind = devices[i].kind;
	}
}

/* The event's name without the part that says whose it is. */
static const char *short_name(const struct sonde_event_class *cls)
{
	const char *colon = strrchr(cls->name, ':');

	return colon ? colon + 1 : cls->name;
}

static bool tells_sends(const struct sonde_trace *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		for (size_t k = 0; k < t->streams[i]->n_events; k++) {
			const struct sonde_event_class *cls = t->streams[i]->events[k];

			if (!strcmp(short_name(cls), "sock_send_length"))
				return true;
		}
	}
	return false;
}

static void resolve(const struct sonde_event_class *cls, struct class_info *c)
{
	const char *name = short_name(cls);

	*c = (struct class_info){ .resolved = true };
	for (size_t i = 0; i < MEM_LEN(known); i++) {
		unsigned found = 0;

		if (strcmp(name, known[i].name) != 0)
			continue;
		for (unsigned f = 0; f < N_FIELDS; f++) {
			for (unsigned k = 0; k < 2 && known[i].fields[f][k]; k++) {
				if (!(found >> f & 1) &&
				    field_find(cls, SONDE_SCOPE_PAYLOAD, known[i].fields[f][k],
					       &c->f[f]))
					found |= 1U << f;
			}
		}
		if ((found & known[i].need) == known[i].need)
			c->kind = known[i].kind;
	}
	resolve_device(cls, name, c);
	c->tells_sends = (c->kind != NET_NONE || c->rank) && tells_sends(cls->stream_class->trace);
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "common_pid", &c->tid);
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "common_flags", &c->flags);
}

static int class_of(struct net_reader *r, const struct sonde_event_class *cls,
		    const struct class_info **ret)
{
	const uint32_t i = cls->index;

	if (i >= r->cap) {
		const size_t old = r->cap;
		int err = mem_grow(&r->classes, &r->cap, (size_t)i + 1);
		if (err < 0)
			return err;
		memset(r->classes + old, 0, (r->cap - old) * sizeof(*r->classes));
	}
	if (!r->classes[i].resolved)
		resolve(cls, &r->classes[i]);
	*ret = &r->classes[i];
	return 0;
}

int net_reader_kinds(struct net_reader *r, const struct sonde_trace *trace, unsigned *ret_kinds,
		     unsigned ret_ranks[2])
{
	const struct class_info *c;
	unsigned kinds = 0, ranks[2] = { 0, 0 };

	for (size_t i = 0; i < trace->n_streams; i++) {
		for (size_t k = 0; k < trace->streams[i]->n_events; k++) {
			int err = class_of(r, trace->streams[i]->events[k], &c);
			if (err < 0)
				return err;
			kinds |= 1U << c->kind;
			if (c->device.type && c->rank > ranks[c->way])
				ranks[c->way] = c->rank;
		}
	}
	*ret_kinds = kinds;
	memcpy(ret_ranks, ranks, sizeof(ranks));
	return 0;
}

static int64_t get(const struct sonde_event *e, const struct field_ref *f, int64_t otherwise)
{
	int64_t v = otherwise;

	(void)field_int(e, f, &v);
	return v;
}

/* Addresses. */

/* 4 bytes, as IPv6 maps them. */
static void map_v4(const uint8_t *four, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + sizeof(mapped), four, 4);
}

/* An address of 4 or 16 bytes, or inside of a sockaddr of 28, or as a number. */
static bool read_addr(const struct sonde_event *e, const struct field_ref *f, int64_t family,
		      uint8_t ret[16])
{
	const struct sonde_int *type;
	struct sonde_span s;
	int64_t v;
	size_t n;

	if (field_int(e, f, &v)) {
		const uint8_t four[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
					  (uint8_t)v };
		map_v4(four, ret);
		return true;
	}
	if (!field_ints(e, f, &s, &type, &n) || type->len != 8)
		return false;
	if (n == 16)
		memcpy(ret, s.data, 16);
	else if (n >= 24 && family == FAMILY_INET6)
		memcpy(ret, s.data + 8, 16);
	else if (n >= 8)
		map_v4(s.data + 4, ret);
	else if (n == 4)
		map_v4(s.data, ret);
	return n == 4 || n >= 8;
}

static bool read_ends(const struct class_info *c, const struct sonde_event *e,
		      struct net_event *ret)
{
	const int64_t family = ret->kind == NET_ARRIVED ? get(e, &c->f[F_C], 0) : 0;

	if (!c->f[F_SADDR].type)
		return false;
	ret->local.port = (uint16_t)get(e, &c->f[F_SPORT], 0);
	ret->remote.port = (uint16_t)get(e, &c->f[F_DPORT], 0);
	// A socket that connects has no port yet; one that was just made has its listener's.
	return read_addr(e, &c->f[F_SADDR], family, ret->local.addr) &&
	       read_addr(e, &c->f[F_DADDR], family, ret->remote.addr) && ret->local.port &&
	       ret->remote.port;
}

/* Headers. */

enum { H_SEQ, H_ACK, H_FLAGS, H_OFFSET, H_SPORT, H_DPORT, H_IHL, H_TOTAL, H_PAYLOAD };
enum { H_TTL = H_PAYLOAD + 1, H_HOPS, N_HEADER };

struct header {
	int64_t v[N_HEADER];
	uint8_t addr[2][16];
	unsigned seen;	  /* bit per member */
	unsigned n_addrs; /* bit per address */
};

static void on_int(void *arg, const char *name, int64_t v)
{
	static const char *const names[N_HEADER] = {
		[H_SEQ] = "seq",
		[H_ACK] = "ack_seq",
		[H_FLAGS] = "flags",
		[H_OFFSET] = "data_offset",
		[H_SPORT] = "source_port",
		[H_DPORT] = "dest_port",
		[H_IHL] = "ihl",
		[H_TOTAL] = "tot_len",
		[H_PAYLOAD] = "payload_len",
		[H_TTL] = "ttl",
		[H_HOPS] = "hop_limit",
	};
	struct header *h = arg;

	for (unsigned i = 0; i < N_HEADER; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		h->seen |= 1U << i;
		h->v[i] = v;
	}
}

static void on_bytes(void *arg, const char *name, const uint8_t *data, size_t len)
{
	struct header *h = arg;
	const unsigned which = !strcmp(name, "daddr");

	if ((!which && strcmp(name, "saddr") != 0) || (len != 4 && len != 16))
		return;
	if (len == 16)
		memcpy(h->addr[which], data, 16);
	else
		map_v4(data, h->addr[which]);
	h->n_addrs |= 1U << which;
}

/* 1: there was a TCP header. */
static int read_header(struct net_reader *r, const struct sonde_event *e, struct net_event *ret)
{
	enum { TCP = 0x3f, WORD = 4 };
	struct header h = { .v = { 0 } };
	int err = mem_grow(&r->slots, &r->cap_slots,
			   (size_t)e->cls->stream_class->trace->n_slots + 1);

	if (err < 0)
		return err;
	if (!deep_fields(e, r->slots, on_int, on_bytes, &h) || (h.seen & TCP) != TCP ||
	    h.n_addrs != 3)
		return 0;
	const unsigned mine = ret->kind == NET_SEG_OUT ? 0 : 1;
	memcpy(ret->local.addr, h.addr[mine], 16);
	memcpy(ret->remote.addr, h.addr[!mine], 16);
	ret->local.port = (uint16_t)h.v[mine ? H_DPORT : H_SPORT];
	ret->remote.port = (uint16_t)h.v[mine ? H_SPORT : H_DPORT];
	ret->has_ends = ret->has_header = true;
	ret->seq = (uint32_t)h.v[H_SEQ];
	ret->ack = (uint32_t)h.v[H_ACK];
	ret->flags = (uint32_t)h.v[H_FLAGS] & 0x1ff;
	ret->same_flags =
		((uint32_t)h.v[H_FLAGS] & 0xfff & ~FLAGS_CHANGED) | (uint32_t)h.v[H_OFFSET] << 12;
	ret->ttl = (uint8_t)h.v[h.seen & 1U << H_TTL ? H_TTL : H_HOPS];
	const int64_t ip =
		h.seen & 1U << H_TOTAL ? h.v[H_TOTAL] - WORD * h.v[H_IHL] : h.v[H_PAYLOAD];
	const int64_t data = ip - WORD * h.v[H_OFFSET];
	// A packet that is cut up later has a length of 0.
	if ((h.seen & (1U << H_TOTAL | 1U << H_PAYLOAD)) && data >= 0)
		ret->bytes = data;
	return 1;
}

/* LTTng's patched ones tell the flags above the data's offset, the lowest bit first. */
static uint32_t socket_flags(int64_t v)
{
	uint32_t flags = 0;

	for (unsigned i = 0; i < 8; i++)
		flags |= (uint32_t)(v >> (15 - i) & 1) << i;
	return flags;
}

static int read_fields(const struct class_info *c, const struct sonde_event *e,
		       struct net_event *ret)
{
	const int64_t protocol =
		ret->kind == NET_ARRIVED || ret->kind == NET_SEG_IN || ret->kind == NET_SEG_OUT
			? PROTOCOL_TCP
			: get(e, &c->f[F_C], PROTOCOL_TCP);
	int64_t sock;

	if (protocol != PROTOCOL_TCP)
		return 0;
	ret->has_ends = read_ends(c, e, ret);
	ret->has_sock = field_int(e, &c->f[F_SOCK], &sock);
	ret->sock = ret->has_sock ? (uint64_t)sock : 0;
	switch (ret->kind) {
	case NET_STATE:
		ret->old_state = (int32_t)get(e, &c->f[F_A], -1);
		ret->new_state = (int32_t)get(e, &c->f[F_B], -1);
		break;
	case NET_ARRIVED:
		ret->bytes = get(e, &c->f[F_A], -1);
		ret->srtt_us = get(e, &c->f[F_B], -1);
		ret->has_next = c->f[F_NEXT].type && c->f[F_UNACKED].type;
		ret->next = (uint32_t)get(e, &c->f[F_NEXT], 0);
		ret->unacked = (uint32_t)get(e, &c->f[F_UNACKED], 0);
		break;
	case NET_SEND: ret->bytes = get(e, &c->f[F_A], -1); break;
	case NET_RECEIVE:
		ret->bytes = get(e, &c->f[F_A], -1);
		if (get(e, &c->f[F_B], 0) & FLAG_PEEK)
			return 0;
		break;
	case NET_SEG_OUT:
	case NET_SEG_IN:
		ret->has_header = true;
		ret->seq = (uint32_t)get(e, &c->f[F_A], 0);
		ret->ack = (uint32_t)get(e, &c->f[F_B], 0);
		ret->same_flags = (uint32_t)get(e, &c->f[F_C], 0);
		ret->flags = socket_flags(ret->same_flags);
		break;
	case NET_AGAIN:
	case NET_NAMED:
	case NET_DELETED:
	case NET_NONE: break;
	}
	return 1;
}

int net_read(struct net_reader *r, const struct sonde_event *e, struct net_event *ret)
{
	const struct class_info *c;
	int err = class_of(r, e->cls, &c);

	if (err < 0 || c->kind == NET_NONE) {
		ret->kind = NET_NONE;
		return err;
	}
	*ret = (struct net_event){ .kind = (enum net_kind)c->kind,
				   .bytes = -1,
				   .srtt_us = -1,
				   .tells_sends = c->tells_sends };
	err = c->rank ? read_header(r, e, ret) : read_fields(c, e, ret);
	if (err == 0)
		ret->kind = NET_NONE;
	return err;
}

int net_read_packet(struct net_reader *r, const struct sonde_event *e, struct net_packet *ret)
{
	const struct class_info *c;
	int err = class_of(r, e->cls, &c);

	if (err < 0 || !c->rank)
		return err;
	*ret = (struct net_packet){ .way = (enum net_way)c->way,
				    .rank = c->rank,
				    .bytes = get(e, &c->len, 0),
				    .transport = get(e, &c->transport, -1),
				    .tells_sends = c->tells_sends };
	(void)field_text(e, &c->device, &ret->device);
	// What the device did not take comes again.
	return get(e, &c->rc, 0) == 0;
}

int net_reader_tid(const struct net_reader *r, const struct sonde_event *e, int64_t *ret)
{
	const uint32_t i = e->cls->index;

	if (i >= r->cap || !field_int(e, &r->classes[i].tid, ret))
		return -1;
	return !(get(e, &r->classes[i].flags, 0) & FLAGS_INTERRUPT);
}
