/* SPDX-License-Identifier: MIT */
/** Follows processes through a trace and gives each sample's frames their names. */
#include "analysis/flame.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/flame_svg.h"
#include "analysis/stacks.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"
#include "model/field.h"
#include "sym/history.h"

enum { OFF_BITS = 40, DEPTH_MOST = 1024, MEMO_MOST = 1 << 22, TITLE_TRACES = 3 };
enum { BROKEN_SHARE = 5 }; /* broken stacks are told where they are more than a fifth */

enum event_kind { EV_UNLOOKED, EV_OTHER, EV_SAMPLE };

enum { F_PID, F_TID, F_KERNEL, F_USER, F_N };

static const char *const field_names[F_N] = {
	[F_PID] = "pid",
	[F_TID] = "tid",
	[F_KERNEL] = "kernel",
	[F_USER] = "user",
};

/* What an event class is to us, and where its fields are. */
struct class_info {
	enum event_kind kind;
	struct field_ref f[F_N];
};

/* One trace: names that were made, and what is shown of it. */
struct host {
	struct u64map user;	    /* file index << 40 | offset -> name */
	struct u64map kernel;	    /* address -> name */
	struct history_trace *told; /* lent; NULL: no sample of it was seen so far */
};

struct flame {
	const struct sonde_setup *setup;
	struct class_info *classes; /* owned; by index of class */
	size_t n_classes, cap_classes;
	struct host *hosts; /* owned; by index of trace */
	size_t n_hosts, cap_hosts;
	struct history history;
	struct stacks stacks;
	struct strbuf text; /* a name in the making */
	int64_t from_ns, to_ns;
	bool folded;
	int64_t first_ns, last_ns;
	uint64_t samples, seen, lost;
	uint64_t broken;	  /* samples with user frames of no code */
	bool is_broken;		  /* .. this one */
	uint32_t unknown, kernel; /* the names of what could not be told */
	uint32_t stack[DEPTH_MOST];
	size_t depth;
};

static int flame_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct flame *f = sonde_component_state(c);
	const char *format = param_get(setup, "format");

	f->setup = setup;
	f->history = (struct history){ .note = setup->note, .note_arg = setup->note_arg };
	f->from_ns = INT64_MIN;
	f->to_ns = INT64_MAX;
	f->folded = format && !strcmp(format, "folded");
	if (format && !f->folded && strcmp(format, "svg") != 0)
		return sonde_fail(-EINVAL, "format '%s': want 'svg' or 'folded'", format);
	int r = param_i64(setup, "from", &f->from_ns);
	if (!r)
		r = param_i64(setup, "to", &f->to_ns);
	if (!r)
		r = stacks_init(&f->stacks);
	if (!r)
		r = stacks_name(&f->stacks, FRAME_UNKNOWN, "[unknown]", 9, &f->unknown);
	if (!r)
		r = stacks_name(&f->stacks, FRAME_KERNEL, "[kernel]", 8, &f->kernel);
	return r;
}

static void flame_fini(struct sonde_component *c)
{
	struct flame *f = sonde_component_state(c);

	for (size_t i = 0; i < f->n_hosts; i++) {
		u64map_fini(&f->hosts[i].user);
		u64map_fini(&f->hosts[i].kernel);
	}
	free(f->hosts);
	history_fini(&f->history);
	free(f->classes);
	stacks_fini(&f->stacks);
	strbuf_fini(&f->text);
}

/* Whether the class's samples were asked for. */
static bool is_wanted(const struct flame *f, const char *name)
{
	bool any = false;

	for (size_t i = 0; i < f->setup->n_params; i++) {
		const struct sonde_param *p = &f->setup->params[i];

		if (strcmp(p->key, "event") != 0)
			continue;
		any = true;
		if (fnmatch(p->value, name, 0) == 0)
			return true;
	}
	return !any && !strcmp(name, "perf:sample");
}

static bool is_pid_wanted(const struct flame *f, int64_t pid)
{
	bool any = false;

	for (size_t i = 0; i < f->setup->n_params; i++) {
		const struct sonde_param *p = &f->setup->params[i];

		if (strcmp(p->key, "pid") != 0)
			continue;
		any = true;
		if (strtoll(p->value, NULL, 10) == pid)
			return true;
	}
	return !any;
}

static void look_at_class(const struct flame *f, const struct sonde_event_class *cls,
			  struct class_info *ret)
{
	*ret = (struct class_info){ .kind = EV_OTHER };
	for (size_t i = 0; i < F_N; i++)
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, field_names[i], &ret->f[i]);
	// Of scripts' events the thread is a context, and stacks are called as in the language.
	if (!ret->f[F_KERNEL].type && !ret->f[F_USER].type) {
		(void)field_find_any(cls, "kstack", &ret->f[F_KERNEL]);
		(void)field_find_any(cls, "ustack", &ret->f[F_USER]);
		(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "pid", &ret->f[F_PID]);
		(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "tid", &ret->f[F_TID]);
	}
	if (is_wanted(f, cls->name) && ret->f[F_PID].type &&
	    (ret->f[F_KERNEL].type || ret->f[F_USER].type))
		ret->kind = EV_SAMPLE;
}

