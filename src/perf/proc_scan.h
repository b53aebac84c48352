/* SPDX-License-Identifier: MIT */
/** The processes that run already: their names and what they have mapped, from /proc. */
#ifndef PERF_PROC_SCAN_H
#define PERF_PROC_SCAN_H

#include <sys/types.h>

#include "perf/sample.h"

/** Who is told; each returns 0 or a failure that ends the scan. */
struct proc_scan {
	void *arg;
	int (*comm)(void *arg, const struct sample_task *t); /* NULL: names are not wanted */
	/** @file's path is not ended by a 0; it has @path_len bytes. */
	int (*map)(void *arg, const struct sample_map *m, size_t path_len);
};

/** All processes, or only @pids. Those that end meanwhile are left out. */
SONDE_MUST_CHECK int proc_scan(const struct proc_scan *to, const pid_t *pids, size_t n_pids);

/** Calls @f for each thread of a process. Returns the first result but 0, or -ESRCH: it is gone. */
SONDE_MUST_CHECK int proc_threads(pid_t pid, int (*f)(void *arg, pid_t tid), void *arg);

#endif
