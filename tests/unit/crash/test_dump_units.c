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
	static const char *const hows[] = { "zstd", "xz" };

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
