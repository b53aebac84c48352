/* SPDX-License-Identifier: MIT */
/** Verbs that only Linux has, or has in its own way. */
#ifndef CRASH_LINUX_SHOW_SHOW_H
#define CRASH_LINUX_SHOW_SHOW_H

#include "crash/linux/facts.h"
#include "crash/verbs/page.h"

extern const struct crash_verb linux_report;
extern const struct crash_verb linux_mods;
extern const struct crash_verb linux_mem;
extern const struct crash_verb linux_irq;
extern const struct crash_verb linux_files;
extern const struct crash_verb linux_mount;
extern const struct crash_verb linux_net;

/** Ends with NULL. */
extern const struct crash_verb *const linux_verbs[];

/** Text in the core's memory, for cells of tables; "?" where there is no memory, which is told at
 * the end. */
const char *linux_keep(struct linux_kernel *k, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** The table of sockets, which is part of what net shows. */
SONDE_MUST_CHECK int linux_show_sockets(struct crash_run *r, struct page *p);

/** What looks odd: lines for the report, told to @f. -ENOMEM. */
SONDE_MUST_CHECK int linux_oddities(struct linux_kernel *k, const struct crash_tasks *tasks,
				    void (*f)(void *arg, const char *line), void *arg);

#endif
