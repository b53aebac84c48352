/* SPDX-License-Identifier: MIT */
/** Starts the command that is looked at. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

int child_check(char *const *argv)
{
	const char *name = argv[0];
	const char *dirs = getenv("PATH");
	int found = -ENOENT;

	if (strchr(name, '/'))
		found = check_file(name);
	for (const char *p = dirs ? dirs : "/usr/bin:/bin"; !strchr(name, '/') && p;) {
		char path[PATH_MAX];
		const size_t len = strcspn(p, ":");
		int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)len, p, len ? "/" : "", name);
		int r = n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : check_file(path);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			found = r;
		p = p[len] ? p + len + 1 : NULL;
	}
	return found < 0 ? sonde_fail_errno(found, "cannot run '%s'", name) : 0;
}

/* The child's side: waits for one byte, then becomes the command. */
_Noreturn static void child_main(int go_fd, int error_fd, char *const *argv)
{
	char byte;
	ssize_t n;

	do
		n = read(go_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1); // the tracer is gone or gave up
	(void)execvp(argv[0], argv);
	int err = errno;
	(void)!write(error_fd, &err, sizeof(err));
	_exit(err == ENOENT ? 127 : 126);
}

int child_hold(struct child *c, char *const *argv, const void *old_mask)
{
	int go[2] = { -1, -1 }, error[2] = { -1, -1 };

	*c = (struct child){ .pidfd = -1, .go_fd = -1, .error_fd = -1 };
	if (pipe2(go, O_CLOEXEC) < 0)
		return sonde_fail_errno(-errno, "cannot start '%s'", argv[0]);
	if (pipe2(error, O_CLOEXEC) < 0) {
		int err = -errno;
		close(go[0]);
		close(go[1]);
		return sonde_fail_errno(err, "cannot start '%s'", argv[0]);
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(error[0]);
		(void)sigprocmask(SIG_SETMASK, old_mask, NULL);
		child_main(go[0], error[1], argv);
	}
	int err = -errno;
	close(go[0]);
	close(error[1]);
	c->go_fd = go[1];
	c->error_fd = error[0];
	if (pid < 0)
		return sonde_fail_errno(err, "cannot start '%s'", argv[0]);
	c->pid = pid;
	c->pidfd = pidfd_open(pid, 0);
	if (c->pidfd < 0)
		return sonde_fail_errno(-errno, "cannot watch '%s'", argv[0]);
	return 0;
}

int child_go(struct child *c)
{
	int err;

	(void)!write(c->go_fd, "g", 1);
	mem_closep(&c->go_fd);
	c->go_fd = -1;
	// The other end closes when the command is executed.
	ssize_t n;
	do
		n = read(c->error_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	mem_closep(&c->error_fd);
	c->error_fd = -1;
	return n == sizeof(err) && err > 0 ? sonde_fail_errno(-err, "cannot run the command") : 0;
}

void child_signal(struct child *c, int sig)
{
	if (c->pid && !c->ended)
		(void)kill(c->pid, sig);
}

void child_reap(struct child *c, bool wait)
{
	int status;
	pid_t r;

	if (!c->pid || c->ended)
		return;
	do
		r = waitpid(c->pid, &status, wait ? 0 : WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r != c->pid)
		return;
	c->ended = true;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void child_fini(struct child *c)
{
	if (!c->pid)
		return;
	const bool held = c->go_fd >= 0;

	mem_closep(&c->go_fd);
	mem_closep(&c->error_fd);
	mem_closep(&c->pidfd);
	if (held)
		child_reap(c, /* wait= */ true);
	*c = (struct child){ .pidfd = -1, .go_fd = -1, .error_fd = -1 };
}