static int class_of(struct flame *f, const struct sonde_event_class *cls, struct class_info **ret)
{
	if (cls->index >= f->n_classes) {
		int r = mem_grow(&f->classes, &f->cap_classes, (size_t)cls->index + 1);
		if (r < 0)
			return r;
		memset(&f->classes[f->n_classes], 0,
		       (cls->index + 1 - f->n_classes) * sizeof(*f->classes));
		f->n_classes = (size_t)cls->index + 1;
	}
	*ret = &f->classes[cls->index];
	if ((*ret)->kind == EV_UNLOOKED)
		look_at_class(f, cls, *ret);
	return 0;
}

static int host_of(struct flame *f, const struct sonde_trace *trace, struct host **ret)
{
	if (trace->index >= f->n_hosts) {
		int r = mem_grow(&f->hosts, &f->cap_hosts, (size_t)trace->index + 1);
		if (r < 0)
			return r;
		memset(&f->hosts[f->n_hosts], 0,
		       (trace->index + 1 - f->n_hosts) * sizeof(*f->hosts));
		f->n_hosts = (size_t)trace->index + 1;
	}
	struct host *h = &f->hosts[trace->index];
	*ret = h;
	return h->told ? 0 : history_of(&f->history, trace, &h->told);
}

static int64_t int_of(const struct sonde_event *e, const struct class_info *c, size_t field)
{
	int64_t v = 0;

	(void)field_int(e, &c->f[field], &v);
	return v;
}

static void push(struct flame *f, uint32_t name)
{
	// A whole run of frames that could not be told is one.
	if (f->depth && f->stack[f->depth - 1] == name && (name == f->unknown || name == f->kernel))
		return;
	if (f->depth < DEPTH_MOST)
		f->stack[f->depth++] = name;
}

static int push_thread(struct flame *f, const struct host *h, pid_t pid, pid_t tid)
{
	const char *name = procs_name(h->told->procs, pid, tid);
	char text[32];
	uint32_t id;

	if (!name && !pid)
		name = "swapper";
	if (!name) {
		(void)snprintf(text, sizeof(text), "pid %d", pid);
		name = text;
	}
	int r = stacks_name(&f->stacks, FRAME_THREAD, name, strlen(name), &id);
	if (!r)
		push(f, id);
	return r;
}

/* The name of an address, once made and then remembered by @key. */
static int name_of(struct flame *f, struct host *h, struct u64map *memo, uint64_t key,
		   const struct map *map, uint64_t addr, uint32_t *ret)
{
	const enum frame_kind kind = map ? FRAME_USER : FRAME_KERNEL;

	if (u64map_get(memo, key, ret))
		return 0;
	f->text.len = 0;
	int r = map ? naming_user(h->told->naming, map, addr, &f->text)
		    : naming_kernel(h->told->naming, addr, &f->text);
	if (!r)
		r = stacks_name(&f->stacks, kind, strbuf_text(&f->text), f->text.len, ret);
	if (!r && memo->n < MEMO_MOST)
		r = u64map_put(memo, key, *ret);
	return r;
}

static int push_user(struct flame *f, struct host *h, pid_t pid, uint64_t addr)
{
	struct map map;
	uint32_t id = f->unknown;

	if (procs_find(h->told->procs, pid, addr, &map) &&
	    !((addr - map.start + map.off) >> OFF_BITS)) {
		const uint64_t off = addr - map.start + map.off;
		int r = name_of(f, h, &h->user, (uint64_t)map.dso << OFF_BITS | off, &map, addr,
				&id);

		if (r < 0)
			return r;
	}
	f->is_broken |= id == f->unknown;
	push(f, id);
	return 0;
}

/* Pushes the frames of one part, outermost first. Callers are looked up at their calls. */
static int push_chain(struct flame *f, struct host *h, const struct sonde_event *e,
		      const struct field_ref *chain, pid_t pid, bool is_kernel)
{
	const struct sonde_int *type;
	struct sonde_span ints;
	size_t n = 0;
	int r = 0;

	if (!field_ints(e, chain, &ints, &type, &n))
		return 0;
	if (n > DEPTH_MOST)
		n = DEPTH_MOST;
	for (size_t i = n; !r && i--;) {
		uint64_t addr = (uint64_t)field_ints_at(ints, type, i) - (i > 0);
		uint32_t id;

		if (!is_kernel) {
			r = push_user(f, h, pid, addr);
			continue;
		}
		r = name_of(f, h, &h->kernel, addr, NULL, addr, &id);
		if (!r)
			push(f, id);
	}
	return r;
}

