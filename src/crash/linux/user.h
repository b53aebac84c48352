/* SPDX-License-Identifier: MIT */
/** What a thread of a dead kernel has in user mode: areas of its memory, its stack. */
#ifndef CRASH_LINUX_USER_H
#define CRASH_LINUX_USER_H

#include "crash/linux/kernel.h"

/**
 * Calls @f with the struct vm_area_struct of each area of the address space of @task, by address,
 * until it returns other than 0, which is returned. *@ret_cut: why there may be more, or NULL.
 */
SONDE_MUST_CHECK int linux_each_area(struct linux_kernel *k, uint64_t task,
				     int (*f)(void *arg, uint64_t index, uint64_t area), void *arg,
				     const char **ret_cut);

/** Of struct crash_system. */
int linux_user_stack(struct crash_core *c, const struct crash_task *t, uint64_t *ret, size_t n);
bool linux_user_name(struct crash_core *c, const struct crash_task *t, uint64_t addr,
		     struct strbuf *ret);

#endif
