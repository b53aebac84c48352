/* SPDX-License-Identifier: MIT */
/** sonde record: kernel events and samples into a trace. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/all.h"
#include "cmd/record_for.h"
#include "cmd/record_script.h"
#include "record/all.h"
#include "record/event_pick.h"
#include "record/kernel.h"
#include "record/session.h"

enum {
	KEY_NO_SAMPLES = 256,
	KEY_BUFFER,
	KEY_FORCE,
	KEY_CALL_GRAPH,
	KEY_FOR,
	KEY_SCRIPT,
	KEY_NO_EVENTS,
	KEY_NET,
	KEY_OFF_CPU,
	KEY_LOCKS,
	HZ_USUAL = 999,
	HZ_MOST = 100000,
	BUFFER_LEAST = 16 << 10,
	SOURCES_MOST = 8,
};

struct state {
	struct record_opts opts;
	struct record_event *events; /* owned; their text in texts */
	size_t n_events, events_cap;
	char **texts; /* owned */
	size_t n_texts, texts_cap;
	pid_t *pids; /* owned */
	size_t n_pids, pids_cap;
	bool has_hz, no_samples, no_events;
	struct record_for scripts;
	struct record_scripts beside; /* of --script */
};

static const struct cmd_option options[] = {
	{ 'o', "output", "DIR", "The trace's folder; sonde-trace if not given." },
	{ 'e', "event", "EVENT[:FILTER]",
	  "A kernel event, as sched_switch or sched:sched_switch, or a glob as 'sched:*'; several "
	  "with commas between them, and it may be given more than once. FILTER is the kernel's "
	  "filter text, up to the end. Without -e: what the reports "
	  "need." },
	{ 'F', "frequency", "HZ", "Samples a second on each CPU; 999 if not given." },
	{ KEY_NO_SAMPLES, "no-samples", NULL, "Events only." },
	{ KEY_SCRIPT, "script", "SCRIPT",
	  "A script that runs meanwhile, as a file or by the name of a ready one; what it gives to "
	  "emit() becomes events of the trace. May be given more than once." },
	{ 'E', "expression", "TEXT", "The same with the script itself." },
	{ KEY_NO_EVENTS, "no-events", NULL, "No events of the kernel; those of scripts alone." },
	{ 'p', "pid", "PID",
	  "Only this process, its threads and what they fork; may be given more than once." },
	{ 'd', "duration", "SECONDS", "End after so long." },
	{ KEY_BUFFER, "buffer", "SIZE",
	  "The kernel's ring of each CPU, and that of each script, as 512K or 64M; 16M if not "
	  "given, less on small machines." },
	{ KEY_FORCE, "force", NULL, "Replace the trace that is in the folder." },
	{ KEY_CALL_GRAPH, "call-graph", "fp|dwarf",
	  "User stacks of samples and, with --locks, of futex calls: by frame pointers (the "
	  "default), or by a copy of the stack and DWARF." },
	{ KEY_NET, "net", NULL,
	  "Also what reports need to follow TCP messages from host to host: critical-path, sync. "
	  "Record so on each of them, at the same time, from before they connect." },
	{ KEY_OFF_CPU, "off-cpu", NULL,
	  "Also the stacks of threads that leave a CPU and of those that wake others: for 'sonde "
	  "flame --off-cpu' and --wakeup." },
	{ KEY_LOCKS, "locks", NULL,
	  "Also who waits for which lock of the kernel or of a program, with stacks: for 'sonde "
	  "report locks' and 'sonde flame --locks'." },
	{ KEY_FOR, "for", "SCRIPT",
	  "Only what this script needs, so that 'sonde run -t DIR SCRIPT' gives what it would have "
	  "given live; SCRIPT may have its parameters behind it, within quotes. May be given more "
	  "than once; -e adds further events." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sudo sonde record -- make -j4", "Records what the system does while make runs.", false },
	{ "sudo sonde record -d 5 -o idle", "Records 5 seconds into the folder 'idle'.", false },
	{ "sudo sonde record -e 'sched:*' -e 'sched:sched_switch:prev_prio < 100' --no-samples",
	  "All scheduler events, switches only away from real-time threads, until Ctrl-C.", false },
	{ "sudo sonde record --off-cpu -- make && sonde flame --off-cpu",
	  "Where the programs slept; with --no-events --no-samples besides, at the least cost.",
	  false },
	{ "sudo sonde record --for runqlat -- make -j4",
	  "What the ready script runqlat needs; 'sonde run -t sonde-trace runqlat' then runs it.",
	  false },
	{ "sudo sonde record -E 'tracepoint:syscalls:sys_enter_openat { emit(\"open\", path = "
	  "str(args.filename)); }' -- make",
	  "Which files are opened, beside all else that is recorded.", false },
	{ 0 },
};

static int whole_number(const char *value, long least, long most, const char *what, long *ret)
{
	char *end;

	errno = 0;
	long v = strtol(value, &end, 10);
	if (end == value || *end || errno || v < least || v > most)
		return sonde_fail(-EINVAL, "%s '%s': want a number from %ld to %ld", what, value,
				  least, most);
	*ret = v;
	return 0;
}

static int set_seconds(struct state *s, const char *value)
{
	char *end;
	double v = strtod(value, &end);

	if (end == value || *end || !isfinite(v) || v <= 0 || v > 1e9)
		return sonde_fail(-EINVAL, "duration '%s': want seconds above 0", value);
	s->opts.seconds = v;
	return 0;
}

static int set_buffer(struct state *s, const char *value)
{
	static const char units[] = "KMG";
	char *end;

	errno = 0;
	unsigned long long v = strtoull(value, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
	const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (unit)
		end++;
	if (end == value || value[0] == '-' || *end || errno || v > (UINT64_C(1) << 40) >> shift ||
	    v << shift < BUFFER_LEAST)
		return sonde_fail(
			-EINVAL, "buffer '%s': want a size of at least 16K, as 512K or 64M", value);
	s->opts.buffer_bytes = (size_t)v << shift;
	return 0;
}

static int add_event(struct state *s, const char *value)
{
	int r = mem_grow(&s->texts, &s->texts_cap, s->n_texts + 1);

	if (r < 0)
		return r;
	char *text = strdup(value);
	if (!text)
		return sonde_fail(-ENOMEM, "out of memory");
	s->texts[s->n_texts++] = text;
	do {
		r = mem_grow(&s->events, &s->events_cap, s->n_events + 1);
		if (!r)
			s->events[s->n_events++] = event_split(event_list_next(&text));
	} while (!r && text);
	return r;
}

static int add_pid(struct state *s, const char *value)
{
	long pid = 0;
	int r = whole_number(value, 1, INT32_MAX, "process", &pid);

	if (!r)
		r = mem_grow(&s->pids, &s->pids_cap, s->n_pids + 1);
	if (!r)
		s->pids[s->n_pids++] = (pid_t)pid;
	return r;
}

static int set_call_graph(struct state *s, const char *value)
{
	if (!strcmp(value, "fp"))
		s->opts.callgraph = RECORD_CALLGRAPH_FP;
	else if (!strcmp(value, "dwarf"))
		s->opts.callgraph = RECORD_CALLGRAPH_DWARF;
	else
		return sonde_fail(-EINVAL, "call graph '%s': want 'fp' or 'dwarf'", value);
	return 0;
}

static int record_set(void *state, int key, const char *value)
{
	struct state *s = state;
	long n = 0;
	int r = 0;

	switch (key) {
	case 'o': s->opts.dir = value; break;
	case 'e': return add_event(s, value);
	case 'F':
		r = whole_number(value, 1, HZ_MOST, "frequency", &n);
		s->opts.sample_hz = (uint32_t)n;
		s->has_hz = true;
		break;
	case KEY_NO_SAMPLES: s->no_samples = true; break;
	case 'p': return add_pid(s, value);
	case 'd': return set_seconds(s, value);
	case KEY_BUFFER: return set_buffer(s, value);
	case KEY_FORCE: s->opts.replace = true; break;
	case KEY_SCRIPT: return record_scripts_add(&s->beside, value, /* is_text= */ false);
	case 'E': return record_scripts_add(&s->beside, value, /* is_text= */ true);
	case KEY_NO_EVENTS: s->no_events = true; break;
	case KEY_CALL_GRAPH: return set_call_graph(s, value);
	case KEY_NET: s->opts.net = true; break;
	case KEY_OFF_CPU:
		s->opts.blocking = true;
		record_for_stacks(&s->scripts, "sched:sched_switch");
		record_for_stacks(&s->scripts, "sched:sched_waking");
		break;
	case KEY_LOCKS:
		s->opts.locks = true;
		record_for_stacks(&s->scripts, "lock:contention_begin");
		break;
	case KEY_FOR: return record_for_add(&s->scripts, value);
	default: break;
	}
	return r;
}

/* 1234567 as "1,234,567". */
static const char *with_commas(uint64_t v, char ret[32])
{
	char plain[32];
	int n = snprintf(plain, sizeof(plain), "%llu", (unsigned long long)v);
	char *p = ret;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*p++ = ',';
		*p++ = plain[i];
	}
	*p = '\0';
	return ret;
}

static const char *with_unit(uint64_t bytes, char ret[32])
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 999.5 && u + 1 < MEM_LEN(units); u++)
		v /= 1000;
	(void)snprintf(ret, 32, u && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
	return ret;
}

