/* SPDX-License-Identifier: MIT */
/** sonde flame: a flame graph of a trace's samples. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/flame/diff.h"
#include "analysis/flame/flame.h"
#include "base/mem.h"
#include "base/new_file.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/time_arg.h"
#include "cmd/trace_arg.h"
#include "graph/graph.h"

enum { PARAMS_MOST = 200 };

enum {
	KEY_FOLDED = 256,
	KEY_FROM,
	KEY_TO,
	KEY_TITLE,
	KEY_OFF_CPU,
	KEY_WAKEUP,
	KEY_LOCKS,
	KEY_DIFF,
	KEY_NORMALIZE,
};

/* What is folded, where it is not samples. */
static const struct flame_kind {
	int key;
	const char *option;
	const struct sonde_component_class *sink;
} kinds[] = {
	{ KEY_OFF_CPU, "off-cpu", &sink_offcpu },
	{ KEY_WAKEUP, "wakeup", &sink_wakeup },
	{ KEY_LOCKS, "locks", &sink_locks },
}, usual = { 0, "event", &sink_flame };

struct flame_cmd {
	struct sonde_param params[PARAMS_MOST]; /* borrowed from the arguments */
	size_t n;
	const char *path; /* of the picture; NULL: as usual */
	struct time_arg from, to;
	char from_ns[24], to_ns[24];
	const struct flame_kind *kind; /* NULL: samples */
	const char *title;
	bool folded, diff, normalize, has_event;
};

static const struct cmd_option options[] = {
	{ 'o', "output", "FILE",
	  "The picture's file; flame.svg if not given, - for standard output." },
	{ KEY_FOLDED, "folded", NULL,
	  "Print lines 'thread;outer;inner COUNT' instead, to standard output or -o." },
	{ KEY_OFF_CPU, "off-cpu", NULL,
	  "Where threads blocked, as wide as the time that they did; of 'sonde record "
	  "--off-cpu'." },
	{ KEY_WAKEUP, "wakeup", NULL,
	  "The same, and above each stack that of who ended the wait, upside down." },
	{ KEY_LOCKS, "locks", NULL,
	  "Where threads waited for locks, as wide as the time that they did; of 'sonde record "
	  "--locks'." },
	{ KEY_DIFF, "diff", NULL,
	  "What changed from the first TRACE to the second: widths are the second's, red is more, "
	  "blue is less. Files of folded stacks will do, too." },
	{ KEY_NORMALIZE, "normalize", NULL,
	  "With --diff: scale the first to the sum of the second, to compare shares." },
	{ 'p', "pid", "PID", "Only this process; may be given again." },
	{ 'C', "cpu", "CPU", "Only what was on this CPU, or left it; may be given again." },
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
	{ "sudo sonde record --off-cpu -- make && sonde flame --off-cpu",
	  "Where the programs slept, and for how long.", false },
	{ "sonde flame --wakeup -p 1234", "Why process 1234 slept: who woke it, from where.",
	  false },
	{ "sonde flame --diff before after -o diff.svg", "What another version does differently.",
	  false },
	{ "sonde flame --diff --folded --to +0.5s sonde-trace sonde-trace | wc -l",
	  "A trace does not differ from itself.", true },
	{ 0 },
};

static int add_param(struct flame_cmd *s, const char *key, const char *value)
{
	if (s->n == PARAMS_MOST)
		return sonde_fail(-EINVAL, "more than %d options", PARAMS_MOST);
	s->params[s->n++] = (struct sonde_param){ key, value };
	return 0;
}

/* A number that the sink compares with. */
static int add_number(struct flame_cmd *s, const char *key, const char *value, const char *what)
{
	char *end;

	errno = 0;
	const long n = strtol(value, &end, 10);
	if (errno || end == value || *end || n < 0 || n > INT32_MAX)
		return sonde_fail(-EINVAL, "'%s' is no %s", value, what);
	return add_param(s, key, value);
}

