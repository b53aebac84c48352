/* SPDX-License-Identifier: MIT */
/** sonde report: an analysis of traces as tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "base/mem.h"
#include "base/near.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/sync_arg.h"
#include "cmd/terminal.h"
#include "cmd/time_arg.h"
#include "cmd/trace_arg.h"
#include "graph/graph.h"

enum { PARAMS_MOST = 200, TEXT_MOST = 24 };

enum {
	KEY_JSON = 256,
	KEY_FROM,
	KEY_TO,
	KEY_TID,
	KEY_INTERVALS,
	KEY_PROCESS,
	KEY_THREAD,
	KEY_CACHE,
	KEY_COMM,
	KEY_EXEC,
	KEY_HOST,
	KEY_SVG,
	KEY_XML
};

struct report_cmd {
	struct sonde_param params[PARAMS_MOST]; /* borrowed from the arguments */
	size_t n;
	struct time_arg from, to;
	int64_t to_end_ns; /* no event behind it is wanted */
	char from_ns[TEXT_MOST], to_ns[TEXT_MOST], width[TEXT_MOST];
};

static const struct cmd_option options[] = {
	{ KEY_FROM, "from", "TIME", "Leave out what was before this time." },
	{ KEY_TO, "to", "TIME", "Leave out what came after this time. " TIME_ARG_HELP },
	{ 'p', "pid", "PID", "Only this process; may be given again." },
	{ KEY_TID, "tid", "TID", "Only this thread; may be given again." },
	{ 'n', "limit", "N", "Rows a table; 0 shows all. Without it, what fits a screen." },
	{ 's', "sort", "KEY", "Sort by the column of this JSON key." },
	{ KEY_INTERVALS, "intervals", "N",
	  "cpu: also the use in each of N equal parts of the time." },
	{ KEY_PROCESS, "per-process", NULL, "syscalls: the calls of each process." },
	{ KEY_THREAD, "per-thread", NULL, "syscalls: the calls of each thread." },
	{ KEY_CACHE, "cache", "DIR",
	  "states: keep the index there, and not in the hidden folder .sonde of the trace." },
	{ KEY_COMM, "comm", "NAME",
	  "critical-path, boot: of the thread, or the processes, of that name." },
	{ KEY_EXEC, "exec", "PATH", "critical-path: of the process that ran this program." },
	{ KEY_HOST, "host", "NAME", "critical-path: of the one that ran on this host." },
	{ KEY_SVG, "svg", "FILE", "boot: draw it into that file; - is standard output." },
	{ KEY_XML, "xml", "FILE", "boot: write all of it as XML into that file, likewise." },
	{ KEY_JSON, "json", NULL, "Write JSON: all rows, exact nanoseconds." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde report cpu", "Who had the CPUs, in the newest trace here.", true },
	{ "sonde report cpu --sort wait_max_ns --limit 5 sonde-trace",
	  "Who had to wait longest for a CPU after being woken.", true },
	{ "sonde report syscalls --per-process sonde-trace",
	  "The system calls of each process, and how they failed.", true },
	{ "sonde report sched --sort wakeup_max_ns sonde-trace", "Who got a CPU too late, and why.",
	  true },
	{ "sonde report wakeups --limit 10 sonde-trace", "Who wakes whom most often.", true },
	{ "sonde report irq sonde-trace", "How long interrupts took, and how late softirqs were.",
	  true },
	{ "sonde report block lttng-trace", "How fast the disks were, and who used them.", false },
	{ "sonde report locks sonde-trace", "Which locks were waited for, and who held them.",
	  true },
	{ "sonde report net sonde-trace", "What each TCP connection moved, and for whom.", false },
	{ "sonde report files --sort read_bytes sonde-trace", "What was read most.", true },
	{ "sonde report states --from=-10ms --cache index sonde-trace",
	  "What each thread did in the last 10 ms.", true },
	{ "sonde report cpu --json sonde-trace | jq '.threads[0]'",
	  "The busiest thread, for programs.", false },
	{ "sonde report critical-path sonde-trace",
	  "What the recorded command's time went to, program by program.", true },
	{ "sonde report critical-path --comm sort sonde-trace",
	  "What sort waited for, and who did the work meanwhile.", true },
	{ "sonde report boot --svg boot.svg sonde-trace",
	  "The processes of a recorded command or a boot over time, as a table and as a picture.",
	  true },
	{ "sonde report anomalies sonde-trace", "What took unusually long, and how to see why.",
	  true },
	{ "sonde report sync client-trace server-trace", "How the clocks of two hosts go.", false },
	{ 0 },
};

static int report_add(struct report_cmd *s, const char *key, const char *value)
{
	if (s->n == PARAMS_MOST)
		return sonde_fail(-EINVAL, "more than %d options", PARAMS_MOST);
	s->params[s->n++] = (struct sonde_param){ key, value };
	return 0;
}

static int report_set(void *state, int key, const char *value)
{
	struct report_cmd *s = state;

	switch (key) {
	case KEY_FROM: return time_arg_parse(value, &s->from);
	case KEY_TO: return time_arg_parse(value, &s->to);
	default: break;
	}
	for (const struct cmd_option *o = options; o->name; o++) {
		if (o->key == key)
			return report_add(s, o->name, o->arg ? value : "yes");
	}
	return sonde_fail(-EINVAL, "unknown option");
}

static int list_analyses(void)
{
	printf("Reports:\n");
	for (const struct analysis *a = analysis_all; a->name; a++)
		printf("  %-14s %s.\n", a->name, a->sink->help);
	printf("\n'sonde report NAME [TRACE]...' makes one; 'sonde report --help' tells more.\n");
	return CMD_OK;
}

/* Options that only other analyses take are refused. */
static int check_options(const struct report_cmd *s, const struct analysis *a)
{
	for (size_t i = 0; i < s->n; i++) {
		bool special = false, own = false;

		for (const struct analysis *b = analysis_all; b->name; b++) {
			for (const char *const *o = b->options; o && *o; o++) {
				const bool same = !strcmp(*o, s->params[i].key);

				special |= same;
				own |= same && b == a;
			}
		}
		if (special && !own)
			return sonde_fail(-EINVAL, "report %s takes no --%s", a->name,
					  s->params[i].key);
	}
	return 0;
}

SONDE_DEFINE_AUTO(struct graph *, graph_free)

/* The times of the first and last event, for which all are read. */
struct span {
	bool some;
	int64_t first_ns, last_ns;
};

static int span_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct span *s = *(struct span **)sonde_component_state(c);

	for (size_t i = 0; i < in->n; i++) {
		if (!in->events[i].cls || !in->events[i].cls->stream_class->clock)
			continue;
		if (!s->some)
			s->first_ns = in->events[i].ts_ns;
		s->some = true;
		s->last_ns = in->events[i].ts_ns;
	}
	return 0;
}

