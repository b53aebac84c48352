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
 * If the traces are of several hosts, finds their clocks and lets all times be shown on that of the
 * reference; says so to standard error. *@g, which has the traces' source and nothing else, is then
 * made anew.
 */
SONDE_MUST_CHECK int sync_arg_apply(struct trace_args *a, struct graph **g);

/** Whether the traces of a graph are of several hosts. */
bool sync_arg_has_hosts(const struct graph *g);

#endif
