/* SPDX-License-Identifier: MIT */
/**
 * What other events than those of system calls tell of descriptors: LTTng's dump of the state, and
 * what tools/files.bt gives.
 */
#ifndef ANALYSIS_FILES_TOLD_H
#define ANALYSIS_FILES_TOLD_H

#include <stdint.h>

#include <sonde/event.h>
#include <sonde/span.h>

enum fd_told_kind {
	FD_TOLD_HAS,   /* the process has it open */
	FD_TOLD_OPEN,  /* the thread's call to open @path ends; @fd: its result */
	FD_TOLD_CLOSE, /* the thread's call to close it begins; no @path */
};

struct fd_told {
	enum fd_told_kind kind;
	int64_t tid, pid; /* a thread that has it, and its process; -1: not known */
	int64_t took_ns;  /* of FD_TOLD_OPEN; -1: not told */
	int32_t fd;
	int cloexec; /* 1, 0; -1: not told */
	struct sonde_span path;
};

/** Which classes tell such things. */
struct fd_tolds;

SONDE_MUST_CHECK int fd_tolds_new(struct fd_tolds **ret);
void fd_tolds_free(struct fd_tolds *s);

/** 1: @e tells of a descriptor; 0: it does not; or -ENOMEM. */
SONDE_MUST_CHECK int fd_told_read(struct fd_tolds *s, const struct sonde_event *e,
				  struct fd_told *ret);

#endif
