/* SPDX-License-Identifier: MIT */
/** sonde cat: events as text or JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/sync_arg.h"
#include "cmd/time_arg.h"
#include "cmd/trace_arg.h"
#include "comp/all.h"
#include "graph/graph.h"

enum {
	KEY_SECONDS = 256,
	KEY_GMT,
	KEY_DATE,
	KEY_CYCLES,
	KEY_NO_DELTA,
	KEY_JSON,
	KEY_QUIET,
	KEY_FROM,
	KEY_TO,
	KEY_LIMIT,
	KEY_SYNC,
};

static const struct cmd_option options[] = {
	{ KEY_SECONDS, "clock-seconds", NULL, "Print times in seconds since the origin." },
	{ KEY_GMT, "clock-gmt", NULL, "Print and take times of day in GMT, not in local time." },
	{ KEY_DATE, "clock-date", NULL, "Print the date too." },
	{ KEY_CYCLES, "clock-cycles", NULL, "Print the values of the trace's clock." },
	{ KEY_NO_DELTA, "no-delta", NULL, "Do not print the time since the event before." },
	{ 'n', "names", "NAMES",
	  "Print names of: payload, context, scope, header (several with commas), all or none. "
	  "Payload and context if not given." },
	{ 'f', "fields", "FIELDS",
	  "Print these: trace, trace:hostname, trace:domain, trace:procname, trace:vpid, loglevel, "
	  "emf (several with commas), or all." },
	{ KEY_JSON, "json", NULL, "Print one JSON object a line." },
	{ KEY_QUIET, "quiet", NULL, "Read all and print nothing but losses." },
	{ 'e', "event", "GLOB",
	  "Only events of such a name, as 'sched_*'; may be given more than once." },
	{ KEY_FROM, "from", "TIME", "Begin at this time." },
	{ KEY_TO, "to", "TIME", "End at this time. " TIME_ARG_HELP },
	{ KEY_LIMIT, "limit", "N", "End after so many events." },
	{ KEY_SYNC, "sync", NULL,
	  "Print times of several hosts by the clock of one, as 'sonde report sync' finds them." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde cat", "Prints the newest trace below this folder.", true },
	{ "sonde cat --no-delta -e 'sched_*' sonde-trace", "Only scheduler events, without deltas.",
	  true },
	{ "sonde cat --from -10ms sonde-trace", "The last 10 milliseconds.", true },
	{ "sonde cat --sync -e 'tcp_*' client-trace server-trace",
	  "What two hosts did, in the order in which it happened.", false },
	{ "sonde cat --json sonde-trace | jq 'select(.fields.next_tid == 42)'",
	  "Chooses by a field, with jq.", false },
	{ 0 },
};

struct state {
	struct sonde_param *sink_params; /* owned array of borrowed values */
	size_t n_sink, cap_sink;
	struct sonde_param *globs; /* the same */
	size_t n_globs, cap_globs;
	struct time_arg from, to;
	const char *limit; /* NULL: none */
	bool json, quiet, gmt, sync;

	struct sonde_param window[2];
	char window_text[2][24];
	struct sonde_param limit_param;
};

static int add_param(struct sonde_param **arr, size_t *n, size_t *cap, const char *key,
		     const char *value)
{
	int r = mem_grow(arr, cap, *n + 1);

	if (r >= 0)
		(*arr)[(*n)++] = (struct sonde_param){ key, value };
	return r;
}

static int set_limit(struct state *s, const char *value)
{
	char *end;

	errno = 0;
	long long n = strtoll(value, &end, 10);
	if (errno || end == value || *end || n < 0)
		return sonde_fail(-EINVAL, "limit '%s': want a number of events", value);
	s->limit = value;
	return 0;
}

static int cat_set(void *state, int key, const char *value)
{
	struct state *s = state;
	const char *name = NULL;

	switch (key) {
	case KEY_SECONDS: name = "clock-seconds"; break;
	case KEY_GMT:
		name = "clock-gmt";
		s->gmt = true;
		break;
	case KEY_DATE: name = "clock-date"; break;
	case KEY_CYCLES: name = "clock-cycles"; break;
	case KEY_NO_DELTA: name = "no-delta"; break;
	case 'n': name = "names"; break;
	case 'f': name = "fields"; break;
	case KEY_JSON: s->json = true; return 0;
	case KEY_QUIET: s->quiet = true; return 0;
	case KEY_SYNC: s->sync = true; return 0;
	case 'e': return add_param(&s->globs, &s->n_globs, &s->cap_globs, "glob", value);
	case KEY_FROM: return time_arg_parse(value, &s->from);
	case KEY_TO: return time_arg_parse(value, &s->to);
	case KEY_LIMIT: return set_limit(s, value);
	default: return sonde_fail(-EINVAL, "unknown option");
	}
	return add_param(&s->sink_params, &s->n_sink, &s->cap_sink, name, value ? value : "yes");
}

