/* SPDX-License-Identifier: MIT */
/** Tests that messages are matched by the count of their bytes, whatever order the ends come in. */
#include "analysis/sync/stock.h"

#include <errno.h>

#include "analysis/net/events.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "test.h"

enum { DATA_MOST = 1 << 13, EVENTS_MOST = 64, CLASSES = 5, MEMBERS_MOST = 11 };

/* Bytes of each member: 1, 2, 4 and 8 are integers, others addresses. */
static const struct {
	const char *name;
	struct {
		const char *name;
		unsigned bytes;
	} members[MEMBERS_MOST];
} shapes[CLASSES] = {
	{ "inet_sock_set_state",
	  { { "skaddr", 8 },
	    { "oldstate", 4 },
	    { "newstate", 4 },
	    { "sport", 2 },
	    { "dport", 2 },
	    { "protocol", 2 },
	    { "saddr_v6", 16 },
	    { "daddr_v6", 16 } } },
	{ "tcp_probe",
	  { { "saddr", 28 },
	    { "daddr", 28 },
	    { "sport", 2 },
	    { "dport", 2 },
	    { "family", 2 },
	    { "data_len", 2 },
	    { "snd_nxt", 4 },
	    { "snd_una", 4 } } },
	{ "sock_send_length", { { "sk", 8 }, { "protocol", 2 }, { "ret", 4 } } },
	{ "net_dev_start_xmit", { { "len", 4 }, { "transport_offset", 4 } } },
	{ "tcp_retransmit_skb",
	  { { "sport", 2 }, { "dport", 2 }, { "saddr", 4 }, { "daddr", 4 } } },
};
enum { SET_STATE, PROBE, SEND, XMIT, AGAIN };

static struct {
	struct arena arena;
	struct sonde_trace trace;
	struct sonde_stream_class stream, *streams[1];
	struct sonde_event_class classes[CLASSES], *known[CLASSES];
	struct sonde_packet packet;
	uint8_t data[DATA_MOST];
	size_t used;
	struct sonde_event events[EVENTS_MOST];
	uint32_t hosts[EVENTS_MOST];
	size_t n;
	uint32_t sent[2], acked[2]; /* bytes of each host */
} made;

static struct sonde_type *new_type(unsigned bytes)
{
	struct sonde_type *type = arena_new(&made.arena, struct sonde_type);
	sonde_check(type);

	type->kind = bytes > 8 || bytes == 3 ? SONDE_ARRAY : SONDE_INT;
	type->align = 8;
	type->fixed_len = bytes * 8;
	if (type->kind == SONDE_INT) {
		type->u.integer.len = (uint8_t)(bytes * 8);
		return type;
	}
	type->u.array.elem = new_type(1);
	type->u.array.n = bytes;
	return type;
}

/* A structure; addresses of 4 bytes are arrays too. */
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
		struct sonde_type *member = new_type(bytes[i]);

		if (strstr(names[i], "addr") && bytes[i] == 4) {
			member->kind = SONDE_ARRAY;
			member->u.array.elem = new_type(1);
			member->u.array.n = 4;
		}
		m[i] = (struct sonde_member){ names[i], names[i], member };
		type->fixed_len += bytes[i] * 8;
	}
	return type;
}

