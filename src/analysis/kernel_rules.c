/* SPDX-License-Identifier: MIT */
/** What each kind of event does to the kernel model, and under which names it comes. */
#include <string.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

/* Fields of the rules; the names that tracers give them are in the table at the end. */
enum { SW_PREV, SW_NEXT, SW_STATE, SW_PREV_NAME, SW_NEXT_NAME, SW_PREV_PRIO, SW_NEXT_PRIO };
enum { TASK_TID, TASK_NAME, TASK_CPU };
enum { FORK_CHILD, FORK_NAME, FORK_CHILD_PID, FORK_PARENT_TID, FORK_PARENT_PID };
enum { NEW_TID, NEW_NAME, NEW_FLAGS };
enum { EXEC_TID, EXEC_OLD, EXEC_FILE };
enum { DUMP_TID, DUMP_PID, DUMP_NAME, DUMP_PPID, DUMP_STATUS };
enum { PERF_TID, PERF_PID, PERF_NAME, PERF_PPID, PERF_PTID };
enum { IRQ_NR, IRQ_NAME };
enum { CALL_ID, CALL_RET };

/* prev_state of sched_switch: linux/sched.h. The bits above these say "could go on running". */
enum { STATE_ASLEEP = 0x03, STATE_DEAD = 0x30, STATE_IDLE = 0x80, STATE_BITS = 0xff };
/* Kernel threads that wait for work are no load; newer kernels tell that as STATE_IDLE. */
enum { STATE_DEEP = 0x02, STATE_NO_LOAD = 0x400 };

enum { CLONE_FLAG_THREAD = 0x10000 };

static int64_t get(const struct kernel_event *ev, const struct sonde_event *e, int field,
		   int64_t otherwise)
{
	int64_t v = otherwise;

	(void)kernel_int(e, &ev->ints[field], &ev->fields[field], &v);
	return v;
}

static void take_name(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		      int field, struct kernel_thread *t)
{
	struct sonde_span name;

	if (t->tid && field_text(e, &ev->fields[field], &name) && name.len)
		kernel_thread_name(k, t, name);
}

/* LTTng tells 20 for what is 120 to the kernel and to ftrace; people know 20 from top. */
static void take_prio(const struct kernel_event *ev, const struct sonde_event *e, int field,
		      struct kernel_thread *t)
{
	int64_t prio;

	if (!t->tid || !kernel_int(e, &ev->ints[field], &ev->fields[field], &prio))
		return;
	kernel_thread_prio(t, ev->second & 1u << SW_PREV ? prio - 100 : prio);
}

static enum kernel_state state_of(int64_t prev_state)
{
	const int64_t bits = prev_state & STATE_BITS;

	if (!bits)
		return KERNEL_WAIT_CPU;
	if (bits & (STATE_ASLEEP | STATE_IDLE))
		return KERNEL_BLOCKED;
	return bits & STATE_DEAD ? KERNEL_GONE : KERNEL_WAIT;
}

/* Who it was; NULL: no room. */
static struct kernel_thread *switch_out(struct kernel *k, const struct kernel_event *ev,
					const struct sonde_event *e, struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, SW_PREV, -1);

	if (c->current && c->current->tid != tid) {
		k->doubts.mismatches++;
		kernel_cpu_forget(k, c, c->last_ns);
	}
	struct kernel_thread *t = c->current ? c->current : kernel_thread(k, c, tid);
	if (!t)
		return NULL;
	if (t->on && t->on != c) {
		k->doubts.mismatches++;
		kernel_cpu_forget(k, t->on, t->on->last_ns);
	}
	if (!c->current)
		kernel_cpu_deduce(k, c, t, e);
	t->woken_ns = KERNEL_NO_TIME;
	kernel_cpu_leave(k, c, e->ts_ns);
	take_name(k, ev, e, SW_PREV_NAME, t);
	take_prio(ev, e, SW_PREV_PRIO, t);

	const int64_t prev_state = get(ev, e, SW_STATE, 0);
	enum kernel_state s = t->tid ? state_of(prev_state) : KERNEL_WAIT_CPU;
	t->deep = prev_state & STATE_DEEP && !(prev_state & (STATE_IDLE | STATE_NO_LOAD));
	// What frees its memory and files may still have to wait.
	if (t->exiting && s == KERNEL_WAIT)
		s = KERNEL_GONE;
	kernel_thread_set(k, t, s, e->ts_ns);
	if (k->watch->off)
		k->watch->off(k->arg, t, e);
	kernel_left(k, t, e->ts_ns);
	return t;
}

