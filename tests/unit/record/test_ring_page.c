/* SPDX-License-Identifier: MIT */
/** Tests the parser of ring pages, with pages made by hand, also hostile ones. */
#include "record/ring_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "test.h"

enum { PAGE = 4096 };

/* A page under construction. */
struct page {
	_Alignas(8) uint8_t data[PAGE];
	size_t at;
};

static void begin(struct page *p, uint64_t ts)
{
	memset(p->data, 0xee, PAGE);
	memcpy(p->data, &ts, 8);
	p->at = PAGE_HEAD;
}

static void word(struct page *p, uint32_t v)
{
	memcpy(p->data + p->at, &v, 4);
	p->at += 4;
}

static void head(struct page *p, unsigned type, uint32_t delta)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	word(p, little ? delta << 5 | type : type << 27 | delta);
}

/* A record of @words words of data. */
static void data(struct page *p, uint32_t delta, unsigned words)
{
	if (words <= PAGE_TYPE_DATA_MOST) {
		head(p, words, delta);
	} else {
		head(p, 0, delta);
		word(p, words * 4 + 4);
	}
	for (unsigned i = 0; i < words; i++)
		word(p, i);
}

static void end(struct page *p, uint64_t flags)
{
	const uint64_t commit = (p->at - PAGE_HEAD) | flags;

	memcpy(p->data + 8, &commit, 8);
}

TEST(records_of_all_kinds)
{
	struct page p;
	struct page_cursor c;
	struct page_missed m;
	struct page_record r = { 0 };

	begin(&p, 1000);
	data(&p, 0, 2);
	data(&p, 5, 28);
	head(&p, PAGE_TYPE_EXTEND, 7); // 7 + 3 << 27
	word(&p, 3);
	data(&p, 1, 29);		// long form
	head(&p, PAGE_TYPE_PADDING, 4); // a record taken back
	word(&p, 12);
	word(&p, 0);
	word(&p, 0);
	data(&p, 2, 1);
	end(&p, 0);

	const uint64_t extend = (3ull << 27) + 7;
	const struct {
		uint64_t ts;
		size_t len;
	} want[] = {
		{ 1000, 8 },
		{ 1005, 112 },
		{ 1006 + extend, 116 },
		{ 1012 + extend, 4 },
	};
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT(!m.any);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		EXPECT_EQ(page_next(&c, &r), 1);
		EXPECT_EQ(r.ts, want[i].ts);
		EXPECT_EQ(r.len, want[i].len);
		EXPECT_EQ(page_u32(r.data + r.len - 4), want[i].len / 4 - 1);
	}
	EXPECT_EQ(page_next(&c, &r), 0);
	EXPECT_EQ(page_next(&c, &r), 0);
}

TEST(absolute_times_take_their_upper_bits_from_before)
{
	static const struct {
		uint64_t page, stamp, want;
	} cases[] = {
		{ 5, 100, 100 },
		{ (1ull << 59) + 5, 100, (1ull << 59) + 100 },
		{ (1ull << 60) - 10, 100, (1ull << 60) + 100 }, // the lower 59 bits wrapped
		{ 1000, 990, 990 },				// a little back is no wrap
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct page p;
		struct page_cursor c;
		struct page_missed m;
		struct page_record r = { 0 };

		begin(&p, cases[i].page);
		head(&p, PAGE_TYPE_STAMP, (uint32_t)cases[i].stamp & 0x07ffffff);
		word(&p, (uint32_t)(cases[i].stamp >> 27));
		data(&p, 0, 1);
		end(&p, 0);
		EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
		EXPECT_EQ(page_next(&c, &r), 1);
		EXPECT_EQ(r.ts, cases[i].want);
	}
}

TEST(a_page_that_ends_early)
{
	struct page p;
	struct page_cursor c;
	struct page_missed m;
	struct page_record r = { 0 };

	begin(&p, 1);
	data(&p, 1, 1);
	head(&p, PAGE_TYPE_PADDING, 0);
	word(&p, 99);
	data(&p, 1, 1);
	end(&p, 0);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT_EQ(page_next(&c, &r), 1);
	EXPECT_EQ(page_next(&c, &r), 0);
}

