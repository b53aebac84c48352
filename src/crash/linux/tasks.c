/* SPDX-License-Identifier: MIT */
/** Tasks: the list of processes, and of each the list of its threads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "crash/linux/kernel.h"

enum { PF_KTHREAD = 0x00200000, COMM_LEN = 16, RSS_KINDS = 4, RSS_SWAP = 2 };

enum {
	TASKS,
	PID,
	TGID,
	COMM,
	STATE,
	EXIT_STATE,
	FLAGS,
	PARENT,
	SIGNAL,
	THREAD_NODE,
	UTIME,
	STIME,
	EXEC,
	START,
	MM,
	CPU,
	CRED,
	THREAD_HEAD,
	UID,
	PGD,
	TOTAL_VM,
	RSS_OLD,
	RSS,
	RSS_PERCPU,
	IDLE,
	ON_CPU,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[TASKS] = { "struct task_struct", "tasks" },
	[PID] = { "struct task_struct", "pid" },
	[TGID] = { "struct task_struct", "tgid" },
	[COMM] = { "struct task_struct", "comm" },
	[STATE] = { "struct task_struct", "__state|state" },
	[EXIT_STATE] = { "struct task_struct", "exit_state" },
	[FLAGS] = { "struct task_struct", "flags" },
	[PARENT] = { "struct task_struct", "real_parent" },
	[SIGNAL] = { "struct task_struct", "signal" },
	[THREAD_NODE] = { "struct task_struct", "thread_node" },
	[UTIME] = { "struct task_struct", "utime" },
	[STIME] = { "struct task_struct", "stime" },
	[EXEC] = { "struct task_struct", "se.sum_exec_runtime" },
	[START] = { "struct task_struct", "start_boottime|real_start_time" },
	[MM] = { "struct task_struct", "mm" },
	[CPU] = { "struct task_struct", "thread_info.cpu|cpu" },
	[CRED] = { "struct task_struct", "real_cred" },
	[THREAD_HEAD] = { "struct signal_struct", "thread_head" },
	[UID] = { "struct cred", "uid.val" },
	[PGD] = { "struct mm_struct", "pgd" },
	[TOTAL_VM] = { "struct mm_struct", "total_vm" },
	[RSS_OLD] = { "struct mm_struct", "rss_stat.count[0]" },
	[RSS] = { "struct mm_struct", "rss_stat[0].count" },
	[RSS_PERCPU] = { "struct mm_struct", "rss_stat[0].counters" },
	[ON_CPU] = { "struct task_struct", "on_cpu" },
	[IDLE] = { "struct rq", "idle" },
};

struct lister {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	uint64_t counter_size; /* between two counters of resident memory */
	struct crash_tasks *ret;
	struct u64map seen;
};

/* What the bits of a state mean, from the one that counts most on. */
static const struct {
	uint64_t bits;
	char letter;
	const char *name;
} states[] = {
	{ 0x20, 'Z', "zombie" }, { 0x10, 'X', "dead" },	   { 0x80, 'X', "dead" },
	{ 0x402, 'I', "idle" },	 { 0x40, 'P', "parked" },  { 0x04, 'T', "stopped" },
	{ 0x08, 't', "traced" }, { 0x02, 'D', "blocked" }, { 0x01, 'S', "sleeping" },
};

static void set_state(struct crash_task *t, uint64_t state)
{
	t->state = state ? '?' : 'R';
	t->state_name = state ? "unknown" : "running";
	for (size_t i = 0; i < MEM_LEN(states); i++) {
		if ((state & states[i].bits) != states[i].bits)
			continue;
		t->state = states[i].letter;
		t->state_name = states[i].name;
		return;
	}
}

/* One kind of resident pages: a sum, and since 6.2 what each CPU has not added yet. */
static int64_t rss_of(struct lister *l, uint64_t mm, unsigned kind)
{
	const struct kfield *sum = l->f[RSS].type ? &l->f[RSS] : &l->f[RSS_OLD];
	uint64_t at = mm + kind * l->counter_size, percpu;
	int64_t pages = (int64_t)linux_field_or(l->k, at, sum, 0);

	if (!l->f[RSS].type || linux_read_field(l->k, at, &l->f[RSS_PERCPU], &percpu) < 0)
		return pages;
	for (size_t i = 0; i < l->k->n_cpus; i++) {
		int32_t part;

		if (l->k->cpus[i].online && l->k->cpus[i].has_memory &&
		    !linux_read(l->k, percpu + l->k->cpus[i].offset, &part, sizeof(part)))
			pages += part;
	}
	return pages;
}

