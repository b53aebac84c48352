/* SPDX-License-Identifier: MIT */
/** Who runs: from the events that tell of threads, for pid, tid and comm of all others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/parts.h"

/* Names that tracers give to events and their fields: LTTng, ftrace, perf. */
static const struct rule {
	const char *event;
	int tells;
	const char *tid, *pid, *comm, *parent;
} rules[] = {
	{ "sched_switch", REC_SWITCH, "next_tid", NULL, "next_comm", NULL },
	{ "sched_switch", REC_SWITCH, "next_pid", NULL, "next_comm", NULL },
	{ "sched_process_fork", REC_FORK, "child_tid", "child_pid", "child_comm", NULL },
	{ "sched_process_fork", REC_FORK, "child_pid", NULL, "child_comm", NULL },
	{ "sched_process_exec", REC_EXEC, "tid", NULL, "filename", NULL },
	{ "sched_process_exec", REC_EXEC, "pid", NULL, "filename", NULL },
	{ "task_rename", REC_NAME, "tid", NULL, "newcomm", NULL },
	{ "task_rename", REC_NAME, "pid", NULL, "newcomm", NULL },
	{ "perf:comm", REC_NAME, "tid", "pid", "comm", NULL },
	{ "perf:fork", REC_FORK, "tid", "pid", NULL, "ptid" },
	{ "lttng_statedump_process_state", REC_NAME, "tid", "pid", "name", NULL },
};

/* Events that have the name and number of whoever runs among their own fields. */
static const struct {
	const char *event, *comm, *tid;
} owners[] = {
	{ "sched_switch", "prev_comm", "prev_tid" },
	{ "sched_switch", "prev_comm", "prev_pid" },
	{ "sched_process_fork", "parent_comm", "parent_tid" },
	{ "sched_process_fork", "parent_comm", "parent_pid" },
	{ "sched_process_exit", "comm", "tid" },
	{ "sched_process_exit", "comm", "pid" },
};

void rec_threads_fini(struct rec_threads *t)
{
	arena_fini(&t->arena);
	free(t->all);
	u64map_fini(&t->by_tid);
	free(t->on_cpu);
	rec_guesses_free(t->guesses);
}

static __attribute__((noinline)) struct rec_thread *find_thread(struct rec_threads *t, int64_t tid)
{
	uint32_t at;

	if (u64map_get(&t->by_tid, (uint64_t)tid, &at))
		return t->all[at];
	struct rec_thread *n =
		t->n < REC_THREADS_MOST ? arena_new(&t->arena, struct rec_thread) : NULL;
	if (!n || mem_grow(&t->all, &t->cap, t->n + 1) < 0 ||
	    u64map_put(&t->by_tid, (uint64_t)tid, (uint32_t)t->n) < 0)
		return NULL;
	n->tid = n->pid = (uint32_t)tid;
	n->guessed = t->guesses ? REC_GUESS_PID | REC_GUESS_COMM : 0;
	if (!tid)
		memcpy(n->comm, "swapper", 8);
	t->all[t->n++] = n;
	return n;
}

struct rec_thread *rec_thread_get(struct rec_threads *t, int64_t tid)
{
	struct rec_thread **recent = &t->recent[(uint64_t)tid % REC_RECENT];

	if (!*recent || (*recent)->tid != (uint64_t)tid) {
		struct rec_thread *found = find_thread(t, tid);

		if (!found)
			return NULL;
		*recent = found;
	}
	return *recent;
}

static void look_at_trace(const struct sonde_trace *t, struct rec_teller *ret)
{
	const struct sonde_env *pid = sonde_trace_env(t, "vpid");
	const struct sonde_env *comm = sonde_trace_env(t, "procname");

	if (pid && !pid->str && pid->num > 0)
		ret->trace_pid = (uint32_t)pid->num;
	const char *name = comm && comm->str ? comm->str : "";
	ret->trace_comm = (struct sonde_span){ (const uint8_t *)name, strlen(name) };
}

