/* SPDX-License-Identifier: MIT */
/** A script in two halves of a trace finds what it finds in one run, or the halves do not fit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "comp/all.h"
#include "graph/component.h"
#include "graph/graph.h"
#include "lang/gen/compile.h"
#include "lang/recorded/recorded.h"
#include "lang/syntax/parse.h"
#include "test.h"

SONDE_DEFINE_AUTO(struct graph *, graph_free)

enum { OUT_MOST = 1 << 16, EVENTS = 5257 };

/* --- a script over the example --- */

/** Where the trace is cut, by the number of the event. */
struct cut {
	uint64_t known;	 /* what the later half knows from the begin */
	uint64_t learns; /* from here on it goes along .. */
	uint64_t begins; /* .. and from here on events are its own */
};

struct trial {
	struct script_ast ast;
	struct arena arena;
	struct diag diag;
	struct graph *graph;
	struct world *world;
	struct script *script;
	struct recorded_run *first, *later;
	struct sonde_out out;
	const struct cut *cut; /* NULL: one run */
	uint64_t n;
	bool is_later, has_begun; /* the later half's turn */
	bool each;		  /* programs run for each event by itself */
	char notes[256];	  /* what is told beside the output */
};

static int sink_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(struct trial **)sonde_component_state(c) = setup->note_arg;
	return 0;
}

static int take_later(struct trial *t, const struct sonde_batch *one)
{
	if (t->n < t->cut->learns)
		return 0;
	if (t->n < t->cut->begins)
		return recorded_half_learn(t->later, one);
	int r = t->has_begun ? 0 : recorded_half_begin(t->later);
	t->has_begun = true;
	return r < 0 ? r : recorded_run_take(t->later, one);
}

static int take_first(struct trial *t, const struct sonde_batch *one)
{
	int r = 0;

	if (t->cut && t->n == t->cut->begins)
		return 1;
	if (t->cut && t->n == t->cut->known)
		r = recorded_half_new(t->first, &t->later);
	return r < 0 ? r : recorded_run_take(t->first, one);
}

static int sink_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct trial *t = *(struct trial **)sonde_component_state(c);
	int r = 0;

	for (size_t i = 0; i < in->n && !r; i++, t->n++) {
		const struct sonde_batch one = { &in->events[i], 1 };

		r = t->is_later ? take_later(t, &one) : take_first(t, &one);
	}
	return r;
}

static const struct sonde_component_class sink = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.trial",
	.help = "Hands events to one of two runs.",
	.state_size = sizeof(struct trial *),
	.init = sink_init,
	.consume = sink_consume,
};

static int open_example(struct graph **ret)
{
	static const struct sonde_param path = { "path", EXAMPLE };
	int r = graph_new(ret);

	return r < 0 ? r
		     : graph_add(*ret, comp_find("src.ctf"),
				 &(struct sonde_setup){ .params = &path, .n_params = 1 });
}

static int run_graph(struct trial *t, struct graph *g)
{
	t->n = 0;
	graph_set_ahead(g, GRAPH_AHEAD_NOT);
	int r = graph_add(g, &sink, &(struct sonde_setup){ .note_arg = t });
	return r < 0 ? r : graph_run(g);
}

static int compile(struct trial *t, const char *script)
{
	static const struct compile_options how;
	struct sonde_trace *const *traces;

	t->diag = (struct diag){ .name = "x", .text = script, .text_len = strlen(script) };
	int r = parse_bt(&t->diag, &t->arena, NULL, 0, &t->ast);
	if (!r)
		r = open_example(&t->graph);
	if (r < 0)
		return r;
	const size_t n = graph_traces(t->graph, &traces);
	r = recorded_world_new(traces, n, &t->world);
	if (!r && t->each)
		t->world->repeats = false;
	return r < 0 ? r : compile_script(&t->diag, t->world, &t->ast, &how, &t->script);
}

static int run_later(struct trial *t)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	struct sonde_trace *const *traces;
	int r = open_example(&g);

	if (r < 0)
		return r;
	const size_t n = graph_traces(g, &traces);
	r = recorded_half_open(t->later, traces, n);
	t->is_later = true;
	return r < 0 ? r : run_graph(t, g);
}

