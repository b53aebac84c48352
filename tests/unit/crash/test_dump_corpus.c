/* SPDX-License-Identifier: MIT */
/** Real dumps, of the corpus that SONDE_CORPUS names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/dump.h"
#include "crash/dump/minidump.h"
#include "test.h"

/** The corpus' crash-linux or crash-freebsd, unpacked; NULL: no corpus. */
static const char *unpacked(const char *name, char *folder, size_t room)
{
	const char *corpus = getenv("SONDE_CORPUS");
	char tar[512];

	(void)snprintf(tar, sizeof(tar), "%s/%s.tar", corpus ? corpus : "", name);
	if (!corpus || access(tar, R_OK) != 0) {
		test_skip("SONDE_CORPUS names no folder with this dump");
		return NULL;
	}
	(void)snprintf(folder, room, "/tmp/sonde-dump-XXXXXX");
	if (!mkdtemp(folder))
		return NULL;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("tar", "tar", "-C", folder, "-xf", tar, (char *)NULL);
		_exit(127);
	}
	int status;
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	return folder;
}

static void remove_folder(const char *folder)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-r", folder, (char *)NULL);
		_exit(127);
	}
	int status;
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static int open_in(const char *folder, const char *name, struct dump **ret)
{
	char path[256];
	const char *paths[] = { path };

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	int r = dump_open(paths, 1, ret);
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
	return r;
}

static void expect_linux(const char *folder, const char *name)
{
	sonde_auto(dump_closep) struct dump *d = NULL;

	if (open_in(folder, name, &d) < 0)
		return;
	const struct dump_about *a = dump_about(d);
	EXPECT_EQ(a->arch, DUMP_X86_64);
	EXPECT_EQ(a->system, DUMP_LINUX);
	EXPECT_STR(a->format, "ELF");
	EXPECT_STR(a->unpacked, "xz");
	EXPECT_EQ(a->unpacked_size, 13131776);
	EXPECT_EQ(a->page_size, 4096);
	EXPECT_EQ(a->pages_held, 3202);
	EXPECT(!a->cut);
	EXPECT(a->vmcoreinfo && !memcmp(a->vmcoreinfo, "OSRELEASE=6.1.0-", 16));
}

TEST(linux_elf_inside_xz)
{
	char folder[64];

	if (!unpacked("crash-linux", folder, sizeof(folder)))
		return;
	expect_linux(folder, "crash-linux/kdump.sparse.elf.xz");
	expect_linux(folder, "crash-linux/live.sparse.elf.xz");
	remove_folder(folder);
}

TEST(freebsd_minidump_inside_bzip2)
{
	sonde_auto(dump_closep) struct dump *d = NULL;
	uint64_t pa, len;
	uint32_t hz = 0;
	char folder[64];

	if (!unpacked("crash-freebsd", folder, sizeof(folder)))
		return;
	if (open_in(folder, "crash-freebsd/vmcore-amd64-minidump.bz2", &d) == 0) {
		const struct dump_about *a = dump_about(d);

		EXPECT_EQ(a->arch, DUMP_X86_64);
		EXPECT_EQ(a->system, DUMP_FREEBSD);
		EXPECT_STR(a->format, "FreeBSD minidump v3");
		EXPECT_STR(a->unpacked, "bzip2");
		EXPECT_EQ(a->unpacked_size, 101685248);
		EXPECT_EQ(minidump_address(d, 0xffffffff81cd4c0c, &pa, &len), 0);
		EXPECT_EQ(dump_read(d, pa, &hz, sizeof(hz)), 0);
		EXPECT_EQ(hz, 100);
	}
	remove_folder(folder);
}
