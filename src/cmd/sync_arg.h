/* SPDX-License-Identifier: MIT */
/** Traces of several hosts on one clock: found from the packets between them, for all commands. */
#ifndef CMD_SYNC_ARG_H
#define CMD_SYNC_ARG_H

#include "analysis/sync/sync.h"
#include "cmd/trace_arg.h"

/** Reads all events and finds the hosts' clocks; sync_free() ends what was lent. */
SONDE_MUST_CHECK int sync_arg_find(const struct trace_args *a, struct sync **ret,
				   struct sync_hosts *ret_hosts);

/**
 * If the traces are of several hosts, finds their clocks and lets a show all times on that of the
 * reference; says so to standard error. @g is a graph that has the traces' source already. 1: @a
 * changed, so that a source that was added before shows other times; else 0.
 */
SONDE_MUST_CHECK int sync_arg_apply(struct trace_args *a, const struct graph *g);

#endif
