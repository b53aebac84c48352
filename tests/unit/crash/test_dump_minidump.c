/* SPDX-License-Identifier: MIT */
/** FreeBSD minidumps: made-up ones of every architecture and version, and damaged ones. */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/device.h"
#include "crash/dump/dump.h"
#include "crash/dump/minidump.h"
#include "made_minidump.h"
#include "test.h"

static const struct {
	const char *arch;
	uint32_t version;
	bool pae;
	enum dump_arch is;
} kinds[] = {
	{ "amd64", 1, false, DUMP_X86_64 },  { "amd64", 2, false, DUMP_X86_64 },
	{ "amd64", 3, false, DUMP_X86_64 },  { "arm64", 1, false, DUMP_AARCH64 },
	{ "arm64", 2, false, DUMP_AARCH64 }, { "riscv", 1, false, DUMP_RISCV64 },
	{ "riscv", 2, false, DUMP_RISCV64 }, { "i386", 1, false, DUMP_I386 },
	{ "i386", 2, false, DUMP_I386 },     { "i386", 2, true, DUMP_I386 },
};

static int open_one(const char *path, struct dump **ret)
{
	const char *paths[] = { path };

	return dump_open(paths, 1, ret);
}

TEST(every_page_comes_back)
{
	for (unsigned seed = 1; seed <= 40; seed++) {
		unsigned kind = seed % MEM_LEN(kinds);
		struct made_minidump how = { .arch = kinds[kind].arch,
					     .version = kinds[kind].version,
					     .pae = kinds[kind].pae,
					     .messages = "hello\nworld\n" };
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;
		uint64_t pages = 0;
		size_t len;

		made_ranges(&m, seed, 1 + seed, seed % 4 ? 1 << 19 : 1 << 23, true);
		made_minidump(&m, &how, &f);
		made_write(&f);
		if (open_one(f.path, &d) < 0) {
			test_failed(__FILE__, __LINE__, "%s v%u: %s", how.arch, how.version,
				    sonde_err_str());
			continue;
		}
		made_compare(&m, d, 200);
		for (size_t i = 0; i < m.n; i++)
			pages += m.ranges[i].len / MADE_PAGE;
		EXPECT(dump_is_minidump(d));
		EXPECT_EQ(dump_about(d)->pages_held, pages);
		EXPECT_EQ(dump_about(d)->arch, kinds[kind].is);
		EXPECT_EQ(dump_about(d)->system, DUMP_FREEBSD);
		EXPECT(!dump_about(d)->cut);
		EXPECT_STR(minidump_messages(d, &len), "hello\nworld\n");
		EXPECT_EQ(len, 12 + 64);
	}
}

/* What is lent is what the two steps read; @pa UINT64_MAX: there is nothing. */
static void expect_lent(struct dump *d, uint64_t va, uint64_t pa)
{
	uint8_t bytes[4096];
	uint64_t len = 0;
	const uint8_t *lent = minidump_lend(d, va, &len);

	// All but the last page of a file that is cut.
	if (pa == UINT64_MAX || dump_read(d, pa, bytes, 4096 - pa % 4096) < 0) {
		EXPECT(!lent);
		return;
	}
	EXPECT(lent && len == 4096 - pa % 4096 && !memcmp(lent, bytes, len));
}

static void expect_at(struct dump *d, uint64_t va, int wanted, uint64_t pa, uint64_t len)
{
	uint64_t got = 0, got_len = 0;
	int r = minidump_address(d, va, &got, &got_len);

	if (r != wanted || (r == 0 && (got != pa || got_len != len)))
		test_failed(__FILE__, __LINE__, "0x%" PRIx64 ": %d, 0x%" PRIx64 ", %" PRIu64, va, r,
			    got, got_len);
	expect_lent(d, va, r == 0 ? got : UINT64_MAX);
}

#define BASE UINT64_C(0xffffffff80000000)

/** An entry for each page, of which one is as the architecture wants it and the next is not there.
 */
