/* SPDX-License-Identifier: MIT */
/** Functions of a program by name, against what the program itself says when it runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "sym/demangle.h"
#include "sym/probe/elf_funcs.h"
#include "sym/subject/subject.h"
#include "test.h"

#define SUBJECT SUBJECTS "/subject"

static struct elf_funcs *open_file(const char *path)
{
	struct elf_funcs *f = NULL;

	EXPECT_EQ(elf_funcs_open(path, &f), 0);
	return f;
}

struct gathered {
	unsigned n;
	struct elf_func last;
	struct strbuf names;
	bool sorted;
};

static int gather(void *arg, const struct elf_func *fn)
{
	struct gathered *g = arg;

	g->sorted = !g->n || (g->sorted && g->last.off < fn->off);
	g->last = *fn;
	g->n++;
	strbuf_fmt(&g->names, "%s ", fn->name);
	return 0;
}

/* How many functions a pattern names; the last in *@ret. */
static unsigned matches(struct elf_funcs *f, const char *pattern, struct elf_func *ret)
{
	struct gathered g = { .sorted = true };

	EXPECT_EQ(elf_funcs_each(f, pattern, gather, &g), 0);
	EXPECT(g.sorted);
	printf("# %s: %s\n", pattern, strbuf_text(&g.names));
	if (ret)
		*ret = g.last;
	strbuf_fini(&g.names);
	return g.n;
}

