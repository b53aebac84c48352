/* SPDX-License-Identifier: MIT */
/** Tests packets and streams: losses, cuts, broken bytes, times, windows, folders, no memory. */
#include "ctf/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "ctf/trace.h"
#include "test.h"

static const char metadata[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; align = 8; } := u8;\n"
	"typealias integer { size = 32; align = 8; } := u32;\n"
	"typealias integer { size = 64; align = 8; map = clock.c.value; } := time;\n"
	"typealias integer { size = 16; align = 8; map = clock.c.value; } := short_time;\n"
	"trace { major = 1; minor = 8; byte_order = le;\n"
	"  packet.header := struct { u32 magic; u32 stream_id; }; };\n"
	"clock { name = c; freq = 1000000000; };\n"
	"stream { id = 0;\n"
	"  packet.context := struct { time timestamp_begin; time timestamp_end; u32 content_size;\n"
	"    u32 packet_size; u8 events_discarded; u8 packet_seq_num; u8 cpu_id; };\n"
	"  event.header := struct { u8 id; short_time t; }; };\n"
	"event { name = byte; id = 1; stream_id = 0; fields := struct { u8 v; }; };\n"
	"event { name = text; id = 2; stream_id = 0; fields := struct { string s; }; };\n";

enum { HEADER = 8 + 16 + 8 + 3, FILE_MOST = 4096 };

struct file {
	uint8_t bytes[FILE_MOST];
	size_t len, packet; /* begin of the last packet */
};

static void put(struct file *f, uint64_t v, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		f->bytes[f->len++] = (uint8_t)(v >> 8 * i);
}

static void begin_packet(struct file *f, uint64_t begin, uint64_t end, uint8_t lost, uint8_t seq)
{
	f->packet = f->len;
	put(f, 0xc1fc1fc1, 4);
	put(f, 0, 4);
	put(f, begin, 8);
	put(f, end, 8);
	put(f, 0, 4);
	put(f, 0, 4);
	put(f, lost, 1);
	put(f, seq, 1);
	put(f, 3, 1);
}

static void set_u32(struct file *f, size_t at, uint32_t v)
{
	const size_t len = f->len;

	f->len = f->packet + at;
	put(f, v, 4);
	f->len = len;
}

/* Ends the packet with @padding bytes behind its content. */
static void end_packet(struct file *f, uint32_t padding)
{
	uint32_t len = (uint32_t)(f->len - f->packet);

	set_u32(f, 24, len * 8);
	set_u32(f, 28, (len + padding) * 8);
	for (uint32_t i = 0; i < padding; i++)
		put(f, 0xee, 1);
}

static void event(struct file *f, uint16_t time, uint8_t v)
{
	put(f, 1, 1);
	put(f, time, 2);
	put(f, v, 1);
}

/* What was read, as text: one word an event or gap. */
static char got[8192];

/* So many batches are read before the first one is looked at. */
static size_t ahead;

static void note(const struct sonde_event *e)
{
	const size_t len = strlen(got);
	char *p = got + len;
	const size_t room = sizeof(got) - len;

	if (e->cls) {
		EXPECT_EQ(e->u.pkt->data[e->at / 8], e->cls->id);
		EXPECT(e->u.pkt->slots != NULL);
		snprintf(p, room, "%s@%lld ", e->cls->name, (long long)e->ts_ns);
		return;
	}
	const struct sonde_gap *g = e->u.gap;
	switch (g->kind) {
	case SONDE_GAP_LOST_EVENTS:
		snprintf(p, room, "lost:%lld[%lld,%lld] ", g->has_count ? (long long)g->count : -1,
			 (long long)g->begin_ns, (long long)g->end_ns);
		break;
	case SONDE_GAP_LOST_PACKETS: snprintf(p, room, "packets:%lld ", (long long)g->count); break;
	case SONDE_GAP_CUT: snprintf(p, room, "cut:%lld:'%s' ", (long long)g->off, g->words); break;
	case SONDE_GAP_BACKWARD: snprintf(p, room, "backward:%lld ", (long long)g->count); break;
	}
}

enum { AHEAD_MOST = 5, EVENTS_AHEAD = 64 };

/* Batches in the order in which they are looked at. */
struct late {
	struct sonde_event events[AHEAD_MOST + 1][EVENTS_AHEAD];
	size_t n[AHEAD_MOST + 1], made, noted;
};

