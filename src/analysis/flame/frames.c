/* SPDX-License-Identifier: MIT */
/** Follows processes through traces and gives the frames of stacks their names. */
#include "analysis/flame/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { OFF_BITS = 40, MEMO_MOST = 1 << 22, TITLE_TRACES = 3 };

/* Markers among the addresses: perf's contexts, and LTTng's end of a stack. */
static const uint64_t first_marker = UINT64_MAX - 4095;

/* One trace: names that were made, and what is shown of it. */
struct frames_host {
	struct u64map user;	    /* file index << 40 | offset -> name */
	struct u64map kernel;	    /* address -> name */
	struct history_trace *told; /* lent; NULL: no stack of it was seen so far */
};

int frames_init(struct frames *f, struct stacks *stacks, void (*note)(void *arg, const char *line),
		void *note_arg)
{
	f->stacks = stacks;
	f->history = (struct history){ .note = note, .note_arg = note_arg };
	int r = stacks_name(stacks, FRAME_UNKNOWN, "[unknown]", 9, &f->unknown);
	if (!r)
		r = stacks_name(stacks, FRAME_KERNEL, "[kernel]", 8, &f->nowhere);
	return r;
}

void frames_fini(struct frames *f)
{
	for (size_t i = 0; i < f->n_hosts; i++) {
		u64map_fini(&f->hosts[i].user);
		u64map_fini(&f->hosts[i].kernel);
	}
	free(f->hosts);
	history_fini(&f->history);
	free(f->classes);
	strbuf_fini(&f->text);
}

int frames_note(struct frames *f, const struct sonde_event *e)
{
	return history_take(&f->history, e);
}

static void look_at_class(const struct sonde_event_class *cls, struct frames_class *ret)
{
	static const char *const names[][2] = { { "kernel", "user" },
						{ "kstack", "ustack" },
						{ "callstack_kernel", "callstack_user" } };
	static const enum sonde_scope scopes[] = { SONDE_SCOPE_PAYLOAD, SONDE_SCOPE_STREAM_CONTEXT,
						   SONDE_SCOPE_EVENT_CONTEXT };

	*ret = (struct frames_class){ .is_looked = true,
				      .is_sample = !strcmp(cls->name, "perf:sample") };
	for (size_t i = 0; i < MEM_LEN(names) && !frames_has(ret); i++) {
		// Many an event has a field called 'user'; samples alone have it as a stack.
		if (!i && !ret->is_sample)
			continue;
		(void)field_find_any(cls, names[i][0], &ret->kernel);
		(void)field_find_any(cls, names[i][1], &ret->user);
	}
	// The pid of a kernel's own event is that of another thread: sched_waking's. Contexts
	// first.
	const size_t first = !ret->is_sample;
	for (size_t i = first; i < MEM_LEN(scopes) && !ret->pid.type; i++)
		(void)field_find(cls, scopes[i], "pid", &ret->pid);
	for (size_t i = first; i < MEM_LEN(scopes) && !ret->tid.type; i++)
		(void)field_find(cls, scopes[i], "tid", &ret->tid);
}

int frames_class(struct frames *f, const struct sonde_event_class *cls,
		 const struct frames_class **ret)
{
	if (cls->index >= f->n_classes) {
		int r = mem_grow(&f->classes, &f->cap_classes, (size_t)cls->index + 1);
		if (r < 0)
			return r;
		memset(&f->classes[f->n_classes], 0,
		       (cls->index + 1 - f->n_classes) * sizeof(*f->classes));
		f->n_classes = (size_t)cls->index + 1;
	}
	if (!f->classes[cls->index].is_looked)
		look_at_class(cls, &f->classes[cls->index]);
	*ret = &f->classes[cls->index];
	return 0;
}

static int host_of(struct frames *f, const struct sonde_trace *trace, struct frames_host **ret)
{
	if (trace->index >= f->n_hosts) {
		int r = mem_grow(&f->hosts, &f->cap_hosts, (size_t)trace->index + 1);
		if (r < 0)
			return r;
		memset(&f->hosts[f->n_hosts], 0,
		       (trace->index + 1 - f->n_hosts) * sizeof(*f->hosts));
		f->n_hosts = (size_t)trace->index + 1;
	}
	struct frames_host *h = &f->hosts[trace->index];
	*ret = h;
	return h->told ? 0 : history_of(&f->history, trace, &h->told);
}

void frames_clear(struct frames *f)
{
	f->depth = 0;
	f->is_broken = false;
}

void frames_push(struct frames *f, uint32_t name)
{
	// A whole run of frames that could not be told is one.
	if (f->depth && f->stack[f->depth - 1] == name &&
	    (name == f->unknown || name == f->nowhere))
		return;
	if (f->depth < FRAMES_MOST)
		f->stack[f->depth++] = name;
}