static void print_result(const struct state *s, const struct session_result *res, bool failed)
{
	const struct record_counts *c = &res->counts;
	char a[32], b[32], d[32];

	fprintf(stderr, "recorded %s event%s (%s lost)", with_commas(c->events, a),
		c->events == 1 ? "" : "s", with_commas(c->lost_events, b));
	if (s->opts.sample_hz) {
		fprintf(stderr, " and %s sample%s", with_commas(c->samples, a),
			c->samples == 1 ? "" : "s");
		if (c->lost_samples)
			fprintf(stderr, " (%s lost)", with_commas(c->lost_samples, b));
	}
	fprintf(stderr, " in %.1f s: %s (%s)\n", res->seconds, s->opts.dir,
		with_unit(res->bytes, d));
	if (c->lost_events && !failed)
		fprintf(stderr, "sonde record: events were lost: take larger rings (--buffer), or "
				"fewer events (-e)\n");
	if (c->lost_samples && !failed)
		fprintf(stderr, "sonde record: samples were lost: take fewer (-F)\n");
}

/* Samples as they were asked for, or as the scripts want them: all that they see was recorded. */
static int set_samples(struct state *s)
{
	const uint32_t asked = s->opts.sample_hz;

	if (!s->scripts.n) {
		if (!s->has_hz)
			s->opts.sample_hz = HZ_USUAL;
		if (s->no_samples)
			s->opts.sample_hz = 0;
		return 0;
	}
	record_for_set(&s->scripts, &s->opts);
	if (s->opts.sample_ns && (s->no_samples || (s->has_hz && asked != s->opts.sample_hz)))
		return sonde_fail(-EINVAL, "the script needs %u samples a second: leave %s away",
				  s->opts.sample_hz, s->no_samples ? "--no-samples" : "-F");
	if (!s->opts.sample_ns)
		s->opts.sample_hz = asked;
	return 0;
}

