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
#include "lang/world.h"

/**
 * A world of the event classes of @traces, which must outlive it. To be freed with world_free().
 * Its probes are named as in the live kernel; `tracepoint:GROUP:NAME` is the event NAME, whatever
 * its group, also by LTTng's names.
 */
SONDE_MUST_CHECK int recorded_world_new(struct sonde_trace *const *traces, size_t n,
					struct world **ret);

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

/** Runs END, prints the maps, tells what was lost. *@ret_status: what exit() gave. */
SONDE_MUST_CHECK int recorded_run_finish(struct recorded_run *r, int *ret_status);

#endif
