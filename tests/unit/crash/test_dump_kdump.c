/* SPDX-License-Identifier: MIT */
/** kdump-compressed dumps: made-up ones of all versions, split, flattened, packed, and damaged
 * ones. */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "crash/dump/dump.h"
#include "crash/dump/kdump_header.h"
#include "made_memory.h"
#include "test.h"

enum { MOST_PARTS = 5, ALL = KDUMP_ZLIB | KDUMP_LZO | KDUMP_SNAPPY | KDUMP_ZSTD };

static const char info[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
static const char note[] = "\5\0\0\0\4\0\0\0\1\0\0\0CORE\0\0\0\0abcd";

/** A dump's files, with their memory. */
struct made_dump {
	struct made_memory m;
	struct made_file files[MOST_PARTS];
	const char *paths[MOST_PARTS];
	size_t n;
};

static void made_dump_init(struct made_dump *d, unsigned seed, const struct made_kdump_how *how)
{
	*d = (struct made_dump){ .n = how->parts ? how->parts : 1 };
	made_ranges(&d->m, seed, 1 + seed % 40, 1 << 21, true);
	made_kdump(&d->m, how, d->files);
}

static void made_dump_write(struct made_dump *d)
{
	for (size_t i = 0; i < d->n; i++) {
		made_write(&d->files[i]);
		d->paths[d->n - 1 - i] = d->files[i].path; // the order does not matter
	}
}

static void made_dump_fini(struct made_dump *d)
{
	for (size_t i = 0; i < d->n; i++)
		made_fini(&d->files[i]);
}

static void expect_all(struct made_dump *made, const struct made_kdump_how *how)
{
	sonde_auto(dump_closep) struct dump *d = NULL;

	EXPECT_EQ(dump_open(made->paths, made->n, &d), 0);
	if (!d) {
		test_failed(__FILE__, __LINE__, "version %u: %s", how->version, sonde_err_str());
		return;
	}
	made_compare(&made->m, d, 200);
	const struct dump_about *a = dump_about(d);
	bool has_info = how->version >= 3 && how->vmcoreinfo;
	EXPECT(!a->cut);
	EXPECT_EQ(a->arch, how->is_32 ? DUMP_I386 : DUMP_X86_64);
	EXPECT_EQ(a->system, DUMP_LINUX);
	EXPECT_EQ(a->phys_base_hint, 0x1234000);
	EXPECT_EQ(a->vmcoreinfo_size, has_info ? strlen(info) : 0);
	EXPECT_EQ(a->n_notes, how->version >= 4 && how->notes ? 1 : 0);
	uint64_t pages = 0;
	for (size_t i = 0; i < made->m.n; i++)
		pages += made->m.ranges[i].len / MADE_PAGE;
	EXPECT_EQ(a->pages_held, pages);
}

TEST(every_byte_comes_back)
{
	for (unsigned seed = 1; seed <= 40; seed++) {
		const struct made_kdump_how how = {
			.version = seed % 7,
			.flags = seed % 5 ? (1U << seed % 6 & ALL) : ALL,
			.parts = seed % 7 >= 2 && seed % 3 == 0 ? 1 + seed % MOST_PARTS : 0,
			.is_32 = seed % 4 == 1,
			.one_bitmap = seed % 5 == 2,
			.vmcoreinfo = info,
			.notes = seed % 2 ? note : NULL,
			.notes_size = sizeof(note) - 1,
		};
		sonde_auto(made_dump_fini) struct made_dump made;

		made_dump_init(&made, seed, &how);
		made_dump_write(&made);
		expect_all(&made, &how);
	}
}

TEST(pages_of_the_machine_that_it_has_not_were_left_out)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		const struct made_kdump_how how = {
			.version = seed % 7,
			.flags = ALL,
			.parts = seed % 7 >= 2 && seed % 3 == 0 ? 2 : 0,
			.one_bitmap = seed % 4 == 3,
		};
		sonde_auto(made_dump_fini) struct made_dump made;
		sonde_auto(dump_closep) struct dump *d = NULL;
		uint64_t n = 0, end = 0;
		char words[256];

		made_dump_init(&made, seed, &how);
		made_dump_write(&made);
		EXPECT_EQ(dump_open(made.paths, made.n, &d), 0);
		if (!d)
			continue;
		for (size_t i = 0; i < made.m.n; i++)
			end = made.m.ranges[i].pa + made.m.ranges[i].len;
		for (uint64_t pfn = 0; pfn < end / MADE_PAGE; pfn++) {
			const bool out =
				!how.one_bitmap && pfn % 3 && !made_has(&made.m, pfn * MADE_PAGE);

			EXPECT_EQ(dump_left_out(d, pfn * MADE_PAGE + 5), out);
			n += out;
		}
		EXPECT(!dump_left_out(d, UINT64_MAX));
		// Behind the last page there may be some more.
		EXPECT(dump_count_left_out(d) >= n && dump_count_left_out(d) <= n + 100);
		dump_describe(d, words, sizeof(words));
		EXPECT_EQ(strstr(words, " more were left out when it was written") != NULL,
			  dump_count_left_out(d) != 0);
		EXPECT_EQ(strstr(words, " (level 31)") != NULL,
			  how.version >= 1 && dump_count_left_out(d) != 0);
	}
}