static void note(void *arg, const char *line)
{
	struct trial *t = arg;
	const size_t n = strlen(t->notes);

	(void)snprintf(t->notes + n, sizeof(t->notes) - n, "%s\n", line);
}

static int run(struct trial *t, const char *script, int out)
{
	int status, r = compile(t, script);

	if (!r)
		r = out_init(&t->out, out);
	const struct recorded_options opt = {
		.world = t->world, .script = t->script, .out = &t->out, .note = note, .note_arg = t
	};
	if (!r)
		r = recorded_run_new(&opt, &t->first);
	if (!r)
		r = run_graph(t, t->graph);
	if (!r && t->cut)
		r = run_later(t);
	int joined = r < 0 ? r : t->cut ? recorded_half_join(t->first, t->later) : 1;
	if (joined > 0)
		r = recorded_run_finish(t->first, &status);
	return r < 0 ? r : joined;
}

/* 1: it ran, and what it printed is in @ret; 0: the halves do not fit. */
static int try_how(struct trial how, const char *script, char ret[static OUT_MOST])
{
	struct trial t = how;
	const int out = memfd_create("out", 0);
	int r = out < 0 ? -1 : run(&t, script, out);

	const ssize_t n = pread(out, ret, OUT_MOST - 1 - sizeof(t.notes), 0);
	memcpy(ret + (n > 0 ? n : 0), t.notes, sizeof(t.notes));
	recorded_run_free(t.later);
	recorded_run_free(t.first);
	script_free(t.script);
	world_free(t.world);
	graph_free(t.graph);
	out_fini(&t.out);
	strbuf_fini(&t.diag.out);
	arena_fini(&t.arena);
	close(out);
	return r;
}

static int try_script(const char *script, const struct cut *cut, char ret[static OUT_MOST])
{
	return try_how((struct trial){ .cut = cut }, script, ret);
}

/* --- what must hold --- */

static const char *const by_event[] = {
	"event:* { @[probe] = count(); }",
	"event:* { @[cpu] = stats(nsecs); @a = avg(elapsed); @m = max(nsecs); @n = min(nsecs); }",
	"event:sys_enter { @[args.id] = count(); @h = hist(args.id); @l = lhist(args.id, 0, 300, "
	"9); }",
	"event:sched_switch / args.prev_prio > 1 / { @[args.next_comm, str(args.prev_comm)] = "
	"count(); "
	"} END { printf(\"%d\\n\", nsecs); }",
};
static const char *const by_thread[] = {
	"event:* { @[comm] = count(); }",
	"event:* { @[tid] = count(); }",
	"event:sys_* { @[comm, pid, tid] = count(); @s[pid] = sum(tid); }",
	"event:* / pid > 3 / { @[probe, comm] = hist(tid); }",
};

static uint64_t draw(uint64_t *state, uint64_t most)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % (most + 1);
}

