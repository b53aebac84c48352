/* SPDX-License-Identifier: MIT */
/** sonde run -t TRACE: a script over recorded events. */
#include "cmd/script_trace.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/interrupt.h"
#include "cmd/script_halves.h"
#include "cmd/sync_arg.h"
#include "cmd/trace_arg.h"
#include "comp/clock_text.h"
#include "comp/gap_note.h"
#include "graph/component.h"
#include "graph/graph.h"
#include "lang/recorded/recorded.h"

/* --- the sink that the events end in --- */

struct sink {
	struct gap_notes gaps;
	struct clock_text clock;
	struct running *to; /* borrowed */
};

/** What takes the events. */
struct running {
	struct recorded_run *run;
	struct halves *halves; /* NULL: events come to the script in order */
	bool was_cut;	       /* by a signal, before the traces' end */
};

static int init(struct sonde_component *c, const struct sonde_setup *setup)
{
	((struct sink *)sonde_component_state(c))->to = setup->note_arg;
	return 0;
}

/* Broken packets are told where they are, as by all that reads traces; losses by their sums. */
static int tell_cuts(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink *s = sonde_component_state(c);
	int r = 0;

	for (size_t i = 0; !r && i < in->n; i++)
		if (!in->events[i].cls && in->events[i].u.gap->kind == SONDE_GAP_CUT)
			r = gap_notes_tell(&s->gaps, &c->setup, &s->clock, in->events[i].u.gap);
	return r;
}

static int consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct running *to = ((struct sink *)sonde_component_state(c))->to;
	int r;

	if (interrupt_came()) {
		to->was_cut = true;
		return 1;
	}
	r = tell_cuts(c, in);
	if (r < 0)
		return r;
	return to->halves ? halves_take(to->halves, in) : recorded_run_take(to->run, in);
}

static int finish(struct sonde_component *c)
{
	struct sink *s = sonde_component_state(c);

	gap_notes_finish(&s->gaps, &c->setup);
	return 0;
}

static void fini(struct sonde_component *c)
{
	struct sink *s = sonde_component_state(c);

	gap_notes_fini(&s->gaps);
}

static const struct sonde_component_class sink_script = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.script",
	.help = "Run a script over the events.",
	.state_size = sizeof(struct sink),
	.init = init,
	.consume = consume,
	.finish = finish,
	.fini = fini,
};

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static int run(const struct script_trace *s, const struct trace_args *traces, struct graph *g,
	       struct world *w, const struct script *script, int *ret_status)
{
	sonde_auto(recorded_run_freep) struct recorded_run *run = NULL;
	sonde_auto(halves_freep) struct halves *halves = NULL;
	const struct recorded_options opt = {
		.world = w,
		.script = script,
		.out = s->out,
		.format = s->format,
		.how = s->interpreter ? MACHINE_INTERPRETER : MACHINE_JIT,
		.note = cmd_note,
	};

	int r = recorded_run_new(&opt, &run);
	if (!r && recorded_is_order_free(s->ast, script))
		r = halves_new(&(struct halves_of){ traces, g, run }, &halves);
	if (r < 0)
		return r;
	struct running to = { run, halves, false };
	const struct sonde_setup setup = { .out = s->out, .note = cmd_note, .note_arg = &to };
	r = graph_add(g, &sink_script, &setup);
	if (!r)
		r = graph_run(g);
	if (to.was_cut)
		cmd_note(NULL, "interrupted: the rest of the trace was not read");
	return r < 0 ? r : recorded_run_finish(run, ret_status);
}

static int over(const struct script_trace *s, struct trace_args *traces, int *ret_status)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	sonde_auto(world_freep) struct world *w = NULL;
	sonde_auto(script_freep) struct script *script = NULL;
	struct sonde_trace *const *all;

	int r = graph_new(&g);
	if (!r)
		r = trace_args_add(traces, g);
	if (!r && !s->dump)
		r = sync_arg_apply(traces, &g);
	if (r < 0)
		return r;
	const size_t n = graph_traces(g, &all);
	r = recorded_world_new(all, n, &w);
	if (!r)
		r = recorded_world_look_at(w, s->ast);
	if (!r)
		r = compile_script(s->diag, w, s->ast, s->how, &script);
	if (r < 0)
		return r;
	s->compiled(s->arg);
	if (s->dump)
		return script_dump(s->out, s->dump, s->ast, script);
	return run(s, traces, g, w, script, ret_status);
}

int script_trace_run(const struct script_trace *s, int *ret_status)
{
	struct trace_args traces = { 0 };
	sonde_auto(mem_freep) char **paths = calloc(s->n_paths + 1, sizeof(*paths));

	if (!paths)
		return sonde_fail(-ENOMEM, "out of memory");
	interrupt_hold();
	for (size_t i = 0; i < s->n_paths; i++)
		paths[i] = (char *)(uintptr_t)s->paths[i];
	int r = trace_args_take((int)s->n_paths, paths, &traces);
	if (!r)
		r = over(s, &traces, ret_status);
	trace_args_fini(&traces);
	return r;
}