TEST(flattened_and_packed)
{
	static const char *const hows[] = { NULL, "gzip", "zstd", "xz", "bzip2" };
	const struct made_kdump_how how = { .version = 6, .flags = ALL, .vmcoreinfo = info };

	for (unsigned seed = 0; seed < 4 * MEM_LEN(hows); seed++) {
		const char *packing = hows[seed % MEM_LEN(hows)];
		bool flat = seed / MEM_LEN(hows) % 2, two = seed / MEM_LEN(hows) / 2;
		sonde_auto(made_dump_fini) struct made_dump made;
		sonde_auto(dump_closep) struct dump *d = NULL;

		made_dump_init(&made, seed, &how);
		if (flat)
			made_flatten(&made.m, &made.files[0]);
		if (packing && !made_pack(&made.files[0], packing, two))
			continue;
		made_dump_write(&made);
		expect_all(&made, &how);
		EXPECT_EQ(dump_open(made.paths, 1, &d), 0);
		if (packing || flat)
			EXPECT_STR(dump_about(d)->unpacked, packing ? packing : "flattened");
	}
}

/* The first bytes of pages, whatever they are packed with. */
TEST(pages_begin_as_they_go_on)
{
	static const unsigned flags[] = { 0, KDUMP_ZLIB, KDUMP_LZO, KDUMP_SNAPPY, KDUMP_ZSTD };

	for (unsigned i = 0; i < MEM_LEN(flags); i++) {
		const struct made_kdump_how how = {
			.version = 6,
			.flags = made_can_pack(flags[i]),
			.vmcoreinfo = info,
		};
		struct made_dump made;
		struct dump *d = NULL;
		uint64_t at = 0;
		uint8_t want[16], got[16];

		made_dump_init(&made, i + 1, &how);
		made_dump_write(&made);
		EXPECT_EQ(dump_open(made.paths, made.n, &d), 0);
		for (unsigned n = 0; d && n < 100 && dump_next(d, at, &at); n++) {
			const uint64_t packed = dump_packed(d, at);

			made_fill(&made.m, at, want, sizeof(want));
			EXPECT_EQ(dump_begin(d, at + 100, got, sizeof(got)), 0);
			EXPECT(!memcmp(want, got, sizeof(want)));
			EXPECT(packed && packed <= MADE_PAGE);
			at += MADE_PAGE;
		}
		EXPECT_EQ(dump_begin(d, 1ull << 40, got, 1), -ENODATA);
		EXPECT_EQ(dump_packed(d, 1ull << 40), 0);
		dump_close(d);
		made_dump_fini(&made);
	}
}

TEST(missing_parts_are_told)
{
	const struct made_kdump_how how = { .version = 6, .flags = ALL, .parts = 3 };
	sonde_auto(made_dump_fini) struct made_dump made;
	struct dump *d = NULL;
	uint8_t byte;

	made_dump_init(&made, 21, &how);
	made_dump_write(&made);
	EXPECT_EQ(dump_open(made.paths, 2, &d), 0);
	EXPECT(strstr(dump_about(d)->cut, " pages are in files of this split dump that were not"));
	EXPECT_EQ(dump_read(d, made.m.ranges[0].pa, &byte, 1), -ENODATA);
	dump_close(d);

	const char *twice[] = { made.paths[0], made.paths[1], made.paths[0] };
	EXPECT_EQ(dump_open(twice, 3, &d), -EINVAL);
	EXPECT(strstr(sonde_err_str(), " have the same pages"));
}

