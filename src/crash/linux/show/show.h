/* SPDX-License-Identifier: MIT */
/** Verbs that only Linux has, or has in its own way. */
#ifndef CRASH_LINUX_SHOW_SHOW_H
#define CRASH_LINUX_SHOW_SHOW_H

#include "crash/linux/facts.h"
#include "crash/linux/file/namespace.h"
#include "crash/verbs/page.h"

extern const struct crash_verb linux_report;
extern const struct crash_verb linux_mods;
extern const struct crash_verb linux_mem;
extern const struct crash_verb linux_irq;
extern const struct crash_verb linux_files;
extern const struct crash_verb linux_mount;
extern const struct crash_verb linux_net;

/** Why a kernel died, by its messages. */
struct linux_cause {
	char panic[256];     /* the panic, or what is nearest to one; "": none */
	char text[256];	     /* what was said within 10 s before it: "BUG: ... at foo+0x1/0x2"; "":
				nothing */
	int rank, text_rank; /* @rank 0: it was a panic */
	uint64_t ns;
	bool has_place;
};
void linux_cause_begin(struct linux_cause *c);
/** To be called with each message, the oldest first. */
void linux_cause_look(struct linux_cause *c, const struct crash_message *m);

/** Ends with NULL. */
extern const struct crash_verb *const linux_verbs[];

/** Text in the core's memory, for cells of tables; "?" where there is no memory, which is told at
 * the end. */
const char *linux_keep(struct linux_kernel *k, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** The table of sockets, which is part of what net shows: of @only's, or (NULL) of all. */
SONDE_MUST_CHECK int linux_show_sockets(struct crash_run *r, struct page *p,
					const struct crash_tasks *tasks,
					const struct namespaces *all, const struct namespace *only);

/** Runs @show with all tasks and their namespaces of a kind. A negative errno, as @show's. */
SONDE_MUST_CHECK int linux_in_namespaces(struct crash_run *r, enum namespace_kind kind,
					 int (*show)(struct crash_run *r,
						     const struct crash_tasks *tasks,
						     const struct namespaces *all));

/** The table of namespaces, where there are several of them. */
SONDE_MUST_CHECK int linux_show_namespaces(struct page *p, struct linux_kernel *k,
					   const struct namespaces *all);

/** The namespace of the task that is named behind the verb, NULL in *@ret: none is named. -ESRCH,
 * -EINVAL (sonde_fail()). */
SONDE_MUST_CHECK int linux_take_namespace(const struct crash_run *r,
					  const struct crash_tasks *tasks,
					  const struct namespaces *all,
					  const struct namespace **ret,
					  const struct crash_task **ret_task);

/** What looks odd: lines for the report, told to @f. -ENOMEM. */
SONDE_MUST_CHECK int linux_oddities(struct linux_kernel *k, const struct crash_tasks *tasks,
				    void (*f)(void *arg, const char *line), void *arg);

#endif