/* @tells_sends: of a kernel that has sock_send_length. */
static void begin(bool tells_sends)
{
	static const char *const context[] = { "common_flags", "common_pid" };

	arena_fini(&made.arena);
	memset(&made, 0, sizeof(made));
	made.stream.trace = &made.trace;
	made.stream.event_context = new_struct(context, (const unsigned[]){ 1, 4 }, 2);
	made.packet.data = made.data;
	made.packet.n_bits = DATA_MOST * 8;
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
		if (c != SEND || tells_sends)
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

static void event(int64_t ts_ns, uint32_t host, unsigned cls, bool softirq, int32_t tid)
{
	sonde_check(made.n < EVENTS_MOST);
	made.hosts[made.n] = host;
	made.events[made.n++] = (struct sonde_event){
		.cls = &made.classes[cls],
		.u.pkt = &made.packet,
		.ts_ns = ts_ns,
		.at = made.used * 8,
		.payload = 5 * 8,
	};
	put_int(softirq ? 0x10 : 0, 1);
	put_int(tid, 4);
}

/* Host 0 is 10.0.0.1, port 1000, its socket 100; host 1 is 10.0.0.2, port 2000, socket 200. */
static void put_addr(uint32_t host, unsigned bytes)
{
	const uint8_t addr[4] = { 10, 0, 0, (uint8_t)(host + 1) };
	uint8_t all[28] = { 0 };

	if (bytes == 16)
		all[10] = all[11] = 0xff;
	memcpy(all + (bytes == 16 ? 12 : bytes == 28 ? 4 : 0), addr, 4);
	put(all, bytes);
}

static void state(int64_t ts_ns, uint32_t host, int64_t newstate)
{
	event(ts_ns, host, SET_STATE, true, 0);
	put_int(100 + 100 * (int64_t)host, 8);
	put_int(0, 4);
	put_int(newstate, 4);
	put_int(1000 + 1000 * (int64_t)host, 2);
	put_int(2000 - 1000 * (int64_t)host, 2);
	put_int(6, 2);
	put_addr(host, 16);
	put_addr(!host, 16);
}

static void opens(int64_t ts_ns, uint32_t host)
{
	state(ts_ns, host, 1);
}

/* A packet of any socket. */
static void xmit_by(int64_t ts_ns, uint32_t host, int64_t len, int32_t tid, int64_t header)
{
	event(ts_ns, host, XMIT, /* softirq= */ !tid, tid);
	put_int(len + 34 + header, 4);
	put_int(34, 4);
}

static void xmit(int64_t ts_ns, uint32_t host, int64_t len, bool softirq)
{
	xmit_by(ts_ns, host, len, softirq ? 0 : 7, 32);
	made.sent[host] += (uint32_t)len;
}

static void sent(int64_t ts_ns, uint32_t host, int64_t len)
{
	event(ts_ns, host, SEND, false, 7);
	put_int(100 + 100 * (int64_t)host, 8);
	put_int(6, 2);
	put_int(len, 4);
}

static void got(int64_t ts_ns, uint32_t host, int64_t len)
{
	event(ts_ns, host, PROBE, true, 9);
	put_addr(host, 28);
	put_addr(!host, 28);
	put_int(1000 + 1000 * (int64_t)host, 2);
	put_int(2000 - 1000 * (int64_t)host, 2);
	put_int(2, 2);
	put_int(len, 2);
	// Sequence numbers begin anywhere; here they come round.
	put_int((uint32_t)-50 + made.sent[host], 4);
	put_int((uint32_t)-50 + made.acked[host], 4);
	made.acked[host] = made.sent[host];
}

static void again(int64_t ts_ns, uint32_t host)
{
	event(ts_ns, host, AGAIN, true, 0);
	put_int(1000 + 1000 * (int64_t)host, 2);
	put_int(2000 - 1000 * (int64_t)host, 2);
	put_addr(host, 4);
	put_addr(!host, 4);
}

/* Events of that host are lost. */
static void lost(int64_t ts_ns, uint32_t host)
{
	sonde_check(made.n < EVENTS_MOST);
	made.hosts[made.n] = host;
	made.events[made.n++] = (struct sonde_event){ .ts_ns = ts_ns };
}

static int on_match(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	strbuf_fmt(arg, "%u@%ld > %u@%ld\n", from->host, (long)from->ts_ns, to->host,
		   (long)to->ts_ns);
	return 0;
}

/* Hands the events over: those of host 1 first, those of host 0 first, or as they were made. */
static int run(int first, struct strbuf *out, uint64_t *ret_broken)
{
	const struct stock_user user = { .match = on_match, .arg = out };
	struct net_reader *reader = NULL;
	struct stock *s = NULL;
	struct net_event ev;
	int r = net_reader_new(&reader);

	if (r >= 0)
		r = stock_new(reader, /* one_clock= */ first < 0, &s);

	for (int turn = 0; turn < 2 && r >= 0; turn++) {
		for (size_t i = 0; i < made.n && r >= 0; i++) {
			const bool now =
				first < 0 ? turn == 0
					  : (made.hosts[i] == (uint32_t)first) == (turn == 0);
			if (now && !made.events[i].cls)
				stock_gap(s, made.hosts[i]);
			else if (now)
				r = net_read(reader, &made.events[i], &ev);
			if (now && made.events[i].cls && r >= 0)
				r = stock_take(s, &made.events[i], &ev, made.hosts[i], &user);
		}
	}
	*ret_broken = s ? stock_broken(s) : 0;
	stock_free(s);
	net_reader_free(reader);
	return r < 0 ? r : 0;
}

static void make_talk(void)
{
	begin(/* tells_sends= */ true);
	opens(1, 1);
	opens(2, 0);
	xmit(10, 0, 100, false); // one message, one segment
	got(15, 1, 100);
	sent(16, 0, 100);
	xmit(20, 0, 100, false); // one message, two segments; its time is the second's
	xmit(21, 0, 50, false);
	sent(22, 0, 150);
	got(25, 1, 100);
	got(27, 1, 50);
	xmit(28, 1, 0, true); // an acknowledgement
	xmit(30, 1, 10, false);
	sent(31, 1, 10);
	xmit(32, 1, 20, false);
	sent(33, 1, 20);
	got(40, 0, 30); // two messages in one segment
}

TEST(bytes_tell_which_message)
{
	static const char both[] = "0@10 > 1@15\n0@21 > 1@27\n1@30 > 0@40\n1@32 > 0@40\n";
	uint64_t broken;

	for (int first = -1; first < 2; first++) {
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };

		make_talk();
		EXPECT_EQ(run(first, &out, &broken), 0);
		// Of each direction in order; which direction comes first depends.
		EXPECT_EQ(strlen(strbuf_text(&out)), strlen(both));
		EXPECT(strstr(strbuf_text(&out), "0@10 > 1@15\n"));
		EXPECT(strstr(strbuf_text(&out), "0@21 > 1@27\n"));
		EXPECT(strstr(strbuf_text(&out), "1@30 > 0@40\n1@32 > 0@40\n"));
		EXPECT_EQ(broken, 0);
	}
}