static int set_kind(struct flame_cmd *s, const struct flame_kind *kind)
{
	if (s->kind && s->kind != kind)
		return sonde_fail(-EINVAL, "either --%s or --%s", s->kind->option, kind->option);
	s->kind = kind;
	return 0;
}

static int flame_set(void *state, int key, const char *value)
{
	struct flame_cmd *s = state;

	switch (key) {
	case 'o': s->path = value; return 0;
	case KEY_FOLDED: s->folded = true; return 0;
	case KEY_FROM: return time_arg_parse(value, &s->from);
	case KEY_TO: return time_arg_parse(value, &s->to);
	case KEY_TITLE: s->title = value; return add_param(s, "title", value);
	case KEY_DIFF: s->diff = true; return 0;
	case KEY_NORMALIZE: s->normalize = true; return 0;
	case 'e': s->has_event = true; return add_param(s, "event", value);
	case 'p': return add_number(s, "pid", value, "process id");
	case 'C': return add_number(s, "cpu", value, "CPU");
	default: break;
	}
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (kinds[i].key == key)
			return set_kind(s, &kinds[i]);
	}
	return 0;
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

/* What the sink makes of the traces; in lines with @folded, else as a picture. */
static int run_graph(struct flame_cmd *s, struct trace_args *traces, bool folded,
		     struct sonde_out *out)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	const struct flame_kind *kind = s->kind ? s->kind : &usual;
	const size_t n = s->n;

	// Other streams, of kernel events most often, are many times larger.
	int r = kind == &usual ? trace_args_want(traces, "perf:*") : 0;
	for (size_t i = 0; !r && kind == &usual && i < s->n; i++) {
		if (!strcmp(s->params[i].key, "event"))
			r = trace_args_want(traces, s->params[i].value);
	}
	if (!r)
		r = graph_new(&g);
	if (!r)
		r = trace_args_add(traces, g);
	if (!r)
		r = take_window(s, traces, g);
	if (!r && folded)
		r = add_param(s, "format", "folded");
	const struct sonde_setup setup = {
		.params = s->params,
		.n_params = s->n,
		.out = out,
		.note = cmd_note,
	};
	if (!r)
		r = graph_add(g, kind->sink, &setup);
	if (!r)
		r = graph_run(g);
	s->n = n;
	return r < 0 ? r : out_flush(out);
}

static int draw_traces(struct flame_cmd *s, int argc, char **argv, struct sonde_out *out)
{
	struct trace_args traces = { 0 };
	int r = trace_args_take(argc, argv, &traces);

	if (!r)
		r = run_graph(s, &traces, s->folded, out);
	trace_args_fini(&traces);
	return r;
}

/* The folded stacks of a trace, into a file without a name. */
static int fold_trace(struct flame_cmd *s, char *path, int *ret_fd)
{
	struct trace_args traces = { 0 };
	struct sonde_out out;

	sonde_auto(mem_closep) int fd = memfd_create("folded", MFD_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "no room for folded stacks");
	int r = trace_args_take(1, &path, &traces);
	if (!r)
		r = out_init(&out, fd);
	if (!r) {
		r = run_graph(s, &traces, /* folded= */ true, &out);
		out_fini(&out);
	}
	trace_args_fini(&traces);
	if (!r)
		*ret_fd = mem_take_fd(&fd);
	return r < 0 ? sonde_wrap(r, "'%s'", path) : 0;
}

/* One side of a differential: a trace, or a file of folded stacks. */
static int add_side(struct flame_cmd *s, struct flame_diff *d, char *path, bool is_before)
{
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return sonde_fail_errno(-errno, "cannot read '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		fd = -1;
		int r = fold_trace(s, path, &fd);
		if (r < 0)
			return r;
	}
	if (fstat(fd, &st) != 0)
		return sonde_fail_errno(-errno, "cannot read '%s'", path);
	if (!st.st_size)
		return 0;
	void *text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return sonde_fail_errno(-errno, "cannot read '%s'", path);
	int r = flame_diff_add(d, path, text, (size_t)st.st_size, is_before);
	munmap(text, (size_t)st.st_size);
	return r;
}

