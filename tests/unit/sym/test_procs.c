/* SPDX-License-Identifier: MIT */
/** Tests processes over time: maps that cover others, fork, exec, exit, numbers used again. */
#include <errno.h>
#include <stdio.h>

#include "sym/procs.h"
#include "test.h"

enum { FILES = 16 };

static const char *text_of(const struct procs *p, pid_t pid, uint64_t addr)
{
	static char text[64];
	struct map m;

	if (!procs_find(p, pid, addr, &m))
		return "-";
	snprintf(text, sizeof(text), "%u+%lx", m.dso, (unsigned long)(addr - m.start + m.off));
	return text;
}

static int put(struct procs *p, pid_t pid, uint64_t start, uint64_t end, uint32_t dso)
{
	return procs_mmap(p, pid, &(struct map){ start, end, 0, dso });
}

/* Random maps against an array of pages. */
TEST(maps_agree_with_pages)
{
	enum { PAGES = 64 };
	struct {
		uint32_t dso;
		uint64_t off;
	} want[PAGES] = { 0 };
	struct procs *p = NULL;
	struct map m;
	uint32_t seed = 3;

	EXPECT_EQ(procs_new(&p), 0);
	for (int i = 0; i < 3000; i++) {
		seed = seed * 1664525 + 1013904223;
		uint64_t a = (seed >> 26), len = 1 + ((seed >> 20) & 15);
		uint64_t b = a + len < PAGES ? a + len : PAGES;
		uint64_t off = (seed >> 8) & 0xff;

		EXPECT_EQ(procs_mmap(p, 1, &(struct map){ a, b, off, 1 + (uint32_t)i }), 0);
		for (uint64_t k = a; k < b; k++) {
			want[k].dso = 1 + (uint32_t)i;
			want[k].off = off + (k - a);
		}
		for (uint64_t k = 0; k < PAGES; k++) {
			bool there = procs_find(p, 1, k, &m);

			EXPECT_EQ(there, want[k].dso != 0);
			if (there) {
				EXPECT_EQ(m.dso, want[k].dso);
				EXPECT_EQ(m.off + (k - m.start), want[k].off);
			}
		}
	}
	EXPECT(!procs_find(p, 1, PAGES, &m));
	EXPECT(!procs_find(p, 2, 0, &m));
	procs_free(p);
}

static int a_life(void)
{
	sonde_auto(procs_freep) struct procs *p = NULL;
	int r = procs_new(&p);

	if (r < 0 || (r = procs_comm(p, 10, 10, "shell", 5, false)) < 0 ||
	    (r = put(p, 10, 0x1000, 0x2000, 1)) < 0 || (r = procs_fork(p, 11, 11, 10, 10)) < 0)
		return r;
	// The child has what its parent had, until one of them changes.
	EXPECT_STR(procs_name(p, 11, 11), "shell");
	EXPECT_STR(text_of(p, 11, 0x1234), "1+234");
	if ((r = put(p, 10, 0x1000, 0x2000, 2)) < 0)
		return r;
	EXPECT_STR(text_of(p, 10, 0x1234), "2+234");
	EXPECT_STR(text_of(p, 11, 0x1234), "1+234");

	// Another program: nothing is left of the old one.
	if ((r = procs_comm(p, 11, 11, "a_name_that_is_too_long", 23, true)) < 0)
		return r;
	EXPECT_STR(procs_name(p, 11, 11), "a_name_that_is_");
	EXPECT_STR(text_of(p, 11, 0x1234), "-");
	EXPECT(!procs_has_maps(p, 11) && procs_has_maps(p, 10) && !procs_has_maps(p, 9));
	// But for those who ask for it.
	struct map old;
	EXPECT(procs_find_older(p, 11, 0x1234, &old) && old.dso == 1);
	EXPECT(!procs_find_older(p, 10, 0x1234, &old) && !procs_find_older(p, 9, 0x1234, &old));
	if ((r = put(p, 11, 0x5000, 0x6000, 3)) < 0)
		return r;

	// A thread shares the maps, and may have a name of its own.
	if ((r = procs_fork(p, 11, 12, 11, 11)) < 0 ||
	    (r = procs_comm(p, 11, 12, "worker", 6, false)) < 0)
		return r;
	EXPECT_STR(procs_name(p, 11, 12), "worker");
	EXPECT_STR(procs_name(p, 11, 99), "a_name_that_is_");
	EXPECT(!procs_name(p, 98, 99));

	// What ended is still known; the same number again is somebody else.
	if ((r = procs_exit(p, 11, 12)) < 0 || (r = procs_exit(p, 11, 11)) < 0)
		return r;
	EXPECT_STR(text_of(p, 11, 0x5000), "3+0");
	if ((r = procs_fork(p, 11, 11, 10, 10)) < 0)
		return r;
	EXPECT_STR(text_of(p, 11, 0x5000), "-");
	EXPECT_STR(text_of(p, 11, 0x1000), "2+0");
	return 0;
}

TEST(fork_exec_exit)
{
	EXPECT_EQ(a_life(), 0);
	test_oom(a_life);
}

TEST(what_ended_goes_in_the_end)
{
	struct procs *p = NULL;

	EXPECT_EQ(procs_new(&p), 0);
	EXPECT_EQ(procs_comm(p, 1, 1, "init", 4, false), 0);
	for (pid_t pid = 100; pid < 100000; pid++) {
		EXPECT_EQ(procs_fork(p, pid, pid, 1, 1), 0);
		EXPECT_EQ(put(p, pid, 0x1000, 0x2000, 7), 0);
		EXPECT_EQ(procs_exit(p, pid, pid), 0);
		EXPECT_STR(text_of(p, pid, 0x1000), "7+0");
	}
	EXPECT(procs_count(p) < 20000);
	EXPECT_STR(procs_name(p, 99999, 99999), "init");
	EXPECT(!procs_name(p, 100, 100));
	procs_free(p);
}

static int intern_some(void)
{
	struct dsos d = { 0 };
	uint32_t i = 0, again = 0;
	int r = 0;

	for (uint32_t k = 0; !r && k < 100; k++) {
		struct dso key = { .path = "/usr/lib/a.so (deleted)", .ino = k };

		r = dsos_intern(&d, &key, k % 2 ? strlen(key.path) : 13, &i);
		if (!r) {
			EXPECT_EQ(i, k);
			r = dsos_intern(&d, &key, 13, &again);
		}
		if (!r)
			EXPECT_EQ(again, i);
	}
	if (!r) {
		EXPECT_STR(dso_name(&d.all[3]), "a.so");
		EXPECT_STR(d.all[3].path, "/usr/lib/a.so");
	}
	dsos_fini(&d);
	return r;
}

TEST(files_are_told_apart)
{
	EXPECT_EQ(intern_some(), 0);
	test_oom(intern_some);

	static const struct {
		const char *path, *name;
		bool special;
	} cases[] = {
		{ "/bin/ls", "ls", false },	{ "[vdso]", "[vdso]", true },
		{ "//anon", "[anon]", true },	{ "/memfd:jit", "[anon]", true },
		{ "relative", "[anon]", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dso d = { .path = cases[i].path };

		EXPECT_STR(dso_name(&d), cases[i].name);
		EXPECT_EQ(dso_is_special(&d), cases[i].special);
	}
}
