/* SPDX-License-Identifier: MIT */
/** What perf tells of: samples, mapped code, threads and their names. */
#ifndef PERF_SAMPLE_H
#define PERF_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/dso.h"

/** A sample. The first address of each part is exact, the others are return addresses. */
struct sample {
	uint64_t time, ip, period;
	pid_t pid, tid;
	const uint64_t *kernel, *user;
	uint32_t n_kernel, n_user;
};

/** A process mapped code. */
struct sample_map {
	pid_t pid, tid;
	uint64_t addr, len, off;
	uint32_t prot, flags;
	const struct dso *file;
};

/** For a thread, for its making and its end; those need no name. */
struct sample_task {
	pid_t pid, tid, ppid, ptid;
	const char *comm;
	size_t comm_len;
	bool exec;
};

#endif
