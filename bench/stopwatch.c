/* SPDX-License-Identifier: MIT */
/**
 * stopwatch FILE CMD [ARG]...: runs CMD, and ends as it did. To FILE: seconds until it ended, CPU
 * seconds of its own, without its children's, and its peak resident KiB.
 *
 * A small process must start it: the peak that the kernel tells counts what was there before CMD.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t id)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	clockid_t cpu_clock;
	struct rusage r;
	siginfo_t info;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: stopwatch FILE CMD [ARG]...\n");
		return 2;
	}
	const double begin = seconds(CLOCK_MONOTONIC);
	const pid_t pid = vfork();
	if (pid == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	// Its clock is there until it is waited for.
	if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0) {
		perror(argv[2]);
		return 1;
	}
	const double wall = seconds(CLOCK_MONOTONIC) - begin;
	const double cpu = clock_getcpuclockid(pid, &cpu_clock) ? 0 : seconds(cpu_clock);
	(void)wait4(pid, &status, 0, &r);
	FILE *to = fopen(argv[1], "we");
	if (!to) {
		perror(argv[1]);
		return 1;
	}
	fprintf(to, "%.6f %.6f %ld\n", wall, cpu, r.ru_maxrss);
	if (fclose(to))
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
