/* SPDX-License-Identifier: MIT */
/** The source of samples: perf's rings in, sample streams and the symbol folder out. */
#include "record/sampler.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "perf/proc_scan.h"
#include "perf/record.h"
#include "perf/rings.h"
#include "record/sample_events.h"
#include "record/symbols.h"
#include "sym/probe/tracefs.h"

enum {
	CLOCK_RING = 1 << 20,
	CLOCK_RING_DWARF = 1 << 24,
	TASKS_RING = 1 << 18,
	STACK_COPY = 1 << 15,
	CALLS_RING = 1 << 24,
	CALL_STACK_COPY = 1 << 13, /* there are many more calls than samples */
	LOOK_MS = 50, /* so soon a file that was hit is opened, if it is deleted meanwhile */
};

struct sampler {
	struct recording *rec;
	bool on;     /* samples are wanted and permitted */
	bool failed; /* the writer has: nothing more is worth its time */
	int timer;   /* owned */
	struct sample_rings rings;
	struct writer_stream **streams; /* owned array; by index of CPU */
	struct writer_stream **calls;	/* owned array, likewise; or NULL */
	struct procs *procs;		/* owned */
	struct u64map ids; /* a file by inode -> the same by build-id, both in rec->symbols->dsos */
	uint64_t scan_ns;  /* the time that a scan's events get */
	uint64_t samples, lost, lost_tasks, throttled;
	struct unwind unwind; /* the walk of one stack at a time */
	pid_t unwind_pid;
	uint64_t stacks, cut_stacks; /* that were walked; whose copy was too short */
	uint64_t n_calls, lost_calls;
	uint64_t call_stacks, cut_call_stacks;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Time never runs backwards in a stream: a record that was late gets the time of the last. */
static uint64_t time_in(const struct writer_stream *s, uint64_t time)
{
	return s->n_events && time < s->last_ts ? s->last_ts : time;
}

/* Gives a file that only has an inode its build-id, while the process is there to ask. */
static int with_build_id(struct sampler *s, const struct sample_map *m, uint32_t dso, uint32_t *ret)
{
	struct dso key = s->rec->symbols->dsos.all[dso];

	*ret = dso;
	if (key.id.len || !key.ino || u64map_get(&s->ids, dso, ret))
		return 0;
	if (object_live_id(m->pid, m->addr, m->addr + m->len, key.path, key.ino, &key.id)) {
		int r = dsos_intern(&s->rec->symbols->dsos, &key, strlen(key.path), ret);
		if (r < 0)
			return r == -E2BIG ? 0 : r;
	}
	return u64map_put(&s->ids, dso, *ret);
}

static int take_map(struct sampler *s, struct writer_stream *out, uint64_t time,
		    const struct sample_map *m, size_t path_len)
{
	struct sample_map named = *m;
	uint32_t dso;

	if (!(m->prot & PROT_EXEC) || !m->len || m->addr + m->len < m->addr)
		return 0;
	int r = dsos_intern(&s->rec->symbols->dsos, m->file, path_len, &dso);
	if (r == -E2BIG)
		return 0;
	if (!r)
		r = with_build_id(s, m, dso, &dso);
	if (r < 0)
		return r;
	named.file = &s->rec->symbols->dsos.all[dso];
	r = sample_write_map(out, time, &named);
	if (r < 0)
		return r;
	const struct map map = { m->addr, m->addr + m->len, m->off, dso };
	return procs_mmap(s->procs, m->pid, &map);
}

static int take_comm(struct sampler *s, struct writer_stream *out, uint64_t time,
		     const struct sample_task *t)
{
	int r = sample_write_comm(out, time, t);

	return r < 0 ? r : procs_comm(s->procs, t->pid, t->tid, t->comm, t->comm_len, t->exec);
}

static int scan_comm(void *arg, const struct sample_task *t)
{
	struct sampler *s = arg;

	return take_comm(s, s->streams[0], s->scan_ns, t);
}

static int scan_map(void *arg, const struct sample_map *m, size_t path_len)
{
	struct sampler *s = arg;

	return take_map(s, s->streams[0], s->scan_ns, m, path_len);
}

/* Tells of all that runs already. */
static int scan(struct sampler *s, uint64_t time)
{
	const struct proc_scan to = { .arg = s, .comm = scan_comm, .map = scan_map };

	// Inodes are used again in time; those of one scan are all there at once.
	u64map_fini(&s->ids);
	s->scan_ns = time_in(s->streams[0], time);
	return proc_scan(&to, s->rec->opts->pids, s->rec->opts->n_pids);
}

/* Records of processes were lost: all that is known of them may be wrong from here on. */
static int forget(struct sampler *s, uint64_t time, uint64_t n)
{
	struct writer_stream *out = s->streams[0];
	struct procs *fresh = NULL;

	s->lost_tasks += n;
	int r = procs_new(&fresh);
	if (r < 0)
		return r;
	procs_free(s->procs);
	s->procs = fresh;
	s->rec->procs = fresh;
	r = sample_write_forget(out, time_in(out, time), n);
	return r < 0 ? r : scan(s, time);
}

/* Remembers what code the sample hit. Callers are looked up at the call, not behind it. */
static int note_hits(struct sampler *s, const struct sample *e)
{
	int r = 0;
	struct map map;

	for (uint32_t i = 0; !r && i < e->n_kernel; i++)
		r = symbols_kernel(s->rec->symbols, e->kernel[i] - (i > 0));
	for (uint32_t i = 0; !r && i < e->n_user; i++) {
		uint64_t addr = e->user[i] - (i > 0);

		if (procs_find(s->procs, e->pid, addr, &map))
			r = symbols_user(s->rec->symbols, &map, e->pid, addr);
	}
	return r;
}

/* For unwind_walk(): what is known of a place in the process whose stack it walks. */
static struct cfi *find_cfi(void *arg, uint64_t pc, uint64_t *ret_vaddr)
{
	struct sampler *s = arg;
	struct object *ob;
	struct cfi *cfi;
	struct map map;

