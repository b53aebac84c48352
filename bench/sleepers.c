/* SPDX-License-Identifier: MIT */
/**
 * Makes N tasks that sleep, and says so: processes and threads in turn, in several system calls.
 *
 * usage: sleepers N
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 15, STACK = 32768 }; /* beside the main thread of each process */

static int pipe_ends[2];
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void sleep_in_one_of(unsigned how)
{
	const struct timespec long_time = { .tv_sec = 1000000 };
	char c;

	switch (how % 4) {
	case 0: (void)nanosleep(&long_time, NULL); break;
	case 1: (void)poll(NULL, 0, -1); break;
	case 2: (void)read(pipe_ends[0], &c, 1); break;
	default: (void)pthread_mutex_lock(&held);
	}
	(void)pause(); // one of them got what it waited for
}

static void *thread(void *arg)
{
	sleep_in_one_of((unsigned)(size_t)arg);
	return NULL;
}

/* A process of some threads. Returns how many tasks it is, in the child never. */
static unsigned begin(unsigned threads)
{
	pthread_attr_t small;
	pthread_t t;

	if (fork() != 0)
		return threads + 1;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&t, &small, thread, (void *)(size_t)i) != 0)
			_exit(1);
	}
	sleep_in_one_of(threads);
	_exit(0);
}

int main(int argc, char **argv)
{
	const unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

	if (!n || pipe(pipe_ends) < 0) {
		(void)fprintf(stderr, "usage: sleepers N\n");
		return 2;
	}
	pthread_mutex_lock(&held);
	for (unsigned done = 0, i = 0; done < n; i++)
		done += begin(i % 2 && n - done > THREADS ? THREADS : 0);
	if (waitpid(-1, NULL, WNOHANG) != 0)
		return 1; // one could not begin
	puts("asleep");
	(void)fflush(stdout);
	(void)pause();
	return 0;
}