TEST(maps_of_single_pages)
{
	static const struct {
		const char *arch;
		bool pae;
		unsigned size;
		uint64_t entry, absent, pa;
	} maps[] = {
		{ "amd64", false, 8, 0x8000000012345063, 0x12345062, 0x12345000 },
		{ "arm64", false, 8, 0x0060000012345703, 0x12345701, 0x12345000 },
		{ "riscv", false, 8, (0x12345 << 10) | 0xcf, (0x12345 << 10) | 0xce, 0x12345000 },
		{ "i386", false, 4, 0x12345063, 0x12345062, 0x12345000 },
		{ "i386", true, 8, 0x8000000312345063, 0x12345062, 0x312345000 },
	};

	for (size_t i = 0; i < MEM_LEN(maps); i++) {
		uint8_t map[3 * 8] = { 0 };
		bool is_32 = !strcmp(maps[i].arch, "i386");
		uint64_t base = is_32 ? 0xc0000000 : BASE;
		struct made_minidump how = { .arch = maps[i].arch,
					     .version = 1,
					     .pae = maps[i].pae,
					     .kernbase = base,
					     .map = map,
					     .map_len = 3 * maps[i].size,
					     .dmapphys = 0x80000000,
					     .dmapbase = 0xfffff80000000000,
					     .dmapend = 0xfffff80000400000 };
		uint64_t phys = strcmp(maps[i].arch, "amd64") ? 0x80000000 : 0;
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;

		memcpy(map + maps[i].size, &maps[i].entry, maps[i].size);
		memcpy(map + 2 * maps[i].size, &maps[i].absent, maps[i].size);
		made_ranges(&m, 1, 2, 1 << 16, true);
		made_minidump(&m, &how, &f);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d)
			continue;
		expect_at(d, base + 0x1010, 0, maps[i].pa + 0x10, 0xff0);
		expect_at(d, base + 0x1000, 0, maps[i].pa, 0x1000);
		expect_at(d, base, -EFAULT, 0, 0);
		expect_at(d, base + 0x2000, -EFAULT, 0, 0);
		expect_at(d, base + 0x3000, -EFAULT, 0, 0);
		expect_at(d, base - 1, -EFAULT, 0, 0);
		EXPECT_EQ(minidump_kernbase(d), base);
		if (is_32)
			continue;
		expect_at(d, how.dmapbase + 5, 0, phys + 5, 0x400000 - 5);
		expect_at(d, how.dmapend - 1, 0, phys + 0x3fffff, 1);
		expect_at(d, how.dmapend, -EFAULT, 0, 0);
	}
}

/** amd64's newer ones: large pages, and page tables among the pages. */
TEST(maps_of_page_tables)
{
	uint64_t map[4] = { [0] = 0x40000000 | 0x83, [1] = 0x7f0000 | 0x63, [2] = 0x7e0000 | 0x63 };
	uint64_t entry = 0x8000000000123063, itself = 0x8000000000000063 | 0x7f0000;

	for (uint32_t version = 2; version <= 3; version++) {
		struct made_minidump how = { .arch = "amd64",
					     .version = version,
					     .kernbase = BASE,
					     .map = map,
					     .map_len = sizeof(map),
					     .n_tables = 1 };
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;

		how.tables[0].pa = 0x7f0000;
		memcpy(how.tables[0].bytes + 511 * 8, &entry, 8);
		memcpy(how.tables[0].bytes + 509 * 8, &itself, 8);
		made_ranges(&m, 2, 2, 1 << 16, true);
		made_minidump(&m, &how, &f);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d)
			continue;
		// Again, when the dump has learnt where the page tables are.
		for (unsigned round = 0; round < 2; round++) {
			expect_at(d, BASE + 0x1234, 0, 0x40001234, 0x200000 - 0x1234);
			expect_at(d, BASE + 0x3ff008, 0, 0x123008, 0xff8);
			expect_at(d, BASE + 0x3fe000, -EFAULT, 0, 0);
			expect_at(d, BASE + 0x3fd000, 0, 0x7f0000, 0x1000);
			expect_at(d, BASE + 0x3fdff0, 0, 0x7f0ff0, 0x10);
			expect_lent(d, BASE + 0x3fdff0, 0x7f0ff0);
			// Its page table is not there.
			expect_at(d, BASE + 0x400000, -ENODATA, 0, 0);
			expect_at(d, BASE + 0x600000, -EFAULT, 0, 0);
			expect_at(d, BASE + 0x800000, -EFAULT, 0, 0);
		}
		expect_at(d, UINT64_MAX, -EFAULT, 0, 0);
	}
}

/* The first @len bytes of @f are refused, or read as far as they go, which is said. */
static void expect_cut(const struct made_memory *m, const struct made_file *f, size_t len)
{
	sonde_auto(made_fini) struct made_file part = { 0 };
	sonde_auto(dump_closep) struct dump *d = NULL;
	uint8_t got[64];

	made_put(&part, 0, f->data, len);
	made_write(&part);
	int r = open_one(part.path, &d);
	if (r && r != -EBADMSG && r != -ENODATA && r != -EINVAL)
		test_failed(__FILE__, __LINE__, "%zu bytes: %s", len, sonde_err_str());
	EXPECT(r < 0 || dump_about(d)->cut);
	for (size_t i = 0; r == 0 && i < m->n; i++) {
		int rr = dump_read(d, m->ranges[i].pa, got, sizeof(got));

		EXPECT(rr == 0 || rr == -ENODATA || rr == -EBADMSG);
	}
}

