/* SPDX-License-Identifier: MIT */
/** Tests perf's records taken apart: whole ones, cut ones, and random bytes. */
#include <stdlib.h>

#include "perf/record.h"
#include "test.h"

/* A record under construction, aligned as in the ring. */
struct made {
	_Alignas(8) uint8_t bytes[1024];
	size_t len;
};

static struct perf_event_header *begin(struct made *m, uint32_t type, uint16_t misc)
{
	struct perf_event_header *h = (void *)m->bytes;

	memset(m, 0, sizeof(*m));
	h->type = type;
	h->misc = misc;
	m->len = sizeof(*h);
	return h;
}

static void put(struct made *m, const void *data, size_t len)
{
	memcpy(m->bytes + m->len, data, len);
	m->len += len;
}

static void put_u64(struct made *m, uint64_t v)
{
	put(m, &v, sizeof(v));
}

static void put_u32(struct made *m, uint32_t v)
{
	put(m, &v, sizeof(v));
}

static void end(struct made *m, bool trailer, uint64_t time)
{
	if (trailer) {
		put_u64(m, 0);
		put_u64(m, time);
		put_u64(m, 0);
	}
	((struct perf_event_header *)(void *)m->bytes)->size = (uint16_t)m->len;
}

/* @raw: of a tracepoint, with its record of 20 bytes. */
static const struct perf_event_header *make_sample(struct made *m, bool raw)
{
	struct perf_event_header *h = begin(m, PERF_RECORD_SAMPLE, 0);

	put_u64(m, 0xffff);
	put_u32(m, 10);
	put_u32(m, 11);
	put_u64(m, 1234);
	put_u64(m, 0);
	put_u64(m, 1001001);
	put_u64(m, 7);
	put_u64(m, (uint64_t)PERF_CONTEXT_KERNEL);
	put_u64(m, 1);
	put_u64(m, 2);
	put_u64(m, (uint64_t)PERF_CONTEXT_GUEST); // of neither side
	put_u64(m, 99);
	put_u64(m, (uint64_t)PERF_CONTEXT_USER);
	put_u64(m, 3);
	if (raw) {
		put_u32(m, 20);
		put_u64(m, 0x5555);
		put_u64(m, 0x6666);
		put_u32(m, 0x7777);
	}
	put_u64(m, PERF_SAMPLE_REGS_ABI_64);
	put_u64(m, 0xaa);
	put_u64(m, 0xbb);
	put_u64(m, 16); // stack: its size, bytes, how many of them count
	put_u64(m, 0x1111);
	put_u64(m, 0x2222);
	put_u64(m, 8);
	end(m, false, 0);
	return h;
}

TEST(sample)
{
	struct made m;
	struct sample_copy copy;
	struct sample e;
	uint64_t time = 0;
	const struct perf_event_header *h = make_sample(&m, /* raw= */ false);

	EXPECT(perf_record_time(h, &time));
	EXPECT_EQ(time, 1234);
	EXPECT(perf_record_sample(h, (struct sample_parts){ .n_regs = 2 }, &e, &copy));
	EXPECT_EQ(e.ip, 0xffff);
	EXPECT_EQ(e.pid, 10);
	EXPECT_EQ(e.tid, 11);
	EXPECT_EQ(e.period, 1001001);
	EXPECT_EQ(e.n_kernel, 2);
	EXPECT_EQ(e.kernel[1], 2);
	EXPECT_EQ(e.n_user, 1);
	EXPECT_EQ(e.user[0], 3);
	EXPECT(copy.is_64 && copy.regs && copy.regs[1] == 0xbb);
	EXPECT_EQ(copy.stack.len, 8);
	EXPECT(copy.stack.data && copy.stack.data[0] == 0x11);
}

TEST(tracepoint)
{
	const struct sample_parts parts = { .has_raw = true, .n_regs = 2 };
	struct made m;
	struct sample_copy copy;
	struct sample e;

	const struct perf_event_header *h = make_sample(&m, /* raw= */ true);
	EXPECT(perf_record_sample(h, parts, &e, &copy));
	EXPECT_EQ(e.user[0], 3);
	EXPECT_EQ(copy.raw.len, 20);
	EXPECT(copy.raw.data[8] == 0x66 && copy.raw.data[16] == 0x77);
	EXPECT(copy.regs && copy.regs[1] == 0xbb);
	EXPECT_EQ(copy.stack.len, 8);
	// One whose length would put what follows between two words.
	uint32_t len = 21;
	memcpy((uint8_t *)copy.raw.data - 4, &len, sizeof(len));
	EXPECT(!perf_record_sample(h, parts, &e, &copy));
}

