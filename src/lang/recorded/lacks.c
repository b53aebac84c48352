/* SPDX-License-Identifier: MIT */
/** What cannot be had from a trace, or from the events of one place in it, and why. */
#include <string.h>

#include "lang/recorded/parts.h"

static const char of_kernel[] = "it is of the running kernel, and no trace has it";
static const char if_recorded[] =
	"only a recording that was made for the script has it ('sonde record --for')";
static const char of_machine[] = "it is of the machine that runs, and no trace has it";

static const char no_event[] = "this is no event of the trace";

/* What no trace has. */
static const struct {
	const char *name, *why;
} never[] = {
	{ "curtask", if_recorded },
	{ "cgroup", if_recorded },
	{ "ctx", of_kernel },
	{ "numaid", if_recorded },
	{ "uid", if_recorded },
	{ "gid", if_recorded },
	{ "username", if_recorded },
	{ "ppid", if_recorded },
	{ "pcomm", if_recorded },
	{ "func", if_recorded },
	{ "jiffies", if_recorded },
	{ "kaddr", if_recorded },
	{ "uaddr", if_recorded },
	{ "reg", if_recorded },
	{ "path", if_recorded },
	{ "cgroup_path", if_recorded },
	{ "cgroupid", if_recorded },
	{ "ncpus", if_recorded },
	{ "cpid", "there is no command beside a trace" },
	{ "cat", "a file of this machine is none of the traced one" },
	{ "signal", "nothing can be done to what is over" },
	{ "system", "commands run beside the kernel, not beside a trace" },
	{ "skboutput", of_kernel },
	{ "freopen", of_machine },
	{ "nsecs()", "a trace has one clock, which 'nsecs' is" },
	{ "memory", "it is in memory, of which a trace has none" },
};

/* Needs of a place's events. */
enum need {
	NEEDS_KSTACK,
	NEEDS_USTACK,
	NEEDS_PROCESS,
	NEEDS_THREAD,
	NEEDS_NAME,
	NEEDS_CPU,
	NEEDS_TIME
};

static const struct {
	const char *name;
	enum need need;
} some[] = {
	{ "kstack", NEEDS_KSTACK },  { "ustack", NEEDS_USTACK }, { "caller", NEEDS_KSTACK },
	{ "ucaller", NEEDS_USTACK }, { "pid", NEEDS_PROCESS },	 { "tid", NEEDS_THREAD },
	{ "comm", NEEDS_NAME },	     { "cpu", NEEDS_CPU },	 { "nsecs", NEEDS_TIME },
	{ "elapsed", NEEDS_TIME },
};

static const char *const whys[] = {
	[NEEDS_KSTACK] = "its events have no stack of the kernel",
	[NEEDS_USTACK] = "its events have no stack of the program",
	[NEEDS_PROCESS] = "neither its events nor those of the scheduler tell whose they are",
	[NEEDS_THREAD] = "neither its events nor those of the scheduler tell whose they are",
	[NEEDS_NAME] = "neither its events nor others of the trace tell the names of threads",
	[NEEDS_CPU] = "its events do not tell it",
	[NEEDS_TIME] = "the trace has no clock",
};

bool rec_stack_field(const struct sonde_event_class *cls, bool user, struct field_ref *ret)
{
	static const char *const names[2][4] = {
		{ "kernel", "callstack_kernel", "_callstack_kernel", "kstack" },
		{ "user", "callstack_user", "_callstack_user", "ustack" },
	};

	for (size_t i = 0; i < MEM_LEN(names[0]); i++)
		if (field_find_any(cls, names[user][i], ret) &&
		    (ret->type->kind == SONDE_SEQUENCE || ret->type->kind == SONDE_ARRAY))
			return true;
	return false;
}

static bool has_cpu(const struct sonde_event_class *cls)
{
	return sonde_type_member(cls->stream_class->packet_context, "cpu_id") != NULL;
}

static bool has_need(struct rec_world *w, const struct sonde_event_class *cls, enum need need)
{
	struct field_ref ref;

	switch (need) {
	case NEEDS_KSTACK: return rec_stack_field(cls, /* user= */ false, &ref);
	case NEEDS_USTACK: return rec_stack_field(cls, /* user= */ true, &ref);
	case NEEDS_CPU: return has_cpu(cls);
	case NEEDS_TIME: return cls->stream_class->clock != NULL;
	case NEEDS_PROCESS: return rec_threads_can_tell(w, cls, REC_WHO_PROCESS);
	case NEEDS_THREAD: return rec_threads_can_tell(w, cls, REC_WHO_THREAD);
	default: return rec_threads_can_tell(w, cls, REC_WHO_NAME);
	}
}

bool rec_has_time(const struct rec_world *w)
{
	for (size_t i = 0; i < w->n_traces; i++)
		for (size_t k = 0; k < w->traces[i]->n_streams; k++)
			if (w->traces[i]->streams[k]->clock)
				return true;
	return false;
}

/* Of a place and those that share its program. */
static bool any_has_need(struct rec_world *w, const struct probe *at, enum need need)
{
	if (has_need(w, ((const struct rec_place *)at)->cls, need))
		return true;
	for (const struct probe *same = at->same; same; same = same->next)
		if (has_need(w, ((const struct rec_place *)same)->cls, need))
			return true;
	return false;
}

static const char *lacks_at(struct rec_world *w, const struct probe *at, enum need need)
{
	const struct rec_place *p = (const struct rec_place *)at;

	if (!p->cls && need == NEEDS_TIME)
		return rec_has_time(w) ? NULL : whys[need];
	if (!p->cls)
		return no_event;
	// Where a pattern names several kinds of events, some of them may have it.
	for (const struct probe *all = &p->first->probe; all; all = all->next)
		if (any_has_need(w, all, need))
			return NULL;
	return whys[need];
}

/* BEGIN, END, a tick. */
static bool is_no_event(const struct probe *at)
{
	return at && !((const struct rec_place *)at)->cls;
}

const char *rec_lacks(struct world *world, const struct probe *at, const char *name)
{
	for (size_t i = 0; i < MEM_LEN(never); i++)
		if (!strcmp(name, never[i].name))
			return never[i].why == if_recorded && is_no_event(at) ? no_event
									      : never[i].why;
	for (size_t i = 0; at && i < MEM_LEN(some); i++)
		if (!strcmp(name, some[i].name))
			return lacks_at((struct rec_world *)world, at, some[i].need);
	return NULL;
}
