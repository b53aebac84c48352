/* SPDX-License-Identifier: MIT */
/** Tests how scripts are found, and commands split into words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/script_arg.h"
#include "cmd/tool_find.h"
#include "test.h"

/* The words between bars; or the failure. */
static const char *split(const char *text)
{
	static char ret[256];
	struct command_words w;
	size_t at = 0;

	int r = command_words_split(&w, text);
	if (r < 0) {
		command_words_fini(&w);
		return r == -EINVAL ? sonde_err_str() : "out of memory";
	}
	ret[0] = '\0';
	for (size_t i = 0; i < w.n; i++)
		at += (size_t)snprintf(ret + at, sizeof(ret) - at, "%s|", w.argv[i]);
	EXPECT(!w.argv[w.n]);
	command_words_fini(&w);
	return ret;
}

TEST(commands_are_split_as_by_a_shell)
{
	EXPECT_STR(split("a"), "a|");
	EXPECT_STR(split("  ls  -l\t/tmp \n"), "ls|-l|/tmp|");
	EXPECT_STR(split("sh -c 'exit 3'"), "sh|-c|exit 3|");
	EXPECT_STR(split("a\"b c\"d \"it's\" 'say \"x\"'"), "ab cd|it's|say \"x\"|");
	EXPECT_STR(split("a\\ b '\\n' \"\\\"\""), "a b|\\n|\"|");
	EXPECT_STR(split("'' x"), "|x|");
	EXPECT_STR(split("a b c d e f g h"), "a|b|c|d|e|f|g|h|");
}

TEST(wrong_commands_are_refused)
{
	EXPECT_STR(split(""), "command '': there is no word in it");
	EXPECT_STR(split("  "), "command '  ': there is no word in it");
	EXPECT_STR(split("a 'b"), "command 'a 'b': a quote is not closed");
	EXPECT_STR(split("\""), "command '\"': a quote is not closed");
	EXPECT_STR(split("a\\"), "a\\|");
}

static int split_once(void)
{
	struct command_words w;
	int r = command_words_split(&w, "a b c");

	command_words_fini(&w);
	return r;
}

TEST(splitting_survives_failing_memory)
{
	test_oom(split_once);
}

static char dir[64];

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	if (!f || fputs(text, f) < 0)
		test_failed(__FILE__, __LINE__, "cannot write %s", path);
	if (f)
		fclose(f);
}

static void make_tools(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_script_arg.XXXXXX");
	if (!mkdtemp(dir))
		test_failed(__FILE__, __LINE__, "no folder");
	write_file("zz-walk.bt", "#!/usr/bin/env -S sonde run\n// Walks about.\n// More.\n");
	write_file("aa-run.bt", "BEGIN { exit(); } // not this\n");
	write_file("other.txt", "no script");
	setenv("SONDE_TOOLS", dir, 1);
}

static void remove_tools(void)
{
	static const char *const names[] = { "zz-walk.bt", "aa-run.bt", "other.txt", "zz-own" };

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	unsetenv("SONDE_TOOLS");
}

static int note_tool(void *arg, const struct tool *t)
{
	char *text = arg;
	const size_t at = strlen(text);

	if (!strncmp(t->path, dir, strlen(dir)))
		snprintf(text + at, 256 - at, "%s=%s;", t->name, t->about);
	return 0;
}

TEST(ready_scripts_are_found_by_name)
{
	char *path = NULL, all[256] = "";

	make_tools();
	EXPECT_EQ(tool_find("zz-walk", &path), 0);
	EXPECT(path && strstr(path, "/zz-walk.bt"));
	free(path);
	path = NULL;
	EXPECT_EQ(tool_find("zz-wakl", &path), -ENOENT);
	EXPECT_STR(sonde_err_str(), "no script 'zz-wakl'; did you mean 'zz-walk'?");
	EXPECT_EQ(tool_find("../zz-walk", &path), -ENOENT);
	EXPECT(!path);
	EXPECT_EQ(tool_each(note_tool, all), 0);
	EXPECT_STR(all, "aa-run=;zz-walk=Walks about.;");
	remove_tools();
}

TEST(a_script_is_a_file_or_a_ready_one)
{
	struct script_arg a;
	char path[128];

	make_tools();
	EXPECT_EQ(script_arg_read(&a, "zz-walk"), 0);
	EXPECT_STR(a.name, "zz-walk.bt");
	EXPECT(a.text && strstr(a.text, "Walks"));
	EXPECT_EQ(a.len, strlen(a.text));
	script_arg_fini(&a);

	write_file("zz-own", "BEGIN{}");
	snprintf(path, sizeof(path), "%s/zz-own", dir);
	EXPECT_EQ(script_arg_read(&a, path), 0);
	EXPECT_STR(a.text, "BEGIN{}");
	script_arg_fini(&a);

	EXPECT_EQ(script_arg_read(&a, "BEGIN { exit(); }"), -EINVAL);
	EXPECT_STR(sonde_err_str(),
		   "'BEGIN { exit(); }' is no file: the text of a script stands behind -e");
	script_arg_fini(&a);
	EXPECT_EQ(script_arg_read(&a, "/tmp"), -EISDIR);
	EXPECT_STR(sonde_err_str(), "'/tmp' is a folder: a trace stands behind -t");
	script_arg_fini(&a);
	EXPECT_EQ(script_arg_read(&a, "nothing.bt"), -ENOENT);
	script_arg_fini(&a);
	EXPECT_EQ(script_arg_read(&a, "/proc/self/exe"), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "'/proc/self/exe' is no script: it has bytes that are no text");
	script_arg_fini(&a);
	EXPECT_EQ(script_arg_read(&a, "/proc/self/"), -EISDIR);
	EXPECT_STR(sonde_err_str(), "'/proc/self/' is a folder: a trace stands behind -t");
	script_arg_fini(&a);
	EXPECT_EQ(script_arg_read(&a, dir), -EISDIR);
	script_arg_fini(&a);
	remove_tools();
}