static void note_oldest(struct late *l)
{
	const size_t i = l->noted++ % (ahead + 1);

	for (size_t k = 0; k < l->n[i]; k++)
		note(&l->events[i][k]);
}

static void note_late(struct late *l, struct sonde_batch b)
{
	const size_t i = l->made++ % (ahead + 1);

	EXPECT(b.n <= EVENTS_AHEAD);
	l->n[i] = b.n;
	memcpy(l->events[i], b.events, b.n * sizeof(*b.events));
	if (l->made - l->noted > ahead)
		note_oldest(l);
}

/* Reads what is wanted of the first stream, frees the trace, and lends what was noted. */
static const char *read_trace(struct ctf_trace *t, size_t cap, int64_t from_ns, int64_t to_ns)
{
	struct late late = { .made = 0 };
	struct sonde_batch b;
	int r = ctf_trace_streams(t);

	got[0] = '\0';
	if (r >= 0 && t->n_streams)
		r = ctf_stream_start(&t->streams[0], cap, 0);
	if (r >= 0 && t->n_streams)
		ctf_stream_seek(&t->streams[0], from_ns, to_ns);
	if (r >= 0 && t->n_streams && ahead)
		r = ctf_stream_hold(&t->streams[0], ahead + 1);
	while (r >= 0 && t->n_streams && (r = ctf_stream_next(&t->streams[0], &b)) > 0)
		note_late(&late, b);
	while (late.noted < late.made)
		note_oldest(&late);
	ctf_trace_free(t);
	return r < 0 ? sonde_err_str() : got;
}

static const char *read_once(const struct file *f, size_t cap, int64_t from_ns, int64_t to_ns)
{
	struct ctf_trace *t = NULL;
	struct sonde_span bytes = { f->bytes, f->len };
	struct sonde_span text = { (const uint8_t *)metadata, sizeof(metadata) - 1 };

	if (ctf_trace_of_bytes(text, &bytes, 1, &t) < 0)
		return sonde_err_str();
	return read_trace(t, cap, from_ns, to_ns);
}

/* The same whenever batches are looked at. */
static const char *read_window(const struct file *f, size_t cap, int64_t from_ns, int64_t to_ns)
{
	char at_once[sizeof(got)];

	snprintf(at_once, sizeof(at_once), "%s", read_once(f, cap, from_ns, to_ns));
	for (ahead = 1; ahead <= AHEAD_MOST; ahead++)
		EXPECT_STR(read_once(f, cap, from_ns, to_ns), at_once);
	ahead = 0;
	return read_once(f, cap, from_ns, to_ns);
}

static const char *read_all(const struct file *f)
{
	return read_window(f, 64, INT64_MIN, INT64_MAX);
}

TEST(events_and_short_times)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 0x1fffe, 0x20010, 0, 0);
	event(&f, 0xfffe, 1);
	put(&f, 2, 1);
	put(&f, 0x0002, 2); // the 16 bits have wrapped
	put(&f, 0x006968, 3);
	end_packet(&f, 5);
	begin_packet(&f, 0x30000, 0x30010, 0, 1);
	event(&f, 0x0001, 1);
	end_packet(&f, 0);
	EXPECT_STR(read_all(&f), "byte@131070 text@131074 byte@196609 ");
}

TEST(losses)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 10, 20, 4, 7); // before it: nobody knows how many
	event(&f, 11, 1);
	end_packet(&f, 0);
	begin_packet(&f, 30, 40, 250, 8);
	end_packet(&f, 0);
	begin_packet(&f, 50, 60, 2, 11); // 8 bits have wrapped
	event(&f, 51, 1);
	end_packet(&f, 0);
	begin_packet(&f, 70, 80, 2, 12);
	end_packet(&f, 0);
	EXPECT_STR(read_all(&f), "lost:-1[10,20] byte@11 lost:-1[20,40] lost:8[40,60] packets:2 "
				 "byte@51 ");
}

TEST(time_backward)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 100, 200, 0, 0);
	event(&f, 150, 1);
	event(&f, 160, 1);
	end_packet(&f, 0);
	begin_packet(&f, 120, 200, 0, 1);
	event(&f, 130, 1);
	end_packet(&f, 0);
	begin_packet(&f, 110, 200, 0, 2);
	event(&f, 115, 1);
	event(&f, 116, 1);
	end_packet(&f, 0);
	EXPECT_STR(read_all(&f), "byte@150 byte@160 byte@130 byte@115 byte@116 backward:2 ");
}

