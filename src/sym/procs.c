/* SPDX-License-Identifier: MIT */
/** Keeps maps and names of processes; those of forked processes are shared until one changes. */
#include "sym/procs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"

/* So many threads that ended are still known. */
enum { ENDED_KEPT = 1 << 14, THREADS_MOST = 1 << 22 };

/* Programs that a process was before. */
enum { OLDER_KEPT = 2 };

struct mapset {
	uint32_t refs;
	struct map *maps; /* owned; sorted, disjoint */
	size_t n, cap;
};

struct proc {
	pid_t pid;
	uint32_t threads;		  /* entries of struct thread that belong to it */
	struct mapset *set;		  /* shared; NULL: nothing mapped */
	struct mapset *older[OLDER_KEPT]; /* of the programs before, the last one first */
};

struct thread {
	pid_t tid, pid;
	uint64_t ended; /* number of its end, from 1; 0: it runs */
	char comm[COMM_MOST];
};

struct procs {
	struct proc *procs; /* owned; dense */
	size_t n_procs, cap_procs;
	struct thread *threads; /* owned; dense */
	size_t n_threads, cap_threads;
	struct u64map by_pid, by_tid;
	uint64_t n_ended;
	pid_t ended[ENDED_KEPT]; /* the tid of end number n is at (n - 1) % ENDED_KEPT */
};

static void set_unref(struct mapset *s)
{
	if (!s || --s->refs)
		return;
	free(s->maps);
	free(s);
}

static void unref_all(struct proc *pr)
{
	set_unref(pr->set);
	for (size_t i = 0; i < OLDER_KEPT; i++)
		set_unref(pr->older[i]);
}

int procs_new(struct procs **ret)
{
	struct procs *p = calloc(1, sizeof(*p));

	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	*ret = p;
	return 0;
}

void procs_free(struct procs *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_procs; i++)
		unref_all(&p->procs[i]);
	free(p->procs);
	free(p->threads);
	u64map_fini(&p->by_pid);
	u64map_fini(&p->by_tid);
	free(p);
}

static struct proc *find_proc(const struct procs *p, pid_t pid)
{
	uint32_t i;

	return u64map_get(&p->by_pid, (uint32_t)pid, &i) ? &p->procs[i] : NULL;
}

static struct thread *find_thread(const struct procs *p, pid_t tid)
{
	uint32_t i;

	return u64map_get(&p->by_tid, (uint32_t)tid, &i) ? &p->threads[i] : NULL;
}

static int make_proc(struct procs *p, pid_t pid, struct proc **ret)
{
	*ret = find_proc(p, pid);
	if (*ret)
		return 0;
	int r = mem_grow(&p->procs, &p->cap_procs, p->n_procs + 1);
	if (!r)
		r = u64map_put(&p->by_pid, (uint32_t)pid, (uint32_t)p->n_procs);
	if (r < 0)
		return r;
	*ret = &p->procs[p->n_procs++];
	**ret = (struct proc){ .pid = pid };
	return 0;
}

/* The last one takes its place. */
static void drop_proc(struct procs *p, struct proc *pr)
{
	unref_all(pr);
	u64map_del(&p->by_pid, (uint32_t)pr->pid);
	struct proc *last = &p->procs[--p->n_procs];
	if (last != pr) {
		*pr = *last;
		(void)u64map_replace(&p->by_pid, (uint32_t)pr->pid, (uint32_t)(pr - p->procs));
	}
}

static void leave_proc(struct procs *p, pid_t pid)
{
	struct proc *pr = find_proc(p, pid);

	if (pr && --pr->threads == 0)
		drop_proc(p, pr);
}

static void drop_thread(struct procs *p, struct thread *t)
{
	pid_t pid = t->pid;

	u64map_del(&p->by_tid, (uint32_t)t->tid);
	struct thread *last = &p->threads[--p->n_threads];
	if (last != t) {
		*t = *last;
		(void)u64map_replace(&p->by_tid, (uint32_t)t->tid, (uint32_t)(t - p->threads));
	}
	leave_proc(p, pid);
}

/* The thread, made where it is not there; one of that number in another process is over. */
static int make_thread(struct procs *p, pid_t pid, pid_t tid, struct thread **ret)
{
	struct thread *t = find_thread(p, tid);
	struct proc *pr = NULL;

	if (t && t->pid != pid) {
		drop_thread(p, t);
		t = NULL;
	}
	if (t) {
		*ret = t;
		return 0;
	}
	int r = p->n_threads < THREADS_MOST
			? 0
			: sonde_fail(-ENOMEM, "more than %d threads", THREADS_MOST);
	if (!r)
		r = mem_grow(&p->threads, &p->cap_threads, p->n_threads + 1);
	if (!r)
		r = make_proc(p, pid, &pr);
	if (!r)
		r = u64map_put(&p->by_tid, (uint32_t)tid, (uint32_t)p->n_threads);
	if (r < 0 || !pr)
		return r;
	pr->threads++;
	*ret = &p->threads[p->n_threads++];
	**ret = (struct thread){ .tid = tid, .pid = pid };
	return 0;
}

/* A set of its own for the process, with room for @n maps. */
static int own_set(struct proc *pr, size_t n)
{
	struct mapset *s = pr->set;

	if (!s || s->refs > 1) {
		struct mapset *copy = calloc(1, sizeof(*copy));

		if (!copy)
			return sonde_fail(-ENOMEM, "out of memory");
		int r = mem_grow(&copy->maps, &copy->cap, s && s->n > n ? s->n : n);
		if (r < 0) {
			free(copy);
			return r;
		}
		if (s && s->n)
			memcpy(copy->maps, s->maps, s->n * sizeof(*s->maps));
		copy->n = s ? s->n : 0;
		copy->refs = 1;
		set_unref(s);
		pr->set = copy;
		return 0;
	}
	return mem_grow(&s->maps, &s->cap, n);
}

