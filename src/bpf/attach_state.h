/* SPDX-License-Identifier: MIT */
/** What the files of attaching share: descriptors by how they are let go. */
#ifndef BPF_ATTACH_STATE_H
#define BPF_ATTACH_STATE_H

#include "bpf/attach.h"

struct fd_list {
	int *fds; /* owned, and so are the descriptors */
	size_t n, cap;
};

/**
 * Closing a perf event of a tracepoint, kprobe or uprobe takes the kernel 40 to 80 ms each, one
 * after the other under one lock, and an exiting process waits for it. A perf event array holds
 * such events instead of this process: when the array goes, the kernel drops them in a worker of
 * its own, after an RCU grace period. So it goes with a killed process, too.
 */
struct event_keeper {
	int map;    /* the array that is being filled, or -1 */
	uint32_t n; /* events in it */
	struct fd_list full;
};

struct attachments {
	struct fd_list links;	/* gone when closed, in less than 1 ms each */
	struct fd_list timed;	/* perf events that run from attachments_enable() on */
	struct fd_list cookied; /* links of perf events: slow to close, but all at once */
	struct fd_list events;	/* perf events that the keeper would not have */
	struct event_keeper keeper;
	size_t n;
	int events_dir; /* of tracefs; -1: not looked for so far */
};

/** Puts *@fd, which is then -1, in the list; on failure it is closed. */
SONDE_MUST_CHECK int fd_list_add(struct fd_list *l, int *fd);
/** Closes all: one after the other, or @at_once by as many threads. */
void fd_list_close(struct fd_list *l, bool at_once);

/** Gives the event *@fd, which is then -1, to the keeper, or to a->events. */
SONDE_MUST_CHECK int keeper_add(struct attachments *a, int *fd);
void keeper_fini(struct event_keeper *k);

/** The number of tracepoint @group:@name; -ENOENT. */
SONDE_MUST_CHECK int tracepoint_id(struct attachments *a, const char *group, const char *name,
				   uint64_t *ret);

/** By perf events: tracepoints, probes; and clocks, counters, watchpoints. */
SONDE_MUST_CHECK int attach_tracepoint(struct attachments *a, int prog_fd,
				       const struct attach_spec *s);
SONDE_MUST_CHECK int attach_probe(struct attachments *a, int prog_fd, const struct attach_spec *s);
SONDE_MUST_CHECK int attach_timed(struct attachments *a, int prog_fd, const struct attach_spec *s);

#endif
