/* SPDX-License-Identifier: MIT */
/**
 * A script over a trace in two threads, each of which reads and runs over its part of the time.
 *
 * This thread takes events from the begin on; the other one those from some time on. When this one
 * comes to that time, what both have found is put together; or, where that would not be what one
 * thread finds, this one goes on by itself.
 */
#ifndef CMD_SCRIPT_HALVES_H
#define CMD_SCRIPT_HALVES_H

#include "cmd/trace_arg.h"
#include "lang/recorded/recorded.h"

struct halves;

/** All borrowed. */
struct halves_of {
	const struct trace_args *traces;
	struct graph *graph; /* of them, whose sink calls halves_take() */
	struct recorded_run *run;
};

/** Before graph_run(), for a script that recorded_is_order_free(). */
SONDE_MUST_CHECK int halves_new(const struct halves_of *of, struct halves **ret);
/** Ends the other thread, where it still runs. Before the run is freed. */
void halves_free(struct halves *h);
SONDE_DEFINE_AUTO(struct halves *, halves_free)

/** As recorded_run_take(). 1 may also mean that the other thread had the rest. */
SONDE_MUST_CHECK int halves_take(struct halves *h, const struct sonde_batch *b);

#endif
