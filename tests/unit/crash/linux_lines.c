/* SPDX-License-Identifier: MIT */
/** Source lines for linux_kernel.c's schedule(), in a file of the same build-id, linked to lie
 * there. */

static volatile int waited;

static inline __attribute__((always_inline)) void wait_a_while(void)
{
	waited++;
	waited++;
}

void schedule(void)
{
	wait_a_while();
	waited = 0;
}
