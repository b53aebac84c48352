/* SPDX-License-Identifier: MIT */
/** Real dumps, of the corpus that SONDE_CORPUS names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/crash.h>
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

/** The same kernel at the same moment, in two formats: what both have is the same. */
TEST(kdump_agrees_with_elf)
{
	sonde_auto(dump_closep) struct dump *elf = NULL, *kdump = NULL;
	char folder[64];
	uint64_t at, n, both = 0;

	if (!unpacked("crash-linux", folder, sizeof(folder)))
		return;
	if (open_in(folder, "crash-linux/kdump.sparse.elf.xz", &elf) < 0 ||
	    open_in(folder, "crash-linux/kdump.makedumpfile-zlib", &kdump) < 0)
		return;
	EXPECT_STR(dump_about(kdump)->format, "kdump (zlib)");
	EXPECT_EQ(dump_about(kdump)->pages_held, 18826);
	EXPECT_EQ(dump_about(kdump)->vmcoreinfo_size, dump_about(elf)->vmcoreinfo_size);
	EXPECT_EQ(dump_about(kdump)->n_notes, dump_about(elf)->n_notes);
	for (uint64_t pa = 0; (n = dump_next(elf, pa, &at)); pa = at + n) {
		for (uint64_t p = at; p < at + n; p += 4096) {
			struct dump_page a, b;
			int r = dump_page(kdump, p, &a);

			EXPECT(r == 0 || r == -ENODATA); // what makedumpfile left out
			if (r < 0 || dump_page(elf, p, &b) < 0)
				continue;
			EXPECT(!memcmp(a.bytes, b.bytes, 4096));
			dump_release(kdump, &a);
			dump_release(elf, &b);
			both++;
		}
	}
	EXPECT(both > 3000);
	remove_folder(folder);
}

TEST(freebsd_full_inside_bzip2)
{
	sonde_auto(dump_closep) struct dump *d = NULL;
	char folder[64];
	uint8_t byte;

	if (!unpacked("crash-freebsd", folder, sizeof(folder)))
		return;
	if (open_in(folder, "crash-freebsd/vmcore-amd64-full.bz2", &d) == 0) {
		EXPECT_EQ(dump_about(d)->system, DUMP_FREEBSD);
		EXPECT_EQ(dump_about(d)->arch, DUMP_X86_64);
		EXPECT_STR(dump_about(d)->unpacked, "bzip2");
		EXPECT_EQ(dump_about(d)->unpacked_size, 127043584);
		// The corpus' file was thinned by making it shorter, too.
		EXPECT_STR(dump_about(d)->cut,
			   "the file ends 6629376 bytes before its memory does");
		EXPECT_EQ(dump_read(d, 0x104000, &byte, 1), 0);
		EXPECT_EQ(dump_read(d, 0xff000, &byte, 1), -ENODATA);
	}
	remove_folder(folder);
}

static void expect_task(struct sonde_crash *c, uint64_t task, const char *comm, uint64_t pid)
{
	struct sonde_crash_field f = { 0 };
	char text[32] = "";
	uint64_t n = 1;

	EXPECT_EQ(sonde_crash_field(c, "struct task_struct", task, "comm", &f), 0);
	EXPECT_EQ(f.size, 16);
	EXPECT_EQ(sonde_crash_text(c, f.addr, text, f.size + 1), strlen(comm));
	EXPECT_STR(text, comm);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", task, "pid", &n), 0);
	EXPECT_EQ(n, pid);
}

/** The library's face, by symbol, type and field. */
static int count(void *arg, uint64_t index, uint64_t at)
{
	struct sonde_crash_walk *last = arg;

	EXPECT_EQ(index, last->limit);
	last->head = at;
	last->limit++;
	return 0;
}