TEST(broken_packets_are_told_and_passed)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 10, 20, 0, 0);
	event(&f, 11, 1);
	put(&f, 9, 1); // no such class
	put(&f, 12, 2);
	put(&f, 0, 8);
	put(&f, 0, 1);
	end_packet(&f, 3);
	begin_packet(&f, 21, 30, 0, 1);
	event(&f, 22, 1);
	put(&f, 2, 1);
	put(&f, 23, 2);
	put(&f, 0x616161, 3); // a string without an end
	end_packet(&f, 0);
	begin_packet(&f, 31, 40, 0, 2);
	event(&f, 32, 1);
	put(&f, 1, 1); // half an event
	end_packet(&f, 0);
	begin_packet(&f, 41, 50, 0, 3);
	event(&f, 42, 1);
	end_packet(&f, 0);
	EXPECT_STR(read_all(&f), "byte@11 cut:39:'no event class has id 9' byte@22 "
				 "cut:93:'a string has no end' byte@32 "
				 "cut:138:'the packet's content ends inside an event' byte@42 ");
}

TEST(rubbish_is_searched_for_the_next_packet)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 10, 20, 0, 0);
	event(&f, 11, 1);
	end_packet(&f, 0);
	put(&f, 0x1234567812345678, 8);
	begin_packet(&f, 21, 30, 0, 1);
	event(&f, 22, 1);
	end_packet(&f, 0);
	EXPECT_STR(read_all(&f),
		   "byte@11 cut:39:'the packet's magic number is 0x12345678, not 0xc1fc1fc1' "
		   "byte@22 ");
}

TEST(bad_sizes)
{
	struct file f = { .len = 0 };

	begin_packet(&f, 10, 20, 0, 0);
	event(&f, 11, 1);
	end_packet(&f, 0);
	set_u32(&f, 28, 0);
	EXPECT_STR(read_all(&f), "cut:0:'the packet is 0 bits, its header is longer' ");
	set_u32(&f, 28, 1000 * 8 + 1);
	EXPECT_STR(read_all(&f), "cut:0:'the packet is 8001 bits, no whole bytes' ");
	set_u32(&f, 28, 1000 * 8);
	EXPECT_STR(read_all(&f), "byte@11 cut:39:'the file ends inside a packet' ");
	set_u32(&f, 24, 1001 * 8);
	EXPECT_STR(read_all(&f), "cut:0:'the packet's content is 8008 bits of 8000' ");
	f.len = HEADER - 1;
	EXPECT_STR(read_all(&f), "cut:0:'the file ends inside a packet's context' ");
	f.len = 7;
	EXPECT_STR(read_all(&f), "cut:0:'the file ends inside a packet's header' ");
	f.len = 0;
	EXPECT_STR(read_all(&f), "");
}

static void many_packets(struct file *f)
{
	for (unsigned i = 0; i < 10; i++) {
		begin_packet(f, 100 * i, 100 * i + 99, (uint8_t)(i / 4), (uint8_t)i);
		for (unsigned k = 0; k < 5; k++)
			event(f, (uint16_t)(100 * i + 10 * k), 1);
		end_packet(f, i);
	}
}

TEST(batch_size_makes_no_difference)
{
	struct file f = { .len = 0 };
	char whole[sizeof(got)];

	many_packets(&f);
	put(&f, 0xc1fc1fc1, 4);
	snprintf(whole, sizeof(whole), "%s", read_all(&f));
	EXPECT(strlen(whole) > 400);
	for (size_t cap = 4; cap < 12; cap++)
		EXPECT_STR(read_window(&f, cap, INT64_MIN, INT64_MAX), whole);
}

TEST(window_skips_packets)
{
	struct file f = { .len = 0 };

	many_packets(&f);
	EXPECT_STR(read_window(&f, 64, 650, 660), "byte@600 byte@610 byte@620 byte@630 byte@640 ");
	// Events may lie a little outside of their packets: neighbours that touch are read.
	EXPECT_STR(read_window(&f, 64, 600, 699), "byte@500 byte@510 byte@520 byte@530 byte@540 "
						  "byte@600 byte@610 byte@620 byte@630 byte@640 "
						  "byte@700 byte@710 byte@720 byte@730 byte@740 ");
	// What was lost before is known from the packets that are skipped.
	EXPECT_STR(read_window(&f, 64, 410, 420),
		   "lost:1[399,499] byte@400 byte@410 byte@420 byte@430 byte@440 ");
	EXPECT_STR(read_window(&f, 64, -5, 3), "byte@0 byte@10 byte@20 byte@30 byte@40 ");
}

