/* SPDX-License-Identifier: MIT */
/**
 * Follows processes by perf's records of maps, programs, forks and ends, as the recorder does.
 *
 * A program that nobody ran before is opened as soon as it is seen, so that one which is deleted
 * before the end keeps its names.
 */
#include "lang/engine/processes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "perf/proc_scan.h"
#include "perf/record.h"
#include "perf/rings.h"
#include "sym/demangle.h"
#include "sym/object.h"
#include "sym/procs.h"

enum { TASKS_RING = 1 << 18, DRAIN_NS = 20000000 };

struct processes {
	struct sample_rings rings;
	bool follows;
	uint64_t drained_ns;
	struct procs *procs; /* owned */
	struct dsos dsos;
	struct objects objects; /* of dsos */
	bool scans; /* what is told now runs for long: not all of its files need be opened */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int take_map(struct processes *p, const struct sample_map *m, size_t path_len)
{
	struct object *ob;
	uint32_t dso;

	if (!(m->prot & PROT_EXEC) || !m->len || m->addr + m->len < m->addr)
		return 0;
	int r = dsos_intern(&p->dsos, m->file, path_len, &dso);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	const struct map map = { m->addr, m->addr + m->len, m->off, dso };
	r = procs_mmap(p->procs, m->pid, &map);
	if (r < 0 || p->scans)
		return r;
	return objects_get(&p->objects, &map, m->pid, &ob);
}

static int scan_map(void *arg, const struct sample_map *m, size_t path_len)
{
	return take_map(arg, m, path_len);
}

/* @pid 0: all. */
static int scan(struct processes *p, pid_t pid)
{
	const struct proc_scan to = { .arg = p, .map = scan_map };

	p->scans = !pid; // one may end, and its files with its namespace
	int r = proc_scan(&to, &pid, pid ? 1 : 0);
	p->scans = false;
	return r;
}

/* Records were lost: all is learnt anew. */
static int forget(struct processes *p)
{
	struct procs *fresh = NULL;
	int r = procs_new(&fresh);

	if (r < 0)
		return r;
	procs_free(p->procs);
	p->procs = fresh;
	return scan(p, 0);
}

static int take_record(void *arg, size_t cpu_index, enum rings_kind kind,
		       const struct perf_event_header *h)
{
	struct processes *p = arg;
	struct sample_task t;
	struct sample_map m;
	struct dso file;
	size_t path_len;
	uint64_t lost;

	(void)cpu_index;
	(void)kind;
	switch (h->type) {
	case PERF_RECORD_MMAP2:
		return perf_record_map(h, &m, &file, &path_len) ? take_map(p, &m, path_len) : 0;
	case PERF_RECORD_COMM:
		if (!perf_record_comm(h, &t))
			return 0;
		return procs_comm(p->procs, t.pid, t.tid, t.comm, t.comm_len, t.exec);
	case PERF_RECORD_FORK:
		if (!perf_record_task(h, &t))
			return 0;
		return procs_fork(p->procs, t.pid, t.tid, t.ppid, t.ptid);
	case PERF_RECORD_EXIT:
		return perf_record_task(h, &t) ? procs_exit(p->procs, t.pid, t.tid) : 0;
	case PERF_RECORD_LOST: return perf_record_lost(h, &lost) && lost ? forget(p) : 0;
	default: return 0;
	}
}

static int follow(struct processes *p, pid_t pid)
{
	p->rings.size[RINGS_TASKS] = TASKS_RING;
	int r = perf_probe(pid ? pid : -1, &p->rings.can);
	if (!r)
		r = pid ? sample_rings_open_pids(&p->rings, &pid, 1) : sample_rings_open(&p->rings);
	if (!r)
		r = sample_rings_start(&p->rings, RINGS_TASKS);
	p->follows = !r;
	// Not permitted: those that still run when they are asked for have names all the same.
	return r == -ENOMEM ? r : 0;
}

int processes_new(bool follows, pid_t pid, struct processes **ret)
{
	struct processes *p = calloc(1, sizeof(*p));

	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	p->objects.dsos = &p->dsos;
	p->objects.live = true;
	int r = procs_new(&p->procs);
	if (!r && follows)
		r = follow(p, pid);
	if (!r && follows)
		r = scan(p, pid);
	if (r < 0) {
		processes_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void processes_free(struct processes *p)
{
	if (!p)
		return;
	sample_rings_close(&p->rings);
	objects_fini(&p->objects);
	dsos_fini(&p->dsos);
	procs_free(p->procs);
	free(p);
}

static void drain(struct processes *p, enum sample_rings_drain how)
{
	if (!p->follows)
		return;
	p->drained_ns = now_ns();
	if (sample_rings_drain(&p->rings, how, take_record, p) < 0)
		p->follows = false; // no memory: from here on, what still runs has names
}

void processes_drain(struct processes *p)
{
	if (p->follows && now_ns() - p->drained_ns >= DRAIN_NS)
		drain(p, DRAIN_OLD);
}

/* What is mapped at an address; a process that is not known, but runs, is looked at now. */
static bool find_map(struct processes *p, pid_t pid, uint64_t addr, struct map *ret)
{
	if (procs_find(p->procs, pid, addr, ret))
		return true;
	// What is asked for was written before: all up to now counts, though it may have ended
	// since.
	drain(p, DRAIN_ALL);
	if (procs_find(p->procs, pid, addr, ret) || procs_find_older(p->procs, pid, addr, ret))
		return true;
	// Of those that are followed all is known.
	if (pid <= 0 || (p->follows && procs_has_maps(p->procs, pid)))
		return false;
	return scan(p, pid) == 0 && procs_find(p->procs, pid, addr, ret);
}

/* The function at an address that @map covers; NULL: there is no name for it. */
static const char *find_function(struct processes *p, pid_t pid, const struct map *map,
				 uint64_t addr, uint64_t *ret_off)
{
	const uint64_t off = addr - map->start + map->off;
	const struct symtab *t;
	struct object *ob;

	if (objects_get(&p->objects, map, pid, &ob) < 0 || !ob->elf ||
	    elf_file_functions(ob->elf, &t) < 0)
		return NULL;
	const struct sym *s = symtab_find(t, off);
	if (!s)
		return NULL;
	*ret_off = off - s->start;
	return symtab_name(t, s);
}

void processes_name(struct processes *p, pid_t pid, uint64_t addr, bool with_offset,
		    bool with_module, struct strbuf *ret)
{
	const char *name = NULL;
	uint64_t off = 0;
	struct map map;

	const bool known = find_map(p, pid, addr, &map);
	if (known)
		name = find_function(p, pid, &map, addr, &off);
	if (!name)
		strbuf_fmt(ret, "0x%" PRIx64, addr);
	else if (!demangle(name, ret))
		strbuf_str(ret, name);
	if (name && with_offset)
		strbuf_fmt(ret, "+%" PRIu64, off);
	if (!with_module)
		return;
	if (known)
		strbuf_fmt(ret, " (%s)", p->dsos.all[map.dso].path);
	else
		strbuf_str(ret, " ([unknown])");
}
