/* SPDX-License-Identifier: MIT */
/** Which CPUs there are, as the kernel lists them ("0-3,8"). */
#ifndef BPF_CPUS_H
#define BPF_CPUS_H

#include <sonde/def.h>

enum { CPUS_MOST = 8192 }; /* what the kernel can be built for */

/**
 * Calls @f for each CPU of the list @text, in its order; stops at a negative result and returns it.
 * -EBADMSG: @text is no list, or has a CPU of CPUS_MOST or more; no words.
 */
SONDE_MUST_CHECK int cpus_each(const char *text, int (*f)(void *arg, unsigned cpu), void *arg);

/** The same for the CPUs that are online; with words. */
SONDE_MUST_CHECK int cpus_each_online(int (*f)(void *arg, unsigned cpu), void *arg);

/** How many CPUs there may ever be here: values in an entry of a per-CPU map. */
unsigned cpus_possible(void);

/** One above the highest number that a CPU can have. */
unsigned cpus_end(void);

#endif
