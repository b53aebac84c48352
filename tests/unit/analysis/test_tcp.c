/* SPDX-License-Identifier: MIT */
/** Tests that the ends of packets are found, on one clock and on several. */
#include "analysis/sync/tcp.h"

#include <errno.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "test.h"

SONDE_DEFINE_AUTO(struct tcp_ends *, tcp_ends_free)

static const struct tcp_id data = { 7000, 8000, 0x8010, 64 };

static int on_match(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	strbuf_fmt(arg, "%u@%ld > %u@%ld\n", from->host, (long)from->ts_ns, to->host,
		   (long)to->ts_ns);
	return 0;
}

struct seen {
	uint32_t host;
	enum tcp_way way;
	int64_t ts_ns;
	uint8_t ttl;
};

/* Events of hosts, those of the first one in @order first. */
static void take(struct tcp_ends *t, const struct seen *all, size_t n, const uint32_t order[3],
		 struct strbuf *out)
{
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < n; i++) {
			const struct tcp_end end = { .ts_ns = all[i].ts_ns, .host = all[i].host };
			struct tcp_id id = data;

			id.ttl = all[i].ttl;
			if (all[i].host == order[k])
				EXPECT_EQ(tcp_match_hosts(t, all[i].way, &id, &end, on_match, out),
					  0);
		}
	}
}

/* Host 0 sends, 1 hands on, 2 receives; the first packet is lost on its way to 2. */
TEST(only_the_first_counts)
{
	static const struct seen all[] = {
		{ 0, TCP_OUT, 10, 64 }, { 1, TCP_IN, 15, 64 },	{ 1, TCP_OUT, 16, 63 },
		{ 0, TCP_OUT, 30, 64 }, { 1, TCP_IN, 35, 64 },	{ 1, TCP_OUT, 36, 63 },
		{ 2, TCP_IN, 40, 63 },	{ 0, TCP_OUT, 50, 64 }, { 2, TCP_IN, 60, 63 },
	};
	static const uint32_t orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 },
					      { 1, 2, 0 }, { 0, 2, 1 }, { 2, 0, 1 } };

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };

		EXPECT_EQ(tcp_ends_new(&t), 0);
		take(t, all, sizeof(all) / sizeof(*all), orders[i], &out);
		EXPECT(strstr(strbuf_text(&out), "0@10 > 1@15\n"));
		EXPECT(strstr(strbuf_text(&out), "1@16 > 2@40\n"));
		EXPECT(strstr(strbuf_text(&out), "0@10 > 2@40\n"));
		EXPECT_EQ(strlen(strbuf_text(&out)), 3 * strlen("0@10 > 1@15\n"));
	}
}

/* Devices of one host, one behind the other, do not hide what leaves it. */
TEST(what_goes_over_several_devices)
{
	static const struct seen all[] = {
		{ 0, TCP_OUT, 10, 64 }, { 0, TCP_IN, 11, 64 },	{ 0, TCP_OUT, 12, 64 },
		{ 1, TCP_IN, 20, 64 },	{ 1, TCP_OUT, 21, 64 }, { 1, TCP_IN, 22, 64 },
	};
	static const uint32_t orders[][3] = { { 0, 1, 2 }, { 1, 0, 2 } };

	for (size_t i = 0; i < 2; i++) {
		sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;
		sonde_auto(strbuf_fini) struct strbuf out = { 0 };

		EXPECT_EQ(tcp_ends_new(&t), 0);
		take(t, all, sizeof(all) / sizeof(*all), orders[i], &out);
		EXPECT_STR(strbuf_text(&out), "0@10 > 1@20\n");
	}
}

TEST(on_one_clock_each_end_has_one_other)
{
	sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;
	struct tcp_end end = { .ts_ns = 1 }, other = { 0 };

	EXPECT_EQ(tcp_ends_new(&t), 0);
	EXPECT_EQ(tcp_match(t, TCP_OUT, &data, &end, &other), 0);
	end.ts_ns = 2;
	EXPECT_EQ(tcp_match(t, TCP_OUT, &data, &end, &other), 0); // sent again
	for (int64_t at = 3; at < 5; at++) {
		end.ts_ns = at;
		EXPECT_EQ(tcp_match(t, TCP_IN, &data, &end, &other), at == 3);
	}
	EXPECT_EQ(other.ts_ns, 1);
}

/* Old ends are let go and counted; many that look the same, or come and go, cost little. */
TEST(there_is_an_end_to_what_is_kept)
{
	sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;
	struct tcp_end end = { .ts_ns = 1 }, other;
	struct tcp_id id = data;

	EXPECT_EQ(tcp_ends_new(&t), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		end.host = i;
		EXPECT_EQ(tcp_match_hosts(t, TCP_IN, &id, &end, on_match, NULL), 0);
	}
	for (uint32_t i = 0; i < 200000; i++) {
		EXPECT_EQ(tcp_match(t, TCP_OUT, &(struct tcp_id){ 1, 1, 1, 0 }, &end, &other), 0);
		EXPECT_EQ(tcp_match(t, TCP_IN, &(struct tcp_id){ 1, 1, 1, 0 }, &end, &other), 1);
	}
	EXPECT_EQ(tcp_ends_forgotten(t), 0);
	for (id.seq = 0; id.seq < 1000000; id.seq++)
		EXPECT_EQ(tcp_match_hosts(t, TCP_IN, &id, &end, on_match, NULL), 0);
	EXPECT(tcp_ends_forgotten(t) > 400000 && tcp_ends_forgotten(t) < 1000000);
}

static int on_any(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	(void)from;
	(void)to;
	++*(unsigned *)arg;
	return 0;
}

static int take_many(void)
{
	sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;
	struct tcp_id id = data;
	unsigned n = 0;
	int r = tcp_ends_new(&t);

	for (id.seq = 0; id.seq < 2000 && r >= 0; id.seq++) {
		r = tcp_match_hosts(t, TCP_OUT, &id, &(struct tcp_end){ .host = 0 }, on_any, &n);
		if (r >= 0)
			r = tcp_match_hosts(t, TCP_IN, &id, &(struct tcp_end){ .host = 1 }, on_any,
					    &n);
	}
	EXPECT(r < 0 || n == 2000);
	return r;
}

TEST(out_of_memory)
{
	test_oom(take_many);
}

static int fails(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	(void)arg;
	(void)from;
	(void)to;
	return sonde_fail(-EINTR, "no more");
}

TEST(who_asks_may_fail)
{
	sonde_auto(tcp_ends_freep) struct tcp_ends *t = NULL;

	EXPECT_EQ(tcp_ends_new(&t), 0);
	EXPECT_EQ(tcp_match_hosts(t, TCP_OUT, &data, &(struct tcp_end){ .host = 0 }, fails, NULL),
		  0);
	EXPECT_EQ(tcp_match_hosts(t, TCP_IN, &data, &(struct tcp_end){ .host = 1 }, fails, NULL),
		  -EINTR);
}
