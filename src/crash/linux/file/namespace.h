/* SPDX-License-Identifier: MIT */
/** Namespaces of a dead kernel, and who is in them. */
#ifndef CRASH_LINUX_FILE_NAMESPACE_H
#define CRASH_LINUX_FILE_NAMESPACE_H

#include "base/u64map.h"
#include "crash/linux/kernel.h"

struct namespace
{
	uint64_t addr;		       /* of its struct */
	uint64_t inode;		       /* as /proc/PID/ns has it; 0: not known */
	const struct crash_task *task; /* the first that is in it; NULL: none is */
	uint64_t n_tasks;
};

enum namespace_kind { NAMESPACE_NET, NAMESPACE_MOUNT };

/** The first process's one first, then the others in the order of their first tasks. */
struct namespaces {
	enum namespace_kind kind;
	struct namespace *all; /* owned */
	size_t n, cap;
	struct u64map by_addr;
	const char *cut; /* why there may be more, or NULL */
};

void namespaces_fini(struct namespaces *s);

/** All of a kind that @tasks are in, and of networks those that nobody is in. -ENOMEM. */
SONDE_MUST_CHECK int namespaces_find(struct linux_kernel *k, enum namespace_kind kind,
				     const struct crash_tasks *tasks, struct namespaces *ret);

/** The one with its struct at @addr, or NULL. */
const struct namespace *namespaces_at(const struct namespaces *s, uint64_t addr);

/** The one that a task is in, or NULL: it is in none any more, or not known. */
const struct namespace *namespaces_of(struct linux_kernel *k, const struct namespaces *s,
				      const struct crash_task *t);

#endif