static void on_switch(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		      struct kernel_cpu *c)
{
	const struct kernel_thread *prev = switch_out(k, ev, e, c);
	// The scheduler does not run inside an interrupt: what was open has ended unseen.
	c->irqs = c->softirqs = 0;

	struct kernel_thread *t = kernel_thread(k, c, get(ev, e, SW_NEXT, -1));
	if (!t)
		return;
	kernel_cpu_enter(k, c, t, e->ts_ns);
	kernel_switched(k, c, prev, t, e->ts_ns);
	if (!t->name[0])
		take_name(k, ev, e, SW_NEXT_NAME, t);
	take_prio(ev, e, SW_NEXT_PRIO, t);
	kernel_cpu_update(k, c, e->ts_ns);
	if (t->woken_ns != KERNEL_NO_TIME) {
		kernel_woken(k, t, e->ts_ns);
		t->woken_ns = KERNEL_NO_TIME;
	}
}

/* The CPU that a thread is to run on; -1: not told. */
static int32_t cpu_of(const struct kernel_event *ev, const struct sonde_event *e)
{
	const int64_t cpu = get(ev, e, TASK_CPU, -1);

	return cpu < 0 || cpu >= KERNEL_CPUS_MOST ? -1 : (int32_t)cpu;
}

static void on_waking(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		      struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, TASK_TID, 0);
	struct kernel_thread *t = tid ? kernel_thread(k, c, tid) : NULL;

	if (!t)
		return;
	if (!t->name[0])
		take_name(k, ev, e, TASK_NAME, t);
	if (k->watch->roused && !ev->echo)
		k->watch->roused(k->arg, c, t, e);
	if (t->on)
		return;
	t->wait_cpu = cpu_of(ev, e);
	if (t->woken_ns == KERNEL_NO_TIME) {
		t->woken_ns = e->ts_ns;
		kernel_waking(k, c, t, e->ts_ns);
	}
	kernel_thread_set(k, t, KERNEL_WAIT_CPU, e->ts_ns);
}

static void on_migrate(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		       struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, TASK_TID, 0);
	struct kernel_thread *t = tid ? kernel_thread(k, c, tid) : NULL;

	if (!t)
		return;
	if (!t->name[0])
		take_name(k, ev, e, TASK_NAME, t);
	t->wait_cpu = cpu_of(ev, e);
	if (c->host->has_migrate)
		kernel_migrated(k, t, e->ts_ns);
}

static void on_fork(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		    struct kernel_cpu *c)
{
	// LTTng tells tid and pid of both; ftrace only tids, under the name of pid.
	const bool both = ev->fields[FORK_CHILD_PID].type;
	const int64_t tid = get(ev, e, FORK_CHILD, 0);
	struct kernel_thread *child = tid ? kernel_thread_born(k, c->host, tid) : NULL;
	struct kernel_thread *parent =
		kernel_thread(k, c, get(ev, e, FORK_PARENT_TID, c->current ? c->current->tid : 0));

	if (!child || !parent)
		return;
	take_name(k, ev, e, FORK_NAME, child);
	child->followed = parent->followed;
	if (both) {
		kernel_thread_join(k, child, get(ev, e, FORK_CHILD_PID, -1));
		kernel_thread_join(k, parent, get(ev, e, FORK_PARENT_PID, -1));
	}
	if (child->pid == child->tid)
		child->ppid = parent->pid;
	kernel_thread_made(k, child, parent, e->ts_ns);
}

