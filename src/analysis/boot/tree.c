/* SPDX-License-Identifier: MIT */
/** Processes from the threads of the kernel model and the chains of the execution graph. */
#include "analysis/boot/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"

void boot_tree_fini(struct boot_tree *t)
{
	free(t->all);
	free(t->process);
	free(t->next_thread);
	*t = (struct boot_tree){ .root = BOOT_NONE };
}

enum boot_shade boot_shade_of(enum exec_type type)
{
	switch (type) {
	case EXEC_RUNNING: return BOOT_RUN;
	case EXEC_PREEMPTED: return BOOT_WAIT;
	case EXEC_BLOCK_DEVICE: return BOOT_DISK;
	case EXEC_BLOCKED:
	case EXEC_TIMER:
	case EXEC_NETWORK:
	case EXEC_INTERRUPTED:
	case EXEC_IPI: return BOOT_BLOCKED;
	default: return BOOT_OTHER;
	}
}

static uint64_t key_of(const struct kernel_host *h, int64_t pid)
{
	return (uint64_t)h->trace->index << 40 ^ (uint64_t)pid;
}

/* The process that @t belongs to, or a new one. */
static int process_of(struct boot_tree *t, struct u64map *by_pid, const struct kernel_thread *th,
		      uint32_t *ret)
{
	const int64_t pid = th->pid > 0 ? th->pid : th->tid;
	const uint64_t key = key_of(th->host, pid);
	// One that took over its process's number by an exec is a thread of it, too.
	const bool leads = th->tid == pid && !(th->parent && th->parent->pid == pid);
	uint32_t i;

	if (u64map_get(by_pid, key, &i) && !(leads && t->all[i].has_leader)) {
		*ret = i;
		return 0;
	}
	int r = u64map_put(by_pid, key, (uint32_t)t->n);
	if (r < 0)
		return r;
	t->all[t->n] = (struct boot_process){
		.host = th->host,
		.leader = th,
		.pid = pid,
		.begin_ns = INT64_MAX,
		.end_ns = INT64_MIN,
		.threads = BOOT_NONE,
		.parent = BOOT_NONE,
		.first = BOOT_NONE,
		.next = BOOT_NONE,
	};
	*ret = (uint32_t)t->n++;
	return 0;
}

/* Adds up what a thread did by then. */
static void add_chain(struct boot_tree *t, struct boot_process *p, const struct kernel_thread *th,
		      int64_t to_ns)
{
	const struct exec_graph *g = exec_build_graph(t->build);
	const uint32_t w = exec_build_worker(t->build, th);
	const struct exec_worker *chain = w == EXEC_NONE ? NULL : &g->workers[w];

	if (!chain || chain->first == EXEC_NONE || g->vertices[chain->first].ts_ns > to_ns)
		return;
	const int64_t begin = g->vertices[chain->first].ts_ns;
	const int64_t last = g->vertices[chain->last].ts_ns, end = last < to_ns ? last : to_ns;
	p->begin_ns = begin < p->begin_ns ? begin : p->begin_ns;
	p->end_ns = end > p->end_ns ? end : p->end_ns;
	for (uint32_t v = g->vertices[chain->first].next; v != EXEC_NONE; v = g->vertices[v].next) {
		const struct exec_vertex *x = &g->vertices[v];
		int64_t *ns = &p->ns[boot_shade_of((enum exec_type)x->type)];

		*ns = ns_after(*ns, ns_between(g->vertices[x->prev].ts_ns,
					       x->ts_ns < to_ns ? x->ts_ns : to_ns));
		if (x->ts_ns >= to_ns)
			break;
	}
}

static int add_threads(struct boot_tree *t, struct u64map *by_pid, int64_t to_ns)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(exec_build_kernel(t->build), &threads);
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		t->process[i] = t->next_thread[i] = BOOT_NONE;
		if (threads[i]->tid <= 0 || threads[i]->begin_ns > to_ns)
			continue;
		r = process_of(t, by_pid, threads[i], &t->process[i]);
		if (r < 0)
			return r;
		struct boot_process *p = &t->all[t->process[i]];
		if (!p->has_leader && threads[i]->tid == p->pid) {
			p->leader = threads[i];
			p->has_leader = true;
		}
		t->next_thread[i] = p->threads;
		p->threads = (uint32_t)i;
		p->n_threads++;
		add_chain(t, p, threads[i], to_ns);
	}
	return 0;
}