	if (!procs_find(s->procs, s->unwind_pid, pc, &map) ||
	    objects_get(&s->rec->symbols->objects, &map, s->unwind_pid, &ob) < 0 || !ob->elf ||
	    !elf_file_vaddr(ob->elf, pc - map.start + map.off, ret_vaddr) ||
	    object_cfi(ob, &cfi) < 0)
		return NULL;
	return cfi;
}

/* Walks the copied stack; the frames live until the next one. */
static bool walk_stack(struct sampler *s, struct sample *e, const struct sample_copy *copy)
{
	if (!copy->regs || !copy->is_64)
		return false;
	s->unwind.regs = copy->regs;
	s->unwind.stack = copy->stack;
	s->unwind.find = find_cfi;
	s->unwind.arg = s;
	s->unwind_pid = e->pid;
	unwind_walk(&s->unwind);
	e->user = s->unwind.frames;
	e->n_user = s->unwind.n;
	return true;
}

static int take_sample(struct sampler *s, struct writer_stream *out,
		       const struct perf_event_header *h)
{
	struct sample_copy copy;
	struct sample e;

	const struct sample_parts parts = { .n_regs = s->rings.wish.user_stack ? unwind_n_regs()
									       : 0 };
	if (!perf_record_sample(h, parts, &e, &copy))
		return 0;
	if (parts.n_regs && walk_stack(s, &e, &copy)) {
		s->stacks++;
		s->cut_stacks += s->unwind.cut;
	}
	e.time = time_in(out, e.time);
	int r = sample_write(out, &e);
	if (r < 0)
		return r;
	s->samples++;
	return note_hits(s, &e);
}

/* A call with the stack of who made it. */
static int take_call(struct sampler *s, struct writer_stream *out,
		     const struct perf_event_header *h)
{
	const struct sample_parts parts = { .has_raw = true, .n_regs = unwind_n_regs() };
	struct sample_call call;
	struct sample_copy copy;
	struct sample e;

	if (!perf_record_sample(h, parts, &e, &copy) || !sample_call_read(copy.raw, &call))
		return 0;
	if (walk_stack(s, &e, &copy)) {
		s->call_stacks++;
		s->cut_call_stacks += s->unwind.cut;
	}
	e.time = time_in(out, e.time);
	int r = sample_write_call(out, &e, &call);
	if (r < 0)
		return r;
	s->n_calls++;
	return note_hits(s, &e);
}

static int take_lost(struct sampler *s, struct writer_stream *out, enum rings_kind kind,
		     uint64_t time, const struct perf_event_header *h)
{
	uint64_t n;

	if (!perf_record_lost(h, &n) || !n)
		return 0;
	if (kind == RINGS_TASKS)
		return forget(s, time, n);
	// The calls themselves are events of the kernel: no more than their stacks is lost.
	if (kind == RINGS_POINTS) {
		s->lost_calls += n;
		return 0;
	}
	s->lost += n;
	return writer_lost(out, n);
}

static int take_task(struct sampler *s, struct writer_stream *out, uint64_t time,
		     const struct perf_event_header *h)
{
	struct sample_task t;
	struct sample_map m;
	struct dso file;
	size_t path_len;
	int r;

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		if (!perf_record_map(h, &m, &file, &path_len))
			return 0;
		return take_map(s, out, time, &m, path_len);
	case PERF_RECORD_COMM: return perf_record_comm(h, &t) ? take_comm(s, out, time, &t) : 0;
	case PERF_RECORD_FORK:
		if (!perf_record_task(h, &t))
			return 0;
		r = sample_write_fork(out, time, &t);
		return r < 0 ? r : procs_fork(s->procs, t.pid, t.tid, t.ppid, t.ptid);
	case PERF_RECORD_EXIT:
		if (!perf_record_task(h, &t))
			return 0;
		r = sample_write_exit(out, time, &t);
		return r < 0 ? r : procs_exit(s->procs, t.pid, t.tid);
	default: return 0;
	}
}

