/* SPDX-License-Identifier: MIT */
/** Watches over the recorder from a process of its own. */
#include "record/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/repair.h"
#include "record/tracing.h"

enum { TRIES = 50, TRY_MS = 40 };

/* Sleeps until the recorder says that it is done, or is no more. */
_Noreturn static void guard_main(int fd, pid_t recorder, const char *dir)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000 };
	char byte;
	ssize_t n;

	// Whoever ends the recorder's group or terminal means the recorder.
	(void)setsid();
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	(void)!ctf_repair(dir);
	// The kernel closes the recorder's files one by one; its instance is in use until then.
	for (int i = 0; i < TRIES && !tracing_remove(recorder); i++)
		(void)nanosleep(&pause, NULL);
	_exit(0);
}

int guard_start(struct guard *g, const char *dir)
{
	int fds[2];
	sigset_t all, old;

	*g = (struct guard){ .fd = -1 };
	if (pipe2(fds, O_CLOEXEC) < 0)
		return sonde_fail_errno(-errno, "cannot watch over the recording");
	const pid_t recorder = getpid();
	// Its only way to end is the pipe.
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	g->pid = fork();
	if (g->pid == 0) {
		close(fds[1]);
		guard_main(fds[0], recorder, dir);
	}
	const int err = -errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	close(fds[0]);
	g->fd = fds[1];
	if (g->pid < 0) {
		mem_closep(&g->fd);
		*g = (struct guard){ .fd = -1 };
		return sonde_fail_errno(err, "cannot watch over the recording");
	}
	return 0;
}

void guard_end(struct guard *g)
{
	if (g->fd < 0)
		return;
	(void)!write(g->fd, "d", 1);
	mem_closep(&g->fd);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*g = (struct guard){ .fd = -1 };
}
