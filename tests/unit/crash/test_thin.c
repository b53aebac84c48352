/* SPDX-License-Identifier: MIT */
/** Thin dumps: they have the pages that were read, all that the dump said, and nothing else. */
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/kdump_header.h"
#include "crash/dump/minidump.h"
#include "crash/dump/touched.h"
#include "crash/thin/thin.h"
#include "crash/verbs/words.h"
#include "made_minidump.h"
#include "test.h"

static const char info[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(phys_base)=-4096\n";

enum { READS = 10 };

static int open_one(const char *path, struct dump **ret)
{
	const char *paths[] = { path };

	return dump_open(paths, 1, ret);
}

/* Reads here and there; @ret is the memory of the pages that this touches. */
static struct touched *read_some(struct made_memory *m, struct dump *d, struct made_memory *ret)
{
	uint8_t bytes[2 * MADE_PAGE];
	struct touched *t = NULL;
	struct dump_page page;

	EXPECT_EQ(touched_new(MADE_PAGE, &t), 0);
	dump_watch(d, t);
	for (unsigned i = 0; i < READS; i++) {
		size_t k = made_random(m, m->n);
		uint64_t pa = m->ranges[k].pa + made_random(m, m->ranges[k].len);

		if (i % 2)
			(void)!dump_read(d, pa, bytes, 1 + made_random(m, sizeof(bytes)));
		else if (dump_page(d, pa, &page) == 0)
			dump_release(d, &page);
	}
	dump_watch(d, NULL);
	*ret = *m;
	ret->n = 0;
	return t;
}

/* What @m has of these pages, in order. */
static void keep_pages(const struct made_memory *m, const uint64_t *pages, size_t n,
		       struct made_memory *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t at = pages[i] * MADE_PAGE, end = at + MADE_PAGE;

		while (at < end) {
			uint64_t begin = at;

			while (at < end && made_has(m, at))
				at++;
			if (at > begin && ret->n < MADE_RANGES) {
				ret->ranges[ret->n].pa = begin;
				ret->ranges[ret->n++].len = at - begin;
			}
			while (at < end && !made_has(m, at))
				at++;
		}
	}
}

static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *data = malloc(1 << 24);

	*ret_len = f && data ? fread(data, 1, 1 << 24, f) : 0;
	if (f)
		fclose(f);
	return data;
}

static void expect_same_files(const char *a, const char *b)
{
	size_t n_a, n_b;
	char *x = slurp(a, &n_a), *y = slurp(b, &n_b);

	EXPECT_EQ(n_a, n_b);
	EXPECT(n_a && !memcmp(x, y, n_a < n_b ? n_a : n_b));
	free(x);
	free(y);
}

/* A thin dump of all pages of a thin dump is that dump. */
static void expect_stable(struct dump *thin, const uint64_t *pages, size_t n, const char *path)
{
	char again[128];
	struct thin_result result;

	(void)snprintf(again, sizeof(again), "%s.again", path);
	if (dump_is_minidump(thin)) {
		size_t len;

		(void)minidump_messages(thin, &len);
	}
	EXPECT_EQ(thin_write(thin, pages, n, again, &result), 0);
	expect_same_files(path, again);
	(void)unlink(again);
}