TEST(a_cut_file_is_read_as_far_as_it_goes)
{
	const struct made_kdump_how how = { .version = 6, .flags = ALL, .vmcoreinfo = info };
	sonde_auto(made_dump_fini) struct made_dump made;

	for (unsigned flat = 0; flat < 2; flat++) {
		made_dump_init(&made, 5, &how);
		if (flat)
			made_flatten(&made.m, &made.files[0]);
		size_t whole = made.files[0].len;
		for (size_t len = 0; len < whole; len += 1 + whole / 150) {
			struct made_file part = { 0 };
			struct dump *d = NULL;
			uint8_t got[64], wanted[64];

			made_put(&part, 0, made.files[0].data, len);
			made_write(&part);
			const char *path = part.path;
			int r = dump_open(&path, 1, &d);
			EXPECT(r == 0 || r == -EBADMSG || r == -ENODATA || r == -EINVAL ||
			       r == -ENOTSUP);
			EXPECT(r < 0 || dump_about(d)->cut);
			for (size_t i = 0; r == 0 && i < made.m.n; i++) {
				uint64_t pa = made.m.ranges[i].pa;
				int rr = dump_read(d, pa, got, sizeof(got));

				made_fill(&made.m, pa, wanted, sizeof(wanted));
				EXPECT(rr == -ENODATA || rr == -EBADMSG ||
				       (rr == 0 && (flat || !memcmp(got, wanted, sizeof(got)))));
			}
			dump_close(d);
			made_fini(&part);
		}
		made_dump_fini(&made);
		made.n = 0;
	}
}

/** One field that lies. */
TEST(lies_are_refused)
{
	static const struct {
		size_t off, n;
		uint64_t value;
		const char *words;
	} lies[] = {
		{ 428, 4, 8191, "header has blocks of 8191 bytes, wanted 4096 to 65536" },
		{ 428, 4, 1 << 30, "header has blocks of 1073741824 bytes" },
		{ 432, 4, UINT32_MAX, "ends before the bitmap of its pages" },
		{ 436, 4, 0, "has no bitmap of its pages" },
		{ 12 + 4 * 65, 6, 0x343678357061, "is of a machine 'ap5x64'" },
		{ MADE_PAGE + 96, 8, 0, NULL },
	};
	const struct made_kdump_how how = { .version = 6, .flags = ALL };
	sonde_auto(made_dump_fini) struct made_dump made;

	made_dump_init(&made, 5, &how);
	for (size_t i = 0; i < MEM_LEN(lies); i++) {
		struct made_file lie = { 0 };
		struct dump *d = NULL;

		made_put(&lie, 0, made.files[0].data, made.files[0].len);
		made_put(&lie, lies[i].off, &lies[i].value, lies[i].n);
		made_write(&lie);
		const char *path = lie.path;
		int r = dump_open(&path, 1, &d);
		EXPECT(r < 0 || !lies[i].words);
		if (lies[i].words && !strstr(sonde_err_str(), lies[i].words))
			EXPECT_STR(sonde_err_str(), lies[i].words);
		dump_close(d);
		made_fini(&lie);
	}
}

/** A header that does not name the machine: the size of its registers does. */
TEST(machines_without_names)
{
	static const struct {
		uint32_t size;
		int arch;
	} machines[] = {
		{ 336, DUMP_X86_64 }, { 392, DUMP_AARCH64 }, { 376, DUMP_RISCV64 },
		{ 144, DUMP_I386 },   { 100, -ENOTSUP },
	};

	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		const Elf64_Nhdr head = { 5, machines[i].size, NT_PRSTATUS };
		char regs[sizeof(head) + 8 + 392] = { 0 };
		struct made_kdump_how how = { .version = 6, .flags = KDUMP_ZLIB, .notes = regs };
		sonde_auto(made_dump_fini) struct made_dump made;
		struct dump *d = NULL;

		memcpy(regs, &head, sizeof(head));
		memcpy(regs + sizeof(head), "CORE", 5);
		how.notes_size = sizeof(head) + 8 + machines[i].size;
		made_dump_init(&made, 5, &how);
		struct made_file *f = &made.files[0];
		made_put(f, 12 + 4 * 65, "Unknown", 8);
		(void)unlink(f->path); // it is written anew
		made_write(f);
		const char *path = f->path;
		int r = dump_open(&path, 1, &d);
		EXPECT_EQ(r < 0 ? r : (int)dump_about(d)->arch, machines[i].arch);
		dump_close(d);
	}
}

