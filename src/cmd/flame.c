/* SPDX-License-Identifier: MIT */
/** sonde flame: a flame graph of a trace's samples. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/flame.h"
#include "base/mem.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/time_arg.h"
#include "cmd/trace_arg.h"
#include "graph/graph.h"

enum { PARAMS_MOST = 200, PATH_MOST = 4096 };

enum { KEY_FOLDED = 256, KEY_FROM, KEY_TO, KEY_TITLE };

struct flame_cmd {
	struct sonde_param params[PARAMS_MOST]; /* borrowed from the arguments */
	size_t n;
	const char *path; /* of the picture; NULL: as usual */
	struct time_arg from, to;
	char from_ns[24], to_ns[24];
	bool folded;
};

static const struct cmd_option options[] = {
	{ 'o', "output", "FILE",
	  "The picture's file; flame.svg if not given, - for standard output." },
	{ KEY_FOLDED, "folded", NULL,
	  "Print lines 'thread;outer;inner COUNT' instead, to standard output or -o." },
	{ 'p', "pid", "PID", "Only this process; may be given again." },
	{ 'e', "event", "GLOB", "The events whose stacks count; perf:sample if not given." },
	{ KEY_FROM, "from", "TIME", "Leave out what was before. " TIME_ARG_HELP },
	{ KEY_TO, "to", "TIME", "Leave out what came after." },
	{ KEY_TITLE, "title", "TEXT", "What stands above the picture." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde flame", "Draws the newest trace here into flame.svg; open it in a browser.",
	  true },
	{ "sonde flame --from +10ms -o - sonde-trace > late.svg",
	  "Only what came after the first 10 milliseconds.", true },
	{ "sonde flame --folded sonde-trace", "The same as lines, for other programs.", true },
	{ 0 },
};

static int add_param(struct flame_cmd *s, const char *key, const char *value)
{
	if (s->n == PARAMS_MOST)
		return sonde_fail(-EINVAL, "more than %d options", PARAMS_MOST);
	s->params[s->n++] = (struct sonde_param){ key, value };
	return 0;
}

static int flame_set(void *state, int key, const char *value)
{
	struct flame_cmd *s = state;
	char *end;

	switch (key) {
	case 'o': s->path = value; return 0;
	case KEY_FOLDED: s->folded = true; return add_param(s, "format", "folded");
	case KEY_FROM: return time_arg_parse(value, &s->from);
	case KEY_TO: return time_arg_parse(value, &s->to);
	case KEY_TITLE: return add_param(s, "title", value);
	case 'e': return add_param(s, "event", value);
	case 'p':
		errno = 0;
		long pid = strtol(value, &end, 10);
		if (errno || end == value || *end || pid < 0 || pid > INT32_MAX)
			return sonde_fail(-EINVAL, "'%s' is no process id", value);
		return add_param(s, "pid", value);
	default: return 0;
	}
}

/* Turns --from and --to into nanoseconds for the sink. */
static int take_window(struct flame_cmd *s, const struct trace_args *traces, struct graph *g)
{
	int64_t ns[2];

	int r = trace_args_window(traces, g, &s->from, &s->to, /* gmt= */ false, ns);
	if (!r && s->from.kind != TIME_NONE) {
		(void)snprintf(s->from_ns, sizeof(s->from_ns), "%" PRId64, ns[0]);
		r = add_param(s, "from", s->from_ns);
	}
	if (!r && s->to.kind != TIME_NONE) {
		(void)snprintf(s->to_ns, sizeof(s->to_ns), "%" PRId64, ns[1]);
		r = add_param(s, "to", s->to_ns);
	}
	// Maps and names come from before the window: it is read from the begin.
	return r < 0 ? r : graph_seek(g, INT64_MIN, ns[1]);
}

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static int run_graph(struct flame_cmd *s, const struct trace_args *traces, struct sonde_out *out)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	if (!r)
		r = trace_args_add(traces, g);
	if (!r)
		r = take_window(s, traces, g);
	const struct sonde_setup setup = {
		.params = s->params,
		.n_params = s->n,
		.out = out,
		.note = cmd_note,
	};
	if (!r)
		r = graph_add(g, &sink_flame, &setup);
	if (!r)
		r = graph_run(g);
	return r < 0 ? r : out_flush(out);
}

/* Draws into a new file that takes the place of the old one when it is whole. */
static int draw_file(struct flame_cmd *s, const struct trace_args *traces, const char *path)
{
	char tmp[PATH_MOST];
	struct sonde_out out;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.part", path) >= sizeof(tmp))
		return sonde_fail(-ENAMETOOLONG, "path too long: '%s'", path);
	sonde_auto(mem_closep) int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot write '%s'", path);
	int r = out_init(&out, fd);
	if (!r) {
		r = run_graph(s, traces, &out);
		out_fini(&out);
	}
	if (!r && rename(tmp, path) != 0)
		r = sonde_fail_errno(-errno, "cannot write '%s'", path);
	if (r < 0)
		(void)unlink(tmp); // it is of no use; the failure is told already
	else
		fprintf(stderr, "sonde: wrote %s\n", path);
	return r;
}

static int draw_stdout(struct flame_cmd *s, const struct trace_args *traces)
{
	struct sonde_out out;
	int r = out_init(&out, STDOUT_FILENO);

	if (!r) {
		r = run_graph(s, traces, &out);
		out_fini(&out);
	}
	return r;
}

static int flame_run(void *state, int argc, char **argv)
{
	struct flame_cmd *s = state;
	struct trace_args traces = { 0 };

	const char *path = s->path ? s->path : s->folded ? "-" : "flame.svg";
	int r = trace_args_take(argc, argv, &traces);
	if (r < 0)
		return cmd_failed(&cmd_flame);
	// Other streams, of kernel events most often, are many times larger.
	r = trace_args_want(&traces, "perf:*");
	for (size_t i = 0; !r && i < s->n; i++) {
		if (!strcmp(s->params[i].key, "event"))
			r = trace_args_want(&traces, s->params[i].value);
	}
	if (!r)
		r = strcmp(path, "-") != 0 ? draw_file(s, &traces, path) : draw_stdout(s, &traces);
	trace_args_fini(&traces);
	return r < 0 ? cmd_failed(&cmd_flame) : CMD_OK;
}

const struct command cmd_flame = {
	.name = "flame",
	.args = "[TRACE]...",
	.summary = "Draw a flame graph of a trace's samples",
	.about = "Writes one SVG file that a browser shows: a frame is as wide as its share of the "
		 "samples, what called it is below, what it called above. Click to zoom, / to "
		 "search.\n"
		 "Names come from the trace itself, else from this machine where kernel and files "
		 "are the very same; other code is shown as file+offset.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct flame_cmd),
	.set = flame_set,
	.run = flame_run,
};
