/* SPDX-License-Identifier: MIT */
/** Tests that code of processes which ended, and of programs which are deleted, has names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lang/engine/processes.h"
#include "test.h"

/* What the children look for in themselves: where this is, is told to the parent. */
__attribute__((noinline)) int sonde_known_function(int x);
int sonde_known_function(int x)
{
	return x + 1;
}

static bool can_run(void)
{
	if (geteuid() == 0)
		return true;
	test_skip("processes are followed as root only");
	return false;
}

/* A child that runs a copy of this program, tells where the function is, and ends. */
struct child {
	pid_t pid;
	uint64_t addr;
	char path[64];
};

static int copy_self(const char *path)
{
	struct stat st;
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	off_t left = from >= 0 && fstat(from, &st) == 0 ? st.st_size : 0;

	while (to >= 0 && left > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);
		if (n <= 0)
			break;
		left -= n;
	}
	close(from);
	close(to);
	return left == 0 ? 0 : -EIO;
}

static bool run_child(struct child *c)
{
	static int number;
	int fds[2];
	char text[64] = "";

	snprintf(c->path, sizeof(c->path), "/tmp/sonde-processes-%d-%d", getpid(), number++);
	if (copy_self(c->path) < 0 || pipe(fds) < 0)
		return false;
	c->pid = fork();
	if (c->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(c->path, c->path, "--where", (char *)NULL);
		_exit(1);
	}
	close(fds[1]);
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	c->addr = n > 0 ? strtoull(text, NULL, 16) : 0;
	return c->addr != 0;
}

static void end_child(struct child *c)
{
	if (c->pid > 0)
		(void)waitpid(c->pid, NULL, 0);
	unlink(c->path);
}

static void expect_name(struct processes *p, const struct child *c, const char *wanted)
{
	struct strbuf b = { 0 };

	processes_name(p, c->pid, c->addr + 2, /* with_offset= */ true, /* with_module= */ false,
		       &b);
	EXPECT_STR(strbuf_text(&b), wanted);
	strbuf_fini(&b);
}

TEST(a_process_that_ended_has_names)
{
	struct processes *p = NULL;
	struct child c = { 0 };

	if (!can_run())
		return;
	EXPECT_EQ(processes_new(/* follow= */ true, 0, &p), 0);
	EXPECT(run_child(&c));
	usleep(30000);
	processes_drain(p); // as the loop of a run does
	end_child(&c);	    // and its program is deleted
	usleep(30000);
	expect_name(p, &c, "sonde_known_function+2");
	processes_free(p);
}

TEST(one_that_ends_at_once_has_names)
{
	struct processes *p = NULL;
	struct child c = { 0 };

	if (!can_run())
		return;
	EXPECT_EQ(processes_new(/* follow= */ true, 0, &p), 0);
	EXPECT(run_child(&c));
	(void)waitpid(c.pid, NULL, 0);
	usleep(5000);
	expect_name(p, &c, "sonde_known_function+2");
	c.pid = 0;
	end_child(&c);
	processes_free(p);
}

TEST(a_running_one_is_looked_at_when_asked_for)
{
	struct processes *p = NULL;
	struct child self = { .pid = getpid(), .addr = (uint64_t)(uintptr_t)sonde_known_function };

	EXPECT_EQ(processes_new(/* follow= */ false, 0, &p), 0);
	expect_name(p, &self, "sonde_known_function+2");
	self.addr = 16;
	expect_name(p, &self, "0x12");
	processes_free(p);
}

TEST(modules_are_shown)
{
	struct processes *p = NULL;
	struct strbuf b = { 0 };
	char exe[256] = "", wanted[300];

	EXPECT(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	EXPECT_EQ(processes_new(/* follow= */ false, 0, &p), 0);
	processes_name(p, getpid(), (uint64_t)(uintptr_t)sonde_known_function, false, true, &b);
	snprintf(wanted, sizeof(wanted), "sonde_known_function (%s)", exe);
	EXPECT_STR(strbuf_text(&b), wanted);
	strbuf_fini(&b);
	processes_name(p, getpid(), 1, true, true, &b);
	EXPECT_STR(strbuf_text(&b), "0x1 ([unknown])");
	strbuf_fini(&b);
	processes_free(p);
}

/* The children's side runs before the harness. */
__attribute__((constructor)) static void tell_where(void)
{
	char line[64] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;

	close(fd);
	if (n < 8 || strcmp(line + n - 8, "--where") != 0)
		return;
	printf("%lx\n", (unsigned long)(uintptr_t)sonde_known_function);
	fflush(stdout);
	usleep(100000);
	_exit(sonde_known_function(-1));
}