/* Comes before ftrace's fork event and says whether it is a thread of the same process. */
static void on_newtask(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		       struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, NEW_TID, 0);
	struct kernel_thread *child = tid ? kernel_thread_born(k, c->host, tid) : NULL;

	if (!child)
		return;
	take_name(k, ev, e, NEW_NAME, child);
	if (!(get(ev, e, NEW_FLAGS, 0) & CLONE_FLAG_THREAD))
		kernel_thread_join(k, child, tid);
	else if (c->current)
		kernel_thread_join(k, child, c->current->pid);
	kernel_thread_made(k, child, c->current, e->ts_ns);
}

static void on_exec(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		    struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, EXEC_TID, -1);
	const int64_t old = get(ev, e, EXEC_OLD, tid);
	struct kernel_thread *t = old > 0 ? kernel_thread(k, c, old) : NULL;
	struct sonde_span file;

	if (!t)
		return;
	// One that is not the first of its process takes over that one's number.
	if (tid > 0)
		kernel_thread_renumber(k, t, tid);
	if (c->current != t)
		kernel_cpu_correct(k, c, t, e->ts_ns);
	kernel_thread_join(k, t, t->tid);
	if (!field_text(e, &ev->fields[EXEC_FILE], &file))
		return;
	const uint8_t *slash = file.data && file.len ? memrchr(file.data, '/', file.len) : NULL;
	if (slash) {
		file.len -= (size_t)(slash + 1 - file.data);
		file.data = slash + 1;
	}
	if (file.len)
		kernel_thread_name(k, t, file);
}

static void on_rename(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		      struct kernel_cpu *c)
{
	// Newer kernels leave the number out where a thread renames itself.
	const int64_t tid = get(ev, e, TASK_TID, c->current ? c->current->tid : 0);
	struct kernel_thread *t = tid > 0 ? kernel_thread(k, c, tid) : NULL;

	if (t)
		take_name(k, ev, e, TASK_NAME, t);
}

static void on_process_exit(struct kernel *k, const struct kernel_event *ev,
			    const struct sonde_event *e, struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, TASK_TID, 0);
	struct kernel_thread *t = tid ? kernel_thread(k, c, tid) : NULL;

	if (t)
		t->exiting = true;
}

static void on_free(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		    struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, TASK_TID, 0);
	struct kernel_thread *t = tid ? kernel_thread_known(c->host, c, tid) : NULL;

	// Long after its end its number may be another's already.
	if (t && !t->on && t->state != KERNEL_WAIT_FORK && t->state != KERNEL_WAIT_CPU)
		kernel_thread_set(k, t, KERNEL_GONE, e->ts_ns);
}

static int32_t irq_of(const struct kernel_event *ev, const struct sonde_event *e)
{
	const int64_t nr = get(ev, e, IRQ_NR, -1);

	return nr < 0 || nr > INT32_MAX ? -1 : (int32_t)nr;
}

static void on_irq_entry(struct kernel *k, const struct kernel_event *ev,
			 const struct sonde_event *e, struct kernel_cpu *c)
{
	const int32_t nr = irq_of(ev, e);
	struct sonde_span name;

	if ((k->watch->irq || k->watch->waking) && nr >= 0 &&
	    field_text(e, &ev->fields[IRQ_NAME], &name))
		kernel_irq_name(k, c->host, nr, name);
	kernel_irq_enter(k, c, nr, e->ts_ns);
}

static void on_irq_exit(struct kernel *k, const struct kernel_event *ev,
			const struct sonde_event *e, struct kernel_cpu *c)
{
	kernel_irq_leave(k, c, irq_of(ev, e), e->ts_ns);
}

/* The softirq's number; KERNEL_VECTORS: it makes no sense. */
static unsigned vector(const struct kernel_event *ev, const struct sonde_event *e)
{
	const int64_t vec = get(ev, e, IRQ_NR, -1);

	return vec >= 0 && vec < KERNEL_VECTORS ? (unsigned)vec : KERNEL_VECTORS;
}