/* At each byte of the header, and around each page. */
TEST(a_cut_file_is_read_as_far_as_it_goes)
{
	for (size_t kind = 0; kind < MEM_LEN(kinds); kind++) {
		struct made_minidump how = { .arch = kinds[kind].arch,
					     .version = kinds[kind].version,
					     .pae = kinds[kind].pae,
					     .messages = "x" };
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, 7, 9, 1 << 17, true);
		made_minidump(&m, &how, &f);
		for (size_t len = 0; len < 128; len++)
			expect_cut(&m, &f, len);
		for (size_t page = MADE_PAGE; page < f.len; page += MADE_PAGE) {
			expect_cut(&m, &f, page - 1);
			expect_cut(&m, &f, page);
			expect_cut(&m, &f, page + 1);
		}
	}
}

TEST(cut_packed_files)
{
	static const char *const packings[] = { "gzip", "bzip2", "xz", "zstd" };
	struct made_minidump how = { .arch = "amd64", .version = 3, .messages = "x" };

	for (size_t i = 0; i < 2 * MEM_LEN(packings); i++) {
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, 7, 4, 1 << 16, true);
		made_minidump(&m, &how, &f);
		if (!made_pack(&f, packings[i / 2], i % 2))
			continue;
		for (size_t len = 0; len < f.len; len += len < 32 || len + 32 > f.len ? 1 : 1021)
			expect_cut(&m, &f, len);
	}
}

TEST(lies_are_refused)
{
	static const struct {
		size_t off, n;
		uint64_t value;
		int result;
		const char *words;
	} lies[] = {
		{ 17, 5, 0x3463707070, -ENOTSUP,
		  "FreeBSD minidump of 'pppc4', wanted amd64, arm64, riscv or i386" },
		{ 24, 4, 0, -ENOTSUP, "FreeBSD minidump of amd64, version 0, wanted 1 to 3" },
		{ 24, 4, 4, -ENOTSUP, "FreeBSD minidump of amd64, version 4, wanted 1 to 3" },
		{ 28, 4, UINT32_MAX, -EBADMSG, "within its message buffer of 4294967295 bytes" },
		{ 32, 4, UINT32_MAX, -EBADMSG, "within its bitmap of pages of 4294967295 bytes" },
		{ 36, 4, UINT32_MAX, -EBADMSG, "within its page map of 4294967295 bytes" },
		{ 64, 4, UINT32_MAX, -EBADMSG, "within its ranges of memory of 4294967295" },
		{ 4096 + 8, 8, 1, -EBADMSG, "ranges of memory: 0x" },
		{ 4096, 8, UINT64_MAX, -EBADMSG, "ranges of memory: 0xffffffffffffffff to" },
	};
	struct made_minidump how = { .arch = "amd64", .version = 3 };
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;

	made_ranges(&m, 3, 3, 1 << 15, true);
	made_minidump(&m, &how, &f);
	for (size_t i = 0; i < MEM_LEN(lies); i++) {
		sonde_auto(made_fini) struct made_file lie = { 0 };
		struct dump *d = NULL;

		made_put(&lie, 0, f.data, f.len);
		made_put(&lie, lies[i].off, &lies[i].value, lies[i].n);
		made_write(&lie);
		EXPECT_EQ(open_one(lie.path, &d), lies[i].result);
		if (!strstr(sonde_err_str(), lies[i].words))
			EXPECT_STR(sonde_err_str(), lies[i].words);
		dump_close(d);
	}
}

/* A device's header, in the form of its first version or of later ones. */
static void put_header(struct made_file *f, uint64_t off, uint32_t version, uint64_t len,
		       unsigned packing)
{
	const unsigned later = version > 1 ? 4 : 0;
	uint8_t h[512] = "FreeBSD Kernel Dump";
	uint32_t word, all = 0;
	uint64_t big;

	memcpy(h + 20, "amd64", 5);
	word = htobe32(version), memcpy(h + 32, &word, 4);
	word = htobe32(2), memcpy(h + 36, &word, 4);
	big = htobe64(len), memcpy(h + 40, &big, 8);
	big = htobe64(1700000000), memcpy(h + 48, &big, 8);
	word = htobe32(512), memcpy(h + 56 + later, &word, 4);
	memcpy(h + 60 + later, "host.example", 12);
	memcpy(h + 124 + later, "FreeBSD 14.0", 12);
	memcpy(h + 316 + later, "page fault", 10);
	if (packing) {
		h[495] = (uint8_t)packing;
		big = htobe64(len), memcpy(h + 496, &big, 8);
		big = htobe64(1 << 30), memcpy(h + 40, &big, 8);
	}
	for (unsigned i = 0; i < 508; i += 4) {
		memcpy(&word, h + i, 4);
		all ^= word;
	}
	memcpy(h + 508, &all, 4);
	made_put(f, off, h, sizeof(h));
}

