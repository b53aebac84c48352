/* SPDX-License-Identifier: MIT */
/** The TRACE arguments of a command: those named, or the newest trace below the current folder. */
#ifndef CMD_TRACE_ARG_H
#define CMD_TRACE_ARG_H

#include "cmd/command.h"
#include "cmd/time_arg.h"
#include "graph/graph.h"

/** All zero is an empty one. */
struct trace_args {
	struct sonde_param *params; /* owned: a "path" for each trace, "events" */
	size_t n;
	char *found;  /* owned: the path that was searched for; or NULL */
	char **texts; /* owned: values of params that are */
	size_t n_texts, cap_texts;
};

/**
 * Takes the paths in @argv (borrowed). If there are none, looks for the newest trace below the
 * current folder and says to standard error which it is. -ENOENT: there is none.
 */
SONDE_MUST_CHECK int trace_args_take(int argc, char **argv, struct trace_args *ret);
/**
 * Only streams that have a class of that name (a glob, borrowed) need to be read; may be called
 * again for more. Returns 0 or -ENOMEM.
 */
SONDE_MUST_CHECK int trace_args_want(struct trace_args *a, const char *glob);
/** Adds a parameter of the source; @value is copied. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int trace_args_param(struct trace_args *a, const char *key, const char *value);
void trace_args_fini(struct trace_args *a);

/**
 * Adds a source of these traces to the graph. @a must live as long as the graph. What the source
 * has to tell goes to cmd_note().
 */
SONDE_MUST_CHECK int trace_args_add(const struct trace_args *a, struct graph *g);
/** The same once more, for another graph: nothing is told again. */
SONDE_MUST_CHECK int trace_args_add_quietly(const struct trace_args *a, struct graph *g);

/**
 * Turns --from and --to into ns, after trace_args_add(); INT64_MIN and INT64_MAX where they are not
 * given. The end of a trace is its last event, not the end of the last packet. @gmt: times of day
 * are, else they are local. -EINVAL: the window begins behind its end.
 */
SONDE_MUST_CHECK int trace_args_window(const struct trace_args *a, struct graph *g,
				       const struct time_arg *from, const struct time_arg *to,
				       bool gmt, int64_t ret_ns[2]);

/** The folder below @dir that holds the newest trace: -ENOENT, or 0 and an owned path. */
SONDE_MUST_CHECK int trace_newest(const char *dir, char **ret);

#endif
