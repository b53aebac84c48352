/* SPDX-License-Identifier: MIT */
/** What the parts of the made FreeBSD kernel have in common. */
#ifndef FREEBSD_KERNEL_H
#define FREEBSD_KERNEL_H

#include <stdint.h>

#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define LIST_ENTRY(type)               \
	struct {                       \
		struct type *le_next;  \
		struct type **le_prev; \
	}
#define KEEP __attribute__((used))

enum { PAGE = 4096, CPUS = 2, CPU_BASE = 0x10000 };

struct pcpu {
	int pc_cpuid;
	long pc_cp_time[5];
};

struct zpcpu {
	uint64_t v[PAGE / 8];
};
/* The number that points to it is the distance from __pcpu. */
#define COUNTER(name, one, other)      \
	static struct zpcpu name[CPUS] \
		__attribute__((aligned(4096), used)) = { { { one } }, { { other } } }
#define COUNTER_OF(name) ((uint64_t *)((char *)name - CPU_BASE))

#endif
