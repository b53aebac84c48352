/* SPDX-License-Identifier: MIT */
/** Packed files of many parts: read here and there, by several threads, with room for a few parts
 * only. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "crash/dump/bytes.h"
#include "crash/dump/packing.h"
#include "crash/dump/units.h"
#include "made_memory.h"
#include "test.h"

enum { PARTS = 24, PART = 30000, LEN = PARTS * PART };

/** A packed file whose bytes are those of made-up memory at the same place. */
static bool make(struct made_memory *m, const char *how, struct made_file *ret)
{
	*ret = (struct made_file){ 0 };
	made_ranges(m, 77, 1, LEN, true);
	for (size_t i = 0; i < PARTS; i++) {
		struct made_file part = { 0 };
		uint8_t bytes[PART];

		made_fill(m, i * PART, bytes, sizeof(bytes));
		made_put(&part, 0, bytes, sizeof(bytes));
		if (!made_pack(&part, how, false))
			return false;
		made_put(ret, ret->len, part.data, part.len);
		made_fini(&part);
	}
	made_write(ret);
	return true;
}

/* Of the open file @path, with @budget; NULL: a test has failed. */
static struct bytes *open_units(const struct made_file *f, const char *how, uint64_t budget)
{
	struct bytes *packed = calloc(1, sizeof(*packed)), *b = NULL;
	static const struct bytes_class none;

	sonde_check(packed);
	packed->map = f->data;
	packed->len = f->len;
	packed->class = &none;
	packed->path = strdup(f->path);
	const struct packing *p = packing_of(f->data, f->len);
	sonde_check(p);
	EXPECT_EQ(units_open(packed, p, budget, &b), 1);
	EXPECT(b && !strcmp(b->packing, how));
	if (!b)
		bytes_close(packed);
	return b;
}

static void read_much(struct made_memory *m, struct bytes *b, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		uint8_t got[2 * PART], wanted[2 * PART];
		size_t n = 1 + made_random(m, i % 4 ? 100 : 2 * PART - 1);
		uint64_t off = made_random(m, LEN - n);

		made_fill(m, off, wanted, n);
		int r = bytes_read(b, off, got, n);
		if (r < 0)
			test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
		EXPECT(!memcmp(got, wanted, n));
		const uint8_t *lent = bytes_lend(b, off, n);
		EXPECT(!lent || !memcmp(lent, wanted, n));
	}
}

struct reader {
	struct made_memory m;
	struct bytes *b;
};

static void *run_reader(void *arg)
{
	struct reader *r = arg;

	read_much(&r->m, r->b, 200);
	return NULL;
}

static void expect_read(const char *how, uint64_t budget)
{
	enum { READERS = 3 };
	sonde_auto(made_fini) struct made_file f;
	struct reader readers[READERS];
	pthread_t threads[READERS];
	struct made_memory m;

	if (!make(&m, how, &f))
		return;
	sonde_auto(bytes_closep) struct bytes *b = open_units(&f, how, budget);
	if (!b)
		return;
	EXPECT_EQ(b->len, LEN);
	EXPECT_EQ(b->spilled, budget < LEN ? budget : LEN);
	EXPECT_EQ(bytes_lend(b, PART - 1, 2) != NULL, budget >= LEN);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ m, b };
		readers[i].m.random += i;
		sonde_check(!pthread_create(&threads[i], NULL, run_reader, &readers[i]));
	}
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(bytes_read(b, LEN, &m, 1), -ENODATA);
}

TEST(parts_are_read_in_any_order)
{
	static const char *const hows[] = { "zstd", "xz", "gzip" };

	for (size_t i = 0; i < MEM_LEN(hows); i++) {
		expect_read(hows[i], LEN);
		expect_read(hows[i], 3 * PART);
		expect_read(hows[i], 1);
	}
}

/** A part that is damaged has words, and the others are read. */
TEST(a_damaged_part_is_told)
{
	static const char *const hows[] = { "zstd", "xz" };

	for (size_t i = 0; i < MEM_LEN(hows); i++) {
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;
		uint8_t got[PART], wanted[PART];

		if (!make(&m, hows[i], &f))
			continue;
		memset(f.data + f.len / 2, 0x55, 64);
		sonde_auto(bytes_closep) struct bytes *b = open_units(&f, hows[i], LEN);
		if (!b)
			continue;
		unsigned bad = 0;
		for (size_t k = 0; k < PARTS; k++) {
			int r = bytes_read(b, k * PART, got, sizeof(got));

			made_fill(&m, k * PART, wanted, sizeof(wanted));
			if (r != -EBADMSG && (r < 0 || memcmp(got, wanted, sizeof(got)) != 0))
				test_failed(__FILE__, __LINE__, "%s, part %zu: %d %s", hows[i], k,
					    r, r < 0 ? sonde_err_str() : "");
			bad += r < 0;
			if (r < 0)
				EXPECT(strstr(sonde_err_str(), " at byte "));
		}
		EXPECT(bad >= 1 && bad <= 2);
	}
}