TEST(whole_file_without_sizes_or_magic)
{
	static const char text[] = "/* CTF 1.8 */\n"
				   "typealias integer { size = 8; align = 8; } := u8;\n"
				   "trace { major = 1; minor = 8; byte_order = be; };\n"
				   "stream { };\n"
				   "event { name = e; fields := struct { u8 v; }; };\n";
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct sonde_span m = { (const uint8_t *)text, sizeof(text) - 1 }, s = { bytes, 3 };
	struct ctf_trace *t = NULL;
	struct sonde_batch b = { NULL, 0 };

	EXPECT_EQ(ctf_trace_of_bytes(m, &s, 1, &t), 0);
	EXPECT_EQ(ctf_trace_streams(t), 0);
	EXPECT_EQ(ctf_stream_start(&t->streams[0], 8, 0), 0);
	EXPECT_EQ(ctf_stream_next(&t->streams[0], &b), 1);
	EXPECT_EQ(b.n, 3);
	EXPECT_EQ(ctf_stream_next(&t->streams[0], &b), 0);
	ctf_trace_free(t);
}

TEST(no_allocation_per_event_or_packet)
{
	struct file f = { .len = 0 };
	struct ctf_trace *t = NULL;
	struct sonde_span m = { (const uint8_t *)metadata, sizeof(metadata) - 1 };
	struct sonde_batch b;

	many_packets(&f);
	struct sonde_span s = { f.bytes, f.len };
	EXPECT_EQ(ctf_trace_of_bytes(m, &s, 1, &t), 0);
	EXPECT_EQ(ctf_trace_streams(t), 0);
	EXPECT_EQ(ctf_stream_start(&t->streams[0], 8, 0), 0);
	EXPECT_EQ(ctf_stream_next(&t->streams[0], &b), 1);
	EXPECT_EQ(ctf_stream_hold(&t->streams[0], 3), 0);
	uint64_t before = test_allocations();
	while (ctf_stream_next(&t->streams[0], &b) > 0)
		;
	EXPECT_EQ(test_allocations(), before);
	ctf_trace_free(t);
}

static char dir[64];

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/sonde-test-XXXXXX");
	EXPECT(mkdtemp(dir) != NULL);
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EXPECT(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	EXPECT_EQ(remove(path), 0);
}

static int open_and_read(void)
{
	struct ctf_trace *t = NULL;
	struct sonde_batch b;
	int64_t begin, end;
	int r = ctf_trace_open(dir, &t);

	if (r >= 0)
		r = ctf_trace_streams(t);
	for (size_t i = 0; r >= 0 && i < t->n_streams; i++) {
		struct ctf_stream *s = &t->streams[i];

		r = ctf_stream_start(s, 16, 0);
		if (r >= 0)
			r = ctf_stream_span(s, &begin, &end);
		if (r >= 0)
			r = ctf_stream_hold(s, 3);
		while (r >= 0 && (r = ctf_stream_next(s, &b)) > 0)
			;
	}
	ctf_trace_free(t);
	return r;
}

static void put_be(struct file *f, uint64_t v, unsigned len)
{
	for (unsigned i = len; i-- > 0;)
		f->bytes[f->len++] = (uint8_t)(v >> 8 * i);
}

/* The index of many_packets(), each @extra bytes longer than it is. */
static void make_index(struct file *f, uint64_t extra)
{
	uint64_t off = 0;

	f->len = 0;
	put_be(f, 0xc1f1dcc1, 4);
	put_be(f, 1, 4);
	put_be(f, 0, 4);
	put_be(f, 56, 4);
	for (unsigned i = 0; i < 10; i++) {
		const uint64_t content = HEADER + 20, len = content + i + extra;

		put_be(f, off, 8);
		put_be(f, len * 8, 8);
		put_be(f, content * 8, 8);
		put_be(f, 100 * i, 8);
		put_be(f, 100 * i + 99, 8);
		put_be(f, 0, 8);
		put_be(f, 0, 8);
		off += len;
	}
}

static const char *window_of_folder(int64_t from_ns, int64_t to_ns)
{
	struct ctf_trace *t = NULL;

	if (ctf_trace_open(dir, &t) < 0)
		return sonde_err_str();
	return read_trace(t, 64, from_ns, to_ns);
}

