/* SPDX-License-Identifier: MIT */
/** Single facts about a dead Linux: its name, its clocks, its memory. */
#ifndef CRASH_LINUX_FACTS_H
#define CRASH_LINUX_FACTS_H

#include "crash/linux/kernel.h"

/** A field of its uname(2), as "nodename"; false: not in the dump. */
bool linux_uts(struct linux_kernel *k, const char *field, char *ret, size_t cap);

/** When it died, in seconds since 1970; false: not known. */
bool linux_time(struct linux_kernel *k, uint64_t *ret);
/** How long it had run then; false: not known. */
bool linux_uptime_ns(struct linux_kernel *k, uint64_t *ret);

/** What the scheduler's clock of a CPU said last. */
bool linux_cpu_clock(struct linux_kernel *k, size_t cpu, uint64_t *ret);

/** Pages of a kind, as "NR_FREE_PAGES", in the whole machine; false: not known. */
bool linux_pages_of(struct linux_kernel *k, const char *enumerator, int64_t *ret);
/** Pages of memory that the system manages. */
bool linux_pages_total(struct linux_kernel *k, uint64_t *ret);

static inline uint64_t linux_page_size(const struct linux_kernel *k)
{
	return 1ull << k->mem.layout.page_bits;
}

#endif
