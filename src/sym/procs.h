/* SPDX-License-Identifier: MIT */
/**
 * Processes as time goes by: what they are called, and what is mapped where.
 *
 * It is fed the records of perf in the order of time. What ended is kept a while, as late samples
 * still ask for it.
 */
#ifndef SYM_PROCS_H
#define SYM_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/dso.h"

struct procs;

/** Code at [start, end) comes from file @dso, from byte @off on. */
struct map {
	uint64_t start, end, off;
	uint32_t dso; /* index in the dsos given by the caller */
};

enum { COMM_MOST = 16, MAPS_MOST = 1 << 16 };

SONDE_MUST_CHECK int procs_new(struct procs **ret);
void procs_free(struct procs *p);
SONDE_DEFINE_AUTO(struct procs *, procs_free)

/** Each returns 0 or -ENOMEM. */

/** @pid has mapped code; what was there before is gone. Beyond MAPS_MOST a process has no more. */
SONDE_MUST_CHECK int procs_mmap(struct procs *p, pid_t pid, const struct map *map);

/** A thread has a name; @exec: its process begins a new program, with nothing mapped. */
SONDE_MUST_CHECK int procs_comm(struct procs *p, pid_t pid, pid_t tid, const char *comm,
				size_t comm_len, bool exec);

/** Thread @ptid of @ppid made thread @tid of @pid: a process of its own where the pids differ. */
SONDE_MUST_CHECK int procs_fork(struct procs *p, pid_t pid, pid_t tid, pid_t ppid, pid_t ptid);

/** A thread ended. */
SONDE_MUST_CHECK int procs_exit(struct procs *p, pid_t pid, pid_t tid);

/** What is mapped at @addr; false: nothing that is known. */
bool procs_find(const struct procs *p, pid_t pid, uint64_t addr, struct map *ret);

/** What was mapped there in one of the last programs that the process was before an exec. */
bool procs_find_older(const struct procs *p, pid_t pid, uint64_t addr, struct map *ret);

/** Whether anything is known to be mapped by it. */
bool procs_has_maps(const struct procs *p, pid_t pid);

/** A thread's name, or its process's; NULL: not known. Lent until the next change. */
const char *procs_name(const struct procs *p, pid_t pid, pid_t tid);

/** How many processes it keeps; for tests. */
size_t procs_count(const struct procs *p);

#endif