static void on_softirq_raise(struct kernel *k, const struct kernel_event *ev,
			     const struct sonde_event *e, struct kernel_cpu *c)
{
	const unsigned vec = vector(ev, e);

	(void)k;
	if (vec < KERNEL_VECTORS)
		kernel_softirq_raise(c, vec, e->ts_ns);
}

static void on_softirq_entry(struct kernel *k, const struct kernel_event *ev,
			     const struct sonde_event *e, struct kernel_cpu *c)
{
	const unsigned vec = vector(ev, e);

	if (vec < KERNEL_VECTORS)
		kernel_softirq_enter(k, c, vec, e->ts_ns);
}

static void on_softirq_exit(struct kernel *k, const struct kernel_event *ev,
			    const struct sonde_event *e, struct kernel_cpu *c)
{
	const unsigned vec = vector(ev, e);

	if (vec < KERNEL_VECTORS)
		kernel_softirq_leave(k, c, vec, e->ts_ns);
}

static void on_call_entry(struct kernel *k, const struct kernel_event *ev,
			  const struct sonde_event *e, struct kernel_cpu *c)
{
	struct kernel_thread *t = c->current;

	if (!t)
		return;
	t->call = ev->call ? ev->call : kernel_call_nr(k, ev->abi, get(ev, e, CALL_ID, -1));
	t->call_ns = e->ts_ns;
	if (k->watch->entered)
		k->watch->entered(k->arg, t, t->call, e);
	kernel_cpu_update(k, c, e->ts_ns);
}

static void on_call_exit(struct kernel *k, const struct kernel_event *ev,
			 const struct sonde_event *e, struct kernel_cpu *c)
{
	struct kernel_thread *t = c->current;

	if (!t || (!t->call && !k->watch->returned))
		return;
	// rt_sigreturn comes back as number -1 with another's result; old LTTng has no number.
	const int64_t id = get(ev, e, CALL_ID, -1);
	const bool numbered = ev->fields[CALL_ID].type;
	const uint32_t call = ev->call ? ev->call : id >= 0 ? kernel_call_nr(k, ev->abi, id) : 0;
	const int64_t ret = numbered && id < 0 ? 0 : get(ev, e, CALL_RET, 0);

	if (k->watch->returned)
		k->watch->returned(k->arg, t, call, ret, e);
	if (!t->call)
		return;
	if (call && call != t->call)
		k->doubts.calls_broken++;
	else
		kernel_called(k, t, e->ts_ns, ret);
	t->call = 0;
	kernel_cpu_update(k, c, e->ts_ns);
}

/* Fills in what nothing else has told. */
static void on_statedump(struct kernel *k, const struct kernel_event *ev,
			 const struct sonde_event *e, struct kernel_cpu *c)
{
	enum { STATUS_WAIT_CPU = 2, STATUS_WAIT = 5 };
	const int64_t tid = get(ev, e, DUMP_TID, 0);
	struct kernel_thread *t = tid ? kernel_thread(k, c, tid) : NULL;

	if (!t)
		return;
	if (t->pid < 0)
		kernel_thread_join(k, t, get(ev, e, DUMP_PID, -1));
	if (t->ppid < 0)
		t->ppid = get(ev, e, DUMP_PPID, -1);
	if (!t->name[0])
		take_name(k, ev, e, DUMP_NAME, t);
	if (t->state != KERNEL_UNKNOWN)
		return;
	const int64_t status = get(ev, e, DUMP_STATUS, -1);
	if (status == STATUS_WAIT)
		kernel_thread_set(k, t, KERNEL_BLOCKED, e->ts_ns);
	else if (status == STATUS_WAIT_CPU)
		kernel_thread_set(k, t, KERNEL_WAIT_CPU, e->ts_ns);
}