/* A copy of what lies on the device, from its begin; and a whole device, with something before. */
TEST(on_a_dump_device)
{
	static const char *const packings[] = { NULL, "gzip", "zstd" };

	for (unsigned i = 0; i < 12; i++) {
		struct made_minidump how = { .arch = "amd64", .version = 3, .messages = "m" };
		sonde_auto(made_fini) struct made_file inner = { 0 }, f = { 0 };
		sonde_auto(dump_closep) struct dump *d = NULL;
		const unsigned packing = i / 4;
		const uint32_t version = i % 2 && !packing ? 1 : 4;
		const uint64_t before = i / 2 % 2 ? 12345 * 512 : 0;
		struct device_header h;
		struct made_memory m;

		made_ranges(&m, i + 1, 5, 1 << 17, true);
		made_minidump(&m, &how, &inner);
		if (packing && !made_pack(&inner, packings[packing], false))
			continue;
		put_header(&f, before, version, inner.len, packing);
		made_put(&f, before + 512, inner.data, inner.len);
		put_header(&f, before + 512 + inner.len, version, inner.len, packing);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d) {
			test_failed(__FILE__, __LINE__, "%u: %s", i, sonde_err_str());
			continue;
		}
		made_compare(&m, d, 100);
		EXPECT(!dump_about(d)->cut);
		EXPECT(dump_about(d)->device && device_header_read(dump_about(d)->device, &h));
		EXPECT(h.parity_right);
		EXPECT_EQ(h.packing, packing);
		EXPECT_EQ(h.time, 1700000000);
		EXPECT(!strncmp(h.hostname, "host.example", DEVICE_HOSTNAME));
		EXPECT(!strncmp(h.version, "FreeBSD 14.0", DEVICE_VERSION));
		EXPECT(!strncmp(h.panic, "page fault", DEVICE_PANIC));
	}
}

TEST(damaged_dump_devices)
{
	struct made_minidump how = { .arch = "amd64", .version = 3 };
	sonde_auto(made_fini) struct made_file inner = { 0 }, f = { 0 };
	struct made_memory m;

	made_ranges(&m, 5, 3, 1 << 15, true);
	made_minidump(&m, &how, &inner);
	put_header(&f, 0, 4, inner.len, 0);
	made_put(&f, 512, inner.data, inner.len);
	for (size_t len = 0; len < f.len; len += len < 1100 ? 1 : 501) {
		sonde_auto(made_fini) struct made_file part = { 0 };
		sonde_auto(dump_closep) struct dump *d = NULL;

		made_put(&part, 0, f.data, len);
		made_write(&part);
		int r = open_one(part.path, &d);
		if (r && r != -EBADMSG && r != -ENODATA && r != -EINVAL)
			test_failed(__FILE__, __LINE__, "%zu bytes: %s", len, sonde_err_str());
		EXPECT(r < 0 || dump_about(d)->cut);
	}
	// Lengths that lie, a key, and a header that somebody changed.
	for (unsigned kind = 0; kind < 4; kind++) {
		sonde_auto(made_fini) struct made_file lie = { 0 };
		struct device_header h;
		struct dump *d = NULL;

		made_put(&lie, 0, kind ? f.data : (const uint8_t *)"x", kind ? f.len : 1);
		if (!kind)
			put_header(&lie, 4096 - 512, 4, UINT64_MAX - 100, 0);
		else if (kind == 1)
			put_header(&lie, 0, 4, UINT64_MAX, 0);
		else
			made_put(&lie, kind == 2 ? 56 : 64, "\1\1\1\1", 4);
		made_write(&lie);
		int r = open_one(lie.path, &d);
		EXPECT_EQ(r, kind == 0 ? -EBADMSG : kind == 2 ? -ENOTSUP : 0);
		if (kind == 1 && d)
			EXPECT(strstr(dump_about(d)->cut, "18446744073709551615 bytes"));
		if (kind == 3 && d)
			EXPECT(device_header_read(dump_about(d)->device, &h) && !h.parity_right);
		dump_close(d);
	}
}

static char scarce_path[64];

static int open_again(void)
{
	sonde_auto(dump_closep) struct dump *d = NULL;

	return open_one(scarce_path, &d);
}

TEST(without_memory)
{
	struct made_minidump how = { .arch = "amd64", .version = 3, .messages = "m" };
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;

	made_ranges(&m, 5, 3, 1 << 15, true);
	made_minidump(&m, &how, &f);
	made_write(&f);
	memcpy(scarce_path, f.path, sizeof(scarce_path));
	test_oom(open_again);
}