static int take_sample(struct flame *f, const struct sonde_event *e, const struct class_info *c)
{
	struct host *h;
	const pid_t pid = (pid_t)int_of(e, c, F_PID), tid = (pid_t)int_of(e, c, F_TID);

	f->seen++;
	if (e->ts_ns < f->from_ns || e->ts_ns > f->to_ns || !is_pid_wanted(f, pid))
		return 0;
	int r = host_of(f, e->cls->stream_class->trace, &h);
	if (r < 0)
		return r;
	f->depth = 0;
	f->is_broken = false;
	r = push_thread(f, h, pid, tid);
	if (!r)
		r = push_chain(f, h, e, &c->f[F_USER], pid, /* is_kernel= */ false);
	if (!r)
		r = push_chain(f, h, e, &c->f[F_KERNEL], pid, /* is_kernel= */ true);
	if (!r)
		r = stacks_add(&f->stacks, f->stack, f->depth, 1);
	if (r < 0)
		return r;
	f->broken += f->is_broken;
	if (!f->samples++)
		f->first_ns = e->ts_ns;
	f->last_ns = e->ts_ns;
	return 0;
}

/* Losses count where samples were lost. */
static int take_gap(struct flame *f, const struct sonde_gap *gap)
{
	struct class_info *c;

	if (gap->kind != SONDE_GAP_LOST_EVENTS || !gap->stream)
		return 0;
	const struct sonde_stream_class *sc = gap->stream->cls;
	for (size_t i = 0; i < sc->n_events; i++) {
		int r = class_of(f, sc->events[i], &c);
		if (r < 0)
			return r;
		if (c->kind != EV_SAMPLE)
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
		struct class_info *c;
		int r;

		if (!e->cls) {
			r = take_gap(f, e->u.gap);
		} else {
			r = history_take(&f->history, e);
			if (!r)
				r = class_of(f, e->cls, &c);
			if (!r && c->kind == EV_SAMPLE)
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

static void make_title(const struct flame *f, struct strbuf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_hosts; i++) {
		const struct history_trace *told = f->hosts[i].told;
		const char *path = told ? told->trace->path : NULL;

		if (!path || n++ >= TITLE_TRACES)
			continue;
		strbuf_fmt(b, "%s%s", n > 1 ? ", " : "", path);
	}
	if (n > TITLE_TRACES)
		strbuf_fmt(b, " and %zu more", n - TITLE_TRACES);
}

static int write_svg(struct flame *f)
{
	struct strbuf title = { 0 }, subtitle = { 0 };
	const char *given = param_get(f->setup, "title");

	make_title(f, &title);
	make_subtitle(f, &subtitle);
	int r = strbuf_ok(&title);
	if (!r)
		r = strbuf_ok(&subtitle);
	const struct flame_text text = { given ? given : strbuf_text(&title),
					 strbuf_text(&subtitle) };
	if (!r)
		r = flame_svg(&f->stacks, &text, f->setup->out);
	strbuf_fini(&title);
	strbuf_fini(&subtitle);
	return r;
}

static int flame_finish(struct sonde_component *c)
{
	struct flame *f = sonde_component_state(c);
	char line[192];

	if (!f->samples && f->seen)
		return sonde_fail(-ENODATA, "none of the %" PRIu64 " samples is what was asked for",
				  f->seen);
	if (!f->samples && param_get(f->setup, "event"))
		return sonde_fail(-ENODATA, "no event of such a name has a stack");
	if (!f->samples)
		return sonde_fail(-ENODATA,
				  "there are no samples; 'sonde record' takes them unless "
				  "it is told --no-samples");
	if (f->lost) {
		(void)snprintf(line, sizeof(line), "%" PRIu64 " samples were lost", f->lost);
		f->setup->note(f->setup->note_arg, line);
	}
	if (f->history.lost) {
		(void)snprintf(line, sizeof(line),
			       "%" PRIu64 " records of processes were lost; some names are too",
			       f->history.lost);
		f->setup->note(f->setup->note_arg, line);
	}
	if (f->broken > f->samples / BROKEN_SHARE) {
		(void)snprintf(line, sizeof(line),
			       "%" PRIu64 " of %" PRIu64
			       " stacks are broken by code without frame pointers; "
			       "'sonde record --call-graph dwarf' shows them whole",
			       f->broken, f->samples);
		f->setup->note(f->setup->note_arg, line);
	}
	int r = stacks_finish(&f->stacks);
	if (r < 0)
		return r;
	if (!f->folded)
		return write_svg(f);
	stacks_print_folded(&f->stacks, f->setup->out);
	return 0;
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