static int span_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(void **)sonde_component_state(c) = setup->note_arg;
	return 0;
}

static const struct sonde_component_class sink_span = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.span",
	.help = "Finds the times of the first and last event",
	.state_size = sizeof(struct span *),
	.init = span_init,
	.consume = span_consume,
};

static int find_span(const struct trace_args *traces, struct span *ret)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	const struct sonde_setup setup = { .note_arg = ret };
	int r = graph_new(&g);

	if (r >= 0)
		r = trace_args_add(traces, g);
	if (r >= 0)
		r = graph_add(g, &sink_span, &setup);
	if (r >= 0)
		r = graph_run(g);
	if (r >= 0 && !ret->some)
		r = sonde_fail(-ENODATA, "there are no events");
	return r;
}

/* Tells the analysis its window. Equal intervals want to know both of its ends. */
static int take_window(struct report_cmd *s, const struct trace_args *traces, struct graph *g)
{
	int64_t ns[2];
	struct span span = { 0 };
	bool intervals = false;

	for (size_t i = 0; i < s->n; i++)
		intervals |= !strcmp(s->params[i].key, "intervals");
	int r = trace_args_window(traces, g, &s->from, &s->to, /* gmt= */ false, ns);
	if (r < 0)
		return r;
	int64_t from = ns[0], to = ns[1];
	if (intervals && (from == INT64_MIN || to == INT64_MAX)) {
		r = find_span(traces, &span);
		from = from < span.first_ns ? span.first_ns : from;
		to = to > span.last_ns ? span.last_ns : to;
	}
	if (r < 0)
		return r;
	s->to_end_ns = to;
	(void)snprintf(s->from_ns, TEXT_MOST, "%" PRId64, from);
	(void)snprintf(s->to_ns, TEXT_MOST, "%" PRId64, to);
	r = report_add(s, "from_ns", s->from_ns);
	if (r >= 0)
		r = report_add(s, "to_ns", s->to_ns);
	return r;
}

/* From an index where the analysis has one, else from the events up to @to_ns. */
static int make_report(const struct analysis *a, struct graph *g, const struct sonde_setup *setup,
		       int64_t to_ns)
{
	struct sonde_trace *const *traces;
	const size_t n = graph_traces(g, &traces);
	int r = a->indexed ? a->indexed(setup, traces, n) : -ENOENT;

	if (r != -ENOENT)
		return r;
	// What was before sets the states at the window's begin, so it is read too.
	r = a->indexed || a->reads_on || to_ns == INT64_MAX ? 0 : graph_seek(g, INT64_MIN, to_ns);
	if (r >= 0)
		r = graph_add(g, a->sink, setup);
	return r < 0 ? r : graph_run(g);
}

