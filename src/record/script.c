/* SPDX-License-Identifier: MIT */
/** The source of scripts' events: what emit() puts into their rings, into streams of each CPU. */
#include "record/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/cpus.h"
#include "ctf/late.h"
#include "lang/engine/engine.h"
#include "record/script_event.h"
#include "record/script_stacks.h"

/* One CPU's events of one script. */
struct script_cpu {
	struct writer_stream *stream; /* owned by the writer; NULL: there is no such CPU */
	struct late late;	      /* programs are interrupted by others */
	uint64_t told;		      /* losses that the stream knows */
	uint64_t dropped;	      /* taken from the ring, but the stream failed */
};

struct script_run {
	struct script_source *source;
	const struct record_script *of;
	struct engine *engine; /* owned */
	struct engine_options opt;
	struct engine_events events;
	struct script_plan *plans; /* owned; by index of script.sites */
	struct script_cpu *cpus;   /* owned; by number */
	size_t n_cpus;
	struct script_stacks stacks;
	uint64_t *lost; /* owned; of each counter, before the ring was read */
	bool failed;
};

struct script_source {
	struct recording *rec;
	struct script_run *runs; /* owned */
	size_t n;
	struct script_class *classes; /* owned */
	size_t n_classes, cap_classes;
	struct strbuf text;
	bool stopped;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- what comes from the ring --- */

static size_t frames_of(void *arg, const struct type *t, const struct stack_value *v, uint64_t *ret)
{
	struct script_run *run = arg;

	return script_stacks_get(&run->stacks, engine_printer(run->engine)->names,
				 run->source->rec->symbols, t->kind == TYPE_USTACK, v, ret);
}

static struct script_cpu *cpu_of(struct script_run *run, uint32_t cpu)
{
	return cpu < run->n_cpus && run->cpus[cpu].stream ? &run->cpus[cpu] : NULL;
}

/* The first failure ends the recording; what comes then is counted. */
static int failed(struct script_run *run, struct script_cpu *c)
{
	c->dropped++;
	if (run->failed)
		return 0;
	run->failed = true;
	return c->stream->err;
}

/* This many of the CPU's events were lost in all. */
static int tell_lost(struct script_run *run, struct script_cpu *c, uint64_t lost)
{
	if (lost <= c->told || c->stream->err)
		return 0;
	const int r = writer_lost(c->stream, lost - c->told);

	c->told = lost;
	if (r < 0)
		run->failed = true;
	return r;
}

static int take_event(void *arg, const struct site *site, uint64_t ts_ns, const void *payload)
{
	struct script_run *run = arg;
	const struct script_plan *plan = &run->plans[site - run->of->script->sites];
	struct emit_head head;

	memcpy(&head, payload, sizeof(head));
	struct script_cpu *c = cpu_of(run, head.cpu);
	if (!c)
		return sonde_fail(-EBADMSG, "%s: an event of CPU %u", run->of->name, head.cpu);
	if (c->stream->err)
		return failed(run, c);
	int r = tell_lost(run, c, head.lost);
	if (r < 0)
		return r;
	uint8_t *p = writer_reserve(c->stream, plan->most);
	if (!p)
		return failed(run, c);
	const struct script_pack how = { .printer = engine_printer(run->engine),
					 .text = &run->source->text,
					 .stack = frames_of,
					 .stack_arg = run };
	// A program may be interrupted between its look at the clock and its record.
	const uint64_t ts = late_time(&c->late, c->stream, ts_ns);
	return late_commit(&c->late, c->stream, ts, script_pack(plan, &how, ts, payload, p));
}

/* --- losses that no later event tells --- */

static void note_lost(struct script_run *run)
{
	for (uint32_t i = 0; i < run->of->script->n_emit_cpus; i++)
		run->lost[i] = engine_emit_lost(run->engine, i);
}

/* What was lost before the ring was read, and no event of that CPU came behind. */
static int tell_noted(struct script_run *run)
{
	int r = 0;

	for (size_t i = 0; i < run->n_cpus && i < run->of->script->n_emit_cpus && !r; i++)
		if (run->cpus[i].stream)
			r = tell_lost(run, &run->cpus[i], run->lost[i]);
	return r;
}

/* --- the source --- */

static int add_cpu(struct script_run *run, size_t cpu)
{
	const size_t index = (size_t)(run - run->source->runs);
	char name[48];
	const struct writer_stream_opts opts = {
		.name = name,
		.id = RECORD_STREAM_SCRIPT,
		.cpu = (int32_t)cpu,
	};

	if (index)
		(void)snprintf(name, sizeof(name), "script%zu_%zu", index + 1, cpu);
	else
		(void)snprintf(name, sizeof(name), "script_%zu", cpu);
	return writer_stream_new(run->source->rec->writer, &opts, &run->cpus[cpu].stream);
}

static int open_cpus(struct script_run *run)
{
	const uint32_t n_lost = run->of->script->n_emit_cpus;
	int r = 0;

	if (!n_lost)
		return 0; // it has no emit()
	run->n_cpus = cpus_end();
	run->cpus = calloc(run->n_cpus, sizeof(*run->cpus));
	run->lost = calloc(n_lost, sizeof(*run->lost));
	if (!run->cpus || !run->lost)
		return sonde_fail(-ENOMEM, "%s: out of memory", run->of->name);
	for (size_t i = 0; i < run->n_cpus && !r; i++)
		r = add_cpu(run, i);
	return r;
}

static int describe_site(struct script_run *run, struct sonde_stream_class *sc,
			 const struct site *site)
{
	struct script_source *s = run->source;
	struct script_plan *plan = &run->plans[site - run->of->script->sites];
	struct script_class c;
	bool is_new = false;

	int r = script_describe_event(s->rec->desc, sc, site, s->classes, s->n_classes, plan, &c,
				      &is_new);
	if (!r && is_new && s->n_classes > UINT16_MAX)
		r = sonde_fail(-E2BIG, "more than %d kinds of events", UINT16_MAX + 1);
	if (!r && is_new)
		r = mem_grow(&s->classes, &s->cap_classes, s->n_classes + 1);
	if (!r && is_new) {
		s->classes[s->n_classes++] = c;
		return 0;
	}
	strbuf_fini(&c.shape);
	return r < 0 ? sonde_wrap(r, "%s:%u", run->of->name, site->pos.line) : 0;
}

static int open_run(struct script_run *run, struct sonde_stream_class *sc)
{
	const struct script *script = run->of->script;
	int r = 0;

	run->events = (struct engine_events){ take_event, run };
	run->opt = (struct engine_options){
		.script = script,
		.world = run->of->world,
		.diag = run->of->diag,
		.out = run->of->out,
		.quiet = true,
		.events = &run->events,
	};
	run->plans = calloc(script->n_sites + 1, sizeof(*run->plans));
	if (!run->plans)
		return sonde_fail(-ENOMEM, "%s: out of memory", run->of->name);
	for (size_t i = 0; i < script->n_sites && !r; i++)
		if (script->sites[i].kind == SITE_EMIT)
			r = describe_site(run, sc, &script->sites[i]);
	if (!r)
		r = engine_new(&run->opt, &run->engine);
	if (!r)
		r = open_cpus(run);
	return r < 0 ? r : recording_watch(run->source->rec, engine_fd(run->engine));
}

static int scripts_open(void *state, struct recording *rec)
{
	struct script_source *s = state;
	const size_t n = rec->opts->n_scripts;
	int r = 0;

	s->rec = rec;
	if (!n)
		return 0;
	s->runs = calloc(n, sizeof(*s->runs));
	if (!s->runs)
		return sonde_fail(-ENOMEM, "scripts: out of memory");
	struct sonde_stream_class *sc = script_describe(rec->desc);
	for (size_t i = 0; i < n && !r; i++) {
		s->n = i + 1;
		s->runs[i].source = s;
		s->runs[i].of = &rec->opts->scripts[i];
		r = open_run(&s->runs[i], sc);
	}
	return r;
}

static int scripts_start(void *state)
{
	struct script_source *s = state;
	int r = 0;

	for (size_t i = 0; i < s->n && !r; i++)
		r = engine_start(s->runs[i].engine, s->rec->command);
	return r;
}

static int flush_run(struct script_run *run)
{
	int r = tell_noted(run);

	for (size_t i = 0; i < run->n_cpus && !r; i++) {
		struct writer_stream *w = run->cpus[i].stream;
		if (w)
			r = run->source->stopped ? writer_finish(w, now_ns()) : writer_flush(w);
	}
	if (r < 0)
		run->failed = true;
	return r;
}

static int scripts_drain(void *state, bool flush)
{
	struct script_source *s = state;

	for (size_t i = 0; i < s->n; i++) {
		struct script_run *run = &s->runs[i];
		int r = 0;

		// What came before the last flush is of processes that the sampler knows by now.
		if (flush)
			r = script_stacks_settle(&run->stacks, s->rec->symbols, s->rec->procs);
		if (r < 0)
			return r;
		if (flush && !s->stopped)
			note_lost(run);
		if (!s->stopped)
			r = engine_step(run->engine, flush);
		if (r > 0)
			s->rec->ends = true;
		if (r >= 0 && flush && !run->failed)
			r = flush_run(run);
		if (r < 0)
			return r;
	}
	return 0;
}

static int scripts_stop(void *state)
{
	struct script_source *s = state;
	int err = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct script_run *run = &s->runs[i];
		const int r = engine_stop(run->engine);

		note_lost(run);
		if (r < 0 && !err)
			err = r;
	}
	s->stopped = true;
	return err;
}