static void look_at_own(const struct sonde_event_class *cls, struct rec_teller *ret)
{
	static const char *const tids[] = { "common_pid", "tid", "vtid", "_tid" };
	static const char *const pids[] = { "pid", "vpid", "_pid" };
	static const char *const comms[] = { "procname", "comm", "_procname" };
	const bool sample = !strcmp(cls->name, "perf:sample");

	for (int s = SONDE_SCOPE_STREAM_CONTEXT;
	     s <= (sample ? SONDE_SCOPE_PAYLOAD : SONDE_SCOPE_EVENT_CONTEXT); s++) {
		for (size_t i = 0; i < MEM_LEN(tids) && !ret->own_tid.type; i++)
			(void)field_find(cls, (enum sonde_scope)s, tids[i], &ret->own_tid);
		for (size_t i = 0; i < MEM_LEN(pids) && !ret->own_pid.type; i++)
			(void)field_find(cls, (enum sonde_scope)s, pids[i], &ret->own_pid);
		for (size_t i = 0; i < MEM_LEN(comms) && !ret->own_comm.type; i++)
			(void)field_find(cls, (enum sonde_scope)s, comms[i], &ret->own_comm);
	}
	for (size_t i = 0; i < MEM_LEN(owners); i++) {
		if (strcmp(owners[i].event, cls->name) != 0)
			continue;
		if (!ret->own_comm.type)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, owners[i].comm, &ret->own_comm);
		if (!ret->first_tid.type)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, owners[i].tid, &ret->first_tid);
	}
}

static void look_at(const struct sonde_event_class *cls, struct rec_teller *ret)
{
	look_at_trace(cls->stream_class->trace, ret);
	look_at_own(cls, ret);
	ret->has_long_comm =
		ret->own_comm.is_plain && !ret->own_comm.is_number &&
		ret->own_comm.type->u.array.n >= sizeof(((struct rec_thread *)0)->comm);
	ret->has_name_alone = ret->has_long_comm && !ret->own_tid.type && !ret->own_pid.type &&
			      !ret->first_tid.type && !ret->trace_pid;
	ret->is_simple = !ret->own_pid.type && !ret->own_comm.type && !ret->trace_pid &&
			 !ret->trace_comm.len && (!ret->own_tid.type || ret->own_tid.is_number);
	for (size_t i = 0; i < MEM_LEN(rules); i++) {
		if (strcmp(rules[i].event, cls->name) != 0 ||
		    !field_find(cls, SONDE_SCOPE_PAYLOAD, rules[i].tid, &ret->tid))
			continue;
		ret->tells = rules[i].tells;
		if (rules[i].pid)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, rules[i].pid, &ret->pid);
		if (rules[i].comm)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, rules[i].comm, &ret->comm);
		if (rules[i].parent)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, rules[i].parent, &ret->parent);
		return;
	}
}

/* Whether the scheduler's events are there, and any that tell names. */
static void look_at_all(struct rec_world *w)
{
	w->is_looked_at = true;
	for (size_t i = 0; i < w->n_traces; i++)
		for (size_t k = 0; k < w->traces[i]->n_streams; k++)
			for (size_t n = 0; n < w->traces[i]->streams[k]->n_events; n++) {
				struct rec_teller r = { 0 };
				look_at(w->traces[i]->streams[k]->events[n], &r);
				w->has_switches |= r.tells == REC_SWITCH;
				w->has_names |= r.tells && r.comm.type;
			}
}

bool rec_threads_can_tell(struct rec_world *w, const struct sonde_event_class *cls,
			  enum rec_who what)
{
	struct rec_teller own = { 0 };

	if (!w->is_looked_at)
		look_at_all(w);
	look_at(cls, &own);
	const bool thread = own.own_tid.type || own.first_tid.type || w->has_switches;
	const bool process = own.own_pid.type || own.trace_pid || thread;
	const bool name = own.own_comm.type || own.trace_comm.len || (process && w->has_names);
	return what == REC_WHO_PROCESS ? process : what == REC_WHO_THREAD ? thread : name;
}