static unsigned try_cuts(const char *script, unsigned n, uint64_t learn_most)
{
	static char whole[OUT_MOST], halves[OUT_MOST];
	const char *text = getenv("SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
	uint64_t state = seed * 0x9e3779b97f4a7c15U | 1;
	unsigned joined = 0;

	EXPECT_EQ(try_script(script, NULL, whole), 1);
	EXPECT(strlen(whole) > 10);
	for (unsigned i = 0; i < n; i++) {
		struct cut cut = { .begins = 2 + draw(&state, EVENTS - 3) };

		cut.known = 1 + draw(&state, cut.begins - 2);
		cut.learns = cut.begins - draw(&state, learn_most < cut.begins ? learn_most : 0);
		const int r = try_script(script, &cut, halves);

		EXPECT(r >= 0);
		joined += r > 0;
		if (r <= 0 || !strcmp(whole, halves))
			continue;
		printf("# seed %llu: %s: known %llu, learns %llu, begins %llu\n",
		       (unsigned long long)seed, script, (unsigned long long)cut.known,
		       (unsigned long long)cut.learns, (unsigned long long)cut.begins);
		EXPECT_STR(halves, whole);
	}
	return joined;
}

TEST(scripts_that_ask_for_events_alone_always_fit)
{
	for (size_t i = 0; i < MEM_LEN(by_event); i++)
		EXPECT_EQ(try_cuts(by_event[i], 6, 0), 6);
}

TEST(scripts_that_ask_for_threads_fit_where_guesses_hold)
{
	unsigned joined = 0;

	for (size_t i = 0; i < MEM_LEN(by_thread); i++)
		joined += try_cuts(by_thread[i], 12, 1000);
	EXPECT(joined > 0);
}

TEST(guesses_that_do_not_hold_are_found)
{
	unsigned joined = 0;

	for (size_t i = 0; i < MEM_LEN(by_thread); i++)
		joined += try_cuts(by_thread[i], 12, 0);
	EXPECT(joined < 12 * MEM_LEN(by_thread));
}

/* The first half heard of most of them behind what the later one knows. */
TEST(threads_that_have_no_name_in_the_later_half_get_theirs)
{
	EXPECT(try_cuts("event:* { @[comm] = count(); }", 24, 0) >= 9);
	EXPECT(try_cuts("event:* / cpu == 0 / { @[comm, pid, probe] = count(); @n = count(); }", 24,
			0) >= 9);
}

TEST(keys_that_have_no_room_together)
{
	static char out[OUT_MOST];
	static const char script[] =
		"config = { max_map_keys = 25; } event:* { @[probe] = count(); }";
	const struct cut cut = { .known = 1, .learns = 1000, .begins = 1000 };

	EXPECT_EQ(try_script(script, &cut, out), 0);
}

/* --- programs that run once for several events --- */

static const struct {
	const char *script;
	bool repeats; /* the last program does */
} programs[] = {
	{ "event:* { @[probe] = count(); }", true },
	{ "event:* { @[comm] = count(); @n = count(); }", true },
	{ "event:* { @[pid, cpu] = count(); } END { printf(\"%d\\n\", nsecs); }", true },
	{ "event:sys_* / tid > 3 / { @[comm, probe] = count(); } event:* { @[\"all\", \"\"] = "
	  "count(); }",
	  true },
	{ "event:* { $x = cpu * 2; if (strncmp(comm, \"s\", 1) == 0) { @a[$x] = count(); } else { "
	  "@b[tid ? comm : \"\"] = count(); } }",
	  true },
	{ "config = { max_map_keys = 5; } event:* { @[probe] = count(); }", true },
	{ "config = { max_map_keys = 5; } event:* { @[tid, cpu] = count(); }", true },
	{ "interval:ms:1 { print(@); clear(@); } event:* { @[cpu, comm] = count(); }", true },
	{ "interval:ms:1 { @n++; if (@n > 3) { exit(); } } event:* { @ = count(); }", true },
	{ "event:* { @ = count(); @n = sum(tid); }", false },
	{ "event:* { @[nsecs] = count(); }", false },
	{ "event:sys_enter { @[args.id] = count(); }", false },
	{ "event:* { @[pid] = count(); @x = 1; }", false },
	{ "event:* { @x++; if (@x > 5) { @ = count(); } }", false },
	{ "event:* { @x = count(); @y[@x] = count(); }", false },
	{ "event:* { @ = count(); if (tid == 5) { exit(); } }", false },
	{ "let @x = lruhash(5); event:* { @x[tid] = count(); }", false },
	{ "event:* { @[tid] = count(); delete(@, 3); }", false },
	{ "event:* { @[rand] = count(); }", false },
};

static bool last_repeats(const char *script)
{
	struct trial t = { 0 };
	const int r = compile(&t, script);
	const bool repeats = !r && t.script->progs[t.script->n_progs - 1].repeats;

	if (r < 0)
		printf("# %s: %s\n", script, strbuf_text(&t.diag.out));
	EXPECT_EQ(r, 0);
	script_free(t.script);
	world_free(t.world);
	graph_free(t.graph);
	strbuf_fini(&t.diag.out);
	arena_fini(&t.arena);
	return repeats;
}

TEST(one_run_for_several_events_finds_what_runs_for_each_find)
{
	static char each[OUT_MOST], once[OUT_MOST];

	for (size_t i = 0; i < MEM_LEN(programs); i++) {
		const char *script = programs[i].script;

		EXPECT_EQ(try_how((struct trial){ .each = true }, script, each), 1);
		EXPECT_EQ(try_how((struct trial){ .each = false }, script, once), 1);
		EXPECT(strlen(each) > 5);
		EXPECT_STR(once, each);
	}
}

TEST(which_programs_run_once_for_several_events)
{
	for (size_t i = 0; i < MEM_LEN(programs); i++) {
		if (strstr(programs[i].script, "END"))
			continue; // the last one is END's
		const bool repeats = last_repeats(programs[i].script);

		if (repeats != programs[i].repeats)
			printf("# %s\n", programs[i].script);
		EXPECT_EQ(repeats, programs[i].repeats);
	}
}

/* --- which scripts --- */

static const struct {
	const char *script;
	bool is_free;
} scripts[] = {
	{ "event:* { @ = count(); }", true },
	{ "BEGIN { printf(\"x\"); @x = 1; } event:* { @[nsecs / 10] = sum(cpu); } END { clear(@x); "
	  "}",
	  true },
	{ "event:* { if (pid == 1) { $x = tid; $x++; @a[$x] = max($x); } else { @b = min(3); } }",
	  true },
	{ "event:* { for ($i : 0..3) { @[$i, (comm, probe)] = lhist($i, 0, 3, 1); } }", true },
	{ "event:* { @ = 1; }", false },
	{ "event:* { @x++; }", false },
	{ "event:* { @x += 1; }", false },
	{ "event:* { @[@x] = count(); @x = count(); }", false },
	{ "event:* / @x / { @x = count(); }", false },
	{ "event:* { @x = count(); @y = sum(@x); }", false },
	{ "event:* { @x = count(); if (@x > 3) { exit(); } }", false },
	{ "event:* { @x = count(); print(@x); }", false },
	{ "event:* { @x[1] = count(); clear(@x); }", false },
	{ "event:* { @x[1] = count(); delete(@x, 1); }", false },
	{ "event:* { @x[1] = count(); for ($kv : @x) { @y = sum($kv.0); } }", false },
	{ "event:* { @x = sum(len(@y)); @y[1] = count(); }", false },
	{ "event:* { @[rand] = count(); }", false },
	{ "event:* { @[kstack] = count(); }", false },
	{ "event:* { @[ksym(1)] = count(); }", false },
	{ "event:* { printf(\"x\"); }", false },
	{ "event:* { exit(); }", false },
	{ "event:* { @ = count(); } interval:s:1 { print(@); }", false },
	{ "let @x = lruhash(5); event:* { @[1] = count(); @x[1] = count(); }", false },
};

TEST(which_scripts_are_free_of_order)
{
	for (size_t i = 0; i < MEM_LEN(scripts); i++) {
		struct trial t = { 0 };
		const int r = compile(&t, scripts[i].script);
		const bool is_free = !r && recorded_is_order_free(&t.ast, t.script);

		if (is_free != scripts[i].is_free)
			printf("# %s\n", scripts[i].script);
		EXPECT_EQ(is_free, scripts[i].is_free);
		if (r < 0 && scripts[i].is_free)
			printf("# %s: %s\n", scripts[i].script, strbuf_text(&t.diag.out));
		script_free(t.script);
		world_free(t.world);
		graph_free(t.graph);
		strbuf_fini(&t.diag.out);
		arena_fini(&t.arena);
	}
}

/* --- without memory --- */

static int halves_once(void)
{
	static char out[OUT_MOST];
	const struct cut cut = { .known = 10, .learns = 600, .begins = 700 };
	const int r = try_script("event:* { @[comm, pid] = count(); }", &cut, out);

	// A folder that there is no memory to look at is not there.
	return r == -ENOENT ? -ENOMEM : r < 0 ? r : 0;
}

TEST(each_allocation_fails)
{
	test_oom(halves_once);
}