/* A disk that is full ends all streams: what they hold is lost. */
static void give_up(struct script_run *run)
{
	for (size_t i = 0; i < run->n_cpus && run->failed; i++) {
		struct script_cpu *c = &run->cpus[i];

		if (c->stream)
			c->told += writer_give_up(c->stream, c->dropped);
	}
}

static int scripts_finish(void *state)
{
	struct script_source *s = state;
	int err = 0, status = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct script_run *run = &s->runs[i];

		give_up(run);
		int r = script_stacks_settle(&run->stacks, s->rec->symbols, s->rec->procs);
		if (r < 0 && !err)
			err = r;
		r = engine_finish(run->engine, &status);
		if (r < 0 && !err)
			err = r;
		if (status && !s->rec->exit_status)
			s->rec->exit_status = status;
	}
	return err;
}

static void scripts_close(void *state)
{
	struct script_source *s = state;

	for (size_t i = 0; i < s->n; i++) {
		struct script_run *run = &s->runs[i];

		engine_free(run->engine);
		for (size_t k = 0; run->plans && k < run->of->script->n_sites; k++)
			script_plan_fini(&run->plans[k]);
		free(run->plans);
		for (size_t k = 0; k < run->n_cpus && run->cpus; k++)
			late_fini(&run->cpus[k].late);
		free(run->cpus);
		free(run->lost);
		script_stacks_fini(&run->stacks);
	}
	free(s->runs);
	for (size_t i = 0; i < s->n_classes; i++)
		strbuf_fini(&s->classes[i].shape);
	free(s->classes);
	strbuf_fini(&s->text);
}

static void scripts_count(const void *state, struct record_counts *ret)
{
	const struct script_source *s = state;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->runs[i].n_cpus; k++) {
			const struct script_cpu *c = &s->runs[i].cpus[k];

			ret->lost_events += c->told;
			ret->events += c->stream ? c->stream->n_written : 0;
		}
}

const struct record_source source_scripts = {
	.name = "scripts",
	.state_size = sizeof(struct script_source),
	.open = scripts_open,
	.start = scripts_start,
	.drain = scripts_drain,
	.stop = scripts_stop,
	.finish = scripts_finish,
	.close = scripts_close,
	.count = scripts_count,
};
