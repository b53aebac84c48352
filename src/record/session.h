/* SPDX-License-Identifier: MIT */
/** One recording from its begin to its end: sources, command, signals, time. */
#ifndef RECORD_SESSION_H
#define RECORD_SESSION_H

#include "record/source.h"

/** How a recording went. */
struct session_result {
	struct record_counts counts;
	double seconds;
	uint64_t bytes;	  /* of all files of the trace */
	bool recorded;	  /* a trace was made, whether or not something failed later */
	int asked_status; /* that a script's exit() gave */
	bool has_status;  /* the command has ended: */
	int status;	  /* its exit status, 128 + signal where one ended it */
};

/**
 * Records what @opts wants from the @sources (ends with NULL). SIGINT, SIGTERM and SIGHUP end it
 * like the command's end or the time's; with a command they are passed on to that first.
 *
 * Returns 0 or a negative errno; *@ret is filled in either way. What was recorded before a failure
 * stays readable.
 */
SONDE_MUST_CHECK int session_run(const struct record_opts *opts,
				 const struct record_source *const *sources,
				 void (*note)(void *arg, const char *line), void *note_arg,
				 struct session_result *ret);

#endif
