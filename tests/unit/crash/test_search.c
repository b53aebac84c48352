/* SPDX-License-Identifier: MIT */
/** The search through a dump's memory, against one that goes byte by byte. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "crash/core.h"
#include "crash/verbs/all.h"
#include "made_memory.h"
#include "test.h"

static bool symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret)
{
	(void)c, (void)name, (void)ret;
	return false;
}

static const struct crash_system made = { .symbol_named = symbol_named };

static unsigned notes;

static void note(const char *line)
{
	(void)line;
	notes++;
}

/* What the verb shows, at most @limit; the caller frees. */
static char *searched(struct dump *d, char *what, unsigned limit)
{
	char *argv[] = { what, NULL };
	struct crash_core core = { .dump = d, .system = &made, .about = dump_about(d) };
	const struct crash_args args = { .limit = limit };
	struct sonde_out out;
	struct crash_run run = {
		.core = &core, .args = &args, .argc = 1, .argv = argv, .out = &out, .note = note
	};

	sonde_auto(mem_closep) int fd = memfd_create("out", MFD_CLOEXEC);

	notes = 0;
	EXPECT_EQ(out_init(&out, fd), 0);
	EXPECT_EQ(crash_search.run(&run), 0);
	EXPECT_EQ(out_flush(&out), 0);
	out_fini(&out);
	const off_t len = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);
	EXPECT(text && pread(fd, text, (size_t)len, 0) == len);
	return text;
}

/* The same, slowly: whatever is @what at a multiple of @step, all of it within memory. */
static void expect_found(const struct made_memory *m, const char *got, const uint8_t *what,
			 size_t len, size_t step, unsigned limit)
{
	struct strbuf wanted = { 0 };
	unsigned n = 0;
	uint8_t bytes[8];

	for (size_t i = 0; i < m->n; i++) {
		const uint64_t end = m->ranges[i].pa + m->ranges[i].len;

		for (uint64_t pa = m->ranges[i].pa; pa < end && n < limit; pa += step) {
			made_fill(m, pa, bytes, 1);
			if (bytes[0] != what[0] || !made_has(m, pa + len - 1))
				continue;
			made_fill(m, pa, bytes, len);
			if (memcmp(bytes, what, len) != 0)
				continue;
			strbuf_fmt(&wanted, "physical 0x%" PRIx64 "\n", pa);
			n++;
		}
	}
	EXPECT(n > 0);
	EXPECT_EQ(notes, n == limit);
	if (strcmp(got, strbuf_text(&wanted)) != 0)
		test_failed(__FILE__, __LINE__, "limit %u: %zu bytes, wanted %zu", limit,
			    strlen(got), strlen(strbuf_text(&wanted)));
	strbuf_fini(&wanted);
}

/* Of more pieces than are looked through at a time: each range is one, at least. */
TEST(search_finds_what_a_slow_one_finds)
{
	static const struct made_elf_how how = { .machine = EM_X86_64, .ehsize = 64 };
	static const unsigned limits[] = { 1, 7, 100000 };
	const char *paths[1];
	struct made_memory m;
	sonde_auto(made_fini) struct made_file f;
	sonde_auto(dump_closep) struct dump *d = NULL;
	char word[32];
	uint8_t bytes[8];

	made_ranges(&m, 3, MADE_RANGES, 1 << 23, true);
	made_elf(&m, &how, &f);
	made_write(&f);
	paths[0] = f.path;
	EXPECT_EQ(dump_open(paths, 1, &d), 0);
	for (size_t i = 0; d && i < MEM_LEN(limits); i++) {
		// Over the end of a page, where there is a next one.
		char text[4] = "=";
		uint64_t pa = m.ranges[0].pa + MADE_PAGE - 2;

		do {
			made_fill(&m, ++pa, (uint8_t *)text + 1, 2);
		} while (!text[1] || !text[2]); // a word of a command has no zeros
		char *got = searched(d, text, limits[i]);
		expect_found(&m, got, (const uint8_t *)text + 1, 2, 1, limits[i]);
		free(got);

		uint64_t v;
		made_fill(&m, m.ranges[m.n - 1].pa + 64, bytes, sizeof(bytes));
		memcpy(&v, bytes, sizeof(v));
		(void)snprintf(word, sizeof(word), "0x%" PRIx64, v);
		got = searched(d, word, limits[i]);
		expect_found(&m, got, bytes, 8, 8, limits[i]);
		free(got);
	}
}