/** Random bytes anywhere: an answer, or words; never a crash. */
TEST(damage_is_survived)
{
	const struct made_kdump_how how = { .version = 6, .flags = ALL, .vmcoreinfo = info };
	sonde_auto(made_dump_fini) struct made_dump made;

	made_dump_init(&made, 11, &how);
	for (unsigned i = 0; i < 100; i++) {
		struct made_file bad = { 0 };
		struct dump *d = NULL;
		uint8_t page[MADE_PAGE];

		made_put(&bad, 0, made.files[0].data, made.files[0].len);
		for (unsigned k = 0; k < 20; k++) {
			uint64_t most = i % 2 ? bad.len : 5 * MADE_PAGE;
			uint8_t byte = (uint8_t)made_random(&made.m, 256);

			made_put(&bad, made_random(&made.m, most), &byte, 1);
		}
		made_write(&bad);
		const char *path = bad.path;
		int r = dump_open(&path, 1, &d);
		for (uint64_t pa = 0; r == 0 && pa < 1 << 21; pa += MADE_PAGE) {
			int rr = dump_read(d, pa, page, sizeof(page));

			EXPECT(rr == 0 || rr == -ENODATA || rr == -EBADMSG || rr == -ENOTSUP);
		}
		dump_close(d);
		made_fini(&bad);
	}
}

struct reader {
	struct made_memory m; /* of its own: its sequence moves */
	struct dump *d;
};

static void *read_much(void *arg)
{
	struct reader *r = arg;

	made_compare(&r->m, r->d, 2000);
	return NULL;
}

TEST(many_threads_read_at_once)
{
	enum { READERS = 4 };
	const struct made_kdump_how how = { .version = 6, .flags = ALL };
	sonde_auto(made_dump_fini) struct made_dump made;
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct reader readers[READERS];
	pthread_t threads[READERS];

	made_dump_init(&made, 39, &how);
	made_dump_write(&made);
	sonde_check(dump_open(made.paths, 1, &d) == 0);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ made.m, d };
		readers[i].m.random += i;
		sonde_check(!pthread_create(&threads[i], NULL, read_much, &readers[i]));
	}
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
}

/** More pages than a set of the cache has room for are held at once, and stay what they are. */
TEST(held_pages_stay)
{
	enum { PAGES = 512 };
	const struct made_kdump_how how = { .version = 6, .flags = ALL };
	sonde_auto(made_dump_fini) struct made_dump made;
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct dump_page held[PAGES];
	size_t n = 0;

	made_dump_init(&made, 39, &how);
	made_dump_write(&made);
	sonde_check(dump_open(made.paths, 1, &d) == 0);
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t pa = 0; pa < 1 << 21 && n < PAGES; pa += MADE_PAGE)
			n += dump_page(d, pa, &held[n]) == 0;
	}
	n = 0;
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t pa = 0; pa < 1 << 21 && n < PAGES; pa += MADE_PAGE) {
			uint8_t wanted[MADE_PAGE];

			if (!made_has(&made.m, pa))
				continue;
			made_fill(&made.m, pa, wanted, sizeof(wanted));
			EXPECT(!memcmp(held[n].bytes, wanted, sizeof(wanted)));
			dump_release(d, &held[n++]);
		}
	}
	EXPECT(n > 100);
}

static struct made_dump oom_dump;

static int open_and_read(void)
{
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct dump_page p[12];
	size_t n = 0;

	int r = dump_open(oom_dump.paths, 1, &d);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < MEM_LEN(p); i++, n += r == 0)
		r = dump_page(d, oom_dump.m.ranges[0].pa + i / 2 * MADE_PAGE, &p[n]);
	while (n)
		dump_release(d, &p[--n]);
	return r;
}

TEST(out_of_memory_is_an_ordinary_failure)
{
	const struct made_kdump_how how = { .version = 6, .flags = KDUMP_ZSTD, .vmcoreinfo = info };

	for (unsigned i = 0; i < 2; i++) {
		made_dump_init(&oom_dump, 2, &how);
		if (i)
			made_flatten(&oom_dump.m, &oom_dump.files[0]);
		made_dump_write(&oom_dump);
		test_oom(open_and_read);
		made_dump_fini(&oom_dump);
	}
}