/* Thins the dump in @f and compares. */
static void try_thin(struct made_memory *m, const struct made_file *f, const char *format)
{
	sonde_auto(dump_closep) struct dump *d = NULL, *thin = NULL;
	struct made_memory kept;
	uint64_t *pages = NULL;
	size_t n = 0;
	struct thin_result result = { .format = "?" };
	char path[80], words[512];
	struct stat st;

	EXPECT_EQ(open_one(f->path, &d), 0);
	if (!d)
		return;
	(void)snprintf(path, sizeof(path), "%s.thin", f->path);
	struct touched *t = read_some(m, d, &kept);
	EXPECT_EQ(touched_pages(t, &pages, &n), 0);
	touched_free(t);
	keep_pages(m, pages, n, &kept);
	int r = thin_write(d, pages, n, path, &result);
	if (r == 0)
		r = open_one(path, &thin);
	EXPECT_STR(r < 0 ? sonde_err_str() : "", "");
	EXPECT_STR(result.format, format);
	if (thin) {
		EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
		EXPECT_EQ(st.st_size, result.bytes);
		made_compare(&kept, thin, 100);
		dump_describe(d, words, sizeof(words));
		EXPECT_STR(dump_about(thin)->origin, words);
		EXPECT_EQ(dump_about(thin)->arch, dump_about(d)->arch);
		EXPECT_EQ(dump_about(thin)->vmcoreinfo_size, dump_about(d)->vmcoreinfo_size);
		EXPECT(!dump_about(thin)->cut);
		expect_stable(thin, pages, n, path);
	}
	(void)unlink(path);
	free(pages);
}

TEST(cores)
{
	static const struct {
		struct made_elf_how how;
		bool whole;
		const char *format;
	} kinds[] = {
		{ { .machine = EM_X86_64, .ehsize = 64, .vmcoreinfo = info }, true, "kdump" },
		{ { .machine = EM_X86_64, .ehsize = 64, .vmcoreinfo = info }, false, "ELF" },
		{ { .machine = EM_AARCH64, .ehsize = 64 }, true, "kdump" },
		{ { .machine = EM_RISCV, .ehsize = 64, .vmcoreinfo = info }, true, "ELF" },
		{ { .machine = EM_386, .ehsize = 52, .is_32 = true }, true, "ELF" },
	};

	for (unsigned seed = 1; seed <= 30; seed++) {
		unsigned i = seed % MEM_LEN(kinds);
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, seed, 1 + seed % 8, 1 << 19, kinds[i].whole);
		// A page's part would make it an ELF core, were it touched or not.
		if (!kinds[i].whole) {
			m.n = 1;
			m.ranges[0].pa = MADE_PAGE * seed + 100;
			m.ranges[0].len = 3 * MADE_PAGE - 200;
		}
		made_elf(&m, &kinds[i].how, &f);
		made_write(&f);
		try_thin(&m, &f, kinds[i].format);
	}
}

TEST(kdumps)
{
	const struct made_kdump_how how = { .version = 6, .vmcoreinfo = info };

	for (unsigned seed = 1; seed <= 10; seed++) {
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, seed, 1 + seed, 1 << 20, true);
		made_kdump(&m, &how, &f);
		made_write(&f);
		try_thin(&m, &f, "kdump");
	}
}

TEST(minidumps)
{
	static const struct {
		const char *arch;
		uint32_t version;
		bool pae;
	} kinds[] = { { "amd64", 1, false }, { "amd64", 2, false }, { "amd64", 3, false },
		      { "arm64", 1, false }, { "arm64", 2, false }, { "riscv", 2, false },
		      { "i386", 1, false },  { "i386", 2, true } };

	for (unsigned seed = 1; seed <= 24; seed++) {
		unsigned i = seed % MEM_LEN(kinds);
		const struct made_minidump how = { .arch = kinds[i].arch,
						   .version = kinds[i].version,
						   .pae = kinds[i].pae,
						   .messages = "secret\n" };
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, seed, 1 + seed, 1 << 19, true);
		made_minidump(&m, &how, &f);
		made_write(&f);
		try_thin(&m, &f, "FreeBSD minidump");
	}
}