struct rec_teller *rec_teller_new(struct arena *arena, const struct sonde_event_class *cls)
{
	struct rec_teller *r = arena_new(arena, struct rec_teller);

	if (r)
		look_at(cls, r);
	return r;
}

static void set_comm(struct rec_threads *t, struct rec_thread *th, struct sonde_span name)
{
	const size_t n = name.len < sizeof(th->comm) - 1 ? name.len : sizeof(th->comm) - 1;

	th->guessed &= (uint8_t)~REC_GUESS_COMM;
	// Most often it is so already; bytes that were just written are slow to read as words.
	if (!memcmp(th->comm, name.data, n) && !th->comm[n])
		return;
	t->changes++;
	memset(th->comm, 0, sizeof(th->comm));
	memcpy(th->comm, name.data, n);
}

/* Is the name that the event has in an array @th's, with nothing behind it in either? */
static inline bool is_named(const struct rec_thread *th, const struct rec_teller *r,
			    const struct sonde_event *e)
{
	uint64_t room, a[2], b[2];

	if (!r->has_long_comm)
		return false;
	const uint8_t *p = field_plain(e, &r->own_comm, &room);
	if (room < sizeof(a))
		return false;
	memcpy(a, p, sizeof(a));
	memcpy(b, th->comm, sizeof(b));
	return a[0] == b[0] && a[1] == b[1];
}

static void set_pid(struct rec_threads *t, struct rec_thread *th, uint32_t pid, bool is_told)
{
	t->changes += th->pid != pid;
	th->pid = pid;
	th->has_pid = is_told;
	th->guessed &= (uint8_t)~REC_GUESS_PID;
}

/* Each CPU has its own idle thread, and all of them the number 0. */
static struct rec_thread *idle_of(struct rec_threads *t, int32_t cpu)
{
	if (!t->idle.comm[0] || t->idle_cpu != cpu)
		(void)snprintf(t->idle.comm, sizeof(t->idle.comm), "swapper/%u",
			       (unsigned)cpu & 0xffffU);
	t->idle_cpu = cpu;
	return &t->idle;
}

static const char *comm_of(struct rec_threads *t, struct rec_thread *th)
{
	if (th->guessed & REC_GUESS_COMM)
		rec_guess_used(t, th);
	return th->comm;
}

/* All that the event and the table of CPUs have to say, and more than one of them may. */
static __attribute__((noinline)) struct rec_thread *owner(struct rec_threads *t,
							  const struct rec_teller *r,
							  const struct sonde_event *e,
							  struct rec_thread *here)
{
	const int32_t cpu = e->u.pkt->cpu;
	struct sonde_span name;
	int64_t tid, pid;

	if (r->own_tid.type && field_int(e, &r->own_tid, &tid)) {
		if (!here || here->tid != (uint32_t)tid)
			here = rec_thread_get(t, tid);
	}
	if (!here && t->guesses)
		here = rec_guess_of_cpu(t, cpu);
	// Nothing was known of this CPU so far.
	if (!here && r->first_tid.type && field_int(e, &r->first_tid, &tid))
		here = rec_thread_get(t, tid);
	if (!here)
		here = &t->unknown;
	else if (!here->tid && cpu >= 0)
		return idle_of(t, cpu);
	if (r->own_pid.type && field_int(e, &r->own_pid, &pid)) {
		set_pid(t, here, (uint32_t)pid, true);
	} else if (r->trace_pid) {
		set_pid(t, here, r->trace_pid, here->has_pid);
	} else if (here == &t->unknown) {
		here->pid = 0; // the event before may have told it
	}
	if (is_named(here, r, e))
		here->guessed &= (uint8_t)~REC_GUESS_COMM;
	else if (r->own_comm.type && field_text(e, &r->own_comm, &name))
		set_comm(t, here, name);
	else if (here == &t->unknown || (r->trace_comm.len && !comm_of(t, here)[0]))
		set_comm(t, here, r->trace_comm);
	return here;
}

