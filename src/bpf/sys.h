/* SPDX-License-Identifier: MIT */
/** The system calls bpf(2) and perf_event_open(2), and why the kernel says no. */
#ifndef BPF_SYS_H
#define BPF_SYS_H

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/types.h>

#include <sonde/def.h>

/** All bytes 0, which the kernel wants of those that a command does not use; {0} need not be that.
 */
static inline union bpf_attr sys_attr(void)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	return a;
}

/**
 * bpf(2). A result >= 0, or a negative errno (no words). Out of locked memory or descriptors, the
 * limits are raised as far as this process may, and it is tried once more.
 */
SONDE_MUST_CHECK int sys_bpf(int cmd, union bpf_attr *attr);

/** perf_event_open(2) likewise; the descriptor closes at exec. */
SONDE_MUST_CHECK int sys_perf_open(struct perf_event_attr *attr, pid_t pid, int cpu);

/** Words for @err of bpf(2) or perf_event_open(2), which @what names ("load program 'x'"). */
int sys_bpf_failed(int err, const char *what, ...) SONDE_PRINTF(2, 3);
int sys_perf_failed(int err, const char *what, ...) SONDE_PRINTF(2, 3);

/** Reads a small file of sysfs or procfs as text; its length, or a negative errno (no words). */
SONDE_MUST_CHECK int sys_read_text(const char *path, char *buf, size_t cap);

#endif
