/* SPDX-License-Identifier: MIT */
/** Tests which of two events of equal time comes first. */
#include "base/mem.h"
#include "graph/order.h"
#include "test.h"

static const struct sonde_env host_a = { "hostname", "a", 0 }, host_b = { "hostname", "b", 0 };
static struct sonde_trace traces[] = {
	{ .has_uuid = true, .uuid = { 1 }, .name = "z" },
	{ .has_uuid = true, .uuid = { 2 }, .name = "a" },
	{ .name = "a" },
	{ .env = &host_a, .n_env = 1, .name = "a/kernel" },
	{ .env = &host_b, .n_env = 1 },
};
static struct sonde_stream_class classes[] = {
	{ .trace = &traces[0], .id = 0 }, { .trace = &traces[0], .id = 1 },
	{ .trace = &traces[1], .id = 0 }, { .trace = &traces[2], .id = 0 },
	{ .trace = &traces[3], .id = 0 }, { .trace = &traces[4], .id = 0 },
};
static const struct sonde_stream streams[] = {
	{ .cls = &classes[0], .has_id = true, .id = 0, .index = 9 },
	{ .cls = &classes[0], .has_id = true, .id = 7, .index = 1 },
	{ .cls = &classes[1], .index = 2 },
	{ .cls = &classes[1], .index = 3 },
	{ .cls = &classes[2], .has_id = true, .id = 0, .index = 4 },
	{ .cls = &classes[3], .index = 5 },
	{ .cls = &classes[4], .index = 6 },
	{ .cls = &classes[5], .index = 0 },
};

TEST(streams_in_order)
{
	static const struct sonde_event_class cls = { .name = "e", .loglevel = -1 };

	for (size_t i = 0; i < MEM_LEN(streams); i++) {
		for (size_t k = 0; k < MEM_LEN(streams); k++) {
			const struct sonde_packet p = { .stream = &streams[i] };
			const struct sonde_packet q = { .stream = &streams[k] };
			const struct sonde_event a = { .cls = &cls, .u.pkt = &p };
			const struct sonde_event b = { .cls = &cls, .u.pkt = &q };
			int tie = order_tie(&a, &b);

			EXPECT_EQ((tie > 0) - (tie < 0), (i > k) - (i < k));
		}
	}
}

TEST(classes_in_order)
{
	static const struct sonde_event_class rows[] = {
		{ .id = 1, .name = "z", .loglevel = -1 },
		{ .id = 2, .name = "a", .loglevel = 3 },
		{ .id = 2, .name = "a", .loglevel = 4 },
		{ .id = 2, .name = "a", .loglevel = -1 },
		{ .id = 2, .name = "a", .loglevel = -1, .uri = "a" },
		{ .id = 2, .name = "a", .loglevel = -1, .uri = "b" },
		{ .id = 2, .name = "b", .loglevel = -1 },
	};
	const struct sonde_packet p = { .stream = &streams[0] };

	for (size_t i = 0; i < MEM_LEN(rows); i++) {
		for (size_t k = 0; k < MEM_LEN(rows); k++) {
			const struct sonde_event a = { .cls = &rows[i], .u.pkt = &p };
			const struct sonde_event b = { .cls = &rows[k], .u.pkt = &p };
			int tie = order_tie(&a, &b);

			EXPECT_EQ((tie > 0) - (tie < 0), (i > k) - (i < k));
		}
	}
}

TEST(events_before_gaps)
{
	static const struct sonde_event_class cls = { .name = "e", .loglevel = -1 };
	const struct sonde_packet p = { .stream = &streams[0] };
	const struct sonde_gap g = { .stream = &streams[0] };
	const struct sonde_event event = { .cls = &cls, .u.pkt = &p }, gap = { .u.gap = &g };

	EXPECT(order_tie(&event, &gap) < 0);
	EXPECT(order_tie(&gap, &event) > 0);
	EXPECT_EQ(order_tie(&gap, &gap), 0);
}
