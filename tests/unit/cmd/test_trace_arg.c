/* SPDX-License-Identifier: MIT */
/** Tests the search for the newest trace. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/trace_arg.h"
#include "test.h"

const struct command *const cmd_all[] = { NULL }; /* command.c lists them */

static char top[] = "/tmp/sonde-newest-XXXXXX";

static void make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	EXPECT_EQ(mkdir(path, 0700), 0);
}

/* A metadata file that was changed at second @sec. */
static void make_metadata(const char *folder, long sec)
{
	const struct timespec times[2] = { { sec, 0 }, { sec, 0 } };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/metadata", top, folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(fd >= 0);
	EXPECT_EQ(futimens(fd, times), 0);
	close(fd);
}

static void expect_newest(const char *want)
{
	sonde_auto(mem_freep) char *got = NULL;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, want);
	EXPECT_EQ(trace_newest(top, &got), 0);
	EXPECT_STR(got, path);
}

static void remove_all(void)
{
	static const char *const names[] = {
		"a/metadata", "a/deep/er/metadata", "a/deep/er", "a/deep", "a", "b/metadata",
		"b",	      ".h/metadata",	    ".h",	 "link",   "",
	};

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		EXPECT_EQ(remove(path), 0);
	}
}

TEST(newest)
{
	char *none = NULL, link[256];

	EXPECT(mkdtemp(top));
	EXPECT_EQ(trace_newest(top, &none), -ENOENT);
	EXPECT(!none);
	make_folder("a");
	EXPECT_EQ(trace_newest(top, &none), -ENOENT);
	make_metadata("a", 1000);
	expect_newest("a");
	make_folder("b");
	make_metadata("b", 999);
	expect_newest("a");
	make_folder("a/deep");
	make_folder("a/deep/er");
	make_metadata("a/deep/er", 1001);
	expect_newest("a/deep/er");
	// Neither hidden folders nor links are followed: a link may lead around in a circle.
	make_folder(".h");
	make_metadata(".h", 5000);
	snprintf(link, sizeof(link), "%s/link", top);
	EXPECT_EQ(symlink(".", link), 0);
	expect_newest("a/deep/er");
	remove_all();
}

TEST(no_folder)
{
	char *none = NULL;

	EXPECT_EQ(trace_newest("/nonexistent", &none), -ENOENT);
	EXPECT_STR(sonde_err_str(), "cannot open folder '/nonexistent': No such file or directory");
}

TEST(arguments)
{
	char a[] = "one", b[] = "two";
	char *argv[] = { a, b };
	struct trace_args args;

	EXPECT_EQ(trace_args_take(2, argv, &args), 0);
	EXPECT_EQ(args.n, 2);
	EXPECT_STR(args.params[0].key, "path");
	EXPECT_STR(args.params[0].value, "one");
	EXPECT_STR(args.params[1].value, "two");
	EXPECT(!args.found);
	trace_args_fini(&args);
}
