/* SPDX-License-Identifier: MIT */
/** Folds samples, or other events with stacks: each counts once. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/flame/ask.h"
#include "analysis/flame/flame.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"

enum { BROKEN_SHARE = 5 }; /* broken stacks are told where they are more than a fifth */

enum wanted { UNLOOKED, OTHER, WANTED };

struct flame {
	struct flame_ask ask;
	struct frames frames;
	struct stacks stacks;
	uint8_t *wanted; /* owned; by index of class: enum wanted */
	size_t n_wanted, cap_wanted;
	int64_t first_ns, last_ns;
	uint64_t samples, seen, lost;
	uint64_t broken; /* samples with user frames of no code */
};

static int flame_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct flame *f = sonde_component_state(c);

	int r = flame_ask_init(&f->ask, setup);
	if (!r)
		r = stacks_init(&f->stacks);
	return r < 0 ? r : frames_init(&f->frames, &f->stacks, setup->note, setup->note_arg);
}

static void flame_fini(struct sonde_component *c)
{
	struct flame *f = sonde_component_state(c);

	frames_fini(&f->frames);
	stacks_fini(&f->stacks);
	free(f->wanted);
}

/* Whether events of that name were asked for. */
static bool is_named(const struct flame *f, const char *name)
{
	const struct sonde_setup *setup = f->ask.setup;
	bool any = false;

	for (size_t i = 0; i < setup->n_params; i++) {
		const struct sonde_param *p = &setup->params[i];

		if (strcmp(p->key, "event") != 0)
			continue;
		any = true;
		if (fnmatch(p->value, name, 0) == 0)
			return true;
	}
	return !any && !strcmp(name, "perf:sample");
}

/* NULL in *@ret: the events of this class do not count. */
static int class_of(struct flame *f, const struct sonde_event_class *cls,
		    const struct frames_class **ret)
{
	int r = frames_class(&f->frames, cls, ret);

	if (r < 0)
		return r;
	if (cls->index >= f->n_wanted) {
		r = mem_grow(&f->wanted, &f->cap_wanted, (size_t)cls->index + 1);
		if (r < 0)
			return r;
		memset(&f->wanted[f->n_wanted], 0, cls->index + 1 - f->n_wanted);
		f->n_wanted = (size_t)cls->index + 1;
	}
	uint8_t *wanted = &f->wanted[cls->index];
	if (*wanted == UNLOOKED)
		*wanted = frames_has(*ret) && (*ret)->pid.type && is_named(f, cls->name) ? WANTED
											 : OTHER;
	if (*wanted == OTHER)
		*ret = NULL;
	return 0;
}

static int take_sample(struct flame *f, const struct sonde_event *e, const struct frames_class *c)
{
	int64_t pid = 0, tid = 0;

	(void)field_int(e, &c->pid, &pid);
	(void)field_int(e, &c->tid, &tid);
	f->seen++;
	if (e->ts_ns < f->ask.from_ns || e->ts_ns > f->ask.to_ns ||
	    !flame_asks_for(&f->ask, "pid", pid) || !flame_asks_for(&f->ask, "cpu", e->u.pkt->cpu))
		return 0;
	frames_clear(&f->frames);
	int r = frames_push_thread(&f->frames, e->cls->stream_class->trace, pid, tid, "");
	if (!r)
		r = frames_push_event(&f->frames, e, c, pid);
	if (!r)
		r = stacks_add(&f->stacks, f->frames.stack, f->frames.depth, 1);
	if (r < 0)
		return r;
	f->broken += f->frames.is_broken;
	if (!f->samples++)
		f->first_ns = e->ts_ns;
	f->last_ns = e->ts_ns;
	return 0;
}

/* Losses count where samples were lost. */
static int take_gap(struct flame *f, const struct sonde_gap *gap)
{
	const struct frames_class *c;

	if (gap->kind != SONDE_GAP_LOST_EVENTS || !gap->stream)
		return 0;
	const struct sonde_stream_class *sc = gap->stream->cls;
	for (size_t i = 0; i < sc->n_events; i++) {
		int r = class_of(f, sc->events[i], &c);
		if (r < 0)
			return r;
		if (!c)
			continue;
		f->lost += gap->has_count ? gap->count : 1;
		return 0;
	}
	return 0;
}

static int flame_consume(struct sonde_component *comp, const struct sonde_batch *in)
{
	struct flame *f = sonde_component_state(comp);

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];
		const struct frames_class *c = NULL;
		int r;

		if (!e->cls) {
			r = take_gap(f, e->u.gap);
		} else {
			r = frames_note(&f->frames, e);
			if (!r)
				r = class_of(f, e->cls, &c);
			if (!r && c)
				r = take_sample(f, e, c);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void make_subtitle(const struct flame *f, struct strbuf *b)
{
	strbuf_fmt(b, "%.3f s", (double)ns_between(f->first_ns, f->last_ns) / 1e9);
	strbuf_str(b, " \xc2\xb7 ");
	flame_count(b, f->samples);
	strbuf_str(b, f->samples == 1 ? " sample" : " samples");
	strbuf_str(b, " \xc2\xb7 ");
	flame_count(b, f->lost);
	strbuf_str(b, " lost");
}

static int flame_finish(struct sonde_component *c)
{
	struct flame *f = sonde_component_state(c);
	struct strbuf what = { 0 };

	if (!f->samples && f->seen)
		return sonde_fail(-ENODATA, "none of the %" PRIu64 " samples is what was asked for",
				  f->seen);
	if (!f->samples && param_get(f->ask.setup, "event"))
		return sonde_fail(-ENODATA, "no event of such a name has a stack");
	if (!f->samples)
		return sonde_fail(-ENODATA,
				  "there are no samples; 'sonde record' takes them unless "
				  "it is told --no-samples");
	if (f->lost)
		flame_note(&f->ask, "%" PRIu64 " samples were lost", f->lost);
	if (f->broken > f->samples / BROKEN_SHARE)
		flame_note(&f->ask,
			   "%" PRIu64 " of %" PRIu64
			   " stacks are broken by code without frame pointers; "
			   "'sonde record --call-graph dwarf' shows them whole",
			   f->broken, f->samples);
	make_subtitle(f, &what);
	int r = strbuf_ok(&what);
	if (!r)
		r = flame_write(&f->ask, &f->stacks, &f->frames, strbuf_text(&what), FLAME_SAMPLES);
	strbuf_fini(&what);
	return r;
}

const struct sonde_component_class sink_flame = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.flame",
	.help = "Fold the samples into a flame graph.",
	.state_size = sizeof(struct flame),
	.init = flame_init,
	.fini = flame_fini,
	.consume = flame_consume,
	.finish = flame_finish,
};
