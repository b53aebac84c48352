/* SPDX-License-Identifier: MIT */
/** What the files of attaching share: descriptors by how they are let go. */
#ifndef BPF_ATTACH_STATE_H
#define BPF_ATTACH_STATE_H

#include "bpf/attach.h"
#include "bpf/keeper.h"

struct attachments {
	struct fd_list links;	  /* gone when closed, in less than 1 ms each */
	struct fd_list timed;	  /* perf events that run from attachments_enable() on */
	struct keeper events;	  /* perf events of tracepoints and probes */
	struct keeper slow_links; /* of such events with cookies, and to many places */
	size_t n;
	int events_dir; /* of tracefs; -1: not looked for so far */
};

/** The number of tracepoint @group:@name; -ENOENT. */
SONDE_MUST_CHECK int tracepoint_id(struct attachments *a, const char *group, const char *name,
				   uint64_t *ret);

/** By perf events: tracepoints, probes; and clocks, counters, watchpoints. */
SONDE_MUST_CHECK int attach_tracepoint(struct attachments *a, int prog_fd,
				       const struct attach_spec *s);
SONDE_MUST_CHECK int attach_probe(struct attachments *a, int prog_fd, const struct attach_spec *s);
SONDE_MUST_CHECK int attach_timed(struct attachments *a, int prog_fd, const struct attach_spec *s);

/** Words of a probe's refusal @err. */
int kprobe_failed(int err, const struct attach_spec *s);
int uprobe_failed(int err, const struct attach_spec *s);

#endif
