/* SPDX-License-Identifier: MIT */
/** What types tell of processes and threads, beside what the kernel exports as numbers. */
#ifndef CRASH_FREEBSD_FIELDS_H
#define CRASH_FREEBSD_FIELDS_H

#include "crash/freebsd/facts.h"

/** What all threads of a process have in common; each stays as it is where it is not known. */
void freebsd_fill_process(struct freebsd_kernel *k, uint64_t p, struct crash_task *t);
/** State of a thread, of which the process is filled. */
void freebsd_fill_thread(struct freebsd_kernel *k, uint64_t td, struct crash_task *t);

#endif