static int take_record(void *arg, size_t cpu_index, enum rings_kind kind,
		       const struct perf_event_header *h)
{
	struct sampler *s = arg;
	const bool is_call = kind == RINGS_POINTS;
	struct writer_stream *out = (is_call ? s->calls : s->streams)[cpu_index];
	uint64_t time = 0;

	if (!perf_record_time(h, &time))
		return 0;
	time = time_in(out, time);
	switch (h->type) {
	case PERF_RECORD_SAMPLE: return is_call ? take_call(s, out, h) : take_sample(s, out, h);
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES: return take_lost(s, out, kind, time, h);
	case PERF_RECORD_THROTTLE: s->throttled++; return 0;
	default: return is_call ? 0 : take_task(s, out, time, h);
	}
}

static int open_stream(struct sampler *s, const char *what, uint64_t id, int cpu,
		       struct writer_stream **ret)
{
	char name[32];
	const struct writer_stream_opts opts = { .name = name, .id = id, .cpu = cpu };

	snprintf(name, sizeof(name), "%s_%d", what, cpu);
	return writer_stream_new(s->rec->writer, &opts, ret);
}

static int open_streams(struct sampler *s)
{
	const size_t n = s->rings.n_cpus;
	const bool calls = s->rec->opts->call_stacks;

	s->streams = calloc(n, sizeof(*s->streams));
	s->calls = calls ? calloc(n, sizeof(*s->calls)) : NULL;
	if (!s->streams || (calls && !s->calls))
		return sonde_fail(-ENOMEM, "samples: out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct cpu_rings *c = &s->rings.cpus[i];

		int r = open_stream(s, "samples", RECORD_STREAM_SAMPLES, c->cpu, &s->streams[i]);
		if (!r && calls)
			r = open_stream(s, "calls", RECORD_STREAM_CALLS, c->cpu, &s->calls[i]);
		for (int k = 0; k < RINGS_N && !r; k++) {
			if (c->of[k].fd >= 0)
				r = recording_watch(s->rec, c->of[k].fd);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_timer(struct sampler *s)
{
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer < 0)
		return sonde_fail_errno(-errno, "samples: no timer");
	return recording_watch(s->rec, s->timer);
}

static int start_timer(struct sampler *s)
{
	const struct timespec each = { .tv_nsec = LOOK_MS * 1000000L };
	const struct itimerspec spec = { each, each };

	if (timerfd_settime(s->timer, 0, &spec, NULL) != 0)
		return sonde_fail_errno(-errno, "samples: no timer");
	return 0;
}

/* Those that wait: FUTEX_WAIT, _LOCK_PI, _WAIT_BITSET, _WAIT_REQUEUE_PI and _LOCK_PI2. */
static const char waits[] =
	"op == 0 || op == 128 || op == 256 || op == 384 || op == 6 || op == 134 || "
	"op == 9 || op == 137 || op == 265 || op == 393 || op == 11 || op == 139 || "
	"op == 267 || op == 395 || op == 13 || op == 141";

static int wish_for_calls(struct sampler *s)
{
	const char *top;
	char path[PATH_MAX], text[32] = "";

	int r = tracing_mount(&top);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/events/syscalls/sys_enter_futex/id", top);
	FILE *f = fopen(path, "re");
	const bool known = f && fgets(text, sizeof(text), f);
	if (f)
		fclose(f);
	if (!known)
		return sonde_fail(-ENOTSUP, "no stacks of futex calls: this kernel has no event "
					    "syscalls:sys_enter_futex");
	s->rings.wish.point = strtoull(text, NULL, 10);
	s->rings.wish.filter = waits;
	s->rings.wish.point_stack = CALL_STACK_COPY;
	s->rings.size[RINGS_POINTS] = CALLS_RING;
	return 0;
}

static int open_rings(struct sampler *s)
{
	const struct record_opts *o = s->rec->opts;
	int r = perf_probe(o->n_pids ? o->pids[0] : -1, &s->rings.can);

	if (r < 0)
		return r;
	s->rings.size[RINGS_CLOCK] = o->sample_hz ? CLOCK_RING : 0;
	s->rings.size[RINGS_TASKS] = TASKS_RING;
	s->rings.wish.hz = o->sample_hz;
	s->rings.wish.period_ns = o->sample_ns;
	if (o->callgraph == RECORD_CALLGRAPH_DWARF && (o->sample_hz || o->call_stacks)) {
		r = unwind_perf_regs(&s->rings.wish.user_regs);
		if (r < 0)
			return r;
	}
	if (o->sample_hz && o->callgraph == RECORD_CALLGRAPH_DWARF) {
		s->rings.size[RINGS_CLOCK] = CLOCK_RING_DWARF;
		s->rings.wish.user_stack = STACK_COPY;
	}
	if (o->call_stacks)
		r = wish_for_calls(s);
	if (r < 0)
		return r;
	return o->n_pids ? sample_rings_open_pids(&s->rings, o->pids, o->n_pids)
			 : sample_rings_open(&s->rings);
}

static int sampler_open(void *state, struct recording *rec)
{
	struct sampler *s = state;

	s->rec = rec;
	s->timer = -1;
	const bool must = rec->opts->follow_tasks || rec->opts->call_stacks;
	if (!rec->opts->sample_hz && !must)
		return 0;
	int r = open_rings(s);
	if (r == -ENOMEM || r == -ESRCH || (r < 0 && must))
		return r;
	if (r < 0) {
		recording_note(rec, "no samples: %s", sonde_err_str());
		return 0;
	}
	if (s->rings.can.no_kernel)
		recording_note(rec, "samples show no kernel: kernel.perf_event_paranoid permits "
				    "only user space; be root to see both");
	r = procs_new(&s->procs);
	if (r < 0)
		return r;
	rec->procs = s->procs;
	sample_events_describe(rec->desc);
	if (rec->opts->call_stacks)
		sample_calls_describe(rec->desc);
	s->on = true;
	r = open_timer(s);
	return r < 0 ? r : open_streams(s);
}

static int sampler_start(void *state)
{
	struct sampler *s = state;

	if (!s->on)
		return 0;
	// What runs already gets a time before any record of what begins from here on.
	const uint64_t begin = now_ns();
	int r = sample_rings_start(&s->rings, RINGS_TASKS);
	if (!r)
		r = scan(s, begin);
	if (!r)
		r = sample_rings_start(&s->rings, RINGS_CLOCK);
	if (!r)
		r = sample_rings_start(&s->rings, RINGS_POINTS);
	return r < 0 ? r : start_timer(s);
}

static int flush_stream(const struct sampler *s, struct writer_stream *out)
{
	return s->rings.ended ? writer_finish(out, now_ns()) : writer_flush(out);
}

static int sampler_drain(void *state, bool flush)
{
	struct sampler *s = state;

	uint64_t ticks;

	if (!s->on || s->failed)
		return 0;
	const bool due = read(s->timer, &ticks, sizeof(ticks)) > 0;
	int r = sample_rings_drain(&s->rings, flush || due ? DRAIN_OLD : DRAIN_IF_MUCH, take_record,
				   s);
	for (size_t i = 0; !r && flush && i < s->rings.n_cpus; i++) {
		r = flush_stream(s, s->streams[i]);
		if (!r && s->calls)
			r = flush_stream(s, s->calls[i]);
	}
	s->failed = r < 0;
	return r;
}

static int sampler_stop(void *state)
{
	struct sampler *s = state;

	if (s->on)
		sample_rings_stop(&s->rings);
	return 0;
}

static void note_cut(const struct sampler *s, uint64_t cut, uint64_t n, const char *whose, int kib)
{
	if (cut)
		recording_note(s->rec,
			       "%llu of %llu user stacks%s were deeper than the %d KiB that are "
			       "copied: their outer frames are missing",
			       (unsigned long long)cut, (unsigned long long)n, whose, kib);
}

static int sampler_finish(void *state)
{
	struct sampler *s = state;

	if (!s->on)
		return 0;
	if (s->throttled)
		recording_note(s->rec, "the kernel held samples back %llu times: a lower -F helps",
			       (unsigned long long)s->throttled);
	if (s->lost_tasks)
		recording_note(s->rec, "%llu records of processes were lost; some names are too",
			       (unsigned long long)s->lost_tasks);
	if (s->lost_calls)
		recording_note(s->rec,
			       "%llu stacks of futex calls were lost: of these waits no caller "
			       "is known",
			       (unsigned long long)s->lost_calls);
	note_cut(s, s->cut_stacks, s->stacks, "", STACK_COPY >> 10);
	note_cut(s, s->cut_call_stacks, s->call_stacks, " of futex calls", CALL_STACK_COPY >> 10);
	return 0;
}

static void sampler_close(void *state)
{
	struct sampler *s = state;

	mem_closep(&s->timer);
	sample_rings_close(&s->rings);
	procs_free(s->procs);
	u64map_fini(&s->ids);
	free(s->streams);
	free(s->calls);
}

static void sampler_count(const void *state, struct record_counts *ret)
{
	const struct sampler *s = state;

	ret->samples += s->samples;
	ret->lost_samples += s->lost;
	ret->events += s->n_calls;
}

const struct record_source source_samples = {
	.name = "samples",
	.state_size = sizeof(struct sampler),
	.open = sampler_open,
	.start = sampler_start,
	.drain = sampler_drain,
	.stop = sampler_stop,
	.finish = sampler_finish,
	.close = sampler_close,
	.count = sampler_count,
};
