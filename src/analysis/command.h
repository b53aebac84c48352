/* SPDX-License-Identifier: MIT */
/** Which processes a trace was recorded for: the recorded command, or that of a -p. */
#ifndef ANALYSIS_COMMAND_H
#define ANALYSIS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_thread;
struct sonde_trace;

/** Whether @pid is the process that the trace says it was recorded for. */
bool command_is(const struct sonde_trace *trace, int64_t pid);

/** Whether a thread is of that process, or of one that this one or its children made. */
bool command_made(const struct kernel_thread *t);

#endif