/* Names, and what is exact of begins and ends. */
static void describe(struct boot_tree *t)
{
	struct exec_start e;

	for (size_t i = 0; i < t->n; i++) {
		struct boot_process *p = &t->all[i];
		const uint32_t w = exec_build_worker(t->build, p->leader);
		int64_t until;

		p->name = w == EXEC_NONE ? p->leader->name
					 : exec_build_name(t->build, w, INT64_MAX, &until);
		p->born =
			p->leader->begin_ns != KERNEL_NO_TIME && p->leader->begin_ns <= p->begin_ns;
		p->gone = p->leader->state == KERNEL_GONE && p->leader->end_ns <= p->end_ns;
	}
	for (size_t i = 0; exec_build_exec(t->build, i, &e); i++) {
		const uint32_t at = boot_tree_of(t, e.worker);

		if (at == BOOT_NONE)
			continue;
		t->all[at].file = e.file;
		t->all[at].n_execs++;
	}
}

static uint32_t parent_of(const struct boot_tree *t, const struct u64map *by_pid, uint32_t i)
{
	const struct boot_process *p = &t->all[i];
	uint32_t up = BOOT_NONE;

	if (p->leader->parent)
		up = t->process[p->leader->parent->index];
	else if (p->leader->ppid > 0)
		(void)u64map_get(by_pid, key_of(p->host, p->leader->ppid), &up);
	return up == i ? BOOT_NONE : up;
}

/* Numbers are used again, and traces lie: nobody is below itself. */
static int cut_circles(struct boot_tree *t)
{
	// Which walk upwards was the first to meet each.
	sonde_auto(mem_freep) uint32_t *met = malloc((t->n + 1) * sizeof(*met));

	if (!met)
		return sonde_fail(-ENOMEM, "out of memory for the processes");
	memset(met, 0xff, (t->n + 1) * sizeof(*met));
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t at = i, below = BOOT_NONE;

		for (; at != BOOT_NONE && met[at] == BOOT_NONE; at = t->all[at].parent) {
			met[at] = i;
			below = at;
		}
		if (at != BOOT_NONE && met[at] == i && below != BOOT_NONE)
			t->all[below].parent = BOOT_NONE;
	}
	return 0;
}

/* Into the list of its parent, or the roots', in order of time. */
static void put_into_list(struct boot_tree *t, uint32_t i, uint32_t *last)
{
	struct boot_process *p = &t->all[i];

	p->next = BOOT_NONE;
	if (*last != BOOT_NONE)
		t->all[*last].next = i;
	else if (p->parent == BOOT_NONE)
		t->root = i;
	else
		t->all[p->parent].first = i;
	*last = i;
}

struct birth {
	int64_t begin_ns;
	uint32_t process;
};

