/* SPDX-License-Identifier: MIT */
/** parse(print(ast)) == ast, over whole scripts: ours, and those of bpftrace where it is there. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "same_ast.h"

static void same_again(const char *name, const char *text, size_t len)
{
	static const char *const params[] = { "one", "2" };
	struct diag d = { .name = name, .text = text, .text_len = len };
	struct strbuf printed = { 0 }, twice = { 0 };
	struct arena arena = { 0 };
	struct script_ast a = { 0 }, b = { 0 };

	if (parse_bt(&d, &arena, params, MEM_LEN(params), &a) != 0) {
		test_failed(__FILE__, __LINE__, "%s", strbuf_text(&d.out));
	} else {
		ast_print(&a, &printed);
		struct diag again = { .name = "printed",
				      .text = strbuf_text(&printed),
				      .text_len = printed.len };

		if (parse_bt(&again, &arena, params, MEM_LEN(params), &b) != 0)
			test_failed(__FILE__, __LINE__, "%s:\n%s%s", name, strbuf_text(&again.out),
				    strbuf_text(&printed));
		else if (!same_script(&a, &b))
			test_failed(__FILE__, __LINE__, "%s: differs:\n%s", name,
				    strbuf_text(&printed));
		ast_print(&b, &twice);
		EXPECT_STR(strbuf_text(&twice), strbuf_text(&printed));
		diag_fini(&again);
	}
	strbuf_fini(&printed);
	strbuf_fini(&twice);
	diag_fini(&d);
	arena_fini(&arena);
}

static void same_file(const char *path)
{
	enum { ROOM = 1 << 20 };
	FILE *f = fopen(path, "rb");
	char *text = malloc(ROOM);

	EXPECT(f && text);
	if (f && text)
		same_again(path, text, fread(text, 1, ROOM, f));
	free(text);
	if (f)
		fclose(f);
}

/* How many there were. */
static size_t same_files(const char *pattern)
{
	glob_t found = { 0 };
	size_t n = 0;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (n = 0; n < found.gl_pathc; n++)
			same_file(found.gl_pathv[n]);
	}
	globfree(&found);
	return n;
}

TEST(scripts_of_bpftrace)
{
	if (same_files("/usr/sbin/*.bt") == 0)
		test_skip("bpftrace's scripts are not installed");
}