TEST(what_is_missing_is_told)
{
	struct page p;
	struct page_cursor c;
	struct page_missed m;
	const uint64_t n = 123456;

	begin(&p, 1);
	data(&p, 1, 1);
	memcpy(p.data + p.at, &n, 8);
	end(&p, PAGE_MISSED | PAGE_MISSED_STORED);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT(m.any);
	EXPECT_EQ(m.n, n);

	end(&p, PAGE_MISSED);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT(m.any);
	EXPECT_EQ(m.n, 0);

	// No room for the number that the page promises.
	p.at = PAGE;
	end(&p, PAGE_MISSED | PAGE_MISSED_STORED);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT_EQ(m.n, 0);
}

TEST(a_page_that_grows)
{
	struct page p;
	struct page_cursor c;
	struct page_missed m;
	struct page_record r = { 0 };

	begin(&p, 1);
	data(&p, 1, 1);
	end(&p, 0);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
	EXPECT_EQ(page_next(&c, &r), 1);
	EXPECT_EQ(page_next(&c, &r), 0);
	data(&p, 3, 2);
	end(&p, 0);
	EXPECT_EQ(page_refresh(&c, PAGE), 0);
	EXPECT_EQ(page_next(&c, &r), 1);
	EXPECT_EQ(r.ts, 5);
	p.at = PAGE_HEAD;
	end(&p, 0);
	EXPECT_EQ(page_refresh(&c, PAGE), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "a ring page shrank from 36 to 16 bytes");
}

TEST(hostile_pages_are_refused)
{
	static const struct {
		uint32_t words[4];
		unsigned n;
		const char *says;
	} cases[] = {
		{ { 28 | 1 << 5, 0 }, 2, "a record of no sense at byte 16" },
		{ { 0 | 1 << 5, 0xffffffff }, 2, "a record of no sense at byte 16" },
		{ { 0 | 1 << 5, 3, 0 }, 3, "a record of no sense at byte 16" },
		{ { 0 | 1 << 5, 16, 0, 0 }, 4, "a record of no sense at byte 16" },
		{ { 30 | 1 << 5 }, 1, "a record of no sense at byte 16" },
		{ { 31 }, 1, "a record of no sense at byte 16" },
		{ { 29 | 1 << 5, 0xfffffffc, 0 }, 3, "a hole of no sense at byte 16" },
		{ { 29 | 1 << 5, 0, 0 }, 3, "a hole of no sense at byte 16" },
		{ { 29 | 1 << 5 }, 1, "a hole of no sense at byte 16" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct page p;
		struct page_cursor c;
		struct page_missed m;
		struct page_record r = { 0 };

		begin(&p, 1);
		for (unsigned k = 0; k < cases[i].n; k++)
			word(&p, cases[i].words[k]);
		end(&p, 0);
		EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
		EXPECT_EQ(page_next(&c, &r), -EBADMSG);
		if (!strstr(sonde_err_str(), cases[i].says))
			test_failed(__FILE__, __LINE__, "case %zu: '%s'", i, sonde_err_str());
	}
}

TEST(heads_of_no_sense)
{
	struct page p;
	struct page_cursor c;
	struct page_missed m;

	begin(&p, 1);
	p.at = PAGE + 4;
	end(&p, 0);
	EXPECT_EQ(page_open(p.data, PAGE, &c, &m), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "a ring page of 4096 bytes says 4084 are used");
	EXPECT_EQ(page_open(p.data, 8, &c, &m), -EBADMSG);
}

TEST(random_bytes_end)
{
	unsigned seed = 20240607;

	for (int round = 0; round < 20000; round++) {
		struct page p;
		struct page_cursor c;
		struct page_missed m;
		struct page_record r = { 0 };
		size_t n = 0;

		begin(&p, 1);
		for (p.at = PAGE_HEAD; p.at < 512;)
			word(&p, (uint32_t)rand_r(&seed) >> (rand_r(&seed) % 28));
		end(&p, 0);
		EXPECT_EQ(page_open(p.data, PAGE, &c, &m), 0);
		while (page_next(&c, &r) == 1) {
			EXPECT(r.data >= p.data + PAGE_HEAD && r.data + r.len <= p.data + 512);
			n++;
		}
		EXPECT(n <= 512 / 4);
	}
}
