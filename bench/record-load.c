/* SPDX-License-Identifier: MIT */
/**
 * The load of bench/record, and its stop watch.
 *
 * record-load load CALLS PROCESSES FILE: that many processes call getppid() so often; their time
 * and CPU time, in seconds, go to FILE.
 * record-load watch FILE CMD [ARG]...: runs CMD and writes the same for it and all below it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* What passed since @begin, and the CPU time of all children that ended. */
static int tell(const char *path, double begin, int status)
{
	struct rusage r;
	FILE *f = fopen(path, "we");

	(void)getrusage(RUSAGE_CHILDREN, &r);
	if (!f)
		return 1;
	fprintf(f, "%.6f %.6f\n", now_s() - begin, seconds(r.ru_utime) + seconds(r.ru_stime));
	return fclose(f) ? 1 : status;
}

static int load(long calls, int processes, const char *path)
{
	const double begin = now_s();

	for (int p = 0; p < processes; p++) {
		if (fork())
			continue;
		for (long i = 0; i < calls; i++)
			(void)syscall(SYS_getppid);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return tell(path, begin, 0);
}

static int watch(const char *path, char **argv)
{
	const double begin = now_s();
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return tell(path, begin, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10), argv[4]);
	if (argc > 3 && !strcmp(argv[1], "watch"))
		return watch(argv[2], argv + 3);
	fprintf(stderr, "usage: record-load load CALLS PROCESSES FILE | watch FILE CMD [ARG]...\n");
	return 2;
}