/* Several hosts are shown on one clock, but where the clocks themselves are the question. */
static int bring_together(const struct analysis *a, struct trace_args *traces, struct graph **g)
{
	if (a->sink == &analysis_sync)
		return 0;
	return sync_arg_apply(traces, g);
}

static int run_graph(struct report_cmd *s, const struct analysis *a, struct trace_args *traces,
		     struct sonde_out *out)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	if (r >= 0)
		r = trace_args_add(traces, g);
	if (r >= 0)
		r = bring_together(a, traces, &g);
	if (r >= 0)
		r = take_window(s, traces, g);
	(void)snprintf(s->width, TEXT_MOST, "%u", terminal_width(STDOUT_FILENO));
	if (r >= 0)
		r = report_add(s, "width", s->width);
	const struct sonde_setup setup = {
		.params = s->params,
		.n_params = s->n,
		.out = out,
		.note = cmd_note,
	};
	if (r >= 0)
		r = make_report(a, g, &setup, s->to_end_ns);
	return r < 0 ? r : out_flush(out);
}

static void fail_unknown(const char *name)
{
	const char *near = NULL;
	unsigned least = NEAR_NOT;

	for (const struct analysis *a = analysis_all; a->name; a++) {
		const unsigned distance = near_distance(name, a->name);

		near = distance < least ? a->name : near;
		least = distance < least ? distance : least;
	}
	(void)sonde_fail(-EINVAL, "there is no report '%s'; %s%s%s", name,
			 near ? "did you mean '" : "'sonde report' lists them", near ? near : "",
			 near ? "'?" : "");
}

static int report_run(void *state, int argc, char **argv)
{
	struct report_cmd *s = state;
	struct trace_args traces = { 0 };
	struct sonde_out out;

	if (!argc)
		return list_analyses();
	const struct analysis *a = analysis_find(argv[0]);
	if (!a) {
		fail_unknown(argv[0]);
		return cmd_usage(&cmd_report);
	}
	if (check_options(s, a) < 0)
		return cmd_usage(&cmd_report);

	int r = trace_args_take(argc - 1, argv + 1, &traces);
	if (r < 0)
		return cmd_failed(&cmd_report);
	r = out_init(&out, STDOUT_FILENO);
	if (r >= 0) {
		r = run_graph(s, a, &traces, &out);
		out_fini(&out);
	}
	trace_args_fini(&traces);
	if (r == -EPIPE)
		return CMD_OK;
	if (r == -EINVAL)
		return cmd_usage(&cmd_report);
	return r < 0 ? cmd_failed(&cmd_report) : CMD_OK;
}

