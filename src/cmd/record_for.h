/* SPDX-License-Identifier: MIT */
/** Recordings for scripts: what they need, and whether they could run over what is recorded. */
#ifndef CMD_RECORD_FOR_H
#define CMD_RECORD_FOR_H

#include <stddef.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "lang/recorded/capture.h"
#include "lang/recorded/needs.h"
#include "record/source.h"

struct for_script;

/** All zero is for no script. */
struct record_for {
	struct for_script **all; /* owned */
	size_t n, cap;
	struct record_event *events; /* owned; the kernel's events that they need */
	size_t n_events, cap_events;
	/** Of all; where samples of one differ from those of another, that was told. */
	struct recorded_needs needs;
	struct arena arena;
	/** Whole records with stacks, besides what the scripts need. */
	const char *stacks[8];
	size_t n_stacks;
	struct recorded_needs with_stacks;
	/** What is to be emitted meanwhile. */
	struct recorded_capture capture;
};

void record_for_fini(struct record_for *f);

/**
 * Takes a script: a file, the name of a ready one, or one of these and its parameters, as a shell
 * splits them.
 */
SONDE_MUST_CHECK int record_for_add(struct record_for *f, const char *what);

/** Also wants these events with the stacks of who makes them: "sched:sched_switch". */
void record_for_stacks(struct record_for *f, const char *event);

/**
 * Finds out what they need. -EINVAL: a script is wrong, or needs what no recording has; with @tells
 * standard error says it, line by line.
 */
SONDE_MUST_CHECK int record_for_find(struct record_for *f, bool tells);

/** What they need, into @opts; its events lie in @f. */
void record_for_set(const struct record_for *f, struct record_opts *opts);

/**
 * Whether the script runs over a recording that is made for it: 0; -EINVAL: no, and @ret_why says
 * why not, in a line; others: that cannot be told (sonde_fail()).
 */
SONDE_MUST_CHECK int record_for_try(const char *script, char *ret_why, size_t cap);

/** Compiles the scripts against the trace that @opts, whose scripts are compiled, would give; fails
 * likewise. */
SONDE_MUST_CHECK int record_for_check(struct record_for *f, const struct record_opts *opts,
				      bool tells);

#endif