static void set_memory(struct lister *l, struct crash_task *t, uint64_t mm)
{
	const uint64_t page = 1ull << l->k->mem.layout.page_bits;
	int64_t pages = 0;

	t->space = linux_field_or(l->k, mm, &l->f[PGD], 0);
	t->vsz = linux_field_or(l->k, mm, &l->f[TOTAL_VM], 0) * page;
	for (unsigned kind = 0; kind < RSS_KINDS; kind++)
		pages += kind == RSS_SWAP ? 0 : rss_of(l, mm, kind);
	t->rss = pages > 0 ? (uint64_t)pages * page : 0;
}

static const char *keep_comm(struct lister *l, uint64_t task)
{
	char comm[COMM_LEN + 1] = "?";

	if (l->f[COMM].type)
		(void)space_string(&l->k->mem, task + l->f[COMM].off, comm, sizeof(comm));
	return arena_strndup(&l->k->core->arena, comm, strlen(comm));
}

/*
 * The scheduler knows exactly how long a task ran, but how much of it in the kernel only by ticks:
 * /proc shows the exact sum, parted as the ticks are. Where the kernel counts both exactly they are
 * its sum already.
 */
static void set_run_times(struct lister *l, struct crash_task *t)
{
	uint64_t user = linux_field_or(l->k, t->addr, &l->f[UTIME], 0);
	uint64_t in_kernel = linux_field_or(l->k, t->addr, &l->f[STIME], 0);
	uint64_t ran = linux_field_or(l->k, t->addr, &l->f[EXEC], user + in_kernel);

	t->user_ns = user;
	t->system_ns = in_kernel;
	if (!ran || ran >> 63)
		return;
	if (!in_kernel)
		user = ran;
	else if (!user)
		user = 0;
	else
		user = ran - (uint64_t)((double)ran *
					((double)in_kernel / ((double)user + (double)in_kernel)));
	t->user_ns = user;
	t->system_ns = ran - user;
}

static void set_cpu(struct lister *l, struct crash_task *t)
{
	struct linux_kernel *k = l->k;

	// Where the CPU does not tell what it ran, tasks do.
	if (t->cpu >= 0 && (size_t)t->cpu < k->n_cpus && !k->cpus[t->cpu].current &&
	    linux_field_or(k, t->addr, &l->f[ON_CPU], 0))
		k->cpus[t->cpu].current = t->addr;
	for (size_t i = 0; i < k->n_cpus; i++) {
		if (k->cpus[i].current != t->addr)
			continue;
		t->on_cpu = true;
		t->crashed = k->cpus[i].crashed;
		t->cpu = (int)i;
	}
}

/* False: it is not in the dump. */
static bool fill(struct lister *l, uint64_t task, struct crash_task *t)
{
	struct linux_kernel *k = l->k;
	uint64_t pid, parent, cred, mm;

	if (linux_read_field(k, task, &l->f[PID], &pid) < 0)
		return false;
	*t = (struct crash_task){
		.addr = task,
		.tid = (int32_t)pid,
		.pid = (int32_t)linux_field_or(k, task, &l->f[TGID], pid),
		.start_ns = linux_field_or(k, task, &l->f[START], 0),
		.cpu = (int)linux_field_or(k, task, &l->f[CPU], UINT64_MAX),
		.is_kernel = linux_field_or(k, task, &l->f[FLAGS], 0) & PF_KTHREAD,
	};
	set_run_times(l, t);
	set_state(t, linux_field_or(k, task, &l->f[STATE], 0) |
			     linux_field_or(k, task, &l->f[EXIT_STATE], 0));
	if (!linux_read_field(k, task, &l->f[PARENT], &parent))
		t->ppid = (int32_t)linux_field_or(k, parent, &l->f[TGID], 0);
	if (!linux_read_field(k, task, &l->f[CRED], &cred))
		t->uid = (uint32_t)linux_field_or(k, cred, &l->f[UID], 0);
	if (!linux_read_field(k, task, &l->f[MM], &mm) && mm)
		set_memory(l, t, mm);
	set_cpu(l, t);
	return true;
}

