/* SPDX-License-Identifier: MIT */
/** Tests connections out of made-up events: how they begin, what they move, how they end. */
#include "analysis/net/conns.h"

#include <errno.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "test.h"

enum { DATA_MOST = 1 << 13, EVENTS_MOST = 64, MEMBERS_MOST = 10 };
enum { SET_STATE, PROBE, SEND, RECEIVE, AGAIN, SEG_OUT, SEG_IN, XMIT, CLASSES };

/* Bytes of each member: 1, 2, 4 and 8 are integers, others arrays of bytes; 0: a string. */
static const struct {
	const char *name;
	struct {
		const char *name;
		unsigned bytes;
	} members[MEMBERS_MOST];
} shapes[CLASSES] = {
	[SET_STATE] = { "inet_sock_set_state",
			{ { "skaddr", 8 },
			  { "oldstate", 4 },
			  { "newstate", 4 },
			  { "sport", 2 },
			  { "dport", 2 },
			  { "protocol", 2 },
			  { "saddr_v6", 16 },
			  { "daddr_v6", 16 } } },
	[PROBE] = { "tcp_probe",
		    { { "saddr", 28 },
		      { "daddr", 28 },
		      { "sport", 2 },
		      { "dport", 2 },
		      { "family", 2 },
		      { "data_len", 2 },
		      { "srtt", 4 } } },
	[SEND] = { "sock_send_length", { { "sk", 8 }, { "protocol", 2 }, { "ret", 4 } } },
	[RECEIVE] = { "sock_recv_length",
		      { { "sk", 8 }, { "protocol", 2 }, { "ret", 4 }, { "flags", 4 } } },
	[AGAIN] = { "tcp_retransmit_skb",
		    { { "sport", 2 }, { "dport", 2 }, { "saddr_v6", 16 }, { "daddr_v6", 16 } } },
	[SEG_OUT] = { "inet_sock_local_out",
		      { { "sk", 8 }, { "seq", 4 }, { "ack_seq", 4 }, { "flags", 2 } } },
	[SEG_IN] = { "inet_sock_local_in",
		     { { "sk", 8 }, { "seq", 4 }, { "ack_seq", 4 }, { "flags", 2 } } },
	[XMIT] = { "net_dev_xmit", { { "len", 4 }, { "rc", 4 }, { "name", 0 } } },
};

static struct {
	struct arena arena;
	struct sonde_trace trace;
	struct sonde_stream_class stream, *streams[1];
	struct sonde_event_class classes[CLASSES], *known[CLASSES];
	struct sonde_stream instance;
	struct sonde_packet packet;
	struct sonde_gap gap;
	uint8_t data[DATA_MOST];
	size_t used;
	struct sonde_event events[EVENTS_MOST];
	size_t n;
} made;

static struct sonde_type *new_type(unsigned bytes)
{
	struct sonde_type *type = arena_new(&made.arena, struct sonde_type);
	sonde_check(type);

	type->kind = bytes > 8 ? SONDE_ARRAY : bytes ? SONDE_INT : SONDE_STRING;
	type->align = 8;
	type->fixed_len = bytes ? (int64_t)bytes * 8 : -1;
	if (type->kind == SONDE_INT) {
		type->u.integer.len = (uint8_t)(bytes * 8);
		type->u.integer.is_signed = bytes == 4;
	} else if (type->kind == SONDE_ARRAY) {
		type->u.array.elem = new_type(1);
		type->u.array.n = bytes;
	}
	return type;
}

static struct sonde_type *new_struct(const char *const *names, const unsigned *bytes, size_t n)
{
	struct sonde_type *type = arena_new(&made.arena, struct sonde_type);
	struct sonde_member *m = arena_array(&made.arena, n, sizeof(*m));
	sonde_check(type && m);

