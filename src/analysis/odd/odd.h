/* SPDX-License-Identifier: MIT */
/**
 * What is odd in a trace: waits, calls, requests and interrupts that are far longer than others of
 * their kind in the same trace, and what the trace lacks.
 *
 * Watchers give each kind's durations to its distribution, and keep those above the kind's floor as
 * suspects. When all is read, the suspects that are out of line become finds, put together by who
 * or what did it, with the time that was lost.
 */
#ifndef ANALYSIS_ODD_ODD_H
#define ANALYSIS_ODD_ODD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "analysis/odd/dist.h"
#include "base/u64map.h"

struct kernel_host;
struct kernel_thread;

enum odd_kind {
	ODD_BLOCKED,  /* slept uninterruptibly; what: the system call */
	ODD_LATE,     /* waited long for a CPU, which several had meanwhile */
	ODD_HOG,      /* likewise, but .by alone had it for most of that time */
	ODD_QUEUE,    /* many threads waited for CPUs */
	ODD_IDLE,     /* waited for a CPU while another had nothing to do */
	ODD_CALL,     /* a system call itself took long; what: which */
	ODD_REQUEST,  /* a disk took long; what: operation and disk */
	ODD_LOCK,     /* waited long for a lock; what: its address */
	ODD_CONVOY,   /* many waited for one lock again and again */
	ODD_IRQ,      /* handlers of an interrupt took much of a CPU; what: which */
	ODD_SOFTIRQ,  /* likewise */
	ODD_LOST,     /* events are missing; what: how many */
	ODD_BACKWARD, /* a clock ran backwards */
	ODD_N_KINDS,
};

/** What is said of a kind, and when something is of it. */
struct odd_rule {
	const char *name;
	int64_t floor_ns; /* shorter is never odd */
	int64_t alone_ns; /* with fewer than ODD_FEW of its kind, what is shorter is not odd */
	bool is_compared; /* with the others of its kind; else all suspects are odd */
};
extern const struct odd_rule odd_rules[ODD_N_KINDS];

/** Out of line is more than so many medians, and so many deviations above the median. */
enum { ODD_MEDIANS = 10, ODD_DEVIATIONS = 20, ODD_FEW = 10, ODD_SUSPECTS_MOST = 1 << 20 };

struct odd_suspect {
	enum odd_kind kind;
	uint32_t dist; /* of the watcher's */
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* whose time was lost; or NULL */
	const struct kernel_thread *by;	    /* who is to blame; or NULL */
	uint64_t what;
	int32_t cpu; /* -1: none in particular */
	int64_t begin_ns, end_ns;
	int64_t lost_ns; /* with what is usual still in it */
	uint64_t n;	 /* how often, most often 1 */
};

/** Suspects that are out of line, of one kind and of threads of one name. */
struct odd_find {
	struct odd_suspect worst; /* the longest */
	uint64_t n;
	uint64_t n_threads;	  /* that did it (ODD_HOG), or that it befell; of one name */
	int64_t lost_ns;	  /* above what is usual, of all */
	int64_t usual_ns;	  /* median of the kind; 0: not compared */
	int64_t begin_ns, end_ns; /* of the first and the last */
};

/** All zero is an empty one. */
struct odd_list {
	struct odd_suspect *suspects; /* owned */
	size_t n, cap;
	struct dist *dists; /* owned */
	size_t n_dists, cap_dists;
	struct u64map by_key;	/* number of a distribution */
	struct odd_find *finds; /* owned; the worst first */
	size_t n_finds;
	uint64_t over; /* suspects that were not kept */
	bool failed;   /* out of memory */
};

void odd_list_fini(struct odd_list *l);

/**
 * One more duration of its kind, and of @sort of it (the call, the disk); a suspect if it is above
 * the floor. .lost_ns and .dist are set here, .n is 1 where it is 0. Lends the suspect until the
 * next one; NULL: it is none.
 */
struct odd_suspect *odd_take(struct odd_list *l, struct odd_suspect s, uint64_t sort);

/** A suspect that is given whole, with its .lost_ns; compared with nothing. */
struct odd_suspect *odd_keep(struct odd_list *l, struct odd_suspect s);

/** Makes the finds, of those suspects that @wants takes; NULL takes all. -ENOMEM. */
typedef bool odd_wants(const void *arg, const struct odd_suspect *s);
SONDE_MUST_CHECK int odd_judge(struct odd_list *l, odd_wants *wants, const void *arg);

#endif