/* Starts the program with its output in *@ret; NULL: it cannot be run. */
static FILE *run(pid_t *ret)
{
	int fds[2];

	if (pipe(fds) < 0)
		return NULL;
	*ret = fork();
	if (!*ret) {
		dup2(fds[1], 1);
		execl(SUBJECT, SUBJECT, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	return fdopen(fds[0], "r");
}

static void check_code(uint64_t off, const char *hex)
{
	uint8_t code[SUBJECT_CODE] = { 0 };
	struct strbuf b = { 0 };

	FILE *f = fopen(SUBJECT, "rb");
	EXPECT(f && !fseek(f, (long)off, SEEK_SET) && fread(code, 1, sizeof(code), f));
	for (size_t i = 0; i < sizeof(code); i++)
		strbuf_fmt(&b, "%02x", code[i]);
	EXPECT_STR(strbuf_text(&b), hex);
	strbuf_fini(&b);
	if (f)
		(void)fclose(f);
}

TEST(places_as_the_running_program_has_them)
{
	struct elf_funcs *f = open_file(SUBJECT);
	char name[64], hex[64];
	unsigned long addr;
	unsigned n = 0;
	pid_t pid = -1;

	FILE *out = run(&pid);
	while (out && fscanf(out, "%63s %lx %63s", name, &addr, hex) == 3) {
		const struct elf_func *at = NULL;
		struct elf_func fn;
		uint64_t off = 0;

		n++;
		EXPECT_EQ(matches(f, name, &fn), 1);
		EXPECT_EQ(fn.addr, addr);
		check_code(fn.off, hex);
		EXPECT(fn.len > 0);
		EXPECT_EQ(elf_funcs_at(f, addr + 1, &off, &at), 0);
		EXPECT_EQ(off, fn.off + 1);
		EXPECT(at && at->addr == fn.addr);
	}
	EXPECT_EQ(n, 3);
	if (out)
		(void)fclose(out);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	elf_funcs_free(f);
}

TEST(names_and_patterns)
{
	struct elf_funcs *f = open_file(SUBJECT);
	struct elf_func fn, same;

	EXPECT_EQ(matches(f, "twin", &fn), 2); // two static functions
	EXPECT(fn.is_local);
	EXPECT_EQ(matches(f, "subject_add", &fn), 1);
	EXPECT(!fn.is_local);
	EXPECT_EQ(matches(f, "subject_same", &same), 1);
	EXPECT_EQ(same.off, fn.off);
	// add, choose, more, walk: the alias is no place of its own, what is chosen has none.
	EXPECT_EQ(matches(f, "subject_*", NULL), 4);
	EXPECT_EQ(matches(f, "subject_ad?", NULL), 1);
	EXPECT_EQ(matches(f, "subject_chosen", NULL), 0);
	EXPECT_EQ(matches(f, "subject_none", NULL), 0);
	EXPECT_EQ(matches(f, "subject_semaphore", NULL), 0);
	EXPECT_EQ(matches(f, "subject_marker", NULL), 1); // a label, asked for by name
	EXPECT_EQ(matches(f, "", NULL), 0);
	EXPECT(matches(f, "*", NULL) > 8);
	EXPECT_STR(elf_funcs_near(f, "subject_wlak"), "subject_walk");
	EXPECT(!elf_funcs_near(f, "zzzzzzzzzz"));
	EXPECT(elf_funcs_is_pie(f));
	elf_funcs_free(f);
}

static int stop(void *arg, const struct elf_func *fn)
{
	(void)fn;
	return ++*(int *)arg == 2 ? 42 : 0;
}

TEST(stops_when_told)
{
	struct elf_funcs *f = open_file(SUBJECT);
	int n = 0;

	EXPECT_EQ(elf_funcs_each(f, "*", stop, &n), 42);
	EXPECT_EQ(n, 2);
	elf_funcs_free(f);
}

TEST(names_as_written_in_cpp)
{
	struct elf_funcs *f = open_file(SUBJECT);
	struct elf_func fn = { .name = NULL };

	if (!demangle_available()) {
		test_skip("built without a demangler");
		elf_funcs_free(f);
		return;
	}
	EXPECT_EQ(matches(f, "ns::cls::fn", NULL), 2);
	EXPECT_EQ(matches(f, "ns::cls::fn(int)", &fn), 1);
	EXPECT_STR(fn.name, "_ZN2ns3cls2fnEi");
	EXPECT_EQ(matches(f, "ns::cls::fn( double )", &fn), 1);
	EXPECT_STR(fn.name, "_ZN2ns3cls2fnEd");
	EXPECT_EQ(matches(f, "_ZN2ns3cls2fnEd", NULL), 1);
	EXPECT_EQ(matches(f, "ns::*", NULL), 4);
	EXPECT_EQ(matches(f, "ns::cls::tagged", &fn), 1);
	EXPECT_STR(fn.name, "_ZN2ns3cls6taggedB5cxx11Ei");
	EXPECT_EQ(matches(f, "ns::cls::tagged(int)", NULL), 1);
	EXPECT_EQ(matches(f, "ns::cls::tagged[abi:cxx11](int)", NULL), 1);
	EXPECT_EQ(matches(f, "ns::*::tagged", NULL), 1);
	EXPECT_EQ(matches(f, "ns::cls::f", NULL), 0);
	EXPECT_EQ(matches(f, "fn", NULL), 0);
	elf_funcs_free(f);
}

TEST(versions_of_a_function)
{
	struct elf_funcs *f = open_file(SUBJECTS "/libsubject_versions.so");
	struct elf_func one, two, first, second;

	EXPECT_EQ(matches(f, "subject_f", NULL), 2);
	EXPECT_EQ(matches(f, "subject_f@SUBJECT_1", &one), 1);
	EXPECT_EQ(matches(f, "subject_f@@SUBJECT_2", &two), 1);
	EXPECT_EQ(matches(f, "first_f", &first), 1);
	EXPECT_EQ(matches(f, "second_f", &second), 1);
	EXPECT_EQ(one.off, first.off);
	EXPECT_EQ(two.off, second.off);
	EXPECT_STR(one.name, "subject_f");
	EXPECT_EQ(matches(f, "subject_f@SUBJECT_3", NULL), 0);
	elf_funcs_free(f);
}

TEST(names_in_a_separate_file)
{
	struct elf_funcs *f = open_file(SUBJECTS "/subject.stripped");
	struct elf_funcs *whole = open_file(SUBJECTS "/subject_no_id");
	struct elf_func a, b;

	EXPECT_EQ(matches(f, "subject_walk", &a), 1);
	EXPECT_EQ(matches(whole, "subject_walk", &b), 1);
	EXPECT_EQ(a.off, b.off);
	EXPECT_EQ(a.addr, b.addr);
	EXPECT_EQ(matches(f, "twin", NULL), 2);
	elf_funcs_free(f);
	elf_funcs_free(whole);
}

TEST(variables_and_addresses)
{
	struct elf_funcs *f = open_file(SUBJECT);
	struct elf_func s = { .name = NULL };
	const struct elf_func *at = NULL;
	uint64_t off;

	EXPECT_EQ(elf_funcs_symbol(f, "subject_semaphore", &s), 0);
	EXPECT_EQ(s.len, 2);
	EXPECT(s.off > 0);
	EXPECT_EQ(elf_funcs_symbol(f, "subject_list", &s), 0);
	EXPECT_EQ(s.len, 8);
	EXPECT_EQ(elf_funcs_symbol(f, "subject_none", &s), -ENOENT);
	EXPECT_EQ(elf_funcs_at(f, 1ull << 40, &off, &at), -ENOENT);
	elf_funcs_free(f);
	EXPECT_EQ(elf_funcs_open("/nonexistent/x", &f), -ENOENT);
	EXPECT_EQ(elf_funcs_open("/dev/null", &f), -EBADMSG);
}

static int find_once(void)
{
	struct elf_funcs *f = NULL;
	struct gathered g = { .n = 0 };
	int r = elf_funcs_open(SUBJECT, &f);

	if (!r)
		r = elf_funcs_each(f, "ns::cls::fn", stop, &g.n);
	strbuf_fini(&g.names);
	elf_funcs_free(f);
	return r == 42 ? 0 : r;
}

TEST(out_of_memory)
{
	test_oom(find_once);
}

static void check_found(const char *name, pid_t pid, const char *begin, const char *end)
{
	char *path = NULL;
	int r = program_find(name, pid, &path);

	printf("# %s: %s\n", name, r ? sonde_err_str() : path);
	EXPECT_EQ(r, 0);
	EXPECT(path && !strncmp(path, begin, strlen(begin)));
	size_t n = path ? strlen(path) : 0, len = strlen(end);
	EXPECT(n >= len && !strcmp(path + n - len, end));
	free(path);
}

/* Waits in a root of its own until the pipe is closed. */
static pid_t start_in_root(const char *root, int *ret_fd)
{
	int ready[2], end[2];
	char c = 0;

	if (pipe(ready) < 0 || pipe(end) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid) {
		close(end[1]);
		c = chroot(root) == 0 && chdir("/") == 0;
		if (write(ready[1], &c, 1) == 1 && read(end[0], &c, 1) == 0)
			_exit(0);
		_exit(1);
	}
	close(end[0]);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		c = 0;
	close(ready[0]);
	*ret_fd = end[1];
	return c ? pid : -pid;
}

TEST(programs_in_the_root_of_a_process)
{
	char *path = NULL, wanted[64];
	int fd = -1;

	if (geteuid() != 0) {
		test_skip("needs the right to change the root");
		return;
	}
	pid_t pid = start_in_root(SUBJECTS, &fd);
	if (pid > 0) {
		EXPECT_EQ(program_find("/subject", pid, &path), 0);
		(void)snprintf(wanted, sizeof(wanted), "/proc/%d/root/subject", pid);
		EXPECT_STR(path, wanted);
		struct elf_funcs *f = open_file(path);
		EXPECT_EQ(matches(f, "subject_add", NULL), 1);
		elf_funcs_free(f);
		free(path);
		path = NULL;
		EXPECT_EQ(program_find(SUBJECT, pid, &path), -ENOENT);
	}
	EXPECT(pid > 0);
	close(fd);
	EXPECT(waitpid(pid > 0 ? pid : -pid, NULL, 0) > 0);
}

TEST(programs_by_name)
{
	char *path = NULL, here[4096];

	check_found("sh", 0, "/", "/sh");
	check_found("libc", 0, "/", "/libc.so.6");
	check_found("libc.so.6", 0, "/", "/libc.so.6");
	check_found("/bin/sh", 0, "/bin/sh", "");
	check_found("libc", getpid(), "/", "/libc.so.6");
	EXPECT(getcwd(here, sizeof(here)) && !chdir(SUBJECTS));
	check_found("./subject", 0, SUBJECTS "/subject", "");
	check_found(".//./subject", 0, SUBJECTS "/subject", "");
	check_found("../subject/subject", 0, SUBJECTS "/../subject/subject", "");
	EXPECT_EQ(chdir(here), 0);
	EXPECT_EQ(program_find("./no_such_file", 0, &path), -ENOENT);
	EXPECT_EQ(program_find("no_such_command", 0, &path), -ENOENT);
	EXPECT_EQ(program_find("", 0, &path), -ENOENT);
	EXPECT_EQ(program_find("/bin/sh", 0x7ffffff0, &path), -ENOENT);
	EXPECT(!path);
	EXPECT_STR(program_moved_to("/lib/x86_64-linux-gnu/libpthread.so.0"), "libc");
	EXPECT(!program_moved_to("/lib/libpthreadx.so"));
	EXPECT(!program_moved_to("/usr/bin/bash"));
}
