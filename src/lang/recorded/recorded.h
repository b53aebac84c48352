/* SPDX-License-Identifier: MIT */
/** The world of recorded traces: a script's probes are their events, time is theirs. */
#ifndef LANG_RECORDED_H
#define LANG_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

#include "base/out.h"
#include "bpf/machine.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/syntax/ast.h"
#include "lang/world.h"

/**
 * A world of the event classes of @traces, which must outlive it. To be freed with world_free().
 * Its probes are named as in the live kernel; `tracepoint:GROUP:NAME` is the event NAME, whatever
 * its group, also by LTTng's names; where NAME is a pattern, of that group.
 */
SONDE_MUST_CHECK int recorded_world_new(struct sonde_trace *const *traces, size_t n,
					struct world **ret);

/** Before @ast is compiled for @w, which then must outlive it. -ENOMEM. */
SONDE_MUST_CHECK int recorded_world_look_at(struct world *w, struct script_ast *ast);

struct recorded_run;

struct recorded_options {
	struct world *world; /* that the script was compiled for; borrowed, as all here */
	const struct script *script;
	struct sonde_out *out;
	enum print_format format;
	enum machine_how how;
	/** Tells the person something that is no result; one line. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

/** Loads the programs, and runs BEGIN. */
SONDE_MUST_CHECK int recorded_run_new(const struct recorded_options *opt,
				      struct recorded_run **ret);
void recorded_run_free(struct recorded_run *r);
SONDE_DEFINE_AUTO(struct recorded_run *, recorded_run_free)

/** Takes events in order of time. 1: the script has called exit(). */
SONDE_MUST_CHECK int recorded_run_take(struct recorded_run *r, const struct sonde_batch *b);

/*
 * Halves: two threads run a script over one trace, each over its part of the time, if the order of
 * events has no bearing on what comes out. The later one guesses what only those events tell that
 * it does not see.
 */

/** Whether the script's results are the same in whatever order its probes' events come. */
bool recorded_is_order_free(const struct script_ast *ast, const struct script *s);

/** A run for events that come later, to which @first must not have come when it is joined; it knows
 * of threads what @first knows now. To be freed before @first. */
SONDE_MUST_CHECK int recorded_half_new(struct recorded_run *first, struct recorded_run **ret);
/** Before its first event: the same traces, opened once more. -EBADMSG: they are not. */
SONDE_MUST_CHECK int recorded_half_open(struct recorded_run *later,
					struct sonde_trace *const *traces, size_t n);
/** Events shortly before its own, for what they tell of threads. */
SONDE_MUST_CHECK int recorded_half_learn(struct recorded_run *later, const struct sonde_batch *b);
/** Its own events come now, by recorded_run_take(). */
SONDE_MUST_CHECK int recorded_half_begin(struct recorded_run *later);
/**
 * Adds to @first what @later has, whose last event before those of @later was taken. 1: done; 0: it
 * would not be what one run finds, and @first is as it was.
 */
SONDE_MUST_CHECK int recorded_half_join(struct recorded_run *first, struct recorded_run *later);

/** Runs END, prints the maps, tells what was lost. *@ret_status: what exit() gave. */
SONDE_MUST_CHECK int recorded_run_finish(struct recorded_run *r, int *ret_status);

#endif
