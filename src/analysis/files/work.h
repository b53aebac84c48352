/* SPDX-License-Identifier: MIT */
/** Follows the system calls on files: what they open and close, read and write. */
#ifndef ANALYSIS_FILES_WORK_H
#define ANALYSIS_FILES_WORK_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

#include "analysis/files/tables.h"
#include "analysis/kernel.h"
#include "analysis/spread.h"

/** What was done; all zero is nothing. */
struct fd_use {
	uint64_t opens, reads, writes, syncs, closes, errors;
	int64_t read_bytes, written_bytes;
	struct spread took;
};

void fd_use_merge(struct fd_use *u, const struct fd_use *add);

/** What one thread did with one file. */
struct fd_cell {
	const struct kernel_thread *thread;
	int32_t file; /* number of fd_tables_file() */
	struct fd_use use;
};

/** What the figures lack. */
struct fd_doubts {
	uint64_t over;	  /* calls beyond what is kept */
	uint64_t unsized; /* calls that tell how many messages, but not how many bytes */
	uint64_t async;	  /* calls that hand over requests, which are not seen */
	uint64_t early; /* calls whose entry was not seen: their files, and times, are not known */
	uint64_t pathless; /* files that were opened, and no event told which */
	uint64_t told;	   /* events that are no calls, and tell of descriptors */
	unsigned met;	   /* bit per enum fd_kind: such calls were seen */
};

struct fd_work;

/** Only calls that end in [from_ns, to_ns] count; those before tell what is open. */
SONDE_MUST_CHECK int fd_work_new(int64_t from_ns, int64_t to_ns, struct fd_work **ret);
void fd_work_free(struct fd_work *s);

/** Takes events in order of time. 1: they are behind the window; or -ENOMEM. */
SONDE_MUST_CHECK int fd_work_consume(struct fd_work *s, const struct sonde_batch *in);
SONDE_MUST_CHECK int fd_work_finish(struct fd_work *s);

/** All below is lent until fd_work_free(), or the next fd_work_consume(). */
struct kernel *fd_work_kernel(const struct fd_work *s);
const struct fd_tables *fd_work_tables(const struct fd_work *s);
const struct fd_doubts *fd_work_doubts(const struct fd_work *s);
size_t fd_work_cells(const struct fd_work *s, const struct fd_cell **ret);
/** What a thread did with all files together; NULL: nothing. */
const struct fd_use *fd_work_thread(const struct fd_work *s, const struct kernel_thread *t);

#endif
