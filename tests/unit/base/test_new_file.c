/* SPDX-License-Identifier: MIT */
/** Tests files that are there when they are whole. */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "test.h"

static char folder[] = "/tmp/sonde-test-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[2][128];
	static int turn;

	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static const char *text_of(const char *path)
{
	static char text[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return "none";
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

TEST(a_whole_file_takes_its_place)
{
	struct new_file f;
	struct stat st;

	EXPECT(mkdtemp(folder) != NULL);
	const char *path = in_folder("a");
	EXPECT_EQ(new_file_open(&f, path), 0);
	EXPECT_EQ(write(f.fd, "new", 3), 3);
	EXPECT_STR(text_of(path), "none");
	EXPECT_EQ(new_file_keep(&f), 0);
	new_file_fini(&f);
	EXPECT_STR(text_of(path), "new");

	// One that is there keeps who may read it.
	put(path, "old");
	EXPECT_EQ(chmod(path, 0604), 0);
	EXPECT_EQ(new_file_open(&f, path), 0);
	EXPECT_EQ(write(f.fd, "newer", 5), 5);
	EXPECT_STR(text_of(path), "old");
	EXPECT_EQ(new_file_keep(&f), 0);
	new_file_fini(&f);
	EXPECT_STR(text_of(path), "newer");
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0604);
}

TEST(what_is_not_kept_leaves_nothing)
{
	struct new_file f;
	const char *path = in_folder("a");

	EXPECT_EQ(new_file_open(&f, path), 0);
	EXPECT_EQ(write(f.fd, "half", 4), 4);
	new_file_fini(&f);
	EXPECT_STR(text_of(path), "newer");
	EXPECT_EQ(unlink(path), 0);
	EXPECT_EQ(rmdir(folder), 0); // nothing else is there
	EXPECT(mkdir(folder, 0700) == 0);
}

TEST(links_stay)
{
	struct new_file f;
	struct stat st;

	put(in_folder("target"), "old");
	EXPECT_EQ(symlink("target", in_folder("link")), 0);
	EXPECT_EQ(new_file_open(&f, in_folder("link")), 0);
	EXPECT_EQ(write(f.fd, "new", 3), 3);
	EXPECT_EQ(new_file_keep(&f), 0);
	new_file_fini(&f);
	EXPECT_EQ(lstat(in_folder("link"), &st), 0);
	EXPECT(S_ISLNK(st.st_mode));
	EXPECT_STR(text_of(in_folder("target")), "new");
	EXPECT_EQ(unlink(in_folder("link")), 0);
	EXPECT_EQ(unlink(in_folder("target")), 0);
}

TEST(what_is_no_plain_file_is_not_replaced)
{
	struct new_file f;
	struct stat st;
	char text[8] = "";
	const char *path = in_folder("pipe");

	EXPECT_EQ(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	EXPECT(reader >= 0);
	EXPECT_EQ(new_file_open(&f, path), 0);
	EXPECT_EQ(write(f.fd, "text", 4), 4);
	EXPECT_EQ(new_file_keep(&f), 0);
	new_file_fini(&f);
	EXPECT_EQ(read(reader, text, sizeof(text)), 4);
	EXPECT_STR(text, "text");
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT(S_ISFIFO(st.st_mode));

	// As /dev/stdout is one, whose end is no path.
	int ends[2];
	EXPECT_EQ(pipe(ends), 0);
	char link[64];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", ends[1]);
	EXPECT_EQ(new_file_open(&f, link), 0);
	EXPECT_EQ(write(f.fd, "more", 4), 4);
	EXPECT_EQ(new_file_keep(&f), 0);
	new_file_fini(&f);
	EXPECT_EQ(read(ends[0], text, sizeof(text)), 4);
	EXPECT_STR(text, "more");
	close(ends[0]);
	close(ends[1]);
	close(reader);
	EXPECT_EQ(unlink(path), 0);
}

TEST(what_cannot_be_written_is_told)
{
	struct new_file f;

	EXPECT_EQ(new_file_open(&f, "/nonexistent/a"), -ENOENT);
	EXPECT_STR(sonde_err_str(), "cannot write '/nonexistent/a': No such file or directory");
	EXPECT_EQ(new_file_open(&f, folder), -EISDIR);
	EXPECT_EQ(rmdir(folder), 0);
}