void frames_push_node(struct frames *f, uint32_t node)
{
	const struct stack_node *nodes = f->stacks->nodes;
	size_t depth = f->depth;

	for (uint32_t n = node; n; n = nodes[n].parent)
		depth++;
	for (; depth > FRAMES_MOST; depth--) // the innermost do not fit
		node = nodes[node].parent;
	f->depth = depth;
	for (; node; node = nodes[node].parent)
		f->stack[--depth] = nodes[node].name;
}

int frames_push_thread(struct frames *f, const struct sonde_trace *trace, int64_t pid, int64_t tid,
		       const char *name)
{
	struct frames_host *h;
	char text[32];
	uint32_t id;

	int r = host_of(f, trace, &h);
	if (r < 0)
		return r;
	if (!*name)
		name = procs_name(h->told->procs, (pid_t)pid, (pid_t)tid);
	if (!name && !pid)
		name = "swapper";
	if (!name) {
		(void)snprintf(text, sizeof(text), "pid %d", (int)(pid >= 0 ? pid : tid));
		name = text;
	}
	r = stacks_name(f->stacks, FRAME_THREAD, name, strlen(name), &id);
	if (!r)
		frames_push(f, id);
	return r;
}

/* The name of an address, once made and then remembered by @key. */
static int name_of(struct frames *f, struct frames_host *h, struct u64map *memo, uint64_t key,
		   const struct map *map, uint64_t addr, uint32_t *ret)
{
	const enum frame_kind kind = map ? FRAME_USER : FRAME_KERNEL;

	if (u64map_get(memo, key, ret))
		return 0;
	f->text.len = 0;
	int r = map ? naming_user(h->told->naming, map, addr, &f->text)
		    : naming_kernel(h->told->naming, addr, &f->text);
	if (!r)
		r = stacks_name(f->stacks, kind, strbuf_text(&f->text), f->text.len, ret);
	if (!r && memo->n < MEMO_MOST)
		r = u64map_put(memo, key, *ret);
	return r;
}

static int push_user(struct frames *f, struct frames_host *h, int64_t pid, uint64_t addr)
{
	struct map map;
	uint32_t id = f->unknown;

	if (procs_find(h->told->procs, (pid_t)pid, addr, &map) &&
	    !((addr - map.start + map.off) >> OFF_BITS)) {
		const uint64_t off = addr - map.start + map.off;
		int r = name_of(f, h, &h->user, (uint64_t)map.dso << OFF_BITS | off, &map, addr,
				&id);

		if (r < 0)
			return r;
	}
	f->is_broken |= id == f->unknown;
	frames_push(f, id);
	return 0;
}

/* Pushes the frames of one part, outermost first. Callers are looked up at their calls. */
static int push_chain(struct frames *f, struct frames_host *h, const struct sonde_event *e,
		      const struct field_ref *chain, int64_t pid, bool is_kernel)
{
	const struct sonde_int *type;
	struct sonde_span ints;
	size_t n = 0;
	int r = 0;

	if (!field_ints(e, chain, &ints, &type, &n))
		return 0;
	if (n > FRAMES_MOST)
		n = FRAMES_MOST;
	for (size_t i = n; !r && i--;) {
		uint64_t addr = (uint64_t)field_ints_at(ints, type, i);
		uint32_t id;

		if (addr >= first_marker)
			continue;
		addr -= i > 0;
		if (!is_kernel) {
			r = push_user(f, h, pid, addr);
			continue;
		}
		r = name_of(f, h, &h->kernel, addr, NULL, addr, &id);
		if (!r)
			frames_push(f, id);
	}
	return r;
}

/* What tracing itself adds on top of a stack that an event brings. */
static bool is_tracing(const struct frame_name *name)
{
	static const char *const begins[] = {
		"__traceiter_", "__bpf_trace_",	    "bpf_trace_run",	   "trace_call_bpf",
		"perf_trace_",	"trace_event_raw_", "syscall_trace_enter",
	};

	for (size_t i = 0; name->kind == FRAME_KERNEL && i < MEM_LEN(begins); i++) {
		if (!strncmp(name->text, begins[i], strlen(begins[i])))
			return true;
	}
	return false;
}

int frames_push_event(struct frames *f, const struct sonde_event *e, const struct frames_class *c,
		      int64_t pid)
{
	struct frames_host *h;
	int r = host_of(f, e->cls->stream_class->trace, &h);

	if (!r)
		r = push_chain(f, h, e, &c->user, pid, /* is_kernel= */ false);
	if (!r)
		r = push_chain(f, h, e, &c->kernel, pid, /* is_kernel= */ true);
	while (!r && !c->is_sample && f->depth &&
	       is_tracing(&f->stacks->names[f->stack[f->depth - 1]]))
		f->depth--;
	return r;
}

void frames_title(const struct frames *f, struct strbuf *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_hosts; i++) {
		const struct history_trace *told = f->hosts[i].told;
		const char *path = told ? told->trace->path : NULL;

		if (!path || n++ >= TITLE_TRACES)
			continue;
		strbuf_fmt(ret, "%s%s", n > 1 ? ", " : "", path);
	}
	if (n > TITLE_TRACES)
		strbuf_fmt(ret, " and %zu more", n - TITLE_TRACES);
}
