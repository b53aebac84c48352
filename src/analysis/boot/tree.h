/* SPDX-License-Identifier: MIT */
/** The processes of a trace as a tree: who made whom, when, and what each one's time went to. */
#ifndef ANALYSIS_BOOT_TREE_H
#define ANALYSIS_BOOT_TREE_H

#include "analysis/path/build.h"
#include "analysis/path/walk.h"

#define BOOT_NONE UINT32_MAX

/** What a process does, as far as it matters to a picture. */
enum boot_shade {
	BOOT_RUN,
	BOOT_WAIT,    /* could run */
	BOOT_DISK,    /* waits for a disk */
	BOOT_BLOCKED, /* waits for anything else */
	BOOT_OTHER,   /* nothing tells */
	BOOT_N_SHADES,
};

struct boot_process {
	const struct kernel_host *host;
	const struct kernel_thread *leader; /* or its first thread that is known */
	int64_t pid;			    /* that of @leader where no event tells it */
	const char *name;		    /* that it had last; lent by the builder */
	const char *file;		    /* the program that it ran last; NULL: not known */
	int64_t begin_ns, end_ns;
	bool born, gone; /* its begin and end were seen, and did not only meet those of the trace */
	bool inside;	 /* below a root that was chosen */
	bool has_leader;
	int64_t ns[BOOT_N_SHADES]; /* of all its threads */
	int64_t path_ns;	   /* on the critical path */
	uint32_t threads;	   /* the first one's index; the next: boot_tree.next_thread */
	uint32_t n_threads, n_execs;
	uint32_t parent, first, next; /* processes, or BOOT_NONE; in order of time */
	uint32_t depth;
};

/** All zero is an empty one. */
struct boot_tree {
	const struct exec_build *build; /* borrowed */
	struct boot_process *all;	/* owned */
	size_t n;
	uint32_t *process;	  /* owned: by thread index; BOOT_NONE: of none */
	uint32_t *next_thread;	  /* owned: likewise */
	uint32_t root;		  /* the first process that has no parent, or BOOT_NONE */
	int64_t begin_ns, end_ns; /* of all that is inside */
	size_t n_inside;
};

void boot_tree_fini(struct boot_tree *t);

/** All processes that did something, of those that were there by @to_ns. -ENOMEM. */
SONDE_MUST_CHECK int boot_tree_make(const struct exec_build *b, int64_t to_ns,
				    struct boot_tree *ret);

/** Marks what is below @root, which becomes a root itself. */
void boot_tree_choose(struct boot_tree *t, uint32_t root);
/** Ends the choice: sets begin, end and depths. @all: everything was chosen. */
void boot_tree_chosen(struct boot_tree *t, bool all);

/** The next one below the root that it began with, parents first; BOOT_NONE: the end. */
uint32_t boot_tree_next(const struct boot_tree *t, uint32_t at, bool below);

/** What a type of edges looks like. */
enum boot_shade boot_shade_of(enum exec_type type);

/** Adds the time of a critical path to its processes. */
void boot_tree_path(struct boot_tree *t, const struct path *p);

/** The process of a worker, or BOOT_NONE. */
uint32_t boot_tree_of(const struct boot_tree *t, uint32_t worker);

#endif