/* perf's records tell the processes of threads: what ran already, and what was sampled. */
static void on_perf(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		    struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, PERF_TID, 0);
	struct kernel_thread *t = tid > 0 ? kernel_thread(k, c, tid) : NULL;

	if (!t)
		return;
	if (t->pid < 0)
		kernel_thread_join(k, t, get(ev, e, PERF_PID, -1));
	t->followed |= c->host->partial; // of others there are none
	take_name(k, ev, e, PERF_NAME, t);
}

/* Comes before the kernel's own fork event, if the two are in order at all. */
static void on_perf_fork(struct kernel *k, const struct kernel_event *ev,
			 const struct sonde_event *e, struct kernel_cpu *c)
{
	const int64_t tid = get(ev, e, PERF_TID, 0);
	struct kernel_thread *t = tid > 0 ? kernel_thread_known(c->host, c, tid) : NULL;

	const bool is_new = tid > 0 && (!t || t->state == KERNEL_GONE);
	if (is_new)
		t = kernel_thread_born(k, c->host, tid);
	if (!t)
		return;
	t->followed |= c->host->partial;
	if (t->pid < 0) {
		kernel_thread_join(k, t, get(ev, e, PERF_PID, -1));
		if (t->pid == t->tid)
			t->ppid = get(ev, e, PERF_PPID, -1);
	}
	const int64_t parent = get(ev, e, PERF_PTID, 0);
	if (is_new)
		kernel_thread_made(k, t, parent > 0 ? kernel_thread(k, c, parent) : NULL, e->ts_ns);
}

/* An event that only tells who runs, which was looked at before. */
static void on_nothing(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		       struct kernel_cpu *c)
{
	(void)k;
	(void)ev;
	(void)e;
	(void)c;
}

static const struct kernel_rule rules[] = {
	{ { "sched_switch" },
	  on_switch,
	  KERNEL_HAS_SWITCH,
	  3,
	  { [SW_PREV] = { "prev_tid", "prev_pid" },
	    [SW_NEXT] = { "next_tid", "next_pid" },
	    [SW_STATE] = { "prev_state" },
	    [SW_PREV_NAME] = { "prev_comm" },
	    [SW_NEXT_NAME] = { "next_comm" },
	    [SW_PREV_PRIO] = { "prev_prio" },
	    [SW_NEXT_PRIO] = { "next_prio" } } },
	{ { "sched_waking", "sched_wakeup", "sched_wakeup_new" },
	  on_waking,
	  KERNEL_HAS_WAKING,
	  1,
	  { [TASK_TID] = { "tid", "pid" },
	    [TASK_NAME] = { "comm" },
	    [TASK_CPU] = { "target_cpu" } } },
	{ { "sched_migrate_task" },
	  on_migrate,
	  0,
	  1,
	  { [TASK_TID] = { "tid", "pid" },
	    [TASK_NAME] = { "comm" },
	    [TASK_CPU] = { "dest_cpu" } } },
	{ { "task_rename" },
	  on_rename,
	  0,
	  0,
	  { [TASK_TID] = { "tid", "pid" }, [TASK_NAME] = { "newcomm" } } },
	{ { "sched_process_exit" }, on_process_exit, 0, 1, { [TASK_TID] = { "tid", "pid" } } },
	{ { "sched_process_free" }, on_free, 0, 1, { [TASK_TID] = { "tid", "pid" } } },
	{ { "task_newtask" },
	  on_newtask,
	  0,
	  1,
	  { [NEW_TID] = { "tid", "pid" },
	    [NEW_NAME] = { "comm" },
	    [NEW_FLAGS] = { "clone_flags" } } },
	// The execution graph asks who ran at these.
	{ { "workqueue_queue_work", "workqueue_execute_start", "sock_send_length" },
	  on_nothing,
	  0,
	  0,
	  { { NULL } } },
	{ { "net_dev_start_xmit", "tcp_probe", "inet_sock_set_state" },
	  on_nothing,
	  0,
	  0,
	  { { NULL } } },
	{ { "sched_process_exec" },
	  on_exec,
	  0,
	  1,
	  { [EXEC_TID] = { "tid", "pid" },
	    [EXEC_OLD] = { "old_tid", "old_pid" },
	    [EXEC_FILE] = { "filename" } } },
	{ { "irq_handler_entry" },
	  on_irq_entry,
	  KERNEL_HAS_IRQ,
	  0,
	  { [IRQ_NR] = { "irq" }, [IRQ_NAME] = { "name" } } },
	{ { "irq_handler_exit" }, on_irq_exit, 0, 0, { [IRQ_NR] = { "irq" } } },
	{ { "softirq_raise", "irq_softirq_raise" },
	  on_softirq_raise,
	  KERNEL_HAS_RAISE,
	  1,
	  { { "vec" } } },
	{ { "softirq_entry", "irq_softirq_entry" },
	  on_softirq_entry,
	  KERNEL_HAS_SOFTIRQ,
	  1,
	  { { "vec" } } },
	{ { "softirq_exit", "irq_softirq_exit" }, on_softirq_exit, 0, 1, { { "vec" } } },
	{ { "lttng_statedump_process_state" },
	  on_statedump,
	  0,
	  1,
	  { [DUMP_TID] = { "tid" },
	    [DUMP_PID] = { "pid" },
	    [DUMP_NAME] = { "name" },
	    [DUMP_PPID] = { "ppid" },
	    [DUMP_STATUS] = { "status" } } },
};

