/* SPDX-License-Identifier: MIT */
/** What is exported, and types, found in made-up data of a kernel by their shape. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/exports.h"
#include "made_image.h"
#include "test.h"

enum { NAMES = 300, NAME_LEN = 16, PAGES = 64 };
#define MAP  0xffffffff80000000ull
#define TEXT (MAP + IMAGE_BASE)

static const struct space_layout four = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 };

struct world {
	struct made_image m;
	struct space mem;
	struct dump *d;
	uint64_t pa;
};

static void begin(struct world *w)
{
	*w = (struct world){ 0 };
	image_init(&w->m, &four);
	w->pa = image_pages(&w->m, PAGES);
}

static void open_it(struct world *w)
{
	w->d = image_open(&w->m, NULL);
	EXPECT_EQ(space_init(&w->mem, w->d, &w->m.layout), 0);
	space_add_linear(&w->mem, MAP, MAP + (1 << 30), 0);
}

static void end(struct world *w)
{
	space_fini(&w->mem);
	dump_close(w->d);
	image_fini(&w->m);
}

/* Names in the order of the alphabet; @i = 100 is the one that is looked for. */
static void name_of(unsigned table, unsigned i, char ret[NAME_LEN])
{
	if (!table && i == 100)
		(void)snprintf(ret, NAME_LEN, "init_task");
	else
		(void)snprintf(ret, NAME_LEN, "%c%03u",
			       table	 ? 'g'
			       : i < 100 ? 'a'
					 : 'k',
			       i == 201 ? 200 : i); // one is there twice
}

static uint64_t value_of(unsigned table, unsigned i)
{
	return TEXT + 0x10000 + table * 0x8000 + i * 16;
}

/* An entry at @pa, whose name is at @name_pa. */
static void put_entry(struct world *w, uint64_t pa, uint64_t value, uint64_t name_pa)
{
	int32_t offs[2] = { (int32_t)(int64_t)(value - (MAP + pa)),
			    (int32_t)(int64_t)(name_pa - (pa + 4)) };

	image_put(&w->m, pa, offs, sizeof(offs));
}

/* Two tables, the second one @gap bytes behind the first, and their names behind both. */
static void put_tables(struct world *w, uint64_t pa, unsigned len, unsigned gap)
{
	const uint64_t names = pa + 2ul * NAMES * len + gap;
	char name[NAME_LEN];

	for (unsigned t = 0; t < 2; t++) {
		for (unsigned i = 0; i < NAMES; i++) {
			uint64_t at = names + ((uint64_t)t * NAMES + i) * NAME_LEN;

			name_of(t, i, name);
			image_put(&w->m, at, name, strlen(name) + 1);
			put_entry(w, pa + ((uint64_t)t * NAMES + i) * len + (t ? gap : 0),
				  value_of(t, i), at);
		}
	}
}

static int count_one(void *arg, const char *name, uint64_t addr)
{
	(void)name;
	++*(unsigned *)arg;
	return addr < TEXT;
}

static void expect_tables(unsigned len, unsigned gap)
{
	struct world w;
	struct exports e;
	char name[NAME_LEN];
	uint64_t addr = 0;
	unsigned n = 0;

	begin(&w);
	// The name alone, to which nobody points, and one to which something points that is no
	// table.
	image_put(&w.m, w.pa + 0x20, "\0init_task", 11);
	image_put(&w.m, w.pa + 0x40, "\0init_task", 11);
	put_entry(&w, w.pa + 0x60, TEXT, w.pa + 0x41);
	put_tables(&w, w.pa + 0x1000, len, gap);
	open_it(&w);
	EXPECT_EQ(exports_search(&w.mem, TEXT, &e), 0);
	EXPECT_EQ(e.entry_len, len);
	EXPECT_EQ(e.n_tables, 2);
	for (unsigned i = 0; i < 2 * NAMES; i++) {
		name_of(i / NAMES, i % NAMES, name);
		EXPECT(exports_named(&e, &w.mem, name, &addr));
		EXPECT(addr == value_of(i / NAMES, i % NAMES) || i % NAMES / 2 == 100);
	}
	EXPECT(!exports_named(&e, &w.mem, "a", &addr));
	EXPECT(!exports_named(&e, &w.mem, "zzz", &addr));
	EXPECT_EQ(exports_each(&e, &w.mem, count_one, &n), 0);
	EXPECT_EQ(n, 2 * NAMES);
	end(&w);
}

TEST(tables_of_each_length_are_found)
{
	expect_tables(12, 0);
	expect_tables(12, 4);
	expect_tables(8, 0);
	expect_tables(8, 4);
}

TEST(what_only_looks_like_a_table_is_none)
{
	struct world w;
	struct exports e = { .n_tables = 7 };

	begin(&w);
	put_tables(&w, w.pa + 0x1000, 12, 0);
	// Each second one is the same, so that none are in order.
	for (unsigned i = 0; i < 2 * NAMES; i += 2)
		put_entry(&w, w.pa + 0x1000 + i * 12ul, TEXT,
			  w.pa + 0x1000 + 2ul * NAMES * 12 + 100ul * NAME_LEN);
	open_it(&w);
	EXPECT_EQ(exports_search(&w.mem, TEXT, &e), -ENOENT);
	EXPECT_EQ(e.n_tables, 7);
	EXPECT_EQ(exports_search(&w.mem, TEXT + (1ull << 30), &e), -ENOENT);
	end(&w);
}

static void put_btf(struct world *w, uint64_t pa, uint32_t types, uint32_t gap, uint32_t strings)
{
	const uint8_t magic[8] = { 0x9f, 0xeb, 1, 0, 24 };
	const uint32_t rest[] = { 0, types, types + gap, strings };

	image_put(&w->m, pa, magic, sizeof(magic));
	image_put(&w->m, pa + sizeof(magic), rest, sizeof(rest));
}

TEST(types_are_found_by_their_head)
{
	struct world w;
	uint64_t start = 1, stop = 2;

	begin(&w);
	put_btf(&w, w.pa + 8, 100, 0, 100);	       // too small
	put_btf(&w, w.pa + 64, 60000, 4, 40000);       // strings are not behind types
	put_btf(&w, w.pa + 128, 1u << 31, 0, 1 << 20); // too large
	open_it(&w);
	EXPECT_EQ(btf_search(&w.mem, TEXT, &start, &stop), -ENOENT);
	EXPECT_EQ(start, 1);
	end(&w);

	begin(&w);
	put_btf(&w, w.pa + 8, 100, 0, 100);
	// Over the edge of what is read at once.
	put_btf(&w, w.pa + 0x10000 - 12, 60000, 0, 40000);
	open_it(&w);
	EXPECT_EQ(btf_search(&w.mem, TEXT, &start, &stop), 0);
	EXPECT_EQ(start, MAP + w.pa + 0x10000 - 12);
	EXPECT_EQ(stop, start + 24 + 100000);
	end(&w);
}
