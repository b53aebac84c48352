/* SPDX-License-Identifier: MIT */
/** Reads tables of open files, some hundred places at once. */
#include "crash/linux/file/fd.h"

#include <errno.h>

#include <sonde/err.h>

enum { AT_ONCE = 256 };

int fd_walk_begin(struct fd_walk *w, struct linux_kernel *k)
{
	struct ctypes *t = k->types;

	*w = (struct fd_walk){ .k = k };
	if (!kfield_find(t, "struct task_struct", "files", &w->f.files) ||
	    !kfield_find(t, "struct files_struct", "fdt", &w->f.fdt) ||
	    !kfield_find(t, "struct fdtable", "max_fds", &w->f.max_fds) ||
	    !kfield_find(t, "struct fdtable", "fd", &w->f.fd))
		return sonde_fail(-ENOTSUP, "how this kernel keeps files is not understood");
	return 0;
}

int fd_walk_task(struct fd_walk *w, const struct crash_task *t,
		 int (*f)(void *arg, const struct crash_task *t, int64_t fd, uint64_t file),
		 void *arg)
{
	struct linux_kernel *k = w->k;
	uint64_t files = linux_field_or(k, t->addr, &w->f.files, 0), some[AT_ONCE];
	uint64_t fdt = files ? linux_field_or(k, files, &w->f.fdt, 0) : 0;
	uint64_t n = fdt ? linux_field_or(k, fdt, &w->f.max_fds, 0) : 0;
	uint64_t fds = fdt ? linux_field_or(k, fdt, &w->f.fd, 0) : 0;

	if (files && !n)
		w->cut = "a table of open files is not in the dump";
	if (n > FD_MOST) {
		w->cut = "a table of open files is too large";
		n = FD_MOST;
	}
	for (uint64_t i = 0; i < n; i += AT_ONCE) {
		const uint64_t want = n - i < AT_ONCE ? n - i : AT_ONCE;
		const uint64_t got = space_read_some(&k->mem, fds + i * 8, some, want * 8) / 8;

		w->looked_at += want;
		for (uint64_t j = 0; j < got; j++) {
			int r = some[j] ? f(arg, t, (int64_t)(i + j), some[j]) : 0;

			if (r)
				return r;
		}
		if (got < want) {
			w->cut = "a table of open files is not in the dump";
			break;
		}
		if (w->looked_at >= FD_TABLE_MOST) {
			w->cut = "there are too many tables of open files";
			break;
		}
	}
	return 0;
}