static int add_filter(struct graph *g, const char *name, const struct sonde_param *params, size_t n)
{
	const struct sonde_setup setup = { .params = params, .n_params = n };

	return graph_add(g, comp_find(name), &setup);
}

/* Finds the window's times, has the sources go there, and cuts off what is outside. */
static int add_window(struct state *s, const struct trace_args *traces, struct graph *g)
{
	int64_t ns[2];

	int r = trace_args_window(traces, g, &s->from, &s->to, s->gmt, ns);
	if (r >= 0)
		r = graph_seek(g, ns[0], ns[1]);
	if (r < 0)
		return r;
	snprintf(s->window_text[0], sizeof(s->window_text[0]), "%" PRId64, ns[0]);
	snprintf(s->window_text[1], sizeof(s->window_text[1]), "%" PRId64, ns[1]);
	s->window[0] = (struct sonde_param){ "from", s->window_text[0] };
	s->window[1] = (struct sonde_param){ "to", s->window_text[1] };
	return add_filter(g, "flt.window", s->window, 2);
}

static int add_rest(struct state *s, const struct trace_args *traces, struct graph *g,
		    struct sonde_out *out)
{
	const struct sonde_setup sink = {
		.params = s->sink_params,
		.n_params = s->n_sink,
		.out = out,
		.note = cmd_note,
	};
	int r = 0;

	if (s->from.kind != TIME_NONE || s->to.kind != TIME_NONE)
		r = add_window(s, traces, g);
	if (r >= 0 && s->n_globs)
		r = add_filter(g, "flt.name", s->globs, s->n_globs);
	if (r >= 0 && s->limit) {
		s->limit_param = (struct sonde_param){ "n", s->limit };
		r = add_filter(g, "flt.limit", &s->limit_param, 1);
	}
	if (r < 0)
		return r;
	return graph_add(g, s->quiet ? &sink_none : s->json ? &sink_json : &sink_text, &sink);
}

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static int run_graph(struct state *s, struct trace_args *traces, struct sonde_out *out)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	if (r >= 0)
		r = trace_args_add(traces, g);
	if (r >= 0 && s->sync)
		r = sync_arg_apply(traces, &g);
	else if (r >= 0 && sync_arg_has_hosts(g))
		cmd_note(NULL, "several hosts: each event has the time of its own host's clock; "
			       "--sync brings them together");
	if (r >= 0)
		r = add_rest(s, traces, g, out);
	if (r >= 0)
		r = graph_run(g);
	if (r >= 0 && !s->quiet && !out->total && !out->len &&
	    (s->n_globs || s->from.kind != TIME_NONE || s->to.kind != TIME_NONE))
		cmd_note(NULL, s->n_globs ? "no event has such a name there"
					  : "no event is in that time");
	if (r < 0 && !out->err)
		out_make_room(out); // what was printed before the failure
	return r;
}

static int cat_run(void *state, int argc, char **argv)
{
	struct state *s = state;
	struct trace_args traces = { 0 };
	struct sonde_out out;

	int r = trace_args_take(argc, argv, &traces);
	if (r < 0)
		return cmd_failed(&cmd_cat);
	r = out_init(&out, STDOUT_FILENO);
	if (r >= 0) {
		r = run_graph(s, &traces, &out);
		out_fini(&out);
	}
	trace_args_fini(&traces);
	// Whoever reads has seen enough: no failure, where SIGPIPE has not ended us already.
	if (r == -EPIPE)
		return CMD_OK;
	if (r == -EINVAL)
		return cmd_usage(&cmd_cat);
	return r < 0 ? cmd_failed(&cmd_cat) : CMD_OK;
}

static void cat_fini(void *state)
{
	struct state *s = state;

	free(s->sink_params);
	free(s->globs);
}

const struct command cmd_cat = {
	.name = "cat",
	.args = "[TRACE]...",
	.summary = "Print events as text, as babeltrace2 does, or as JSON",
	.about =
		"Merges all traces by time. A TRACE is a folder with a file 'metadata', or a "
		"folder "
		"above several; without one, the newest trace below the current folder is "
		"taken. Traces of several hosts are merged by what their clocks say, unless --sync "
		"brings those together.\n\n"
		"The text is that of babeltrace2 2.0.4, byte for byte; sonde-cat(1) lists the few "
		"exceptions. Losses (events that the tracer discarded, packets that are missing or "
		"cut) are told on standard error; with --json they are objects with a key 'gap'.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct state),
	.set = cat_set,
	.run = cat_run,
	.fini = cat_fini,
};