static void make_folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	EXPECT_EQ(mkdir(path, 0700), 0);
}

TEST(index_narrows)
{
	static const char wanted[] = "byte@500 byte@510 byte@520 byte@530 byte@540 ";
	struct file f = { .len = 0 }, index;
	char cut[256];

	make_dir();
	many_packets(&f);
	f.bytes[HEADER + 20] = 0; // the second packet's magic number: it is not to be looked at
	f.bytes[f.packet] = 0;	  // nor the last one's
	write_file("metadata", metadata, sizeof(metadata) - 1);
	write_file("s0", f.bytes, f.len);
	make_folder("index");
	make_index(&index, 0);
	write_file("index/s0.idx", index.bytes, index.len);
	EXPECT_STR(window_of_folder(550, 560), wanted);

	// An index of another file is not used.
	make_index(&index, 1);
	write_file("index/s0.idx", index.bytes, index.len);
	snprintf(cut, sizeof(cut), "%s", window_of_folder(550, 560));
	EXPECT(strstr(cut, "cut:55:") && strstr(cut, wanted));
	remove_file("index/s0.idx");
	EXPECT_STR(window_of_folder(550, 560), cut);
	remove_file("index");
	remove_file("s0");
	remove_file("metadata");
	EXPECT_EQ(rmdir(dir), 0);
}

/* Files of one stream: those that were read to their ends stay while batches lie there. */
TEST(files_one_after_the_other)
{
	static const char text[] =
		"/* CTF 1.8 */\n"
		"typealias integer { size = 8; align = 8; } := u8;\n"
		"typealias integer { size = 64; align = 8; map = clock.c.value; } := time;\n"
		"trace { major = 1; minor = 8; byte_order = le;\n"
		"  packet.header := struct { u8 stream_instance_id; }; };\n"
		"clock { name = c; freq = 1000000000; };\n"
		"stream { packet.context := struct { time timestamp_begin; };\n"
		"  event.header := struct { u8 id; time t; }; };\n"
		"event { name = byte; id = 1; };\n";
	char names[8][8], want[256] = "";

	make_dir();
	write_file("metadata", text, sizeof(text) - 1);
	for (unsigned i = 0; i < 8; i++) {
		struct file f = { .len = 0 };

		put(&f, 5, 1);
		put(&f, 100 * i, 8);
		for (unsigned k = 0; i % 3 != 1 && k < 5; k++) { // some have no events
			put(&f, 1, 1);
			put(&f, 100 * i + k, 8);
			snprintf(want + strlen(want), sizeof(want) - strlen(want), "byte@%u ",
				 100 * i + k);
		}
		snprintf(names[i], sizeof(names[i]), "s%u", i);
		write_file(names[i], f.bytes, f.len);
	}
	for (ahead = 0; ahead <= AHEAD_MOST; ahead++) {
		for (size_t cap = 4; cap < 8; cap++) {
			struct ctf_trace *t = NULL;

			EXPECT_EQ(ctf_trace_open(dir, &t), 0);
			EXPECT_STR(read_trace(t, cap, INT64_MIN, INT64_MAX), want);
		}
	}
	ahead = 0;
	for (unsigned i = 0; i < 8; i++)
		remove_file(names[i]);
	remove_file("metadata");
	EXPECT_EQ(rmdir(dir), 0);
}

TEST(folder_and_no_memory)
{
	struct file f = { .len = 0 };
	char path[128];

	make_dir();
	EXPECT_EQ(open_and_read(), -ENOENT);
	many_packets(&f);
	write_file("metadata", metadata, sizeof(metadata) - 1);
	write_file("s0", f.bytes, f.len);
	write_file("empty", "", 0);
	write_file(".hidden", "x", 1);
	make_folder("index");
	EXPECT_EQ(open_and_read(), 0);
	test_oom(open_and_read);

	// What cannot be mapped is refused, in words, and nobody waits for a writer.
	snprintf(path, sizeof(path), "%s/pipe", dir);
	EXPECT_EQ(mkfifo(path, 0600), 0);
	EXPECT_EQ(open_and_read(), -EINVAL);
	EXPECT(strstr(sonde_err_str(), "is no regular file") != NULL);
	remove_file("pipe");
	remove_file("index");
	remove_file(".hidden");
	remove_file("empty");
	remove_file("s0");
	remove_file("metadata");
	EXPECT_EQ(rmdir(dir), 0);
}
