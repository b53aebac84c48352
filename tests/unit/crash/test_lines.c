/* SPDX-License-Identifier: MIT */
/** Lines and inlined calls of a small kernel, in all forms that its file may have. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "crash/freebsd/symbols.h"
#include "sym/lines/lines.h"
#include "test.h"

static const char *path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", SUBJECTS, name);
	return path;
}

/* "function file:line" of each frame, '|' before those that are inlined. */
static const char *at(struct lines *l, uint64_t addr)
{
	static char out[1024];
	struct line_frame f[LINES_DEPTH];
	size_t len = 0, n = lines_at(l, addr, f, LINES_DEPTH);

	*out = '\0';
	for (size_t i = 0; i < n && len < sizeof(out); i++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s %s:%u%s", i ? " " : "",
					f[i].function ? f[i].function : "?",
					f[i].file ? f[i].file : "?", f[i].line,
					f[i].is_inlined ? " in" : "");
	return out;
}

static uint64_t place(const struct bsd_symbols *s, const char *name)
{
	const struct bsd_symbol *found = bsd_symbols_named(s, name);

	EXPECT(found);
	return found ? found->start : 0;
}

static void expect_lines(struct lines *l, const struct bsd_symbols *s, uint64_t moved)
{
	EXPECT_STR(at(l, moved + place(s, "here_deepest")),
		   "deepest include/deep.h:102 in middle include/middle.h:205 in "
		   "crash_here core/main.c:304");
	EXPECT_STR(at(l, moved + place(s, "here_middle")),
		   "middle include/middle.h:206 in crash_here core/main.c:304");
	EXPECT_STR(at(l, moved + place(s, "here_plain")), "crash_here core/main.c:305");
	EXPECT_STR(at(l, moved + place(s, "here_caller")), "kernel_main core/main.c:404");
	EXPECT_STR(at(l, 0), "");
	EXPECT_STR(at(l, UINT64_MAX), "");
}

TEST(forms_of_a_kernels_file)
{
	static const char *const files[] = { "kernel.dwarf4", "kernel.dwarf5", "kernel.packed",
					     "kernel.noaranges", "kernel.stripped" };

	for (size_t i = 0; i < MEM_LEN(files); i++) {
		sonde_auto(lines_freep) struct lines *l = NULL;
		struct bsd_symbols s = { 0 };

		printf("# %s\n", files[i]);
		EXPECT_EQ(lines_open(path_of(files[i]), NULL, &l), 0);
		EXPECT_EQ(bsd_symbols_open(path_of(files[i]), &s), 0);
		if (l && s.n)
			expect_lines(l, &s, 0);
		bsd_symbols_fini(&s);
	}
}

static bool where(void *arg, const char *section, uint64_t *ret)
{
	if (strcmp(section, ".text") != 0)
		return false;
	*ret = *(uint64_t *)arg;
	return true;
}

TEST(module)
{
	uint64_t text = 0xffffffffc0601000;
	const struct lines_sections sections = { where, &text };
	sonde_auto(lines_freep) struct lines *l = NULL;
	struct bsd_symbols s = { 0 };
	struct lines *none = NULL;

	EXPECT_EQ(lines_open(path_of("subject-module.ko"), &sections, &l), 0);
	EXPECT_EQ(bsd_symbols_open(path_of("subject-module.ko"), &s), 0);
	if (l && s.n)
		expect_lines(l, &s, text);
	bsd_symbols_fini(&s);
	EXPECT_EQ(lines_open(path_of("subject-module.ko"), NULL, &none), -ENODATA);
	EXPECT(!none);
}

TEST(files_that_tell_nothing)
{
	struct lines *l = NULL;

	EXPECT_EQ(lines_open(path_of("kernel.plain"), NULL, &l), -ENOENT);
	EXPECT(strstr(sonde_err_str(), "has no debug information (DWARF)"));
	EXPECT_EQ(lines_open("/nonexistent", NULL, &l), -ENOENT);
	EXPECT_EQ(lines_open(__FILE__, NULL, &l) < 0, true);
	EXPECT(!l);
}
