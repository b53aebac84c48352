/* SPDX-License-Identifier: MIT */
/** fixed: a load of known numbers of system calls, reads, processes and switches. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CALLS = 3000,
	THREAD_CALLS = 700,
	CHILDREN = 5,
	CHILD_CALLS = 100,
	ROUNDS = 200,
	READS = 12
};

static void fail_if(int failed)
{
	if (failed)
		exit(1);
}

/* Reads of 1, 2, 4 ... bytes, each of them three times; and one that fails. */
static void reads(void)
{
	static char buf[1 << READS], paths[2][32];

	// Written once, so that they are in memory: only then a probe can read them before the
	// kernel.
	(void)snprintf(paths[0], sizeof(paths[0]), "/dev/zero");
	(void)snprintf(paths[1], sizeof(paths[1]), "/nonexistent/fixed");
	const int fd = open(paths[0], O_RDONLY | O_CLOEXEC);

	fail_if(fd < 0);
	for (int i = 0; i < READS; i++)
		for (int k = 0; k < 3; k++)
			fail_if(read(fd, buf, (size_t)1 << i) != 1L << i);
	close(fd);
	fail_if(read(-1, buf, 1) != -1);
	fail_if(open(paths[1], O_RDONLY | O_CLOEXEC) >= 0);
}

static void *thread(void *arg)
{
	(void)prctl(PR_SET_NAME, "fixed-thread");
	for (int i = 0; i < THREAD_CALLS; i++)
		(void)syscall(SYS_getgid);
	return arg;
}

static void children(void)
{
	int status;

	for (int i = 0; i < CHILDREN; i++) {
		const pid_t pid = fork();

		fail_if(pid < 0);
		if (!pid) {
			if (i % 2)
				(void)prctl(PR_SET_NAME, "fixed-child");
			for (int k = 0; k < CHILD_CALLS; k++)
				(void)syscall(SYS_getuid);
			_exit(i);
		}
		fail_if(waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != i);
	}
}

/* A byte goes to another process and back. */
static void ping_pong(void)
{
	int there[2], back[2];
	char c = 'x';

	fail_if(pipe(there) || pipe(back));
	const pid_t pid = fork();
	fail_if(pid < 0);
	if (!pid) {
		(void)prctl(PR_SET_NAME, "fixed-pong");
		for (int i = 0; i < ROUNDS; i++)
			if (read(there[0], &c, 1) != 1 || write(back[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++)
		fail_if(write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1);
	fail_if(waitpid(pid, NULL, 0) != pid);
}

/* A program that is not there, with three arguments. */
static void exec_nothing(void)
{
	static char args[3][100];
	char *const argv[] = { args[0], args[1], args[2], NULL };

	(void)snprintf(args[0], sizeof(args[0]), "/nonexistent/fixed");
	(void)snprintf(args[1], sizeof(args[1]), "two words");
	(void)snprintf(args[2], sizeof(args[2]), "%080d", 7);
	const pid_t pid = fork();
	fail_if(pid < 0);
	if (!pid) {
		(void)prctl(PR_SET_NAME, "fixed-exec");
		(void)execv(args[0], argv);
		_exit(0);
	}
	fail_if(waitpid(pid, NULL, 0) != pid);
}

int main(void)
{
	pthread_t t;

	for (int i = 0; i < CALLS; i++)
		(void)syscall(SYS_getppid);
	reads();
	fail_if(pthread_create(&t, NULL, thread, NULL));
	fail_if(pthread_join(t, NULL));
	children();
	ping_pong();
	exec_nothing();
	return 0;
}
