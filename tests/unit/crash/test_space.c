/* SPDX-License-Identifier: MIT */
/** Page tables of all kinds: what was mapped is found, all else is not; tables that lie end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "crash/thin/thin.h"
#include "made_image.h"
#include "test.h"

static const struct space_layout layouts[] = {
	{ .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 },
	{ .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 57 },
	{ .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 39, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 48, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 48 },
	{ .tables = SPACE_ARM64, .page_bits = 12, .va_bits = 52, .upper = true, .pa_52 = true },
	{ .tables = SPACE_ARM64, .page_bits = 14, .va_bits = 47, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 14, .va_bits = 48, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 14, .va_bits = 36 },
	{ .tables = SPACE_ARM64, .page_bits = 14, .va_bits = 52, .upper = true, .pa_52 = true },
	{ .tables = SPACE_ARM64, .page_bits = 16, .va_bits = 42, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 16, .va_bits = 48, .upper = true, .pa_52 = true },
	{ .tables = SPACE_ARM64, .page_bits = 16, .va_bits = 48, .upper = true },
	{ .tables = SPACE_ARM64, .page_bits = 16, .va_bits = 52, .upper = true, .pa_52 = true },
};
enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]), PAGES = 40 };

/* A valid address of the layout out of any bits. */
static uint64_t valid(const struct space_layout *l, uint64_t va)
{
	const uint64_t mask = (1ull << l->va_bits) - 1;

	if (l->tables == SPACE_ARM64)
		return l->upper ? va | ~mask : va & mask;
	return va >> (l->va_bits - 1) & 1 ? va | ~mask : va & mask;
}

static void expect_page(struct space *s, uint64_t va, uint64_t pa, uint64_t size)
{
	uint64_t got = 0, len = 0;

	EXPECT_EQ(space_translate(s, va + size / 2, &got, &len), 0);
	EXPECT_EQ(got, pa + size / 2);
	EXPECT_EQ(len, size - size / 2);
}

static void try_layout(const struct space_layout *l, uint64_t seed)
{
	struct made_memory random = { .seed = seed };
	struct made_image m;
	struct space s;
	uint64_t va[PAGES], pa[PAGES], size = 1ull << l->page_bits, got, len;

	made_ranges(&random, seed, 0, 1, true);
	image_init(&m, l);
	for (unsigned i = 0; i < PAGES; i++) {
		va[i] = valid(l, made_random(&random, UINT64_MAX)) & ~(size - 1);
		pa[i] = image_pages(&m, 1);
		image_put64(&m, pa[i] + size - 8, va[i]);
		image_map(&m, va[i], pa[i], l->page_bits);
	}
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t there = 0;

		expect_page(&s, va[i], pa[i], size);
		if (size == 4096) { // the dump's pages are that large
			EXPECT_EQ(space_read(&s, va[i] + size - 8, &there, 8), 0);
			EXPECT_EQ(there, va[i]);
		}
		uint64_t other = valid(l, made_random(&random, UINT64_MAX));
		bool mapped = false;
		for (unsigned k = 0; k < PAGES; k++)
			mapped |= other - va[k] < size;
		EXPECT_EQ(space_translate(&s, other, &got, &len), mapped ? 0 : -EFAULT);
	}
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

TEST(what_is_mapped_is_found)
{
	for (unsigned i = 0; i < LAYOUTS; i++) {
		for (uint64_t seed = 1; seed < 4; seed++)
			try_layout(&layouts[i], seed);
	}
}

TEST(large_pages)
{
	for (unsigned i = 0; i < LAYOUTS; i++) {
		const struct space_layout *l = &layouts[i];
		const unsigned step = l->page_bits - 3;
		struct made_image m;
		struct space s;
		uint64_t va = valid(l, 0x3f1234567ull << l->page_bits);
		uint64_t size = 1ull << (l->page_bits + step), pa = 5 * size;

		image_init(&m, l);
		image_map(&m, va & ~(size - 1), pa, l->page_bits + step);
		struct dump *d = image_open(&m, NULL);
		EXPECT_EQ(space_init(&s, d, &m.layout), 0);
		expect_page(&s, va & ~(size - 1), pa, size);
		space_fini(&s);
		dump_close(d);
		image_fini(&m);
	}
}

