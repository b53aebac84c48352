/* SPDX-License-Identifier: MIT */
/** load MS CALLS: burns MS of CPU time, sleeps, calls getppid CALLS times, and tells what it took.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long used_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static void burn(long ms)
{
	volatile unsigned v = 0;

	while (used_ns() < ms * 1000000LL) {
		for (unsigned i = 0; i < 500000; i++)
			v = v + i;
	}
}

static void *call(void *arg)
{
	for (long n = *(const long *)arg; n > 0; n--)
		(void)syscall(SYS_getppid);
	return NULL;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	pthread_t thread;

	if (argc != 3)
		return 2;
	const long half = strtol(argv[2], NULL, 10) / 2;
	long rest = strtol(argv[2], NULL, 10) - half;
	burn(strtol(argv[1], NULL, 10));
	nanosleep(&pause, NULL);
	if (pthread_create(&thread, NULL, call, &rest))
		return 1;
	(void)call((void *)&half);
	pthread_join(thread, NULL);
	printf("%d %lld\n", getpid(), used_ns());
	return 0;
}
