/* SPDX-License-Identifier: MIT */
/**
 * parse(print(ast)) == ast: over whole scripts, ours and those of bpftrace where it is there, and
 * over random trees.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "random_ast.h"
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

TEST(scripts_of_ours)
{
	EXPECT(same_files(SCRIPTS "/good/*.bt") > 0);
	(void)same_files(SCRIPTS "/../../../tools/*.bt"); // there may be none yet
}

TEST(scripts_of_bpftrace)
{
	if (same_files("/usr/sbin/*.bt") == 0)
		test_skip("bpftrace's scripts are not installed");
}

enum { ROUNDS = 3000 };

TEST(random_expressions)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct arena arena = { 0 };
		struct strbuf text = { 0 };
		struct ast *a = random_expr(&arena, seed), *b = NULL;
		struct script_ast s = { 0 };
		struct ast stmt = { .kind = AST_EXPR, .u.op.a = a };
		struct ast block = { .kind = AST_BLOCK, .u.list.first = &stmt };
		struct ast_attach at = { .text = "BEGIN" };
		struct ast_probe probe = { .attach = &at, .body = &block };

		s.probes = &probe;
		ast_print(&s, &text);
		// "BEGIN\n{\n\tEXPR;\n}\n"
		struct diag d = { .name = "printed",
				  .text = text.data + 9,
				  .text_len = text.len - 13 };
		if (text.len < 13 || parse_bt_expr(&d, &arena, &b) != 0 || !same_expr(a, b))
			test_failed(__FILE__, __LINE__, "seed %llu:\n%s%s",
				    (unsigned long long)seed, strbuf_text(&d.out),
				    strbuf_text(&text));
		diag_fini(&d);
		strbuf_fini(&text);
		arena_fini(&arena);
	}
}

TEST(random_scripts)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct arena arena = { 0 };
		struct strbuf text = { 0 };
		struct script_ast a = { 0 }, b = { 0 };

		random_script(&arena, seed, &a);
		ast_print(&a, &text);
		struct diag d = { .name = "printed",
				  .text = strbuf_text(&text),
				  .text_len = text.len };
		if (parse_bt(&d, &arena, NULL, 0, &b) != 0 || !same_script(&a, &b))
			test_failed(__FILE__, __LINE__, "seed %llu:\n%s%s",
				    (unsigned long long)seed, strbuf_text(&d.out),
				    strbuf_text(&text));
		diag_fini(&d);
		strbuf_fini(&text);
		arena_fini(&arena);
	}
}
