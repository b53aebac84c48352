/* SPDX-License-Identifier: MIT */
/** Holds descriptors that are slow to close, so that neither close() nor exit waits for them. */
#ifndef BPF_KEEPER_H
#define BPF_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct fd_list {
	int *fds; /* owned, and so are the descriptors */
	size_t n, cap;
};

/** Puts *@fd, which is then -1, in the list; on failure it is closed. */
SONDE_MUST_CHECK int fd_list_add(struct fd_list *l, int *fd);
/** Closes all: one after the other, or @at_once by as many threads. */
void fd_list_close(struct fd_list *l, bool at_once);

/**
 * Closing a perf event of a tracepoint, kprobe or uprobe takes the kernel 40 to 80 ms each, one
 * after the other under one lock; closing a link of uprobes 20 ms; and an exiting process waits for
 * all of them. So something holds them that the kernel takes down in a worker of its own: a perf
 * event array has perf events, an io_uring's table of files has links. That holds for a process
 * that is killed, too, and frees descriptors for other use.
 */
enum keeper_kind { KEEP_EVENTS, KEEP_LINKS };

struct keeper {
	enum keeper_kind kind;
	int fd;		     /* the holder that is being filled, or -1 */
	uint32_t n;	     /* descriptors in it */
	struct fd_list full; /* holders without room */
	struct fd_list left; /* what no holder would have */
};

void keeper_init(struct keeper *k, enum keeper_kind kind);
/** Lets all go; it may be filled again. */
void keeper_drop(struct keeper *k);
/** Takes *@fd, which is then -1. Where the kernel has no holder for it, it is closed slowly. */
SONDE_MUST_CHECK int keeper_add(struct keeper *k, int *fd);

#endif