/* 1: the list goes on; 0: it was there before, or is not in the dump; -ENOMEM. */
static int add(struct lister *l, uint64_t task, bool idle)
{
	uint32_t before;
	struct crash_task t;

	if (u64map_get(&l->seen, task, &before))
		return 0;
	if (l->ret->n >= LINUX_TASKS_MOST) {
		l->ret->cut = "there are too many";
		return 0;
	}
	if (!fill(l, task, &t)) {
		l->ret->cut = "a task is not in the dump";
		return 0;
	}
	t.is_idle = idle;
	t.comm = keep_comm(l, task);
	if (!t.comm)
		return -ENOMEM;
	int r = mem_grow(&l->ret->all, &l->ret->cap, l->ret->n + 1);
	if (!r)
		r = u64map_put(&l->seen, task, (uint32_t)l->ret->n);
	if (r < 0)
		return r;
	l->ret->all[l->ret->n++] = t;
	return 1;
}

static int add_threads(struct lister *l, uint64_t leader)
{
	struct linux_list list;
	uint64_t signal;
	int r = 1;

	if (!l->f[THREAD_HEAD].type || linux_read_field(l->k, leader, &l->f[SIGNAL], &signal) < 0)
		return 0;
	linux_list_begin(&list, signal + l->f[THREAD_HEAD].off);
	while (r >= 0 && linux_list_next(l->k, &list)) {
		uint64_t task = list.at - l->f[THREAD_NODE].off;

		r = task == leader ? 1 : add(l, task, false);
		if (!r && l->ret->cut == NULL)
			l->ret->cut = "a list of threads goes round";
		if (!r)
			break;
	}
	if (list.cut)
		l->ret->cut = list.cut;
	return r < 0 ? r : 0;
}

static int add_all(struct lister *l, uint64_t init_task)
{
	struct linux_list list;
	int r = 0;

	linux_list_begin(&list, init_task + l->f[TASKS].off);
	while (!r && linux_list_next(l->k, &list)) {
		uint64_t task = list.at - l->f[TASKS].off;

		r = add(l, task, false);
		if (!r) {
			if (!l->ret->cut)
				l->ret->cut = "the list of processes goes round";
			break;
		}
		r = r < 0 ? r : add_threads(l, task);
	}
	if (list.cut)
		l->ret->cut = list.cut;
	return r < 0 ? r : 0;
}

/* Each CPU has a task for when there is none; they are in no list. */
static int add_idle(struct lister *l)
{
	uint64_t rq, task;
	int r = 0;

	if (!linux_symbol(l->k, "runqueues", &rq))
		return 0;
	for (size_t i = 0; r >= 0 && i < l->k->n_cpus; i++) {
		const struct linux_cpu *cpu = &l->k->cpus[i];
		const char *cut = l->ret->cut;

		if (!cpu->online ||
		    linux_read_field(l->k, rq + cpu->offset, &l->f[IDLE], &task) < 0)
			continue;
		r = add(l, task, true);
		l->ret->cut = cut;
		if (r > 0)
			l->ret->all[l->ret->n - 1].cpu = (int)i;
	}
	return r < 0 ? r : 0;
}

static int by_tid(const void *a, const void *b)
{
	const struct crash_task *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

int linux_tasks(struct crash_core *c, struct crash_tasks *ret)
{
	struct lister l = { .k = linux_of(c), .ret = ret };
	uint64_t init_task;

	*ret = (struct crash_tasks){ 0 };
	kfield_find_all(l.k->types, wanted, FIELDS, l.f);
	if (!linux_symbol(l.k, "init_task", &init_task) || !l.f[TASKS].type || !l.f[PID].type)
		return sonde_fail(-EBADMSG, "neither symbols nor types tell where tasks are");
	l.counter_size = l.f[RSS].type ? kfield_sizeof(l.k->types, "struct percpu_counter") : 8;
	int r = add_all(&l, init_task);
	if (!r)
		r = add_idle(&l);
	u64map_fini(&l.seen);
	if (r < 0) {
		crash_tasks_fini(ret);
		return r;
	}
	if (ret->n)
		qsort(ret->all, ret->n, sizeof(*ret->all), by_tid);
	return 0;
}

int linux_read_user(struct crash_core *c, const struct crash_task *t, uint64_t va, void *ret,
		    size_t n)
{
	struct linux_kernel *k = linux_of(c);
	uint64_t pa, len;
	struct space user;

	if (!t->space)
		return -EFAULT;
	int r = space_translate(&k->mem, t->space, &pa, &len);
	if (r < 0)
		return r;
	struct space_layout layout = k->mem.layout;
	layout.root = pa;
	layout.upper = false;
	r = space_init(&user, k->mem.dump, &layout);
	if (r < 0)
		return r;
	r = space_read(&user, va, ret, n);
	space_fini(&user);
	return r;
}