/* Text of words that come back, so that blocks refer far back; with zeros, and noise that does not
 * pack. */
static void fill_text(struct made_memory *m, uint8_t *ret, size_t n)
{
	uint8_t words[256][16];

	made_fill(m, 0, words[0], sizeof(words));
	for (size_t i = 0; i < n;) {
		size_t some = 3 + made_random(m, 12), kind = made_random(m, 4000);
		const uint8_t *word = words[made_random(m, 256)];

		if (kind < 2)
			some = made_random(m, 50000);
		some = some < n - i ? some : n - i;
		for (size_t k = 0; k < some; k++)
			ret[i + k] = kind == 0	 ? 0
				     : kind == 1 ? (uint8_t)made_random(m, 256)
						 : word[k];
		i += some;
	}
}

enum { TEXT = 3 << 20 };

/* Reads what @b has of @text, here and there. */
static void read_text(struct made_memory *m, struct bytes *b, const uint8_t *text)
{
	sonde_auto(mem_freep) uint8_t *got = malloc(TEXT);

	sonde_check(got);
	for (unsigned i = 0; i < 60; i++) {
		size_t n = 1 + made_random(m, i % 4 ? 100 : 300000);
		uint64_t off = made_random(m, b->len - n + 1);

		int r = bytes_read(b, off, got, n);
		if (r < 0)
			test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
		EXPECT(!memcmp(got, text + off, n));
	}
	EXPECT_EQ(bytes_read(b, 0, got, b->len), 0);
	EXPECT(!memcmp(got, text, b->len));
}

/** gzip's parts begin within members, go on over their ends, and end where the file is cut. */
TEST(gzip_has_parts_within_a_stream)
{
	static const size_t firsts[] = { TEXT, 1 << 20, 100, (1 << 20) + 1 };
	sonde_auto(mem_freep) uint8_t *text = malloc(TEXT);
	struct made_memory m;

	sonde_check(text);
	made_ranges(&m, 5, 1, 4096, true);
	for (size_t i = 0; i < MEM_LEN(firsts); i++) {
		sonde_auto(made_fini) struct made_file f = { 0 };
		struct made_file second = { 0 };

		fill_text(&m, text, TEXT);
		made_put(&f, 0, text, firsts[i]);
		if (!made_pack(&f, "gzip", false))
			return test_skip("no zlib");
		if (firsts[i] < TEXT) {
			made_put(&second, 0, text + firsts[i], TEXT - firsts[i]);
			sonde_check(made_pack(&second, "gzip", false));
			made_put(&f, f.len, second.data, second.len);
			made_fini(&second);
		}
		for (int cut = 0; cut < 2; cut++, f.len -= f.len / 3) {
			sonde_auto(bytes_closep) struct bytes *b =
				open_units(&f, "gzip", cut ? TEXT : 400000);
			if (!b)
				continue;
			EXPECT(cut ? b->len > TEXT / 3 && b->len < TEXT : b->len == TEXT);
			EXPECT(cut ? b->cut && strstr(b->cut, "gzip data is cut at byte ")
				   : !b->cut);
			read_text(&m, b, text);
		}
	}
}

static struct made_file oom_file;

static int open_and_read_gzip(void)
{
	static const struct bytes_class none;
	struct bytes *packed = calloc(1, sizeof(*packed)), *b = NULL;
	uint8_t got[2 * PART];

	if (!packed)
		return -ENOMEM;
	*packed = (struct bytes){ .map = oom_file.data, .len = oom_file.len, .class = &none };
	int r = units_open(packed, packing_of(packed->map, packed->len), 1, &b);
	if (r == 1)
		r = bytes_read(b, LEN - sizeof(got), got, sizeof(got));
	bytes_close(b ? b : packed);
	return r;
}

TEST(gzip_without_memory)
{
	struct made_memory m;

	if (!make(&m, "gzip", &oom_file))
		return test_skip("no zlib");
	test_oom(open_and_read_gzip);
	made_fini(&oom_file);
}

/** A small one is unpacked at once. */
TEST(small_gzip_has_no_parts)
{
	struct bytes packed = { 0 }, *b = NULL;
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;

	if (!make(&m, "gzip", &f))
		return test_skip("no zlib");
	packed.map = f.data;
	packed.len = f.len;
	EXPECT_EQ(units_open(&packed, packing_of(f.data, f.len), UNITS_BUDGET, &b), 0);
	EXPECT(!b);
}

TEST(what_has_no_parts_stays)
{
	struct bytes packed = { .map = (const uint8_t *)"", .len = 0 }, *b = NULL;
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;

	sonde_check(make(&m, "zstd", &f));
	// Cut in the middle: whoever unpacks it as a whole gets what is before.
	packed.map = f.data;
	packed.len = f.len - 10;
	EXPECT_EQ(units_open(&packed, packing_of(f.data, f.len), LEN, &b), 0);
	EXPECT(!b);
}
