/* SPDX-License-Identifier: MIT */
/** A program for samples: main calls outer_one, that middle_two, that inner_three, which spins. */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sum;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) void inner_three(unsigned long n);
__attribute__((noinline)) void middle_two(unsigned long n);
__attribute__((noinline)) void outer_one(unsigned long n);

void inner_three(unsigned long n)
{
	// A leaf has no frame of its own otherwise, and who called its caller would be hidden.
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	for (unsigned long i = 0; i < n; i++)
		sum += i * i;
}

void middle_two(unsigned long n)
{
	inner_three(n);
	sum++;
}

void outer_one(unsigned long n)
{
	middle_two(n);
	sum++;
}

/* usage: spin SECONDS, of its own time: as many samples on a busy machine as on an idle one */
int main(int argc, char **argv)
{
	const double end = now() + (argc > 1 ? strtod(argv[1], NULL) : 1);

	while (now() < end)
		outer_one(5000000); // some ms: asking for the time is not what is looked at
	return 0;
}