static int draw_diff(struct flame_cmd *s, int argc, char **argv, struct sonde_out *out)
{
	struct strbuf title = { 0 };
	struct flame_diff d;

	(void)argc;
	int r = flame_diff_init(&d);
	d.normalize = s->normalize;
	if (!r)
		r = add_side(s, &d, argv[0], /* is_before= */ true);
	if (!r)
		r = add_side(s, &d, argv[1], /* is_before= */ false);
	strbuf_fmt(&title, "%s \xe2\x86\x92 %s", argv[0], argv[1]);
	if (!r)
		r = strbuf_ok(&title);
	if (!r)
		r = flame_diff_write(&d, s->title ? s->title : strbuf_text(&title),
				     s->kind ? FLAME_NS : FLAME_SAMPLES, s->folded, out);
	strbuf_fini(&title);
	flame_diff_fini(&d);
	return r < 0 ? r : out_flush(out);
}

typedef int draw_fn(struct flame_cmd *s, int argc, char **argv, struct sonde_out *out);

/* Draws to a descriptor. */
static int draw_to(struct flame_cmd *s, draw_fn *draw, int argc, char **argv, int fd)
{
	struct sonde_out out;
	int r = out_init(&out, fd);

	if (!r) {
		r = draw(s, argc, argv, &out);
		out_fini(&out);
	}
	return r;
}

/* Draws into a new file that takes the place of the old one when it is whole. */
static int draw_file(struct flame_cmd *s, draw_fn *draw, int argc, char **argv, const char *path)
{
	struct new_file f;

	int r = new_file_open(&f, path);
	if (r < 0)
		return r;
	r = draw_to(s, draw, argc, argv, f.fd);
	if (!r)
		r = new_file_keep(&f);
	new_file_fini(&f);
	if (!r)
		fprintf(stderr, "sonde: wrote %s\n", path);
	return r;
}

static int check_args(const struct flame_cmd *s, int argc)
{
	if (s->diff && argc != 2)
		return sonde_fail(-EINVAL, "--diff wants two traces, or files of folded stacks");
	if (s->normalize && !s->diff)
		return sonde_fail(-EINVAL, "--normalize is for --diff");
	if (s->kind && s->has_event)
		return sonde_fail(-EINVAL, "either --%s or --event", s->kind->option);
	return 0;
}

static int flame_run(void *state, int argc, char **argv)
{
	struct flame_cmd *s = state;
	draw_fn *const draw = s->diff ? draw_diff : draw_traces;
	const char *path = s->path ? s->path : s->folded ? "-" : "flame.svg";

	if (check_args(s, argc) < 0)
		return cmd_usage(&cmd_flame);
	int r = strcmp(path, "-") != 0 ? draw_file(s, draw, argc, argv, path)
				       : draw_to(s, draw, argc, argv, STDOUT_FILENO);
	return r < 0 && r != -EPIPE ? cmd_failed(&cmd_flame) : CMD_OK;
}

const struct command cmd_flame = {
	.name = "flame",
	.args = "[TRACE]...",
	.summary = "Draw a flame graph of samples, waits or differences",
	.about = "Writes one SVG file that a browser shows: a frame is as wide as its share of the "
		 "samples, what called it is below, what it called above. Click to zoom, / to "
		 "search.\n"
		 "With --off-cpu, --wakeup and --locks the width is a time: how long threads were "
		 "blocked from there, until they were woken, or waited for a lock. Their lines "
		 "(--folded) are in nanoseconds. What blocks an idle server is most often the wait "
		 "for its next request: --pid, --from and --to leave such things out.\n"
		 "Of a wake-up that an interrupt made, what that interrupted is not shown.\n"
		 "--diff with --folded prints the stacks that changed, "
		 "'thread;outer;inner BEFORE NOW'.\n"
		 "Names come from the trace itself, else from this machine where kernel and files "
		 "are the very same; other code is shown as file+offset.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct flame_cmd),
	.set = flame_set,
	.run = flame_run,
};
