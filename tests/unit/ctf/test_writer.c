/* SPDX-License-Identifier: MIT */
/** Tests the trace writer: packets, indexes, folders that exist, failures. */
#include "ctf/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/mem.h"
#include "ctf/describe.h"
#include "ctf/repair.h"
#include "test.h"

enum { HEAD = 80 };

/* A fresh folder's name in a fresh folder. */
static void make_name(char *ret, size_t len)
{
	char top[] = "/tmp/sonde-writer-XXXXXX";

	EXPECT(mkdtemp(top) != NULL);
	(void)snprintf(ret, len, "%s/trace", top);
}

/* Removes a trace and the folder around it. */
static void remove_name(char *name)
{
	struct writer *w = NULL;
	char path[96];
	// The writer itself removes what an earlier one wrote.
	EXPECT_EQ(writer_open(name, true, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	writer_close(w);
	(void)snprintf(path, sizeof(path), "%s/index", name);
	EXPECT_EQ(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/metadata", name);
	EXPECT_EQ(unlink(path), 0);
	EXPECT_EQ(rmdir(name), 0);
	*strrchr(name, '/') = '\0';
	EXPECT_EQ(rmdir(name), 0);
}

static size_t read_file(const char *dir, const char *name, void *ret, size_t len)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, ret, len);
	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static uint64_t le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint64_t be64(const uint8_t *p)
{
	return __builtin_bswap64(le64(p));
}

static int put(struct writer_stream *s, uint64_t ts, const void *data, size_t len)
{
	uint8_t *p = writer_reserve(s, len);

	if (!p)
		return s->err;
	memcpy(p, data, len);
	writer_commit(s, ts, len);
	return 0;
}

TEST(packets_hold_what_was_committed)
{
	char dir[48];
	uint8_t file[4096], idx[512];
	struct writer *w = NULL;
	struct writer_stream *s = NULL;

	make_name(dir, sizeof(dir));
	EXPECT_EQ(writer_open(dir, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "/* CTF 1.8 */\n", 14), 0);
	const struct writer_stream_opts opts = { .name = "s_3", .id = 1, .cpu = 3, .packet = 112 };
	EXPECT_EQ(writer_stream_new(w, &opts, &s), 0);
	EXPECT_EQ(writer_event_max(s), 32);

	EXPECT_EQ(put(s, 10, "abcdefghi", 9), 0);
	EXPECT_EQ(put(s, 11, "jklm", 4), 0);
	EXPECT_EQ(put(s, 12, "0123456789", 10), 0); // does not fit: a new packet
	EXPECT_EQ(writer_lost(s, 7), 0);	    // closes that one
	EXPECT_EQ(put(s, 20, "z", 1), 0);
	EXPECT_EQ(writer_flush(s), 0);
	EXPECT_EQ(writer_flush(s), 0); // nothing more to write
	EXPECT_EQ(writer_lost(s, 5), 0);
	EXPECT_EQ(writer_finish(s, 30), 0); // tells the last loss
	EXPECT_EQ(s->n_events, 4);

	static const struct {
		uint64_t off, content, len, begin, end, discarded;
	} want[] = {
		{ 0, HEAD + 20, HEAD + 24, 10, 11, 0 },
		{ HEAD + 24, HEAD + 10, HEAD + 16, 12, 12, 0 },
		{ 2 * HEAD + 40, HEAD + 1, HEAD + 8, 20, 20, 7 },
		{ 3 * HEAD + 48, HEAD - 4, HEAD, 20, 30, 12 },
	};
	EXPECT_EQ(read_file(dir, "s_3", file, sizeof(file)), 4 * HEAD + 48);
	EXPECT_EQ(read_file(dir, "index/s_3.idx", idx, sizeof(idx)), 16 + 4 * 72);
	for (size_t i = 0; i < MEM_LEN(want); i++) {
		const uint8_t *p = file + want[i].off, *e = idx + 16 + i * 72;

		EXPECT(!memcmp(p, "\xc1\x1f\xfc\xc1", 4));
		EXPECT(!memcmp(p + 4, writer_uuid(w), 16));
		const uint64_t head[] = { want[i].begin,
					  want[i].end,
					  want[i].content * 8,
					  want[i].len * 8,
					  i,
					  want[i].discarded,
					  3 };
		for (size_t k = 0; k < MEM_LEN(head); k++)
			EXPECT_EQ(le64(p + 24 + 8 * k), head[k]);
		const uint64_t entry[] = { want[i].off,
					   want[i].len * 8,
					   want[i].content * 8,
					   want[i].begin,
					   want[i].end,
					   want[i].discarded,
					   1,
					   3,
					   i };
		for (size_t k = 0; k < MEM_LEN(entry); k++)
			EXPECT_EQ(be64(e + 8 * k), entry[k]);
	}
	EXPECT(!memcmp(file + HEAD, "abcdefghi\0\0\0\0\0\0\0jklm\0\0\0\0", 24));
	EXPECT_EQ(writer_bytes(w), 4 * HEAD + 48 + 16 + 4 * 72 + 14);
	writer_close(w);
	remove_name(dir);
}

TEST(losses_before_the_first_event_are_seen)
{
	char dir[48];
	uint8_t file[1024];
	struct writer *w = NULL;
	struct writer_stream *s = NULL;

	make_name(dir, sizeof(dir));
	EXPECT_EQ(writer_open(dir, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	EXPECT_EQ(writer_stream_new(w, &(struct writer_stream_opts){ .name = "s" }, &s), 0);
	EXPECT_EQ(writer_lost(s, 5), 0);
	EXPECT_EQ(put(s, UINT64_MAX, "z", 1), 0);
	EXPECT_EQ(writer_flush(s), 0);

	// An empty packet that lost nothing, from when the stream was made; then the event's.
	EXPECT_EQ(read_file(dir, "s", file, sizeof(file)), 2 * HEAD + 8);
	EXPECT_EQ(le64(file + 24), le64(file + 32));
	EXPECT(le64(file + 24) > 0 && le64(file + 24) < UINT64_MAX);
	EXPECT_EQ(le64(file + 40), (HEAD - 4) * 8);
	EXPECT_EQ(le64(file + 64), 0);
	EXPECT_EQ(le64(file + HEAD + 64), 5);
	writer_close(w);
	remove_name(dir);
}

TEST(full_packets_end_at_whole_pages)
{
	static uint8_t file[600000];
	static const uint8_t event[1000];
	char dir[48];
	struct writer *w = NULL;
	struct writer_stream *s = NULL;
	size_t off = 0;

	make_name(dir, sizeof(dir));
	EXPECT_EQ(writer_open(dir, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	EXPECT_EQ(writer_stream_new(w, &(struct writer_stream_opts){ .name = "s" }, &s), 0);
	EXPECT_EQ(put(s, 1, event, 1000), 0);
	EXPECT_EQ(writer_flush(s), 0); // not full
	for (int i = 0; i < 500; i++)
		EXPECT_EQ(put(s, 2, event, 1000), 0);
	EXPECT_EQ(writer_flush(s), 0);

	static const size_t ends[] = { HEAD + 1000, 266240 };
	const size_t len = read_file(dir, "s", file, sizeof(file));
	for (size_t i = 0; i <= MEM_LEN(ends); i++) {
		off += le64(file + off + 48) / 8;
		if (i < MEM_LEN(ends))
			EXPECT_EQ(off, ends[i]);
	}
	EXPECT_EQ(off, len);
	EXPECT_EQ(s->n_events, 501);
	EXPECT_EQ(s->n_written, 501);
	EXPECT_EQ(put(s, 3, event, 1000), 0);
	EXPECT_EQ(s->n_events, 502);
	EXPECT_EQ(s->n_written, 501);

	// What never got there, and 4 more, stand in the last packet.
	EXPECT_EQ(writer_give_up(s, 4), 5);
	EXPECT_EQ(read_file(dir, "s", file, sizeof(file)), len);
	EXPECT_EQ(le64(file + 64), 0);
	EXPECT_EQ(le64(file + ends[0] + 64), 0);
	EXPECT_EQ(le64(file + ends[1] + 64), 5);
	writer_close(w);
	remove_name(dir);
}

TEST(an_event_too_large_is_refused)
{
	char dir[48];
	struct writer *w = NULL;
	struct writer_stream *s = NULL;

	make_name(dir, sizeof(dir));
	EXPECT_EQ(writer_open(dir, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	const struct writer_stream_opts opts = { .name = "s", .packet = 112 };
	EXPECT_EQ(writer_stream_new(w, &opts, &s), 0);
	EXPECT(writer_reserve(s, 32) != NULL);
	EXPECT(writer_reserve(s, 33) == NULL);
	EXPECT_EQ(s->err, -EMSGSIZE);
	writer_close(w);
	remove_name(dir);
}

static void set_size(const char *dir, const char *name, long more)
{
	char path[96];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT_EQ(truncate(path, st.st_size + more), 0);
}

TEST(a_torn_end_is_cut)
{
	// What each file gets (or loses) behind two packets of 128 and 88 bytes with their index.
	static const struct {
		long more, index_more;
		size_t want, want_index;
	} cases[] = {
		{ 0, 0, 216, 16 + 2 * 72 },
		{ -1, -72, 128, 16 + 72 }, // the second packet was being written
		{ -87, -72, 128, 16 + 72 },
		{ 0, -72, 216, 16 + 2 * 72 }, // its entry was not yet written
		{ 0, -71, 216, 16 + 2 * 72 },
		{ 0, -144, 216, 16 + 2 * 72 },
		{ -200, -144, 0, 16 },
		{ -200, -150, 0, 0 }, // an index without a whole head goes
		{ 50, 0, 216, 16 + 2 * 72 },
		{ 500, 10, 216, 16 + 2 * 72 },
		{ -120, 0, 0, 16 + 0 * 72 }, // an index that tells more than there is
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		char dir[48];
		uint8_t file[1024];
		struct writer *w = NULL;
		struct writer_stream *s = NULL;

		make_name(dir, sizeof(dir));
		EXPECT_EQ(writer_open(dir, false, &w), 0);
		EXPECT_EQ(writer_metadata(w, "x", 1), 0);
		const struct writer_stream_opts opts = { .name = "s", .packet = 128 };
		EXPECT_EQ(writer_stream_new(w, &opts, &s), 0);
		EXPECT_EQ(put(s, 1, "012345678901234567890123456789012345678901234567", 48), 0);
		EXPECT_EQ(put(s, 2, "a", 1), 0);
		EXPECT_EQ(writer_flush(s), 0);
		writer_close(w);

		set_size(dir, "s", cases[i].more);
		set_size(dir, "index/s.idx", cases[i].index_more);
		EXPECT_EQ(ctf_repair(dir), 0);
		const size_t len = read_file(dir, "s", file, sizeof(file));
		const size_t index_len = read_file(dir, "index/s.idx", file, sizeof(file));
		if (len != cases[i].want || index_len != cases[i].want_index)
			test_failed(__FILE__, __LINE__, "case %zu: %zu, %zu bytes", i, len,
				    index_len);
		if (index_len == 16 + 2 * 72)
			EXPECT_EQ(be64(file + 16 + 72), 128);
		remove_name(dir);
	}
	EXPECT_EQ(ctf_repair("/nonexistent"), -ENOENT);
}

TEST(folders_that_exist)
{
	char dir[48], path[96];
	struct writer *w = NULL;

	make_name(dir, sizeof(dir));
	EXPECT_EQ(writer_open(dir, false, &w), 0);
	EXPECT_EQ(writer_metadata(w, "one", 3), 0);
	EXPECT_EQ(writer_metadata(w, "two", 3), 0);
	char text[8] = { 0 };
	EXPECT_EQ(read_file(dir, "metadata", text, 7), 3);
	EXPECT_STR(text, "two");
	writer_close(w);

	EXPECT_EQ(writer_open(dir, false, &w), -EEXIST);
	EXPECT(strstr(sonde_err_str(), "exists; --force replaces it") != NULL);
	(void)snprintf(path, sizeof(path), "%s/s_0", dir);
	EXPECT_EQ(mkdir(path, 0700), 0);
	EXPECT_EQ(writer_open(dir, true, &w), 0); // a trace
	EXPECT_EQ(access(path, F_OK), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	EXPECT_EQ(access(path, F_OK), -1);
	writer_close(w);

	(void)snprintf(path, sizeof(path), "%s/index", dir);
	EXPECT_EQ(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/metadata", dir);
	EXPECT_EQ(unlink(path), 0);

	(void)snprintf(path, sizeof(path), "%s/other", dir);
	EXPECT_EQ(mkdir(path, 0700), 0);
	EXPECT_EQ(writer_open(dir, true, &w), -EEXIST);
	EXPECT(strstr(sonde_err_str(), "is no trace") != NULL);
	EXPECT_EQ(rmdir(path), 0);
	EXPECT_EQ(writer_open(dir, true, &w), 0); // an empty folder
	EXPECT_EQ(writer_metadata(w, "x", 1), 0);
	writer_close(w);
	EXPECT_EQ(writer_open("/proc/none/trace", true, &w), 0);
	EXPECT_EQ(writer_metadata(w, "x", 1), -ENOENT);
	writer_close(w);
	remove_name(dir);
}

static char oom_dir[48];

static int describe_all(void)
{
	struct arena arena = { 0 };
	struct describe d = { .arena = &arena };
	static const uint8_t uuid[16] = { 1 };

	describe_trace(&d, uuid);
	describe_env_host(&d);
	struct sonde_type *ctx = describe_struct(&d);
	describe_member(&d, ctx, "pid", describe_int(&d, 32, true));
	struct sonde_stream_class *s = describe_stream(&d, 0, describe_event_header(&d), ctx);
	for (uint64_t i = 0; i < 5; i++) {
		struct sonde_type *p = describe_struct(&d);
		struct sonde_type *len = describe_int(&d, 16, false);
		describe_member(&d, p, "len", len);
		describe_member(&d, p, "seq", describe_sequence(&d, describe_hex(&d, 64), len));
		describe_member(&d, p, "name", describe_text(&d, 16));
		describe_event(&d, s, "an_event", i, p);
	}
	int r = describe_ok(&d);
	arena_fini(&arena);
	return r;
}

static int open_and_add(void)
{
	struct writer *w = NULL;
	struct writer_stream *s = NULL;

	int r = writer_open(oom_dir, true, &w);
	if (r < 0)
		return r;
	r = writer_metadata(w, "x", 1);
	if (!r)
		r = writer_stream_new(w, &(struct writer_stream_opts){ .name = "s" }, &s);
	writer_close(w);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	test_oom(describe_all);
	make_name(oom_dir, sizeof(oom_dir));
	test_oom(open_and_add);
	remove_name(oom_dir);
}

TEST(types_know_their_sizes)
{
	struct arena arena = { 0 };
	struct describe d = { .arena = &arena };

	describe_trace(&d, (const uint8_t[16]){ 0 });
	struct sonde_type *st = describe_struct(&d);
	describe_member(&d, st, "a", describe_int(&d, 8, false));
	describe_member(&d, st, "b", describe_int(&d, 64, true));
	describe_member(&d, st, "c", describe_text(&d, 3));
	EXPECT_EQ(st->align, 64);
	EXPECT_EQ(st->fixed_len, 128 + 24);
	EXPECT_STR(st->u.structure.members[1].name, "_b");
	EXPECT_STR(st->u.structure.members[1].shown, "b");
	describe_member(&d, st, "d", describe_text_sequence(&d, describe_int(&d, 8, false)));
	EXPECT_EQ(st->fixed_len, -1);
	EXPECT_EQ(d.trace.n_clocks, 1);
	EXPECT(d.trace.clocks[0]->offset_s > 1000000000);
	EXPECT_EQ(describe_ok(&d), 0);
	arena_fini(&arena);
}
