/* SPDX-License-Identifier: MIT */
/** What tasks of a dead kernel had open, by numbers of files. */
#ifndef CRASH_LINUX_FILE_FD_H
#define CRASH_LINUX_FILE_FD_H

#include "crash/linux/kernel.h"

enum {
	FD_MOST = 1 << 20,	 /* of one task */
	FD_TABLE_MOST = 1 << 26, /* places looked at, of all tasks together */
};

struct fd_fields {
	struct kfield files, fdt, max_fds, fd;
};

/** A way through tables of open files, which a broken dump has as large, and as many, as it likes.
 */
struct fd_walk {
	struct linux_kernel *k;
	struct fd_fields f;
	uint64_t looked_at;
	const char *cut; /* why there may be more, or NULL */
};

/** -ENOTSUP (sonde_fail()): this kernel's types do not tell. */
SONDE_MUST_CHECK int fd_walk_begin(struct fd_walk *w, struct linux_kernel *k);
/** Calls @f with each struct file of @t until it returns other than 0, which is returned. */
int fd_walk_task(struct fd_walk *w, const struct crash_task *t,
		 int (*f)(void *arg, const struct crash_task *t, int64_t fd, uint64_t file),
		 void *arg);

#endif