static int by_time(const void *a, const void *b)
{
	const struct birth *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

static int make_lists(struct boot_tree *t)
{
	sonde_auto(mem_freep) struct birth *order = calloc(t->n + 1, sizeof(*order));
	sonde_auto(mem_freep) uint32_t *last = malloc((t->n + 1) * sizeof(*last));

	if (!order || !last)
		return sonde_fail(-ENOMEM, "out of memory for the processes");
	t->root = BOOT_NONE;
	for (uint32_t i = 0; i < t->n; i++) {
		order[i] = (struct birth){ t->all[i].begin_ns, i };
		t->all[i].first = BOOT_NONE;
	}
	memset(last, 0xff, (t->n + 1) * sizeof(*last));
	qsort(order, t->n, sizeof(*order), by_time);
	for (size_t k = 0; k < t->n; k++) {
		const uint32_t i = order[k].process;
		const uint32_t up = t->all[i].parent;

		put_into_list(t, i, &last[up == BOOT_NONE ? t->n : up]);
	}
	return 0;
}

int boot_tree_make(const struct exec_build *b, int64_t to_ns, struct boot_tree *ret)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(exec_build_kernel(b), &threads);
	struct boot_tree t = { .build = b, .root = BOOT_NONE };
	struct u64map by_pid = { 0 };

	// There are not more processes than threads.
	t.all = calloc(n + 1, sizeof(*t.all));
	t.process = malloc((n + 1) * sizeof(*t.process));
	t.next_thread = malloc((n + 1) * sizeof(*t.next_thread));
	int r = t.all && t.process && t.next_thread
			? add_threads(&t, &by_pid, to_ns)
			: sonde_fail(-ENOMEM, "out of memory for the processes");
	if (r >= 0)
		describe(&t);
	for (uint32_t i = 0; r >= 0 && i < t.n; i++)
		t.all[i].parent = parent_of(&t, &by_pid, i);
	u64map_fini(&by_pid);
	if (r >= 0)
		r = cut_circles(&t);
	if (r >= 0)
		r = make_lists(&t);
	if (r < 0)
		boot_tree_fini(&t);
	else
		*ret = t;
	return r;
}

uint32_t boot_tree_next(const struct boot_tree *t, uint32_t at, bool below)
{
	if (below && t->all[at].first != BOOT_NONE)
		return t->all[at].first;
	while (at != BOOT_NONE && t->all[at].next == BOOT_NONE)
		at = t->all[at].parent;
	return at == BOOT_NONE ? BOOT_NONE : t->all[at].next;
}

/* Takes @i out of its parent's list, to stand among the roots. */
static void cut_off(struct boot_tree *t, uint32_t i)
{
	const uint32_t up = t->all[i].parent;
	uint32_t *at = up == BOOT_NONE ? &t->root : &t->all[up].first;

	while (*at != i)
		at = &t->all[*at].next;
	*at = t->all[i].next;
	t->all[i].parent = BOOT_NONE;
	t->all[i].next = t->root;
	t->root = i;
}

void boot_tree_choose(struct boot_tree *t, uint32_t root)
{
	uint32_t up = root;

	// What is below another that was chosen stays there.
	for (; up != BOOT_NONE && !t->all[up].inside; up = t->all[up].parent)
		;
	if (up == BOOT_NONE)
		cut_off(t, root);
	for (uint32_t i = root; i != BOOT_NONE; i = boot_tree_next(t, i, true)) {
		if (i != root && t->all[i].parent == BOOT_NONE)
			break;
		t->all[i].inside = true;
	}
}

void boot_tree_chosen(struct boot_tree *t, bool all)
{
	t->begin_ns = INT64_MAX;
	t->end_ns = INT64_MIN;
	for (uint32_t i = t->root; i != BOOT_NONE; i = boot_tree_next(t, i, true)) {
		struct boot_process *p = &t->all[i];

		p->depth = p->parent == BOOT_NONE ? 0 : t->all[p->parent].depth + 1;
		p->inside |= all;
		if (!p->inside || p->begin_ns > p->end_ns)
			continue;
		t->n_inside++;
		t->begin_ns = p->begin_ns < t->begin_ns ? p->begin_ns : t->begin_ns;
		t->end_ns = p->end_ns > t->end_ns ? p->end_ns : t->end_ns;
	}
}

uint32_t boot_tree_of(const struct boot_tree *t, uint32_t worker)
{
	const struct kernel_thread *th = exec_build_who(t->build, worker).thread;

	return th ? t->process[th->index] : BOOT_NONE;
}

void boot_tree_path(struct boot_tree *t, const struct path *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct path_step *s = &p->steps[i];
		const uint32_t at = s->from == EXEC_NONE ? boot_tree_of(t, s->worker) : BOOT_NONE;

		if (at != BOOT_NONE)
			t->all[at].path_ns =
				ns_after(t->all[at].path_ns, ns_between(s->begin_ns, s->end_ns));
	}
}
