/* SPDX-License-Identifier: MIT */
/** Global variables of a dead FreeBSD kernel: numbers, text, and the lists they begin. */
#ifndef CRASH_FREEBSD_FACTS_H
#define CRASH_FREEBSD_FACTS_H

#include "crash/freebsd/kernel.h"
#include "crash/linux/kfield.h"

/** A number of as many bytes as its symbol has (1, 2, 4, 8). False: there is none. */
bool freebsd_number(struct freebsd_kernel *k, const char *name, uint64_t *ret);
/** The same; the first of several names, which end with NULL, that there is. */
bool freebsd_number_of(struct freebsd_kernel *k, const char *const *names, uint64_t *ret);
/** The text of a char array. False: none is there, or it is empty. */
bool freebsd_text(struct freebsd_kernel *k, const char *name, char *ret, size_t cap);
/** The text that a pointer leads to. The same. */
bool freebsd_text_at(struct freebsd_kernel *k, const char *name, char *ret, size_t cap);

/** Where a variable's content begins that is an array in some kernels, a pointer to it in others.
 */
bool freebsd_array(struct freebsd_kernel *k, const char *name, uint64_t *ret);

/** A field of the struct at @va, as a number. False: it is not known here, or not in the dump. */
bool freebsd_field(struct freebsd_kernel *k, uint64_t va, const struct kfield *f, uint64_t *ret);

/** The same of a field that is a number in some kernels, a counter(9) in others. */
bool freebsd_field_sum(struct freebsd_kernel *k, uint64_t va, const struct kfield *f,
		       uint64_t *ret);

/** The sum of a counter(9), or of another thing of 8 bytes that each CPU has: @at is what points to
 * it. False: that cannot be read. */
bool freebsd_counter(struct freebsd_kernel *k, uint64_t at, uint64_t *ret);
/** Where what @at leads to lies for @cpu. False: that cannot be known. */
bool freebsd_percpu(struct freebsd_kernel *k, uint64_t at, unsigned cpu, uint64_t *ret);
/**
 * One more step of work that a dump asks for by numbers that it may have made up: of CPUs, zones,
 * files. False: it was enough; no real kernel has so many.
 */
bool freebsd_spend(struct freebsd_kernel *k);
/** One more than the highest number of a CPU; 0: not known. */
unsigned freebsd_cpus(struct freebsd_kernel *k);
/** Whether there is a CPU of this number; true where no set of them is told. */
bool freebsd_has_cpu(struct freebsd_kernel *k, unsigned cpu);

/** Seconds since 1970, and since boot, when it died. */
bool freebsd_time(struct freebsd_kernel *k, uint64_t *ret);
bool freebsd_uptime(struct freebsd_kernel *k, uint64_t *ret);

/**
 * Where a walk along a list is. A member that was seen when the number of steps was last a power of
 * two is a loop (R. Brent, "An improved Monte Carlo factorization algorithm", BIT 1980).
 */
struct freebsd_steps {
	uint64_t seen, n, next_power;
};

/** False: @member was there before. */
bool freebsd_steps_on(struct freebsd_steps *s, uint64_t member);

#endif