/* What the scripts need, besides what was asked for. */
static int take_scripts(struct state *s)
{
	// By DWARF they come with copies of stacks, which scripts cannot make.
	s->opts.call_stacks = s->opts.locks && s->opts.callgraph == RECORD_CALLGRAPH_DWARF;
	if (s->opts.locks && !s->opts.call_stacks)
		record_for_stacks(&s->scripts, "syscalls:sys_enter_futex");
	s->scripts.capture.only_map = s->n_pids ? record_scripts_only : NULL;
	int r = record_for_find(&s->scripts, /* tells= */ true);

	if (!r)
		r = mem_grow(&s->events, &s->events_cap, s->n_events + s->scripts.n_events + 1);
	for (size_t i = 0; !r && i < s->scripts.n_events; i++)
		s->events[s->n_events++] = s->scripts.events[i];
	if (!r && s->scripts.capture.n)
		r = record_scripts_add(&s->beside, strbuf_text(&s->scripts.capture.script),
				       /* is_text= */ true);
	if (!r && s->scripts.capture.n)
		record_scripts_asks(&s->beside);
	return r;
}

/* What the recording draws from, at @ret; it ends with NULL. */
static int pick_sources(struct state *s, const struct record_source **ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; s->no_events && i < s->n_events; i++)
		if (!s->events[i].is_made)
			return sonde_fail(-EINVAL, "either --no-events or -e");
	for (size_t i = 0; record_all[i] && n + 1 < most; i++)
		if (!s->no_events || record_all[i] != &source_kernel)
			ret[n++] = record_all[i];
	ret[n] = NULL;
	return 0;
}