	type->kind = SONDE_STRUCT;
	type->align = 8;
	type->u.structure.members = m;
	type->u.structure.n_members = n;
	for (size_t i = 0; i < n; i++) {
		m[i] = (struct sonde_member){ names[i], names[i], new_type(bytes[i]) };
		type->fixed_len = !bytes[i] ? -1 : type->fixed_len + bytes[i] * 8;
	}
	return type;
}

static void begin(void)
{
	static const char *const context[] = { "common_flags", "common_pid" };

	arena_fini(&made.arena);
	memset(&made, 0, sizeof(made));
	made.stream.trace = &made.trace;
	made.stream.event_context = new_struct(context, (const unsigned[]){ 1, 4 }, 2);
	made.instance.cls = &made.stream;
	made.packet.data = made.data;
	made.packet.n_bits = DATA_MOST * 8;
	made.packet.stream = &made.instance;
	for (uint32_t c = 0; c < CLASSES; c++) {
		const char *names[MEMBERS_MOST];
		unsigned bytes[MEMBERS_MOST];
		size_t n = 0;

		for (; n < MEMBERS_MOST && shapes[c].members[n].name; n++) {
			names[n] = shapes[c].members[n].name;
			bytes[n] = shapes[c].members[n].bytes;
		}
		made.classes[c] =
			(struct sonde_event_class){ .stream_class = &made.stream,
						    .name = shapes[c].name,
						    .payload = new_struct(names, bytes, n),
						    .index = c };
		made.known[made.stream.n_events++] = &made.classes[c];
	}
	made.stream.events = made.known;
	made.streams[0] = &made.stream;
	made.trace.streams = made.streams;
	made.trace.n_streams = 1;
}

static void put(const void *data, size_t len)
{
	sonde_check(made.used + len <= DATA_MOST);
	memcpy(made.data + made.used, data, len);
	made.used += len;
}

/* Little-endian, as the types say. */
static void put_int(int64_t v, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		put(&(uint8_t){ (uint8_t)(v >> (8 * i)) }, 1);
}

static void event(int64_t ts_ns, unsigned cls, int32_t tid)
{
	sonde_check(made.n < EVENTS_MOST);
	made.events[made.n++] = (struct sonde_event){
		.cls = &made.classes[cls],
		.u.pkt = &made.packet,
		.ts_ns = ts_ns,
		.at = made.used * 8,
		.payload = 5 * 8,
	};
	put_int(tid ? 0 : 0x10, 1);
	put_int(tid, 4);
}

/* 10.0.0.1, which is this host, or another one. */
static void put_addr(bool mine, unsigned bytes)
{
	const uint8_t addr[4] = { 10, 0, 0, mine ? 1 : 2 };
	uint8_t all[28] = { 0 };

	if (bytes == 16)
		all[10] = all[11] = 0xff;
	memcpy(all + (bytes == 16 ? 12 : 4), addr, 4);
	put(all, bytes);
}

static void state(int64_t ts_ns, int64_t sk, int32_t old, int32_t new, uint16_t sport)
{
	event(ts_ns, SET_STATE, 0);
	put_int(sk, 8);
	put_int(old, 4);
	put_int(new, 4);
	put_int(sport, 2);
	put_int(80, 2);
	put_int(6, 2);
	put_addr(true, 16);
	put_addr(false, 16);
}

static void moved(int64_t ts_ns, unsigned cls, int64_t sk, int32_t ret, int32_t flags)
{
	event(ts_ns, cls, 7);
	put_int(sk, 8);
	put_int(6, 2);
	put_int(ret, 4);
	if (cls == RECEIVE)
		put_int(flags, 4);
}

static void probe(int64_t ts_ns, uint16_t sport, int64_t len, int64_t srtt)
{
	event(ts_ns, PROBE, 0);
	put_addr(true, 28);
	put_addr(false, 28);
	put_int(sport, 2);
	put_int(80, 2);
	put_int(2, 2);
	put_int(len, 2);
	put_int(srtt, 4);
}

static void again(int64_t ts_ns, uint16_t sport)
{
	event(ts_ns, AGAIN, 0);
	put_int(sport, 2);
	put_int(80, 2);
	put_addr(true, 16);
	put_addr(false, 16);
}

