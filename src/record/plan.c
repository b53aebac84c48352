/* SPDX-License-Identifier: MIT */
/** The metadata of a recording that was not made: from the kernel's format files alone. */
#include "record/plan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ctf/tsdl_print.h"
#include "record/kernel_events.h"
#include "record/sample_events.h"
#include "record/script_event.h"
#include "sym/probe/tracefs.h"

/* The recording itself tells what it leaves out. */
static void no_note(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* What the scripts of the recording emit; equal events of several are one. */
static int describe_scripts(struct recording *rec)
{
	const struct record_opts *o = rec->opts;
	struct script_class *classes = NULL;
	size_t n = 0, cap = 0;
	int r = 0;

	struct sonde_stream_class *sc = o->n_scripts ? script_describe(rec->desc) : NULL;
	for (size_t i = 0; i < o->n_scripts && !r; i++) {
		const struct script *s = o->scripts[i].script;
		for (size_t k = 0; k < s->n_sites && !r; k++) {
			struct script_plan plan = { 0 };
			struct script_class c = { 0 };
			bool is_new = false;

			if (s->sites[k].kind != SITE_EMIT)
				continue;
			r = script_describe_event(rec->desc, sc, &s->sites[k], classes, n, &plan,
						  &c, &is_new);
			script_plan_fini(&plan);
			if (!r && is_new)
				r = mem_grow(&classes, &cap, n + 1);
			if (!r && is_new)
				classes[n++] = c;
			else
				strbuf_fini(&c.shape);
		}
	}
	while (n)
		strbuf_fini(&classes[--n].shape);
	free(classes);
	return r;
}

static int describe_all(struct recording *rec, struct kernel_events *k, struct strbuf *ret)
{
	static const uint8_t uuid[16];
	const char *top;

	int r = tracing_mount(&top);
	if (r < 0)
		return r;
	describe_trace(rec->desc, uuid);
	describe_env_host(rec->desc);
	r = kernel_events_open(k, top, rec);
	if (r < 0)
		return r;
	if (rec->opts->sample_hz || rec->opts->follow_tasks)
		sample_events_describe(rec->desc);
	if (rec->opts->call_stacks)
		sample_calls_describe(rec->desc);
	r = describe_scripts(rec);
	if (!r)
		r = describe_ok(rec->desc);
	if (!r)
		r = tsdl_print(&rec->desc->trace, ret);
	return r < 0 ? r : strbuf_ok(ret);
}

int record_plan(const struct record_opts *opts, struct strbuf *ret)
{
	struct arena arena = { 0 };
	struct describe desc = { .arena = &arena };
	struct recording rec = { .opts = opts, .arena = &arena, .desc = &desc, .note = no_note };
	struct kernel_events kinds = { 0 };

	int r = describe_all(&rec, &kinds, ret);
	kernel_events_fini(&kinds);
	arena_fini(&arena);
	return r;
}