TEST(what_cannot_be_counted_is_left_out)
{
	sonde_auto(strbuf_fini) struct strbuf out = { 0 };
	uint64_t broken;

	// Older than the trace on one side.
	begin(/* tells_sends= */ true);
	opens(1, 1);
	xmit(10, 0, 100, false);
	sent(11, 0, 100);
	got(15, 1, 100);
	EXPECT_EQ(run(-1, &out, &broken), 0);
	EXPECT_STR(strbuf_text(&out), "");
	EXPECT_EQ(broken, 0);
}

TEST(what_is_sent_again_ends_the_count)
{
	for (int first = -1; first < 2; first++) {
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };
		uint64_t broken;

		begin(/* tells_sends= */ true);
		opens(1, 1);
		opens(2, 0);
		xmit(10, 0, 100, false);
		sent(11, 0, 100);
		again(20, 0);
		again(40, 0);
		xmit(50, 0, 100, false);
		sent(51, 0, 100);
		got(25, 1, 100);
		got(26, 1, 100); // twice
		got(55, 1, 100);
		xmit(60, 1, 30, false); // the other way goes on
		sent(61, 1, 30);
		got(65, 0, 30);
		EXPECT_EQ(run(first, &out, &broken), 0);
		EXPECT_STR(strbuf_text(&out), "0@10 > 1@25\n1@60 > 0@65\n");
		EXPECT_EQ(broken, 1);
	}
}

