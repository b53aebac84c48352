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
#include "sym/naming.h"

enum { OFF_BITS = 40, DEPTH_MOST = 1024, MEMO_MOST = 1 << 22, TITLE_TRACES = 3 };
enum { BROKEN_SHARE = 5 }; /* broken stacks are told where they are more than a fifth */

enum event_kind { EV_UNLOOKED, EV_OTHER, EV_SAMPLE, EV_MMAP, EV_COMM, EV_FORK, EV_EXIT, EV_FORGET };

enum {
	F_PID,
	F_TID,
	F_PPID,
	F_PTID,
	F_ADDR,
	F_LEN,
	F_PGOFF,
	F_MAJ,
	F_MIN,
	F_INO,
	F_GEN,
	F_BUILD_ID,
	F_FILENAME,
	F_COMM,
	F_EXEC,
	F_KERNEL,
	F_USER,
	F_N
};

static const char *const field_names[F_N] = {
	[F_PID] = "pid",
	[F_TID] = "tid",
	[F_PPID] = "ppid",
	[F_PTID] = "ptid",
	[F_ADDR] = "addr",
	[F_LEN] = "len",
	[F_PGOFF] = "pgoff",
	[F_MAJ] = "maj",
	[F_MIN] = "min",
	[F_INO] = "ino",
	[F_GEN] = "ino_generation",
	[F_BUILD_ID] = "build_id",
	[F_FILENAME] = "filename",
	[F_COMM] = "comm",
	[F_EXEC] = "exec",
	[F_KERNEL] = "kernel",
	[F_USER] = "user",
};

/* What an event class is to us, and where its fields are. */
struct class_info {
	enum event_kind kind;
	struct field_ref f[F_N];
};

/* One trace: its processes and its names. */
struct host {
	struct naming *naming; /* owned; NULL: the trace was not seen so far */
	struct procs *procs;   /* owned */
	struct u64map user;    /* file index << 40 | offset -> name */
	struct u64map kernel;  /* address -> name */
	const char *path;
};

struct flame {
	const struct sonde_setup *setup;
	struct class_info *classes; /* owned; by index of class */
	size_t n_classes, cap_classes;
	struct host *hosts; /* owned; by index of trace */
	size_t n_hosts, cap_hosts;
	struct stacks stacks;
	struct strbuf text; /* a name in the making */
	int64_t from_ns, to_ns;
	bool folded;
	int64_t first_ns, last_ns;
	uint64_t samples, seen, lost, lost_tasks;
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
		naming_free(f->hosts[i].naming);
		procs_free(f->hosts[i].procs);
		u64map_fini(&f->hosts[i].user);
		u64map_fini(&f->hosts[i].kernel);
	}
	free(f->hosts);
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

static const struct {
	const char *name;
	enum event_kind kind;
} kinds[] = {
	{ "perf:mmap2", EV_MMAP }, { "perf:comm", EV_COMM },	 { "perf:fork", EV_FORK },
	{ "perf:exit", EV_EXIT },  { "perf:forget", EV_FORGET },
};

static void look_at_class(const struct flame *f, const struct sonde_event_class *cls,
			  struct class_info *ret)
{
	*ret = (struct class_info){ .kind = EV_OTHER };
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (!strcmp(cls->name, kinds[i].name))
			ret->kind = kinds[i].kind;
	}
	for (size_t i = 0; i < F_N; i++)
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, field_names[i], &ret->f[i]);
	// Of scripts' events the thread is a context, and stacks are called as in the language.
	if (ret->kind == EV_OTHER && !ret->f[F_KERNEL].type && !ret->f[F_USER].type) {
		(void)field_find_any(cls, "kstack", &ret->f[F_KERNEL]);
		(void)field_find_any(cls, "ustack", &ret->f[F_USER]);
		(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "pid", &ret->f[F_PID]);
		(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "tid", &ret->f[F_TID]);
	}
	if (ret->kind == EV_OTHER && is_wanted(f, cls->name) && ret->f[F_PID].type &&
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
	if (h->naming)
		return 0;
	int r = procs_new(&h->procs);
	if (r < 0)
		return r;
	h->path = trace->path;
	r = naming_new(trace->path, &h->naming);
	if (r == -ENOMEM || r >= 0)
		return r;
	// Names are lost, not the samples.
	f->setup->note(f->setup->note_arg, sonde_err_str());
	return naming_new(NULL, &h->naming);
}

static int64_t int_of(const struct sonde_event *e, const struct class_info *c, size_t field)
{
	int64_t v = 0;

	(void)field_int(e, &c->f[field], &v);
	return v;
}