const struct command cmd_report = {
	.name = "report",
	.args = "[NAME] [TRACE]...",
	.words =
		"cpu syscalls sched wakeups irq block files net locks critical-path boot anomalies "
		"sync "
		"states",
	.summary = "Show an analysis of traces as tables",
	.about =
		"Reads kernel traces of 'sonde record' and of LTTng and shows where the time went. "
		"NAME is the report; without it, all are listed.\n\n"
		"cpu: for each CPU the time it ran processes (BUSY), and interrupt handlers and "
		"softirqs (part of BUSY or IDLE, whatever they interrupted). For each process and "
		"thread the time it was on a CPU, as a share of the whole time (100 % is one CPU), "
		"how often it left one, how long it waited from being woken to running, and how "
		"often it changed the CPU.\n\n"
		"syscalls: for each system call how often it was made, how many failed with which "
		"error, and how long it took. A call counts where it returns.\n\n"
		"sched: for each thread how late it got a CPU after being woken, how long it ran "
		"and waited for a CPU, "
		"and how often another took the CPU from it; the longest of those waits and who "
		"had the CPU until "
		"then; who took the CPU from others, and how long those then waited.\n\n"
		"wakeups: who woke whom how often, and how long the woken then took to run. The "
		"waker is the thread "
		"that ran, or the interrupt or softirq that interrupted it. An idle CPU as a waker "
		"is in an interrupt that the trace has no events of. With -p, wakers and "
		"woken.\n\n"
		"irq: for each interrupt line and kind of softirq how often its handlers ran and "
		"how long; for "
		"softirqs also how long from being raised to running. With -p, those that "
		"interrupted the "
		"process. An exit without an entry is ignored.\n\n"
		"block: for each disk how much was read and written and how long its requests took "
		"from being handed "
		"to the disk to their end, and waited in the queue before; and for which "
		"threads. Disks have the names that they had where the trace was made.\n\n"
		"net: for each TCP connection its addresses, whose it is, when it was opened and "
		"for how long, the bytes of data and the segments each way, how often one was sent "
		"again, the round-trip time as the kernel measures it (or that of the handshake), "
		"and how long after it was opened the first data came in; then for each network "
		"device the packets and bytes of all protocols. Each host tells its own end. Wants "
		"a trace of 'sonde record --net', or LTTng's net_dev_queue and net_if_receive_skb "
		"with headers; segments that go out are only told by the latter.\n\n"
		"locks: for each lock that was waited for, of the kernel (mutexes, spinlocks, "
		"semaphores ..., by the address) and of programs (futexes, by process and "
		"address), how many threads waited how often and how long; the same for each "
		"thread; and whom they waited for: the thread that woke a waiter held the lock, as "
		"far as a trace tells. A wait counts where it ends. Futex calls that found nothing "
		"to wait for are none; where waiters are moved to another futex, their wait for "
		"that one is another. Spinlocks have no holder. Condition variables and idle "
		"workers wait for futexes too: long waits there are no harm.\n\n"
		"files: for each file and each process how much was read and written, how often it "
		"was opened, read, written and synced, what failed, and how long that took; then "
		"which process spent the longest time with which file. Descriptors are followed "
		"through the system calls that open, copy, inherit and close them. A path is shown "
		"where the trace has it: in LTTng's events, its dump of the state, or with 'sonde "
		"record --script files'. It is whole where the process's folder is known. Else a "
		"file is told by whose descriptor it is: 'pipe 3, 4 of make (10)', 'fd 5 of sh "
		"(11)'; 'unknown of sh (11)' was used by a call that began before the trace. A "
		"call "
		"counts where it returns, and waiting for data is part of its time. What is done "
		"through mapped memory or io_uring is not seen.\n\n"
		"critical-path: what the time of the recorded command, or of one thread (--tid, "
		"--pid, --comm or --exec), went to. Of several that fit, the recorded command's "
		"go first, then the longest. With --to, what ended a wait later counts as well. "
		"Where it waited for another, the path goes on with what that one did meanwhile, "
		"and so on, through packets to other hosts too: only what is on the path made the "
		"thread take longer. Shown are the sums by state, host, program and thread, a tree "
		"of the "
		"programs that did the work (those of one name below one other together, or with "
		"--limit 0 each of them), and the path itself: segments, with the system call "
		"that a thread waited in, and hops. Segments and "
		"hops always add up to the whole time, which is checked and said.\n\n"
		"boot: the processes of the recorded command (or of a boot, from its first "
		"process on; or those of -p or --comm) as a tree: begin and end, from the events "
		"of forks, execs and exits, and how long each ran, waited for a CPU and was "
		"blocked; ON PATH is its part of the critical path of the root, and what is on "
		"that path is shown also where it is elsewhere in the tree. With --to, what ended "
		"a "
		"wait later tells what it was for until then. Small processes share "
		"rows where there are too many. --svg draws it, with the use of CPUs and disks "
		"above and the critical path over it; --xml writes all of it (docs/boot.md).\n\n"
		"anomalies: what is odd in the trace, the worst first by the time that was lost, "
		"each "
		"with the command that shows more of it. A wait, system call or disk request is "
		"odd "
		"if it is much longer than others of its kind in the same trace: more than ten "
		"times "
		"their median and more than twenty median deviations above it, and 10 ms (20 ms "
		"for "
		"waits for a CPU) or, with fewer than ten of its kind, 100 ms. Further: many "
		"threads waiting for CPUs at once, waits for a CPU while another is idle, convoys "
		"at "
		"locks, interrupts and softirqs that take much of a CPU, losses, and clocks that "
		"run "
		"backwards. docs/anomalies.md has all thresholds.\n\n"
		"sync: how the clocks of several hosts go, found from the TCP packets that they "
		"sent "
		"each other: their time on the clock of one of them, the reference. Its quality is "
		"accurate, approximate (only one bound of the pace is known), failed (no straight "
		"line "
		"fits all packets) or unsynchronised (no packets lead to the reference). Wants "
		"traces "
		"of 'sonde record --net', or packets' headers as LTTng's net_dev_queue and "
		"net_if_receive_skb have them. All other reports of traces of several hosts first "
		"bring their clocks together in this way.\n\n"
		"states: for each CPU the time it was busy, idle, in softirqs and in interrupt "
		"handlers, and for "
		"each thread the time it ran (in user space, in system calls, interrupted), waited "
		"for a CPU and "
		"was blocked. Reads the trace once and keeps an index of it in the trace's hidden "
		"folder .sonde, "
		"which other readers pass over; from then on any window is answered at once. A "
		"trace that changed "
		"is read anew; where nothing can be written, --cache names another place.\n\n"
		"What no event tells is shown as '-' or counted as unknown, never guessed. Where "
		"events were lost, figures are lower bounds, and this is said.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct report_cmd),
	.set = report_set,
	.run = report_run,
};
