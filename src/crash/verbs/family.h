/* SPDX-License-Identifier: MIT */
/** Tasks in the order of a tree: children below their parents, threads below their process. */
#ifndef CRASH_VERBS_FAMILY_H
#define CRASH_VERBS_FAMILY_H

#include "crash/core.h"

struct family_member {
	const struct crash_task *task; /* borrowed */
	uint32_t parent;	       /* of the array, which is before it; FAMILY_NONE: a root */
	uint32_t depth;
};

#define FAMILY_NONE UINT32_MAX

/** All of @tasks, each once, whatever they say of their parents; the caller frees *@ret. -ENOMEM.
 */
SONDE_MUST_CHECK int family_order(const struct crash_tasks *tasks, struct family_member **ret);

#endif