/* Most events are of the thread that the CPU was known to run. */
struct rec_thread *rec_threads_of(struct rec_threads *t, const struct rec_teller *r,
				  const struct sonde_event *e)
{
	const int32_t cpu = e->u.pkt->cpu;
	struct rec_thread *here = cpu >= 0 && (size_t)cpu < t->n_cpus ? t->on_cpu[cpu] : NULL;
	int64_t tid;

	if (!here && r->has_name_alone && !t->unknown.pid && is_named(&t->unknown, r, e) &&
	    (!t->guesses || !rec_guess_of_cpu(t, cpu)))
		return &t->unknown;
	if (!here || !here->tid || !r->is_simple)
		return owner(t, r, e, here);
	if (!r->own_tid.type)
		return here;
	if (field_number(e, &r->own_tid, &tid) && (uint32_t)tid == here->tid)
		return here;
	return owner(t, r, e, here);
}

int rec_threads_set_current(struct rec_threads *t, int32_t cpu, struct rec_thread *th)
{
	t->changes++;
	if (cpu < 0 || cpu >= REC_CPUS_MOST)
		return 0;
	if ((size_t)cpu >= t->n_cpus) {
		const size_t n = (size_t)cpu + 64;
		struct rec_thread **more = realloc(t->on_cpu, n * sizeof(struct rec_thread *));
		if (!more)
			return sonde_fail(-ENOMEM, "out of memory");
		memset(more + t->n_cpus, 0, (n - t->n_cpus) * sizeof(struct rec_thread *));
		t->on_cpu = more;
		t->n_cpus = n;
	}
	t->on_cpu[cpu] = th;
	return 0;
}

/* The last part of a path, as exec makes the name. */
static struct sonde_span base_name(struct sonde_span path)
{
	for (size_t i = path.len; i > 0; i--)
		if (path.data[i - 1] == '/')
			return (struct sonde_span){ path.data + i, path.len - i };
	return path;
}

bool rec_teller_teaches(const struct rec_teller *r, bool *ret_before)
{
	*ret_before = r->tells == REC_EXEC;
	return r->tells != REC_TELLS_NOTHING;
}

int rec_threads_learn(struct rec_threads *t, const struct rec_teller *r,
		      const struct sonde_event *e)
{
	struct sonde_span name;
	int64_t tid, pid;

	if (r->tells == REC_TELLS_NOTHING || !field_int(e, &r->tid, &tid))
		return 0;
	t->changes++;
	struct rec_thread *th = rec_thread_get(t, tid);
	if (!th)
		return sonde_fail(-ENOMEM, "more than %d threads", REC_THREADS_MOST);
	if (r->pid.type && field_int(e, &r->pid, &pid)) {
		set_pid(t, th, (uint32_t)pid, true);
		t->has_forks |= r->tells == REC_FORK;
	} else if (r->tells == REC_FORK && !rec_guess_forks(t)) {
		// A number that is used again; threads are told by other events.
		set_pid(t, th, th->tid, false);
	}
	if (r->parent.type && field_int(e, &r->parent, &pid)) {
		struct rec_thread *parent = rec_thread_get(t, pid);
		if (parent) {
			memcpy(th->comm, comm_of(t, parent), sizeof(th->comm));
			th->guessed &= (uint8_t)~REC_GUESS_COMM;
		}
	}
	if (r->comm.type && field_text(e, &r->comm, &name) && (tid || r->tells != REC_SWITCH))
		set_comm(t, th, r->tells == REC_EXEC ? base_name(name) : name);
	return r->tells == REC_SWITCH ? rec_threads_set_current(t, e->u.pkt->cpu, th) : 0;
}