static void told(int64_t ts_ns, int64_t len, bool tells_sends)
{
	if (tells_sends)
		sent(ts_ns, 0, len);
}

/* On one clock: all has arrived before what is sent next. */
TEST(a_count_begins_anew_when_all_has_arrived)
{
	for (unsigned tells_sends = 0; tells_sends < 2; tells_sends++) {
		for (int first = -1; first < 2; first++) {
			sonde_auto(strbuf_fini) struct strbuf out = { 0 };
			uint64_t broken;

			begin(tells_sends);
			opens(1, 1);
			opens(2, 0);
			xmit(10, 0, 100, false);
			told(11, 100, tells_sends);
			got(12, 0, 1);
			again(20, 0);
			got(25, 1, 100);
			got(26, 1, 100);
			got(30, 0, 1); // all was acknowledged
			xmit(50, 0, 40, false);
			told(51, 40, tells_sends);
			got(55, 1, 40);
			got(60, 0, 1);
			EXPECT_EQ(run(first, &out, &broken), 0);
			EXPECT_STR(strbuf_text(&out),
				   first < 0 ? "0@10 > 1@25\n0@50 > 1@55\n" : "0@10 > 1@25\n");
			EXPECT_EQ(broken, 1);
		}
	}
}

TEST(what_was_not_sent_yet_keeps_a_count_from_beginning_anew)
{
	sonde_auto(strbuf_fini) struct strbuf out = { 0 };
	uint64_t broken;

	begin(/* tells_sends= */ true);
	opens(1, 1);
	opens(2, 0);
	xmit(10, 0, 100, false);
	sent(11, 0, 150); // 50 wait
	got(12, 0, 1);
	again(20, 0);
	got(25, 1, 100);
	got(30, 0, 1);
	xmit(31, 0, 50, false);
	got(35, 1, 50);
	xmit(50, 0, 40, false);
	sent(51, 0, 40);
	got(55, 1, 40);
	EXPECT_EQ(run(-1, &out, &broken), 0);
	EXPECT_STR(strbuf_text(&out), "0@10 > 1@35\n");
}

/* What one host lost ends what is known of its ends only, and not what waits. */
TEST(losses_end_the_counts_of_their_host)
{
	for (uint32_t host = 0; host < 2; host++) {
		for (int first = -1; first < 2; first++) {
			sonde_auto(strbuf_fini) struct strbuf out = { 0 };
			uint64_t broken;

			begin(/* tells_sends= */ true);
			opens(1, 1);
			opens(2, 0);
			xmit(10, 0, 100, false);
			sent(11, 0, 100);
			got(15, 1, 100);
			lost(20, host);
			xmit(30, 0, 40, false);
			sent(31, 0, 40);
			got(35, 1, 40);
			EXPECT_EQ(run(first, &out, &broken), 0);
			EXPECT_STR(strbuf_text(&out), "0@10 > 1@15\n");
			EXPECT_EQ(broken, 2); // both ways
		}
	}
}

TEST(ports_that_are_used_again)
{
	for (int first = -1; first < 2; first++) {
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };
		uint64_t broken;

		begin(/* tells_sends= */ true);
		for (int64_t at = 0; at < 200; at += 100) {
			opens(at + 2, 0);
			xmit(at + 3, 0, 10, false);
			sent(at + 4, 0, 10);
			opens(at + 5, 1);
			got(at + 6, 1, 10);
		}
		EXPECT_EQ(run(first, &out, &broken), 0);
		// Without one clock nothing tells which of them is which.
		EXPECT_STR(strbuf_text(&out), first < 0 ? "0@3 > 1@6\n0@103 > 1@106\n" : "");
		EXPECT_EQ(broken, first < 0 ? 0 : 2);
	}
}