TEST(messages_that_nobody_read_stay_behind)
{
	const struct made_minidump how = { .arch = "amd64", .version = 3, .messages = "secret\n" };
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;
	struct thin_result result;
	char path[80];

	made_ranges(&m, 1, 3, 1 << 19, true);
	made_minidump(&m, &how, &f);
	made_write(&f);
	(void)snprintf(path, sizeof(path), "%s.thin", f.path);
	for (int asked = 0; asked < 2; asked++) {
		sonde_auto(dump_closep) struct dump *d = NULL, *thin = NULL;
		uint64_t page = m.ranges[0].pa / MADE_PAGE;
		size_t len;

		EXPECT_EQ(open_one(f.path, &d), 0);
		if (asked)
			(void)minidump_messages(d, &len);
		EXPECT_EQ(thin_write(d, &page, 1, path, &result), 0);
		EXPECT_EQ(open_one(path, &thin), 0);
		if (asked)
			EXPECT_STR(minidump_messages(thin, &len), "secret\n");
		(void)minidump_messages(thin, &len);
		EXPECT_EQ(len != 0, asked);
		(void)unlink(path);
	}
}

TEST(a_dump_is_not_written_over_itself)
{
	const struct made_kdump_how how = { .version = 6, .vmcoreinfo = info };
	sonde_auto(made_fini) struct made_file f;
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct made_memory m;
	struct thin_result result;
	uint64_t page = 0;

	made_ranges(&m, 1, 3, 1 << 19, true);
	made_kdump(&m, &how, &f);
	made_write(&f);
	EXPECT_EQ(open_one(f.path, &d), 0);
	page = m.ranges[0].pa / MADE_PAGE;
	EXPECT_EQ(thin_write(d, &page, 1, f.path, &result), -EINVAL);
	EXPECT(strstr(sonde_err_str(), "is the dump itself"));
	EXPECT_EQ(thin_write(d, &page, 1, "/dev/null", &result), -EINVAL);
	EXPECT_EQ(thin_write(d, &page, 1, "/nonexistent/thin", &result), -ENOENT);
	EXPECT_EQ(thin_write(d, &page, 0, "/nonexistent/thin", &result), -ENODATA);
	made_compare(&m, d, 20);
}

/* All pages of a dump; the caller frees them. */
static uint64_t *all_pages(struct dump *d, size_t *ret_n)
{
	uint64_t *pages = calloc(dump_about(d)->pages_held, sizeof(*pages)), at = 0, len;
	size_t n = 0;

	for (; (len = dump_next(d, at, &at)) != 0; at += len) {
		for (uint64_t i = 0; i < len / MADE_PAGE; i++)
			pages[n++] = at / MADE_PAGE + i;
	}
	EXPECT_EQ(n, dump_about(d)->pages_held);
	*ret_n = n;
	return pages;
}

/* Whether one CPU works or all do. */
TEST(the_same_bytes_however_many_work)
{
	const struct made_elf_how how = { .machine = EM_X86_64, .ehsize = 64, .vmcoreinfo = info };
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m = { .seed = 5, .n = 1, .ranges = { { 1 << 20, 900 * MADE_PAGE } } };
	struct dump *d = NULL, *thin = NULL;
	struct thin_result result;
	char one[80], all[80];
	cpu_set_t before, first;
	size_t n = 0;

	made_elf(&m, &how, &f);
	made_write(&f);
	EXPECT_EQ(open_one(f.path, &d), 0);
	uint64_t *pages = all_pages(d, &n);
	(void)snprintf(one, sizeof(one), "%s.one", f.path);
	(void)snprintf(all, sizeof(all), "%s.all", f.path);
	EXPECT_EQ(thin_write(d, pages, n, all, &result), 0);
	EXPECT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&first);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&first); i++) {
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &first);
	}
	EXPECT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
	EXPECT_EQ(thin_write(d, pages, n, one, &result), 0);
	EXPECT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
	expect_same_files(one, all);
	EXPECT_EQ(open_one(all, &thin), 0);
	if (thin)
		made_compare(&m, thin, 300);
	dump_close(thin);
	free(pages);
	dump_close(d);
	(void)unlink(one);
	(void)unlink(all);
}