static void segment(int64_t ts_ns, unsigned cls, uint32_t seq, uint32_t ack, uint32_t flags)
{
	event(ts_ns, cls, 0);
	put_int(55, 8);
	put_int(seq, 4);
	put_int(ack, 4);
	put_int(flags << 8 | 8, 2);
}

static void xmit(int64_t ts_ns, const char *device, int32_t len, int32_t rc)
{
	event(ts_ns, XMIT, 0);
	put_int(len, 4);
	put_int(rc, 4);
	put(device, strlen(device) + 1);
}

static struct net_conns *run(int64_t from_ns, int64_t to_ns)
{
	struct net_conns *s = NULL;

	sonde_check(net_conns_new(from_ns, to_ns, &s) == 0);
	EXPECT(net_conns_consume(s, &(struct sonde_batch){ made.events, made.n }) >= 0);
	net_conns_finish(s);
	return s;
}

/* One from its begin to its end, on port 1000 as socket 100. */
static void whole(int64_t at, uint16_t port)
{
	state(at, 100, 7, 2, 0);
	state(at + 10, 100, 2, 1, port);
	moved(at + 20, SEND, 100, 300, 0);
	probe(at + 30, port, 0, 40);
	probe(at + 35, port, 500, 60);
	moved(at + 40, RECEIVE, 100, 500, 0);
	moved(at + 41, RECEIVE, 100, 500, 2);
	moved(at + 42, SEND, 100, -11, 0);
	again(at + 50, port);
	state(at + 60, 100, 1, 4, port);
	state(at + 80, 100, 4, 7, port);
}

TEST(a_connection_from_its_begin_to_its_end)
{
	const struct net_conn *c;

	begin();
	whole(1000, 1000);
	struct net_conns *s = run(INT64_MIN, INT64_MAX);
	EXPECT_EQ(net_conns_all(s, &c), 1);
	EXPECT_EQ(c->has_ends, true);
	EXPECT_EQ(c->local.port, 1000);
	EXPECT_EQ(c->remote.port, 80);
	EXPECT_EQ(c->remote.addr[15], 2);
	EXPECT_EQ(c->connects, true);
	EXPECT_EQ(c->opened_ns, 1000);
	EXPECT_EQ(c->established_ns, 1010);
	EXPECT_EQ(c->closed_ns, 1080);
	EXPECT_EQ(c->sent_bytes, 300);
	EXPECT_EQ(c->received_bytes, 500);
	EXPECT_EQ(c->sends, 2);
	EXPECT_EQ(c->receives, 1);
	EXPECT_EQ(c->segments_in, 2);
	EXPECT_EQ(c->retransmits, 1);
	EXPECT_EQ(c->rtt.n, 2);
	EXPECT_EQ(spread_total(&c->rtt), 100000);
	EXPECT_EQ(c->first_received_ns, 1035);
	EXPECT_EQ(c->states_ns[NET_SYN_SENT], 10);
	EXPECT_EQ(c->states_ns[NET_ESTABLISHED], 50);
	EXPECT_EQ(c->states_ns[4], 20);
	EXPECT(c->thread && c->thread->tid == 7);
	net_conns_free(s);
}

TEST(windows_cut_what_is_counted)
{
	const struct net_conn *c;

	begin();
	whole(1000, 1000);
	struct net_conns *s = run(1035, 1055);
	EXPECT_EQ(net_conns_all(s, &c), 1);
	EXPECT_EQ(c->sent_bytes, 0);
	EXPECT_EQ(c->received_bytes, 500);
	EXPECT_EQ(c->segments_in, 1);
	EXPECT_EQ(c->opened_ns, 1000);
	EXPECT_EQ(c->states_ns[NET_ESTABLISHED], 20);
	net_conns_free(s);
}

