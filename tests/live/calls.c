/* SPDX-License-Identifier: MIT */
/** calls NUMBER COUNT: makes a system call of that number, known to the kernel or not, COUNT times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const long number = strtol(argv[1], NULL, 10);

	for (long n = strtol(argv[2], NULL, 10); n > 0; n--)
		(void)syscall(number);
	return 0;
}
