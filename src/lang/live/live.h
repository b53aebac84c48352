/* SPDX-License-Identifier: MIT */
/** The world of the running kernel: its events, its types, its functions. */
#ifndef LANG_LIVE_H
#define LANG_LIVE_H

#include <sys/types.h>

#include <sonde/def.h>

#include "lang/world.h"

/** All zero is this kernel, any process. Texts are borrowed until world_free(). */
struct live_options {
	pid_t pid; /* of -p or -c: user space probes see it alone; 0: none */
	/** What stands in for parts of the running system, in tests; NULL: the real ones. */
	const char *devices;	    /* for /sys/bus/event_source/devices */
	const char *machine;	    /* for uname -m */
	struct ctypes *types;	    /* for /sys/kernel/btf/vmlinux; borrowed */
	struct kernel_funcs *funcs; /* for the kernel's list of functions; borrowed */
};

/** A world that opens nothing before it is asked for it. To be freed with world_free(). */
SONDE_MUST_CHECK int live_world_new(const struct live_options *opt, struct world **ret);

/** What `sonde list` says of a place where a probe can be put. */
struct live_place {
	const char *name;	   /* "tracepoint:sched:sched_switch" */
	const char *help;	   /* a few words, or NULL */
	const struct probe *probe; /* its arguments, where they were asked for; else NULL */
};

/**
 * Calls @f for each place whose name matches @pattern ("tracepoint:sched:*", "*sleep*"; NULL: what
 * needs no path), until it returns other than 0, which is returned. @details: with arguments.
 * Other results: 0; -EINVAL where the pattern asks for what there is not (sonde_fail()).
 */
SONDE_MUST_CHECK int live_each_place(struct world *live, const char *pattern, bool details,
				     int (*f)(void *arg, const struct live_place *place),
				     void *arg);

#endif
