/* SPDX-License-Identifier: MIT */
/** A tracefs instance of our own: others' tracing is not touched, and it goes away with us. */
#ifndef RECORD_TRACING_H
#define RECORD_TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/def.h>

struct tracing;

/**
 * Makes an instance named after this process, not recording yet, and removes those that killed
 * recorders left behind; *@ret_stale counts them.
 */
SONDE_MUST_CHECK int tracing_open(struct tracing **ret, unsigned *ret_stale);
/** Stops recording and removes the instance. All its files must be closed. */
void tracing_close(struct tracing *t);

/** Removes the instances of a recorder that was killed. False: one is still in use. */
bool tracing_remove(pid_t recorder);

/** The instance's folder. */
const char *tracing_dir(const struct tracing *t);

/** Writes @value to a file of the instance, as "trace_clock" or "events/sched/enable". */
SONDE_MUST_CHECK int tracing_set(struct tracing *t, const char *file, const char *value);

/** Appends, for files that hold lists. */
SONDE_MUST_CHECK int tracing_append(struct tracing *t, const char *file, const char *value);

/** The first line of the file's text in @ret, without its newline. */
SONDE_MUST_CHECK int tracing_get(struct tracing *t, const char *file, char *ret, size_t len);

/**
 * The number behind "NAME: " in per_cpu/cpu@cpu/stats: "overrun", "commit overrun", "dropped
 * events". 0 where it is missing.
 */
uint64_t tracing_stat(struct tracing *t, int cpu, const char *name);

#endif
