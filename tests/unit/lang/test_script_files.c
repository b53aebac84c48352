/* SPDX-License-Identifier: MIT */
/**
 * Scripts and what the parser says of them: good/NAME.bt prints NAME.out, bad/NAME.bt is refused
 * with the words of NAME.out. UPDATE=1 in the environment writes the .out files anew.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "base/mem.h"
#include "lang/syntax/parse.h"

enum { ROOM = 1 << 20 };

/* To be freed; NULL: cannot be read. */
static char *read_text(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? calloc(1, ROOM + 1) : NULL;

	if (text)
		*ret_len = fread(text, 1, ROOM, f);
	if (f)
		fclose(f);
	return text;
}

static void compare(const char *path, const struct strbuf *out)
{
	char name[4096];
	size_t len = 0;

	snprintf(name, sizeof(name), "%.*s.out", (int)strlen(path) - 3, path);
	if (getenv("UPDATE")) {
		FILE *f = fopen(name, "wb");

		EXPECT(f && fwrite(strbuf_text(out), 1, out->len, f) == out->len);
		if (f)
			fclose(f);
	}
	char *want = read_text(name, &len);
	EXPECT(want);
	if (want && strcmp(want, strbuf_text(out)) != 0)
		test_failed(__FILE__, __LINE__, "%s: got\n%s", name, strbuf_text(out));
	free(want);
}

static void file(const char *path, bool is_good)
{
	static const char *const params[] = { "one", "2" };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };
	struct strbuf printed = { 0 };
	size_t len = 0;

	char *text = read_text(path, &len);
	EXPECT(text);
	struct diag d = { .name = strrchr(path, '/') + 1, .text = text, .text_len = len };
	int r = parse_bt(&d, &arena, params, MEM_LEN(params), &s);
	if (r != (is_good ? 0 : -EINVAL))
		test_failed(__FILE__, __LINE__, "%s: returned %d\n%s", path, r,
			    strbuf_text(&d.out));
	if (is_good && r == 0)
		ast_print(&s, &printed);
	compare(path, is_good ? &printed : &d.out);
	diag_fini(&d);
	strbuf_fini(&printed);
	arena_fini(&arena);
	free(text);
}

static void files(const char *pattern, bool is_good)
{
	glob_t found = { 0 };

	EXPECT_EQ(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		file(found.gl_pathv[i], is_good);
	globfree(&found);
}

TEST(good_scripts)
{
	files(SCRIPTS "/good/*.bt", true);
}

TEST(bad_scripts)
{
	files(SCRIPTS "/bad/*.bt", false);
}