/* arm64 has high bits of a page's address low in the entry, and not everywhere. */
TEST(addresses_of_52_bits)
{
	for (unsigned i = 0; i < LAYOUTS; i++) {
		const struct space_layout *l = &layouts[i];
		const uint64_t size = 1ull << l->page_bits, va = valid(l, 7 * size);
		struct made_image m;
		struct space s;

		if (l->tables != SPACE_ARM64)
			continue;
		image_init(&m, l);
		uint64_t pa = (l->pa_52 ? 0xe5ull << 44 : 0xb5ull << 40) | 3 * size;
		image_map(&m, va, pa, l->page_bits);
		struct dump *d = image_open(&m, NULL);
		EXPECT_EQ(space_init(&s, d, &m.layout), 0);
		expect_page(&s, va, pa, size);
		space_fini(&s);
		dump_close(d);
		image_fini(&m);
	}
}

/* An entry that is not valid, but says that its page is held; and one that says nothing. */
TEST(pages_that_nobody_may_touch)
{
	struct space_layout l = layouts[3];
	struct made_image m;
	struct space s;
	uint64_t va = valid(&l, 0), got = 0, len;

	l.held_mask = 1ull << 58;
	image_init(&m, &l);
	uint64_t page = image_pages(&m, 2);
	image_map(&m, va, page, 12);
	image_map(&m, va + 4096, page + 4096, 12);
	uint64_t table = m.next - 4096; // of the last level: the one that was made last
	EXPECT_EQ(image_get64(&m, table) & ~4095ull, page);
	image_put64(&m, table, page | 2 | l.held_mask);
	image_put64(&m, table + 8, (page + 4096) | 2);
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	EXPECT_EQ(space_translate(&s, va + 5, &got, &len), 0);
	EXPECT_EQ(got, page + 5);
	EXPECT_EQ(space_translate(&s, va + 4096, &got, &len), -EFAULT);
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

/* Writers may put several pages of the kernel into one of the dump. */
TEST(pages_of_the_dump_are_larger)
{
	enum { N = 64 };
	struct made_image m;
	struct space s;
	const uint64_t va = valid(&layouts[3], 1 << 30);
	uint8_t all[N * 4096];
	struct space_bytes b = { 0 };

	image_init(&m, &layouts[3]);
	uint64_t pages = image_pages(&m, N + 16); // the last of the dump's pages is whole
	for (unsigned i = 0; i < N; i++) {
		uint64_t pa = pages + (i * 29 % N) * 4096;

		for (unsigned k = 0; k < 4096; k += 8)
			image_put64(&m, pa + k, i * 4096 + k);
		image_map(&m, va + i * 4096, pa, 12);
	}
	(void)image_pages(&m, 16);
	struct dump *d = image_open(&m, "OSRELEASE=6\nPAGESIZE=65536\n");
	EXPECT_EQ(dump_about(d)->page_size, 65536);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	for (unsigned i = 0; i < N * 4096; i += 1000) {
		uint64_t there = 0;

		EXPECT_EQ(space_read(&s, va + i / 8 * 8, &there, 8), 0);
		EXPECT_EQ(there, i / 8 * 8);
	}
	EXPECT_EQ(space_read(&s, va, all, sizeof(all)), 0);
	EXPECT_EQ(space_lend(&s, va, sizeof(all), &b), 0);
	EXPECT(!memcmp(b.data, all, sizeof(all)));
	for (unsigned i = 0; i < sizeof(all); i += 8) {
		uint64_t there;

		memcpy(&there, all + i, 8);
		if (there != i)
			EXPECT_EQ(there, i);
	}
	space_give_back(&b);
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

TEST(addresses_that_are_none)
{
	struct made_image m;
	struct space s;
	uint64_t pa, len;

	image_init(&m, &layouts[0]);
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	EXPECT_EQ(space_translate(&s, 0x0000800000000000, &pa, &len), -EFAULT);
	EXPECT_EQ(space_translate(&s, 0xffff7fffffffffff, &pa, &len), -EFAULT);
	EXPECT_EQ(space_read(&s, UINT64_MAX - 3, &pa, 8), -EFAULT);
	space_fini(&s);
	struct space_layout odd = { .tables = SPACE_X86_64, .page_bits = 14, .va_bits = 48 };
	EXPECT_EQ(space_init(&s, d, &odd), -EINVAL);
	dump_close(d);
	image_fini(&m);
}

TEST(tables_that_lie)
{
	struct made_image m;
	struct space s;
	uint64_t pa = 0, len;

	image_init(&m, &layouts[1]);
	image_put64(&m, m.layout.root + 8, m.layout.root | 1);	     // to itself
	image_put64(&m, m.layout.root + 16, 0x000ffffffffff000 | 1); // far out
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	uint64_t round = 1ull << 48 | 1ull << 39 | 1 << 30 | 1 << 21 | 1 << 12;
	EXPECT_EQ(space_translate(&s, round, &pa, &len), 0);
	EXPECT_EQ(pa, m.layout.root);
	EXPECT_EQ(space_translate(&s, 2ull << 48, &pa, &len), -ENODATA);
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

TEST(linear_memory_stands_in)
{
	struct made_image m;
	struct space s;
	uint64_t there = 0;

	image_init(&m, &layouts[0]);
	uint64_t page = image_pages(&m, 1);
	image_put64(&m, page, 77);
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	space_add_linear(&s, 0xffff888000000000, 0xffff888000000000 + (1 << 30), 0);
	EXPECT_EQ(space_read(&s, 0xffff888000000000 + page, &there, 8), 0);
	EXPECT_EQ(there, 77);
	EXPECT_EQ(space_read(&s, 0xffff888000000000, &there, 8), -ENODATA);
	EXPECT_EQ(space_read(&s, 0xffff888000000000 + (1 << 30), &there, 8), -EFAULT);
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

/* Two pages side by side in memory, then two the other way round. */
TEST(bytes_are_lent_or_copied)
{
	static const char text[] = "over the bounds";
	const uint64_t va = 0xffffffff80001000;
	struct made_image m;
	struct space s;
	struct space_bytes b = { 0 };
	char line[32];

	image_init(&m, &layouts[0]);
	uint64_t pages = image_pages(&m, 4);
	image_put(&m, pages + 4090, text, sizeof(text));
	image_put(&m, pages + 3 * 4096 + 4090, text, 6);
	image_put(&m, pages + 2 * 4096, text + 6, sizeof(text) - 6);
	image_map(&m, va, pages, 12);
	image_map(&m, va + 4096, pages + 4096, 12);
	image_map(&m, va + 2 * 4096, pages + 3 * 4096, 12);
	image_map(&m, va + 3 * 4096, pages + 2 * 4096, 12);
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&s, d, &m.layout), 0);
	EXPECT_EQ(space_lend(&s, va + 4090, sizeof(text), &b), 0);
	EXPECT(!b.owned);
	EXPECT_STR((const char *)b.data, text);
	space_give_back(&b);
	EXPECT_EQ(space_lend(&s, va + 2 * 4096 + 4090, sizeof(text), &b), 0);
	EXPECT(b.owned);
	EXPECT_STR((const char *)b.data, text);
	space_give_back(&b);
	EXPECT_EQ(space_lend(&s, va + 3 * 4096, 4097, &b), -EFAULT);
	EXPECT_EQ(space_string(&s, va + 4090, line, sizeof(line)), sizeof(text) - 1);
	EXPECT_STR(line, text);
	EXPECT_EQ(space_string(&s, va + 4090, line, 5), 4);
	EXPECT_EQ(space_string(&s, 0, line, 5), -EFAULT);
	EXPECT_EQ(space_read_some(&s, va + 3 * 4096 + 4000, line, 32), 32);
	EXPECT_EQ(space_read_some(&s, va + 4 * 4096 - 3, line, 32), 3);
	space_fini(&s);
	dump_close(d);
	image_fini(&m);
}

/* More pages than are held at once, of a dump that has to unpack each. */
TEST(packed_pages_come_and_go)
{
	enum { N = 600, READS = 20000 };
	struct made_memory random = { .seed = 1 };
	struct made_image m;
	struct space s;
	struct thin_result result;
	struct dump *packed = NULL;
	uint64_t numbers[N], there = 0;
	char path[128];

	image_init(&m, &layouts[0]);
	const uint64_t pa = image_pages(&m, N), first = (pa / 4096) | 1;
	for (uint64_t i = 0; i < N; i++) {
		numbers[i] = pa / 4096 + i;
		image_put64(&m, pa + i * 4096 + i % 512 * 8, first + i);
	}
	struct dump *d = image_open(&m, NULL);
	(void)snprintf(path, sizeof(path), "%s.packed", m.elf.path);
	EXPECT_EQ(thin_write(d, numbers, N, path, &result), 0);
	EXPECT_EQ(dump_open(&(const char *){ path }, 1, &packed), 0);
	if (packed) {
		EXPECT_EQ(space_init(&s, packed, &m.layout), 0);
		space_add_linear(&s, 0, UINT64_MAX, 0);
		for (unsigned n = 0; n < READS; n++) {
			const uint64_t i = made_random(&random, N);

			EXPECT_EQ(space_read_some(&s, pa + i * 4096 + i % 512 * 8, &there, 8), 8);
			EXPECT_EQ(there, first + i);
		}
		EXPECT_EQ(space_read_some(&s, pa - 4096, &there, 8), 0);
		space_fini(&s);
	}
	dump_close(packed);
	dump_close(d);
	(void)unlink(path);
	image_fini(&m);
}