/* The list of processes by the library's walk; and what it says where there is no such thing. */
static void expect_walk(struct sonde_crash *c, uint64_t init_task, uint64_t tasks)
{
	struct sonde_crash_walk list = { .links = SONDE_CRASH_LIST, .head = init_task + tasks };
	struct sonde_crash_walk last = { 0 };
	const char *cut = "?";
	uint64_t next = 0;

	EXPECT_EQ(sonde_crash_each(c, &list, count, &last, &cut), 0);
	EXPECT(!cut);
	EXPECT(last.limit > 50 && last.limit < 105); // of all threads the processes
	EXPECT_EQ(sonde_crash_number(c, "struct list_head", last.head, "next", &next), 0);
	EXPECT_EQ(next, list.head);
	list.limit = 10;
	last = (struct sonde_crash_walk){ 0 };
	EXPECT_EQ(sonde_crash_each(c, &list, count, &last, &cut), 0);
	EXPECT_EQ(last.limit, 10);
	EXPECT_STR(cut, "there are more");
	list.links = (enum sonde_crash_links)99;
	EXPECT_EQ(sonde_crash_each(c, &list, count, &last, &cut), -EINVAL);
}

static void expect_face(struct sonde_crash *c)
{
	struct sonde_crash_symbol init = { 0 }, at = { 0 };
	struct sonde_crash_field f = { 0 };
	uint64_t n = 0, next = 0;

	EXPECT_EQ(sonde_crash_symbol(c, "init_task", &init), 0);
	EXPECT_EQ(sonde_crash_symbol_at(c, init.addr + 1, &at), 0);
	EXPECT_STR(at.name, "init_task");
	EXPECT_EQ(sonde_crash_symbol(c, "no_such_thing", &at), -ENOENT);
	EXPECT_EQ(sonde_crash_sizeof(c, "struct list_head", &n), 0);
	EXPECT_EQ(n, 16);
	expect_task(c, init.addr, "swapper/0", 0);

	// The first of all tasks is init; back from it is the idle one.
	EXPECT_EQ(sonde_crash_field(c, "struct task_struct", 0, "tasks", &f), 0);
	expect_walk(c, init.addr, f.addr);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "tasks.next", &next), 0);
	expect_task(c, next - f.addr, "init", 1);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "tasks.next->prev->next",
				     &n),
		  0);
	EXPECT_EQ(n, next);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", next - f.addr,
				     "real_parent->real_parent->comm[2]", &n),
		  0);
	EXPECT_EQ(n, 'a');
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", next - f.addr, "in_execve", &n), 0);
	EXPECT_EQ(n, 0);

	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "comn", &n), -EINVAL);
	EXPECT(strstr(sonde_err_str(), "'task_struct' has no field 'comn'; did you mean 'comm'?"));
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "comm[16]", &n), -EINVAL);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "pid.x", &n), -EINVAL);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", init.addr, "tasks", &n), -EINVAL);
	EXPECT_EQ(sonde_crash_number(c, "struct task_struct", 8, "pid", &n), -EFAULT);
	EXPECT_EQ(sonde_crash_sizeof(c, "struct nothing", &n), -ENOENT);
}

TEST(the_face_reads_by_symbol_type_and_field)
{
	char folder[64], path[256];
	const char *paths[] = { path };
	struct sonde_crash_about a;
	struct sonde_crash *c = NULL;

	if (!unpacked("crash-linux", folder, sizeof(folder)))
		return;
	(void)snprintf(path, sizeof(path), "%s/crash-linux/kdump.makedumpfile-zlib", folder);
	if (sonde_crash_open(paths, 1, NULL, &c) == 0) {
		sonde_crash_about(c, &a);
		EXPECT_EQ(a.system, SONDE_CRASH_LINUX);
		EXPECT_STR(a.machine, "x86-64");
		EXPECT_STR(a.format, "kdump (zlib)");
		EXPECT_EQ(a.n_pages, 18826);
		expect_face(c);
	} else {
		test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
	}
	sonde_crash_close(c);
	remove_folder(folder);
}