/* One of many pages cannot be read: there is no file then, and words of that page. */
TEST(a_damaged_page_is_told)
{
	const struct made_kdump_how how = { .version = 6, .vmcoreinfo = info };
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m = { .seed = 6, .n = 1, .ranges = { { 1 << 20, 600 * MADE_PAGE } } };
	struct dump *d = NULL;
	struct thin_result result;
	uint32_t blocks[2], flags = 0x4000 | KDUMP_ZLIB | KDUMP_LZO;
	char path[80];
	size_t n = 0;

	made_kdump(&m, &how, &f);
	memcpy(blocks, f.data + 432, sizeof(blocks)); // of the sub-header and the bitmaps
	made_put(&f, (1ul + blocks[0] + blocks[1]) * MADE_PAGE + 555 * 24 + 12, &flags,
		 sizeof(flags));
	made_write(&f);
	EXPECT_EQ(open_one(f.path, &d), 0);
	uint64_t *pages = all_pages(d, &n);
	(void)snprintf(path, sizeof(path), "%s.thin", f.path);
	EXPECT_EQ(thin_write(d, pages, n, path, &result), -EBADMSG);
	EXPECT(strstr(sonde_err_str(), "page at 0x32b000: flags 0x4003"));
	EXPECT_EQ(access(path, F_OK), -1);
	free(pages);
	dump_close(d);
}

static struct dump *oom_dump;
static uint64_t oom_page;

static int write_without_memory(void)
{
	struct thin_result result;
	struct touched *t = NULL;
	uint64_t *pages = NULL;
	size_t n = 0;
	char path[64];

	int r = touched_new(MADE_PAGE, &t);
	if (r < 0)
		return r;
	touched_add(t, oom_page * MADE_PAGE, MADE_PAGE);
	r = touched_pages(t, &pages, &n);
	touched_free(t);
	(void)snprintf(path, sizeof(path), "/tmp/sonde-test-thin-%d", (int)getpid());
	if (r == 0)
		r = thin_write(oom_dump, pages, n, path, &result);
	free(pages);
	EXPECT_EQ(access(path, F_OK), r == 0 ? 0 : -1);
	(void)unlink(path);
	return r;
}

TEST(without_memory_nothing_is_left)
{
	const struct made_elf_how core = { .machine = EM_RISCV, .ehsize = 64, .vmcoreinfo = info };
	const struct made_kdump_how kdump = { .version = 6, .vmcoreinfo = info };
	const struct made_minidump mini = { .arch = "arm64", .version = 2, .messages = "m" };

	for (int kind = 0; kind < 3; kind++) {
		sonde_auto(made_fini) struct made_file f;
		struct made_memory m;

		made_ranges(&m, 1, 3, 1 << 19, true);
		if (kind == 0)
			made_elf(&m, &core, &f);
		else if (kind == 1)
			made_kdump(&m, &kdump, &f);
		else
			made_minidump(&m, &mini, &f);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &oom_dump), 0);
		oom_page = m.ranges[0].pa / MADE_PAGE;
		test_oom(write_without_memory);
		dump_close(oom_dump);
	}
}

TEST(words_of_a_line)
{
	static const struct {
		const char *line, *words; /* each ended by | */
	} lines[] = {
		{ "", "" },
		{ "  bt  -r ", "bt|-r|" },
		{ "list modules 'struct module' list", "list|modules|struct module|list|" },
		{ "a\\ b \"c 'd\\\" e\"'f\\'", "a b|c 'd\" ef\\|" },
		{ "'' x\"\"y", "|xy|" },
		{ "a\\", "a\\|" },
	};

	for (size_t i = 0; i < MEM_LEN(lines); i++) {
		struct crash_words w = { 0 };
		char got[128] = "";

		EXPECT_EQ(crash_words_split(lines[i].line, &w), 0);
		for (size_t k = 0; k < w.n; k++)
			(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s|",
				       w.all[k]);
		EXPECT_STR(got, lines[i].words);
		EXPECT(!w.all[w.n]);
		crash_words_fini(&w);
	}
	struct crash_words w = { 0 };
	EXPECT_EQ(crash_words_split("bt 'x", &w), -EINVAL);
	EXPECT(!w.all);
}
