/* SPDX-License-Identifier: MIT */
/** Tests that events which come late are where their times say. */
#include "ctf/late.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

enum { EVENTS = 5000, PACKET = 4096, HEAD = 80, LATEST = 12 };

/* An event: u64 time, u8 length of what follows, so many bytes of the time's lowest. */
static size_t event_len(uint64_t ts)
{
	return 9 + ts % 23;
}

static int put(struct late *l, struct writer_stream *s, uint64_t ts)
{
	const size_t len = event_len(ts);
	uint8_t *p = writer_reserve(s, len);

	if (!p)
		return s->err;
	ts = late_time(l, s, ts);
	memcpy(p, &ts, 8);
	p[8] = (uint8_t)(len - 9);
	memset(p + 9, (uint8_t)ts, len - 9);
	return late_commit(l, s, ts, len);
}

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Looks at a packet's events; how many there are. *@last: the time of the last one. */
static size_t look_at_packet(const uint8_t *p, uint64_t *last)
{
	const uint64_t begin = u64_at(p + 24), end = u64_at(p + 32), content = u64_at(p + 40) / 8;
	const uint64_t from = *last;
	size_t n = 0, at = HEAD;

	EXPECT(begin >= *last);
	for (; at < content; n++) {
		const uint64_t ts = u64_at(p + at);
		const size_t len = 9U + p[at + 8];

		EXPECT(ts >= *last && ts >= begin && ts <= end);
		EXPECT(n || ts == begin);
		EXPECT(ts > *last || ts == from); // only what belongs before the packet is changed
		for (size_t i = 9; i < len; i++)
			EXPECT_EQ(p[at + i], (uint8_t)ts);
		*last = ts;
		at += len;
		if (at >= content) // the end is that of the last event
			EXPECT_EQ(at, content);
		at = (at + 7) & ~(size_t)7;
	}
	EXPECT_EQ(*last, end);
	return n;
}

static void look_at_file(const char *dir, size_t n)
{
	static uint8_t data[1 << 20];
	uint64_t last = 0;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/s", dir);
	FILE *f = fopen(path, "rbe");
	EXPECT(f != NULL);
	const size_t len = f ? fread(data, 1, sizeof(data), f) : 0;
	if (f)
		(void)fclose(f);
	size_t seen = 0, at = 0;
	while (at + HEAD <= len) {
		seen += look_at_packet(data + at, &last);
		at += u64_at(data + at + 48) / 8;
	}
	EXPECT_EQ(seen, n);
}

TEST(late_events_are_where_their_times_say)
{
	const struct writer_stream_opts opts = { .name = "s", .id = 0, .cpu = 0, .packet = PACKET };
	char dir[] = "/tmp/sonde-late-XXXXXX", trace[64], path[96];
	static uint64_t times[EVENTS];
	struct writer_stream *s = NULL;
	struct writer *w = NULL;
	struct late l = { 0 };
	uint32_t rand = 7;

	for (size_t i = 0; i < EVENTS; i++)
		times[i] = 1000000 + 10 * i;
	for (size_t i = 0; i + LATEST < EVENTS; i++) { // up to so many places too late
		rand = rand * 1664525 + 1013904223;
		if (rand >> 28 < 4) {
			const size_t k = i + (rand >> 20) % LATEST;
			const uint64_t ts = times[i];
			memmove(&times[i], &times[i + 1], (k - i) * sizeof(ts));
			times[k] = ts;
		}
	}
	EXPECT(mkdtemp(dir) != NULL);
	(void)snprintf(trace, sizeof(trace), "%s/t", dir);
	EXPECT_EQ(writer_open(trace, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	EXPECT_EQ(writer_stream_new(w, &opts, &s), 0);
	for (size_t i = 0; i < EVENTS; i++)
		EXPECT_EQ(put(&l, s, times[i]), 0);
	EXPECT_EQ(writer_flush(s), 0);
	EXPECT_EQ(s->n_events, EVENTS);
	writer_close(w);
	late_fini(&l);
	look_at_file(trace, EVENTS);
	static const char *const files[] = { "s", "index/s.idx", "metadata" };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", trace, files[i]);
		EXPECT_EQ(unlink(path), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/index", trace);
	EXPECT_EQ(rmdir(path), 0);
	EXPECT_EQ(rmdir(trace), 0);
	EXPECT_EQ(rmdir(dir), 0);
}
