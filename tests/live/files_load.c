/* SPDX-License-Identifier: MIT */
/**
 * Uses files in a way that is known: what tests/live/files.py expects of it.
 *
 * usage: files_load FOLDER     (descriptors from 100 on are the files that count; prints its pid)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[4096];

static void check(long got, long want)
{
	if (got == want)
		return;
	fprintf(stderr, "files_load: got %ld, wanted %ld: %m\n", got, want);
	_exit(1);
}

/* Descriptors below 100 are taken from now on. */
static void take_low(void)
{
	while (dup(0) < 99)
		;
}

/* 100: "a". Written: 100 * 1000 + 500 + 30 + 8 (by 200); read: all of it in pieces of 4096. */
static void use_a(void)
{
	struct iovec v[2] = { { buf, 10 }, { buf + 10, 20 } };
	const int a = open("a", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(a, 100);
	for (int i = 0; i < 100; i++)
		check(write(a, buf, 1000), 1000);
	check(pwrite(a, buf, 500, 0), 500);
	check(writev(a, v, 2), 30);
	for (int i = 0; i < 3; i++)
		check(fsync(a), 0);
	check(dup2(a, 200), 200);
	check(write(200, buf, 8), 8);
	check(lseek(a, 0, SEEK_SET), 0);
	long all = 0, n;
	while ((n = read(a, buf, sizeof(buf))) > 0)
		all += n;
	check(all, 100038);
}

/* 101: "b". Written: 5000 by sendfile, 11 by a child, 9 through 200 of the child, and a failure. */
static void use_b(void)
{
	off_t off = 0;
	const int b = openat(AT_FDCWD, "b", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(b, 101);
	check(sendfile(b, 100, &off, 5000), 5000);
	check(read(b, buf, 10), -1);
	const pid_t child = fork();
	if (!child) {
		check(write(b, buf, 11), 11);
		check(dup2(b, 200), 200);
		check(write(200, buf, 9), 9);
		_exit(0);
	}
	check(waitpid(child, NULL, 0), child);
	// The child's 200 was its own.
	check(write(200, buf, 8), 8);
	check(close(200), 0);
	check(close(100), 0);
}

static void *open_c(void *arg)
{
	(void)arg;
	check(open("c", O_RDWR | O_CREAT | O_TRUNC, 0600), 100);
	check(write(100, buf, 77), 77);
	return NULL;
}

/* 100 again: "c", opened by a thread. */
static void use_c(void)
{
	pthread_t t;

	check(pthread_create(&t, NULL, open_c, NULL), 0);
	check(pthread_join(t, NULL), 0);
	check(pread(100, buf, 70, 0), 70);
	for (int i = 0; i < 7; i++)
		check(open("none", O_RDONLY), -1);
	check(close(100), 0);
	check(write(100, buf, 1), -1);
}

/* 100 and 102: a pipe; 103: made without a flag, closed by a range with what is above. */
static void use_pipe(void)
{
	int p[2];

	check(pipe(p), 0);
	check(p[0], 100);
	check(p[1], 102);
	for (int i = 0; i < 10; i++) {
		check(write(p[1], buf, 333), 333);
		check(read(p[0], buf, 333), 333);
	}
	check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 103);
	check(send(103, buf, 5, MSG_NOSIGNAL), -1);
	check(fcntl(101, F_DUPFD, 150), 150);
	check(write(150, buf, 6), 6);
	check(close_range(103, 160, 0), 0);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: files_load FOLDER\n");
		return 2;
	}
	take_low();
	use_a();
	use_b();
	use_c();
	use_pipe();
	printf("%d\n", (int)getpid());
	return 0;
}