/* perf's records; they tell nothing of their CPU. */
static const struct kernel_rule perf_rules[] = {
	{ { "perf:comm" },
	  on_perf,
	  0,
	  2,
	  { [PERF_TID] = { "tid" }, [PERF_PID] = { "pid" }, [PERF_NAME] = { "comm" } } },
	{ { "perf:sample" }, on_perf, 0, 2, { [PERF_TID] = { "tid" }, [PERF_PID] = { "pid" } } },
	{ { "perf:fork" },
	  on_perf_fork,
	  0,
	  2,
	  { [PERF_TID] = { "tid" },
	    [PERF_PID] = { "pid" },
	    [PERF_PPID] = { "ppid" },
	    [PERF_PTID] = { "ptid" } } },
};

/* LTTng's fork has more fields than ftrace's, and the same names for others. */
static const struct kernel_rule forks[] = {
	{ { "sched_process_fork" },
	  on_fork,
	  0,
	  2,
	  { [FORK_CHILD] = { "child_tid" },
	    [FORK_NAME] = { "child_comm" },
	    [FORK_CHILD_PID] = { "child_pid" },
	    [FORK_PARENT_TID] = { "parent_tid" },
	    [FORK_PARENT_PID] = { "parent_pid" } } },
	{ { "sched_process_fork" },
	  on_fork,
	  0,
	  2,
	  { [FORK_CHILD] = { "child_pid" },
	    [FORK_NAME] = { "child_comm" },
	    [FORK_PARENT_TID] = { "parent_pid" } } },
};

/* Events of system calls: a class for each call, or one for all with the number in a field. */
static const struct call_rule {
	const char *prefix; /* what follows is the call's name; NULL: @whole is all there is */
	const char *whole;
	bool exit;
	bool wants_ret; /* without a field of that name it is no exit, but the next that fits */
	bool compat;
} call_rules[] = {
	{ .whole = "exit_syscall", .exit = true },
	{ .whole = "sys_exit", .exit = true, .wants_ret = true },
	{ .whole = "sys_enter" },
	{ .prefix = "syscall_entry_" },
	{ .prefix = "syscall_exit_", .exit = true },
	{ .prefix = "compat_syscall_entry_", .compat = true },
	{ .prefix = "compat_syscall_exit_", .exit = true, .compat = true },
	{ .prefix = "sys_enter_" },
	{ .prefix = "sys_exit_", .exit = true, .wants_ret = true },
	{ .prefix = "compat_sys_", .compat = true },
	{ .prefix = "sys_" },
};