TEST(ports_and_sockets_are_used_again)
{
	const struct net_conn *c;

	begin();
	whole(1000, 1000);
	whole(2000, 1000);
	whole(3000, 1001);
	// One that was there before the trace is known by its address alone.
	probe(4000, 1002, 70, 0);
	again(4001, 1002);
	struct net_conns *s = run(INT64_MIN, INT64_MAX);
	EXPECT_EQ(net_conns_all(s, &c), 4);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(c[i].sent_bytes, 300);
	EXPECT_EQ(c[2].local.port, 1001);
	EXPECT_EQ(c[3].retransmits, 1);
	EXPECT_EQ(c[3].opened_ns == KERNEL_NO_TIME, true);
	EXPECT_EQ(c[3].wire_bytes[NET_IN], 70);
	net_conns_free(s);
}

/* The flags' lowest bit is first: FIN 0x80, SYN 0x40, PSH 0x10, ACK 0x08. */
TEST(acknowledged_bytes_count_where_lengths_are_not_told)
{
	const struct net_conn *c;
	const uint32_t a = UINT32_MAX - 20, b = 1000; /* numbers come round */

	begin();
	segment(10, SEG_OUT, a, 0, 0x40);
	segment(30, SEG_IN, b, a + 1, 0x48);
	segment(31, SEG_OUT, a + 1, b + 1, 0x08);
	segment(40, SEG_OUT, a + 1, b + 1, 0x18);
	segment(50, SEG_IN, b + 1, a + 101, 0x18);
	segment(60, SEG_OUT, a + 101, b + 51, 0x88);
	segment(70, SEG_IN, b + 51, a + 102, 0x88);
	segment(71, SEG_OUT, a + 102, b + 52, 0x08);
	struct net_conns *s = run(INT64_MIN, INT64_MAX);
	EXPECT_EQ(net_conns_all(s, &c), 1);
	EXPECT_EQ(c->segments_out, 5);
	EXPECT_EQ(c->segments_in, 3);
	EXPECT_EQ(c->wire_bytes[NET_OUT], 100);
	EXPECT_EQ(c->wire_bytes[NET_IN], 50);
	EXPECT_EQ(c->connects, true);
	EXPECT_EQ(c->rtt.n, 1);
	EXPECT_EQ(spread_total(&c->rtt), 20);
	EXPECT_EQ(c->closed_ns, 70);
	net_conns_free(s);
}

TEST(devices_count_what_they_took)
{
	const struct net_device *d;

	begin();
	xmit(10, "eth0", 100, 0);
	xmit(11, "eth0", 100, 16);
	xmit(12, "eth0", 100, 0);
	xmit(13, "a-name-that-is-too-long", 5, 0);
	xmit(14, "a-name-that-is-too-long", 5, 0);
	struct net_conns *s = run(INT64_MIN, INT64_MAX);
	EXPECT_EQ(net_conns_devices(s, &d), 2);
	EXPECT_EQ(net_conns_rank(s, d->host, NET_OUT), 3);
	EXPECT_EQ(net_conns_rank(s, d->host, NET_IN), 0);
	EXPECT_EQ(d[0].packets[NET_OUT][3], 2);
	EXPECT_EQ(d[0].bytes[NET_OUT][3], 200);
	EXPECT_EQ(d[1].packets[NET_OUT][3], 2);
	net_conns_free(s);
}

static int consume_all(void)
{
	struct net_conns *s = NULL;
	int r = net_conns_new(INT64_MIN, INT64_MAX, &s);

	if (r >= 0)
		r = net_conns_consume(s, &(struct sonde_batch){ made.events, made.n });
	if (r >= 0)
		net_conns_finish(s);
	net_conns_free(s);
	return r;
}

TEST(no_memory_is_told)
{
	begin();
	whole(1000, 1000);
	whole(2000, 1001);
	segment(3000, SEG_OUT, 1, 2, 0x08);
	xmit(3001, "eth0", 100, 0);
	test_oom(consume_all);
	arena_fini(&made.arena);
}
