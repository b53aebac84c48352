/* SPDX-License-Identifier: MIT */
/** FreeBSD's processes and their threads, from the list of all of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/freebsd/fields.h"

enum { NAME_MOST = 20, THREADS_MOST = 1 << 20, CPUS_MOST = 4096 };

/* Text that is not in the dump is empty, a number @none. */
static void read_text(struct crash_core *c, uint64_t va, char *ret, size_t cap)
{
	if (crash_read_text(c, va, ret, cap) < 0)
		*ret = '\0';
}

static int32_t read_int(struct crash_core *c, uint64_t va, int32_t none)
{
	uint64_t v;

	return crash_read_uint(c, va, 4, &v) < 0 ? none : (int32_t)v;
}

/** A walk: who is asked, where results go, and why it ended early. */
struct walk {
	struct freebsd_kernel *k;
	struct crash_tasks *to;
	int32_t crashed_tid; /* 0: not known */
	const char *cut;
};

/** "sysctl", or "pagedaemon/dom0" where a thread has a name of its own. */
static const char *thread_name(struct walk *w, const char *comm, uint64_t td)
{
	char name[2 * NAME_MOST + 2] = "", own[NAME_MOST] = "";
	const struct freebsd_kernel *k = w->k;

	read_text(k->core, td + k->offset[THREAD_NAME], own, sizeof(own));
	size_t n = strlen(comm);
	memcpy(name, comm, n);
	if (*own && strcmp(own, comm)) {
		name[n++] = '/';
		memcpy(name + n, own, strlen(own));
		n += strlen(own);
	}
	return arena_strndup(&k->core->arena, name, n);
}

static int add_thread(struct walk *w, const struct crash_task *of, uint64_t td)
{
	struct crash_core *c = w->k->core;
	struct crash_task t = *of;

	t.addr = td;
	t.tid = read_int(c, td + w->k->offset[THREAD_TID], 0);
	t.crashed = t.tid && t.tid == w->crashed_tid;
	t.cpu = read_int(c, td + w->k->offset[THREAD_ONCPU], -1);
	if (t.cpu < 0 || t.cpu >= CPUS_MOST)
		t.cpu = -1;
	t.on_cpu = t.cpu >= 0;
	if (!t.state)
		t.state = t.on_cpu ? 'R' : '?';
	t.state_name = t.on_cpu ? "running" : "unknown";
	freebsd_fill_thread(w->k, td, &t);
	t.comm = thread_name(w, of->comm, td);
	if (!t.comm)
		return -ENOMEM;
	int r = mem_grow(&w->to->all, &w->to->cap, w->to->n + 1);
	if (r < 0)
		return r;
	w->to->all[w->to->n++] = t;
	return 0;
}

/* Threads of the process at @p, of which @of says what they have in common. */
static int add_threads(struct walk *w, const struct crash_task *of, uint64_t p)
{
	const struct freebsd_kernel *k = w->k;
	struct freebsd_steps s = { 0 };
	uint64_t td;

	if (freebsd_pointer(w->k, p + k->offset[PROC_THREADS], &td) < 0) {
		w->cut = "the threads of a process are not in the dump";
		return 0;
	}
	while (td) {
		uint64_t links = td + k->offset[THREAD_PLIST];

		if (!freebsd_steps_on(&s, links) || w->to->n >= THREADS_MOST) {
			w->cut = "the list of a process' threads is broken";
			return 0;
		}
		int r = add_thread(w, of, td);
		if (r < 0)
			return r;
		if (freebsd_pointer(w->k, links, &td) < 0)
			return 0;
	}
	return 0;
}

/* All processes behind the list's head, a global variable. */
static int add_processes(struct walk *w, const char *head)
{
	struct freebsd_kernel *k = w->k;
	struct freebsd_steps s = { 0 };
	uint64_t at, p;

	if (!freebsd_symbol(k, head, &at))
		return 0;
	if (freebsd_pointer(k, at, &p) < 0) {
		w->cut = "the list of processes is not in the dump";
		return 0;
	}
	while (p) {
		uint64_t links = p + k->offset[PROC_LIST];
		char comm[NAME_MOST] = "";

		if (!freebsd_steps_on(&s, links)) {
			w->cut = "the list of processes is broken";
			return 0;
		}
		read_text(k->core, p + k->offset[PROC_COMM], comm, sizeof(comm));
		struct crash_task of = { .pid = read_int(k->core, p + k->offset[PROC_PID], -1),
					 .ppid = -1,
					 .user_ns = CRASH_UNKNOWN,
					 .system_ns = CRASH_UNKNOWN,
					 .start_ns = CRASH_UNKNOWN,
					 .uid = CRASH_UNKNOWN,
					 .comm = comm };
		freebsd_fill_process(k, p, &of);
		int r = add_threads(w, &of, p);
		if (r < 0)
			return r;
		if (freebsd_pointer(k, links, &p) < 0)
			return 0;
	}
	return 0;
}

static int by_tid(const void *a, const void *b)
{
	const struct crash_task *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int freebsd_tasks(struct crash_core *c, struct crash_tasks *ret)
{
	struct freebsd_kernel *k = freebsd_of(c);
	struct crash_tasks to = { 0 };
	struct walk w = { .k = k, .to = &to };

	if (!k->has_symbols)
		return sonde_fail(-ENOENT, "processes are found by the kernel's symbols: name the "
					   "kernel's file behind the dump (/boot/kernel/kernel)");
	if (k->missing)
		return sonde_fail(-ENOENT,
				  "the kernel does not tell '%s', or the dump has not got "
				  "it",
				  k->missing);
	if (freebsd_int(k, "dumptid", &w.crashed_tid) < 0)
		w.crashed_tid = 0;
	int r = add_processes(&w, "allproc");
	if (r == 0)
		r = add_processes(&w, "zombproc");
	if (r < 0) {
		crash_tasks_fini(&to);
		return r;
	}
	if (to.n)
		qsort(to.all, to.n, sizeof(*to.all), by_tid);
	to.cut = w.cut;
	*ret = to;
	return 0;
}