/* Which of the two names it has, from 0; -1: none. */
static int find_field(const struct sonde_event_class *cls, const char *const names[2],
		      struct field_ref *ret)
{
	for (int i = 0; i < 2 && names[i]; i++) {
		if (field_find(cls, SONDE_SCOPE_PAYLOAD, names[i], ret))
			return i;
	}
	*ret = (struct field_ref){ .type = NULL };
	return -1;
}

static bool rule_fits(const struct kernel_rule *r, const char *name,
		      const struct sonde_event_class *cls, struct kernel_event *ev)
{
	bool named = false;

	for (size_t i = 0; i < MEM_LEN(r->names) && r->names[i]; i++)
		named |= !strcmp(r->names[i], name);
	if (!named)
		return false;
	ev->second = 0;
	for (unsigned f = 0; f < KERNEL_FIELDS_MOST; f++) {
		const int which = find_field(cls, r->fields[f], &ev->fields[f]);

		if (which < 0 && f < r->n_need)
			return false;
		if (which == 1)
			ev->second |= 1u << f;
	}
	ev->handle = r->handle;
	return true;
}

static bool call_fits(const struct call_rule *r, const char *name,
		      const struct sonde_event_class *cls, struct kernel_event *ev)
{
	static const char *const ids[2] = { "id", "nr" }, *const rets[2] = { "ret" };
	const size_t n = r->prefix ? strlen(r->prefix) : 0;

	if (r->prefix ? strncmp(name, r->prefix, n) || !name[n] : strcmp(name, r->whole) != 0)
		return false;
	const bool has_ret = find_field(cls, rets, &ev->fields[CALL_RET]) >= 0;
	if (r->wants_ret && !has_ret)
		return false;
	const bool by_nr = !r->prefix || !strcmp(name + n, "unknown");
	if (by_nr && find_field(cls, ids, &ev->fields[CALL_ID]) < 0 && !r->exit)
		return false;
	ev->call_name = by_nr ? NULL : name + n;
	ev->compat = r->compat;
	ev->handle = r->exit ? on_call_exit : on_call_entry;
	return true;
}

static unsigned find_rule(const struct kernel *k, const struct sonde_event_class *cls,
			  struct kernel_event *ev)
{
	// Some put the subsystem before a colon.
	const char *colon = strrchr(cls->name, ':');
	const char *name = colon ? colon + 1 : cls->name;

	for (size_t i = 0; i < MEM_LEN(perf_rules); i++) {
		ev->aside = rule_fits(&perf_rules[i], cls->name, cls, ev);
		if (ev->aside)
			return perf_rules[i].source;
	}
	for (size_t i = 0; i < MEM_LEN(rules); i++) {
		if (rule_fits(&rules[i], name, cls, ev))
			return rules[i].source;
	}
	size_t n_io, n_locks;
	const struct kernel_rule *io = kernel_io_rules(&n_io);
	for (size_t i = 0; k->watch->io && i < n_io; i++) {
		if (rule_fits(&io[i], name, cls, ev))
			return io[i].source;
	}
	const struct kernel_rule *locks = kernel_lock_rules(&n_locks);
	for (size_t i = 0; k->watch->lock && i < n_locks; i++) {
		if (rule_fits(&locks[i], name, cls, ev))
			return locks[i].source;
	}
	for (size_t i = 0; i < MEM_LEN(forks); i++) {
		if (rule_fits(&forks[i], name, cls, ev))
			return forks[i].source;
	}
	for (size_t i = 0; i < MEM_LEN(call_rules); i++) {
		if (!call_fits(&call_rules[i], name, cls, ev))
			continue;
		return KERNEL_HAS_CALLS;
	}
	return 0;
}

static void find_current(const struct sonde_event_class *cls, struct field_ref *ret)
{
	static const char *const names[] = { "common_pid", "tid", "perf_tid" };
	static const enum sonde_scope scopes[] = { SONDE_SCOPE_STREAM_CONTEXT,
						   SONDE_SCOPE_EVENT_CONTEXT };

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		for (size_t s = 0; s < MEM_LEN(scopes); s++) {
			if (field_find(cls, scopes[s], names[i], ret))
				return;
		}
	}
	*ret = (struct field_ref){ .type = NULL };
}

