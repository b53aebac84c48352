/* SPDX-License-Identifier: MIT */
/**
 * A process that outlives a killed recorder: it cuts the torn ends off the trace and removes the
 * tracing instance.
 */
#ifndef RECORD_GUARD_H
#define RECORD_GUARD_H

#include <sys/types.h>

#include <sonde/def.h>

/** In the caller's storage; { .fd = -1 } is none. */
struct guard {
	pid_t pid;
	int fd;
};

/**
 * Starts watching over this process and the trace in @dir. Before anything that must not be
 * inherited is opened.
 */
SONDE_MUST_CHECK int guard_start(struct guard *g, const char *dir);
/** All is well and done: the guard leaves without doing anything. */
void guard_end(struct guard *g);

#endif
