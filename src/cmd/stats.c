/* SPDX-License-Identifier: MIT */
/** sonde stats: what is in a trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/terminal.h"
#include "cmd/trace_arg.h"
#include "comp/all.h"
#include "graph/graph.h"

enum { KEY_JSON = 256 };

struct stats_cmd {
	struct sonde_param params[3];
	size_t n;
	char width[24];
};

static const struct cmd_option options[] = {
	{ 'n', "limit", "N", "Rows a table; 0 shows all. Without it, what fits a screen." },
	{ KEY_JSON, "json", NULL, "Write JSON: all rows, exact nanoseconds and bytes." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde stats", "What is in the newest trace below this folder.", true },
	{ "sonde stats --limit 0 sonde-trace", "All kinds of events.", true },
	{ "sonde stats --json sonde-trace | jq '.classes.sched_switch, .lost_events'",
	  "Single numbers, with jq.", false },
	{ 0 },
};

static int stats_set(void *state, int key, const char *value)
{
	struct stats_cmd *s = state;
	const struct sonde_param p = { key == 'n' ? "limit" : "json", value ? value : "yes" };

	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->params[i].key, p.key)) {
			s->params[i] = p;
			return 0;
		}
	}
	s->params[s->n++] = p;
	return 0;
}

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static int run_graph(struct stats_cmd *s, const struct trace_args *traces, struct sonde_out *out)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	const struct sonde_setup setup = {
		.params = s->params,
		.n_params = s->n,
		.out = out,
		.note = cmd_note,
	};
	int r = graph_new(&g);

	if (r >= 0)
		r = trace_args_add(traces, g);
	if (r >= 0)
		r = graph_add(g, &sink_stats, &setup);
	if (r >= 0)
		r = graph_run(g);
	return r < 0 ? r : out_flush(out);
}

static int stats_run(void *state, int argc, char **argv)
{
	struct stats_cmd *s = state;
	struct trace_args traces = { 0 };
	struct sonde_out out;
	int r = trace_args_take(argc, argv, &traces);

	if (r < 0)
		return cmd_failed(&cmd_stats);
	(void)snprintf(s->width, sizeof(s->width), "%u", terminal_width(STDOUT_FILENO));
	s->params[s->n++] = (struct sonde_param){ "width", s->width };
	r = out_init(&out, STDOUT_FILENO);
	if (r >= 0) {
		r = run_graph(s, &traces, &out);
		out_fini(&out);
	}
	trace_args_fini(&traces);
	if (r == -EPIPE)
		return CMD_OK;
	if (r == -EINVAL)
		return cmd_usage(&cmd_stats);
	return r < 0 ? cmd_failed(&cmd_stats) : CMD_OK;
}

const struct command cmd_stats = {
	.name = "stats",
	.args = "[TRACE]...",
	.summary = "Show what is in traces: counts, rates, losses, time span",
	.about = "Reads all events and counts them by kind and by stream. Bytes of events are "
		 "those of their headers and fields; bytes of streams are those on disk, of the "
		 "packets that hold events. Losses are what the tracer discarded, packets missing "
		 "from the sequence, packets cut short, and streams whose time runs backward.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct stats_cmd),
	.set = stats_set,
	.run = stats_run,
};