static struct sonde_span text_of(const struct sonde_event *e, const struct class_info *c,
				 size_t field)
{
	struct sonde_span s = { (const uint8_t *)"", 0 };

	(void)field_text(e, &c->f[field], &s);
	return s;
}

static int take_map(struct host *h, const struct sonde_event *e, const struct class_info *c)
{
	struct sonde_span id = text_of(e, c, F_BUILD_ID), path = text_of(e, c, F_FILENAME);
	struct map map = { .start = (uint64_t)int_of(e, c, F_ADDR),
			   .off = (uint64_t)int_of(e, c, F_PGOFF) };
	struct dso key = {
		.path = (const char *)path.data,
		.maj = (uint32_t)int_of(e, c, F_MAJ),
		.min = (uint32_t)int_of(e, c, F_MIN),
		.ino = (uint64_t)int_of(e, c, F_INO),
		.gen = (uint64_t)int_of(e, c, F_GEN),
	};

	if (__builtin_add_overflow(map.start, (uint64_t)int_of(e, c, F_LEN), &map.end))
		return 0;
	(void)build_id_parse((const char *)id.data, id.len, &key.id);
	int r = dsos_intern(naming_dsos(h->naming), &key, path.len, &map.dso);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	return procs_mmap(h->procs, (pid_t)int_of(e, c, F_PID), &map);
}

static int take_comm(struct host *h, const struct sonde_event *e, const struct class_info *c)
{
	struct sonde_span comm = text_of(e, c, F_COMM);

	return procs_comm(h->procs, (pid_t)int_of(e, c, F_PID), (pid_t)int_of(e, c, F_TID),
			  (const char *)comm.data, comm.len, int_of(e, c, F_EXEC) != 0);
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
	const char *name = procs_name(h->procs, pid, tid);
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
	int r = map ? naming_user(h->naming, map, addr, &f->text)
		    : naming_kernel(h->naming, addr, &f->text);
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

	if (procs_find(h->procs, pid, addr, &map) && !((addr - map.start + map.off) >> OFF_BITS)) {
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

static int take_sample(struct flame *f, struct host *h, const struct sonde_event *e,
		       const struct class_info *c)
{
	const pid_t pid = (pid_t)int_of(e, c, F_PID), tid = (pid_t)int_of(e, c, F_TID);

	f->seen++;
	if (e->ts_ns < f->from_ns || e->ts_ns > f->to_ns || !is_pid_wanted(f, pid))
		return 0;
	f->depth = 0;
	f->is_broken = false;
	int r = push_thread(f, h, pid, tid);
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

/* After a loss of records nothing that was known of processes is believed. */
static int take_forget(struct flame *f, struct host *h, const struct sonde_event *e)
{
	struct procs *fresh = NULL;
	int64_t lost = 0;
	struct field_ref ref;

	if (field_find(e->cls, SONDE_SCOPE_PAYLOAD, "lost", &ref) && field_int(e, &ref, &lost))
		f->lost_tasks += (uint64_t)lost;
	int r = procs_new(&fresh);
	if (r < 0)
		return r;
	procs_free(h->procs);
	h->procs = fresh;
	return 0;
}

static int take_event(struct flame *f, const struct sonde_event *e, const struct class_info *c)
{
	const pid_t pid = (pid_t)int_of(e, c, F_PID), tid = (pid_t)int_of(e, c, F_TID);
	struct host *h;
	int r = host_of(f, e->cls->stream_class->trace, &h);

	if (r < 0)
		return r;
	switch (c->kind) {
	case EV_SAMPLE: return take_sample(f, h, e, c);
	case EV_MMAP: return take_map(h, e, c);
	case EV_COMM: return take_comm(h, e, c);
	case EV_FORK:
		return procs_fork(h->procs, pid, tid, (pid_t)int_of(e, c, F_PPID),
				  (pid_t)int_of(e, c, F_PTID));
	case EV_EXIT: return procs_exit(h->procs, pid, tid);
	case EV_FORGET: return take_forget(f, h, e);
	default: return 0;
	}
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
			r = class_of(f, e->cls, &c);
			if (!r && c->kind != EV_OTHER)
				r = take_event(f, e, c);
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
		const char *path = f->hosts[i].path;

		if (!f->hosts[i].naming || !path || n++ >= TITLE_TRACES)
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
	if (f->lost_tasks) {
		(void)snprintf(line, sizeof(line),
			       "%" PRIu64 " records of processes were lost; some names are too",
			       f->lost_tasks);
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