/* The first map that ends behind @addr. */
static size_t first_after(const struct mapset *s, uint64_t addr)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->maps[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Puts @m in; what it covers is cut or goes. There is room for two more. */
static void insert(struct mapset *s, const struct map *m)
{
	size_t i = first_after(s, m->start), gone = i;

	if (i < s->n && s->maps[i].start < m->start) {
		struct map *a = &s->maps[i];

		if (a->end > m->end) { // it goes on behind: two pieces
			memmove(a + 1, a, (s->n - i) * sizeof(*a));
			s->n++;
		}
		a->end = m->start;
		gone = ++i;
	}
	while (gone < s->n && s->maps[gone].end <= m->end)
		gone++;
	if (gone < s->n && s->maps[gone].start < m->end) {
		s->maps[gone].off += m->end - s->maps[gone].start;
		s->maps[gone].start = m->end;
	}
	memmove(&s->maps[i + 1], &s->maps[gone], (s->n - gone) * sizeof(*s->maps));
	s->n = s->n - (gone - i) + 1;
	s->maps[i] = *m;
}

int procs_mmap(struct procs *p, pid_t pid, const struct map *map)
{
	struct proc *pr = find_proc(p, pid);
	struct thread *t;

	if (map->start >= map->end)
		return 0;
	if (!pr) {
		int r = make_thread(p, pid, pid, &t);
		if (r < 0)
			return r;
		pr = find_proc(p, pid);
	}
	if (!pr)
		return 0;
	size_t n = pr->set ? pr->set->n : 0;
	if (n >= MAPS_MOST)
		return 0;
	int r = own_set(pr, n + 2);
	if (r < 0)
		return r;
	insert(pr->set, map);
	return 0;
}

int procs_comm(struct procs *p, pid_t pid, pid_t tid, const char *comm, size_t comm_len, bool exec)
{
	struct thread *t = NULL;
	int r = make_thread(p, pid, tid, &t);

	if (r < 0 || !t)
		return r;
	comm_len = strnlen(comm, comm_len < COMM_MOST - 1 ? comm_len : COMM_MOST - 1);
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, comm, comm_len);
	t->ended = 0;
	struct proc *pr = exec ? find_proc(p, pid) : NULL;
	if (pr && pr->set) {
		set_unref(pr->older[OLDER_KEPT - 1]);
		memmove(&pr->older[1], &pr->older[0], (OLDER_KEPT - 1) * sizeof(pr->older[0]));
		pr->older[0] = pr->set;
		pr->set = NULL;
	}
	return 0;
}

int procs_fork(struct procs *p, pid_t pid, pid_t tid, pid_t ppid, pid_t ptid)
{
	struct thread *t = find_thread(p, tid), *parent;

	if (t)
		drop_thread(p, t); // an earlier one of that number, whose end was not seen
	int r = make_thread(p, pid, tid, &t);
	if (r < 0 || !t)
		return r;
	parent = find_thread(p, ptid);
	if (parent)
		memcpy(t->comm, parent->comm, sizeof(t->comm));
	if (pid == ppid)
		return 0;
	struct proc *child = find_proc(p, pid), *from = find_proc(p, ppid);
	if (!child)
		return 0;
	set_unref(child->set);
	child->set = from ? from->set : NULL;
	if (child->set)
		child->set->refs++;
	return 0;
}

int procs_exit(struct procs *p, pid_t pid, pid_t tid)
{
	struct thread *t = find_thread(p, tid);

	if (!t || t->pid != pid || t->ended)
		return 0;
	t->ended = ++p->n_ended;
	pid_t *place = &p->ended[(t->ended - 1) % ENDED_KEPT];
	pid_t oldest = *place;
	*place = tid;
	if (t->ended > ENDED_KEPT) {
		struct thread *old = find_thread(p, oldest);

		if (old && old->ended == p->n_ended - ENDED_KEPT)
			drop_thread(p, old);
	}
	return 0;
}

static bool find_in(const struct mapset *s, uint64_t addr, struct map *ret)
{
	const size_t i = s ? first_after(s, addr) : 0;

	if (!s || i == s->n || s->maps[i].start > addr)
		return false;
	*ret = s->maps[i];
	return true;
}

bool procs_find(const struct procs *p, pid_t pid, uint64_t addr, struct map *ret)
{
	const struct proc *pr = find_proc(p, pid);

	return pr && find_in(pr->set, addr, ret);
}

bool procs_find_older(const struct procs *p, pid_t pid, uint64_t addr, struct map *ret)
{
	const struct proc *pr = find_proc(p, pid);

	for (size_t i = 0; pr && i < OLDER_KEPT; i++) {
		if (find_in(pr->older[i], addr, ret))
			return true;
	}
	return false;
}

bool procs_has_maps(const struct procs *p, pid_t pid)
{
	const struct proc *pr = find_proc(p, pid);

	return pr && pr->set;
}

const char *procs_name(const struct procs *p, pid_t pid, pid_t tid)
{
	const struct thread *t = find_thread(p, tid);

	if (!t || !t->comm[0])
		t = find_thread(p, pid);
	return t && t->comm[0] ? t->comm : NULL;
}

size_t procs_count(const struct procs *p)
{
	return p->n_procs;
}