static void make_old_talk(void)
{
	begin(/* tells_sends= */ false);
	opens(1, 1);
	opens(2, 0);
	xmit(10, 0, 100, false);
	xmit_by(11, 0, 70, 8, 32); // another's
	got(15, 1, 100);
	xmit(20, 0, 100, false);
	xmit(21, 0, 50, false);
	got(25, 1, 150);
	xmit(28, 1, 0, true); // an acknowledgement
	xmit(30, 1, 10, true);
	got(33, 0, 10);
	got(35, 1, 0); // likewise
	xmit(36, 1, 20, false);
	state(37, 1, 4); // it closes: no packet that comes in for it is told any more
	got(40, 0, 20);
	state(42, 0, 8); // and the other hears of it
	state(44, 1, 7);
}

TEST(counts_of_sockets_tell_whose_packets_they_are)
{
	for (int first = -1; first < 2; first++) {
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };
		uint64_t broken;

		make_old_talk();
		EXPECT_EQ(run(first, &out, &broken), 0);
		EXPECT(strstr(strbuf_text(&out), "0@10 > 1@15\n0@20 > 1@25\n0@21 > 1@25\n"));
		EXPECT(strstr(strbuf_text(&out), "1@30 > 0@33\n1@36 > 0@40\n"));
		EXPECT_EQ(strlen(strbuf_text(&out)), 5 * strlen("0@10 > 1@15\n"));
		EXPECT_EQ(broken, 0);
	}
}

TEST(what_was_sent_last_is_left_out_if_sent_again)
{
	for (int first = -1; first < 2; first++) {
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };
		uint64_t broken;

		begin(/* tells_sends= */ false);
		opens(1, 1);
		opens(2, 0);
		xmit(10, 0, 100, false);
		got(15, 1, 100);
		got(16, 0, 1);
		xmit(20, 0, 50, false);
		state(21, 0, 4);
		got(22, 1, 50);
		state(23, 1, 8);
		again(24, 0);
		state(25, 0, 7);
		EXPECT_EQ(run(first, &out, &broken), 0);
		EXPECT_STR(strbuf_text(&out), "0@10 > 1@15\n");
		EXPECT_EQ(broken, 1);
	}
}

TEST(packets_that_could_be_of_two_are_left_out)
{
	sonde_auto(strbuf_fini) struct strbuf out = { 0 };
	uint64_t broken;

	begin(/* tells_sends= */ false);
	opens(1, 1);
	opens(2, 0);
	xmit_by(9, 0, 100, 8, 32);
	xmit(10, 0, 100, false);
	got(15, 1, 100);
	got(16, 0, 1);
	// What comes later can be told again.
	xmit(20, 0, 40, false);
	got(25, 1, 40);
	got(26, 0, 1);
	EXPECT_EQ(run(-1, &out, &broken), 0);
	EXPECT_STR(strbuf_text(&out), "0@20 > 1@25\n");
}

TEST(headers_without_times_are_shorter)
{
	sonde_auto(strbuf_fini) struct strbuf out = { 0 };
	uint64_t broken;

	begin(/* tells_sends= */ false);
	opens(1, 1);
	xmit_by(2, 0, 0, 7, 20);
	opens(2, 0);
	xmit_by(10, 0, 100, 7, 20);
	made.sent[0] = 100;
	got(15, 1, 100);
	got(16, 0, 1);
	EXPECT_EQ(run(-1, &out, &broken), 0);
	EXPECT_STR(strbuf_text(&out), "0@10 > 1@15\n");
}

static int take_all(void)
{
	struct strbuf out = { 0 };
	uint64_t broken;
	int r = run(-1, &out, &broken);

	strbuf_fini(&out);
	return r;
}

TEST(out_of_memory_of_counts)
{
	make_old_talk();
	test_oom(take_all);
	arena_fini(&made.arena);
}

TEST(out_of_memory)
{
	make_talk();
	test_oom(take_all);
	arena_fini(&made.arena);
}