/* sched_wakeup comes behind sched_waking, often on another CPU than the waker's. */
static bool is_echo(const struct sonde_event_class *cls)
{
	const struct sonde_trace *trace = cls->stream_class->trace;
	const char *colon = strrchr(cls->name, ':');

	if (strcmp(colon ? colon + 1 : cls->name, "sched_wakeup") != 0)
		return false;
	for (size_t i = 0; i < trace->n_streams; i++) {
		for (size_t k = 0; k < trace->streams[i]->n_events; k++) {
			const char *name = trace->streams[i]->events[k]->name;

			colon = strrchr(name, ':');
			if (!strcmp(colon ? colon + 1 : name, "sched_waking"))
				return true;
		}
	}
	return false;
}

static struct kernel_int int_of(const struct field_ref *f)
{
	const struct sonde_type *t = f->type;
	const bool context = f->scope == SONDE_SCOPE_STREAM_CONTEXT;

	if (!t || !f->fixed || (t->kind != SONDE_INT && t->kind != SONDE_ENUM) ||
	    (!context && f->scope != SONDE_SCOPE_PAYLOAD))
		return (struct kernel_int){ .len = 0 };
	return (struct kernel_int){
		.off = f->off,
		.len = t->u.integer.len,
		.is_signed = t->u.integer.is_signed,
		.big_endian = t->u.integer.big_endian,
		.in_context = context,
	};
}

unsigned kernel_recorded(const struct kernel *k)
{
	unsigned sources = k->sources;

	for (size_t h = 0; h < k->n_hosts; h++) {
		const struct sonde_trace *t = k->hosts[h]->trace;

		for (size_t i = 0; i < t->n_streams; i++) {
			for (size_t e = 0; e < t->streams[i]->n_events; e++) {
				struct kernel_event ev = { .handle = NULL };

				sources |= find_rule(k, t->streams[i]->events[e], &ev);
			}
		}
	}
	return sources;
}

const struct kernel_event *kernel_resolve(struct kernel *k, const struct sonde_event_class *cls)
{
	const size_t old = k->cap_class;
	struct kernel_event *ev = arena_new(&k->arena, struct kernel_event);

	if (!ev || mem_grow(&k->by_class, &k->cap_class, (size_t)cls->index + 1) < 0)
		return NULL;
	for (size_t i = old; i < k->cap_class; i++)
		k->by_class[i] = NULL;
	ev->host = kernel_host(k, cls->stream_class->trace);
	if (!ev->host)
		return NULL;

	k->sources |= find_rule(k, cls, ev);
	ev->call = ev->call_name ? kernel_call(k, ev->call_name) : 0;
	ev->abi = (enum syscall_abi)ev->host->abi;
	if (ev->compat)
		ev->abi = ev->abi == SYSCALL_ABI_X86_64 ? SYSCALL_ABI_I386 : SYSCALL_ABI_UNKNOWN;
	// At an exec the number may have changed already, which its rule knows.
	if (ev->handle && ev->handle != on_exec && !ev->aside)
		find_current(cls, &ev->current);
	ev->own = ev->current.type && ev->handle != on_switch && ev->handle != on_waking;
	// Calls that nobody asked for.
	const bool is_call = ev->handle == on_call_entry || ev->handle == on_call_exit;
	ev->host->calls_own |= is_call && ev->current.type;
	if (is_call && !k->watch->call && !k->watch->state && !k->watch->entered &&
	    !k->watch->returned)
		ev->handle = ev->current.type ? on_nothing : NULL;
	ev->echo = ev->handle == on_waking && is_echo(cls);
	for (unsigned f = 0; f < KERNEL_FIELDS_MOST; f++)
		ev->ints[f] = int_of(&ev->fields[f]);
	ev->current_int = int_of(&ev->current);
	k->by_class[cls->index] = ev;
	return ev;
}