static int record_run(void *state, int argc, char **argv)
{
	const struct record_source *sources[SOURCES_MOST];
	struct state *s = state;
	struct session_result res = { 0 };

	if (!s->opts.dir)
		s->opts.dir = "sonde-trace";
	int ready = take_scripts(s);
	if (ready == -EINVAL)
		return CMD_FAILED; // it was told
	if (!ready)
		ready = set_samples(s);
	if (ready < 0)
		return ready == -EINVAL ? cmd_usage(&cmd_record) : cmd_failed(&cmd_record);
	s->opts.events = s->events;
	s->opts.n_events = s->n_events;
	s->opts.pids = s->pids;
	s->opts.n_pids = s->n_pids;
	s->opts.argv = argc ? argv : NULL;
	ready = record_scripts_compile(&s->beside, &s->opts);
	if (ready < 0)
		return s->beside.told ? CMD_FAILED : cmd_failed(&cmd_record);
	if (s->scripts.n) {
		ready = record_for_check(&s->scripts, &s->opts, /* tells= */ true);
		if (ready < 0)
			return ready == -EINVAL ? CMD_FAILED : cmd_failed(&cmd_record);
	}
	const char *ring = getenv("SONDE_RING");
	s->opts.map_rings = ring && !strcmp(ring, "map");

	int r = pick_sources(s, sources, SOURCES_MOST);
	if (r < 0)
		return cmd_usage(&cmd_record);
	r = session_run(&s->opts, sources, cmd_note, NULL, &res);
	if (record_scripts_tell(&s->beside))
		return CMD_FAILED;
	if (r < 0 && !res.recorded)
		return r == -EINVAL ? cmd_usage(&cmd_record)
				    : (res.has_status ? (cmd_failed(&cmd_record), res.status)
						      : cmd_failed(&cmd_record));
	int status = res.has_status ? res.status : res.asked_status;
	if (r < 0)
		status = cmd_failed(&cmd_record);
	print_result(s, &res, r < 0);
	return status;
}

static void record_fini(void *state)
{
	struct state *s = state;

	for (size_t i = 0; i < s->n_texts; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->events);
	free(s->pids);
	record_for_fini(&s->scripts);
	record_scripts_fini(&s->beside);
}

const struct command cmd_record = {
	.name = "record",
	.args = "[-- CMD [ARG]...]",
	.summary = "Record kernel events and samples into a trace",
	.about = "Records the whole system, or with -p some processes, while CMD runs; without CMD "
		 "until "
		 "Ctrl-C or -d.\n"
		 "The trace is a folder in the Common Trace Format 1.8, which babeltrace2 and "
		 "other tools read too. sonde passes CMD's exit status on.\n"
		 "Tracing needs root. It takes place in a tracefs instance of its own and disturbs "
		 "no other; tracefs is mounted at /sys/kernel/tracing if it is not, and stays so.\n"
		 "Events are called as the kernel calls them, sched_switch; where several of its "
		 "systems have one of that name, system:name. What sonde itself does is recorded "
		 "like everything else; it wakes up rarely and with a raised priority.\n"
		 "With --script a script says itself what is captured: its emit() makes events. "
		 "What it prints goes to standard output, its maps at the end; its exit() ends "
		 "the recording, and gives the exit status where there is no CMD. With -p, emit() "
		 "is for those "
		 "processes alone, but for intervals, BEGIN and END.\n"
		 "What the kernel's rings could not hold is counted, in the trace too. A recorder "
		 "that is killed leaves a trace that can be read.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct state),
	.wraps_command = true,
	.set = record_set,
	.run = record_run,
	.fini = record_fini,
};