TEST(processes)
{
	struct made m;
	struct sample_map map;
	struct sample_task t;
	struct dso file;
	size_t path_len = 0;
	uint64_t n = 0;
	const uint8_t id[24] = { 20, 0, 0, 0, 0xde, 0xad };

	struct perf_event_header *h = begin(&m, PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID);
	put_u32(&m, 5);
	put_u32(&m, 6);
	put_u64(&m, 0x1000);
	put_u64(&m, 0x2000);
	put_u64(&m, 0x3000);
	put(&m, id, sizeof(id));
	put_u32(&m, 5);
	put_u32(&m, 2);
	put(&m, "/bin/a\0", 8);
	end(&m, true, 77);
	EXPECT(perf_record_map(h, &map, &file, &path_len));
	EXPECT_EQ(map.len, 0x2000);
	EXPECT_EQ(file.id.len, 20);
	EXPECT_EQ(file.id.data[1], 0xad);
	EXPECT_EQ(path_len, 6);
	h->misc = 0;
	EXPECT(perf_record_map(h, &map, &file, &path_len));
	EXPECT_EQ(file.id.len, 0);
	EXPECT_EQ(file.maj, 20);

	h = begin(&m, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	put_u32(&m, 5);
	put_u32(&m, 6);
	put(&m, "name\0\0\0", 8);
	end(&m, true, 78);
	EXPECT(perf_record_comm(h, &t));
	EXPECT(t.exec && t.comm_len == 4 && !memcmp(t.comm, "name", 4));

	h = begin(&m, PERF_RECORD_FORK, 0);
	for (uint32_t i = 1; i <= 4; i++)
		put_u32(&m, i);
	put_u64(&m, 79);
	end(&m, true, 79);
	EXPECT(perf_record_task(h, &t));
	EXPECT(t.pid == 1 && t.ppid == 2 && t.tid == 3 && t.ptid == 4);

	h = begin(&m, PERF_RECORD_LOST, 0);
	put_u64(&m, 1);
	put_u64(&m, 42);
	end(&m, true, 80);
	EXPECT(perf_record_lost(h, &n));
	EXPECT_EQ(n, 42);
	EXPECT(perf_record_time(h, &n));
	EXPECT_EQ(n, 80);
}

/* Reads all that a result points to. */
static uint64_t touch(const struct perf_event_header *h, unsigned n_regs, bool raw)
{
	struct sample_copy copy;
	struct sample_map map;
	struct sample_task t;
	struct sample e;
	struct dso file;
	size_t len;
	uint64_t sum = 0, v;

	if (perf_record_time(h, &v))
		sum += v;
	if (perf_record_lost(h, &v))
		sum += v;
	if (perf_record_sample(h, (struct sample_parts){ raw, n_regs }, &e, &copy)) {
		for (uint32_t i = 0; i < e.n_kernel; i++)
			sum += e.kernel[i];
		for (uint32_t i = 0; i < e.n_user; i++)
			sum += e.user[i];
		for (size_t i = 0; i < copy.raw.len; i++)
			sum += copy.raw.data[i];
		for (size_t i = 0; i < copy.stack.len; i++)
			sum += copy.stack.data[i];
		for (unsigned i = 0; copy.regs && i < n_regs; i++)
			sum += copy.regs[i];
	}
	if (perf_record_map(h, &map, &file, &len))
		sum += len ? (uint8_t)file.path[len - 1] : 0;
	if (perf_record_comm(h, &t))
		sum += t.comm_len ? (uint8_t)t.comm[t.comm_len - 1] : 0;
	return sum + perf_record_task(h, &t);
}

TEST(cut_and_random_records)
{
	struct made m;
	uint32_t seed = 5;
	uint64_t sum = 0;

	for (int round = 0; round < 20000; round++) {
		const bool raw = round % 2;

		(void)make_sample(&m, raw);
		for (int k = 0; k < 3 * (round % 4); k++) {
			seed = seed * 1664525 + 1013904223;
			m.bytes[8 + (seed >> 8) % (m.len - 8)] = (uint8_t)(seed >> 24);
		}
		seed = seed * 1664525 + 1013904223;
		const size_t len = 8 + (seed >> 8) % (m.len - 7);
		struct perf_event_header *h = malloc(len); // ASan tells who reads behind it

		memcpy(h, m.bytes, len);
		h->size = (uint16_t)len;
		sum += touch(h, round % 3, raw);
		free(h);
	}
	EXPECT(sum != 0);
}
