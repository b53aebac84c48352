/* SPDX-License-Identifier: MIT */
/** Kernel events: chosen in a tracefs instance of our own, taken from its rings into packets. */
#include "record/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <traceevent/event-parse.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "record/kernel_events.h"
#include "record/ring.h"
#include "record/symbols.h"
#include "record/tracing.h"
#include "sym/probe/tracefs.h"

enum {
	RING_USUAL = 16 << 20, /* bytes of a CPU's ring */
	RING_MEMORY_SHARE = 8, /* all rings together take at most 1/8 of the memory */
	SEEN_CODE = 256,       /* slots of a cache */
	PAGE_KB = 64,	       /* of a ring's page .. */
	PAGES_LEAST = 16,      /* .. where the ring has so many */
	WAKE_PERCENT = 25,     /* of a ring filled, before it wakes us */
};

/* One CPU's ring and where it goes. */
struct kernel_cpu {
	struct ring ring;
	struct writer_stream *stream; /* owned by the writer */
	uint64_t lost;		      /* told to the stream so far */
	uint64_t dropped;	      /* taken from the ring, but the stream failed */
	uint64_t broken;	      /* pages that made no sense */
};

struct kernel_state {
	struct recording *rec;
	struct tracing *tracing;
	struct kernel_events kinds;
	uint64_t seen_code[SEEN_CODE]; /* addresses noted last, by hash */
	struct kernel_cpu *cpus;       /* owned */
	size_t n_cpus;
	uint8_t *scratch; /* owned, for records that are rewritten */
	size_t scratch_len;
	bool running;
};

/* The kernel's words on a filter that it refused: they stand in the filter file now. */
static int filter_refused(struct kernel_state *k, const struct event_pick *e, const char *file)
{
	char path[PATH_MAX];
	sonde_auto(mem_freep) char *text = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", tracing_dir(k->tracing), file);
	if (kernel_events_read(path, &text, &len) < 0 || !strstr(text, "parse_error:"))
		return sonde_fail(-EINVAL, "event '%s:%s': the kernel refuses the filter '%s'",
				  e->system, e->name, e->filter);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	return sonde_fail(-EINVAL, "event '%s:%s': the kernel refuses the filter:\n%s", e->system,
			  e->name, text);
}

static int enable_pick(struct kernel_state *k, const struct event_pick *e)
{
	char file[600];

	if (e->filter) {
		(void)snprintf(file, sizeof(file), "events/%s/%s/filter", e->system, e->name);
		int r = tracing_set(k->tracing, file, e->filter);
		if (r == -EINVAL)
			return filter_refused(k, e, file);
		if (r < 0)
			return r;
	}
	(void)snprintf(file, sizeof(file), "events/%s/%s/enable", e->system, e->name);
	return tracing_set(k->tracing, file, "1");
}

static int set_number(struct kernel_state *k, const char *file, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return tracing_set(k->tracing, file, text);
}

/* Bytes of each CPU's ring. */
static uint64_t ring_bytes(const struct recording *rec)
{
	struct sysinfo info;
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (rec->opts->buffer_bytes)
		return rec->opts->buffer_bytes;
	uint64_t bytes = RING_USUAL;
	if (!sysinfo(&info) && cpus > 0) {
		uint64_t share = (uint64_t)info.totalram * info.mem_unit / RING_MEMORY_SHARE /
				 (uint64_t)cpus;
		bytes = share < bytes ? share : bytes;
	}
	return bytes;
}

/* All threads of the processes asked for, and what they will fork. */
static int limit_pids(struct kernel_state *k)
{
	const struct record_opts *o = k->rec->opts;
	char text[64];

	if (!o->n_pids)
		return 0;
	for (size_t i = 0; i < o->n_pids; i++) {
		const struct dirent *e;

		(void)snprintf(text, sizeof(text), "/proc/%d/task", (int)o->pids[i]);
		DIR *d = opendir(text);
		if (!d)
			return sonde_fail(-ESRCH, "there is no process %d", (int)o->pids[i]);
		int r = 0;
		while (!r && (e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			(void)snprintf(text, sizeof(text), "%.20s\n", e->d_name);
			r = tracing_append(k->tracing, "set_event_pid", text);
		}
		(void)closedir(d);
		if (r < 0)
			return r;
	}
	return tracing_set(k->tracing, "options/event-fork", "1");
}

/* Ring size, clock and limits of the instance, before anything is enabled. */
static int set_up(struct kernel_state *k)
{
	// Large pages: fewer reads. Kernels before 6.8 lack it, and any page length will do.
	if (ring_bytes(k->rec) >= PAGES_LEAST * (PAGE_KB << 10))
		(void)set_number(k, "buffer_subbuf_size_kb", PAGE_KB);
	int r = set_number(k, "buffer_size_kb", (ring_bytes(k->rec) + 1023) / 1024);

	if (r == -ENOMEM)
		return sonde_fail(r,
				  "not enough memory for rings of %llu bytes on each CPU: "
				  "lower --buffer",
				  (unsigned long long)ring_bytes(k->rec));
	if (!r)
		r = tracing_set(k->tracing, "trace_clock", "mono");
	if (!r)
		r = limit_pids(k);
	if (!r)
		(void)set_number(k, "buffer_percent", WAKE_PERCENT); // kernels before 5.0 lack it
	return r;
}

/* The layout that ring_page.h knows is that of 64-bit kernels. */
static int check_page(struct kernel_state *k, size_t *ret_page_len)
{
	char path[PATH_MAX], kb[32];
	sonde_auto(mem_freep) char *text = NULL;
	const char *top = NULL;
	size_t len = 0;

	int r = tracing_mount(&top);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/events/header_page", top);
	r = kernel_events_read(path, &text, &len);
	if (r < 0)
		return r;
	tep_set_long_size(k->kinds.tep, sizeof(long));
	if (tep_parse_header_page(k->kinds.tep, text, len, sizeof(long)) < 0 ||
	    tep_get_header_page_size(k->kinds.tep) != 8)
		return sonde_fail(-ENOTSUP, "this kernel's tracing rings have an unknown layout");
	*ret_page_len = (size_t)sysconf(_SC_PAGESIZE);
	if (tracing_get(k->tracing, "buffer_subbuf_size_kb", kb, sizeof(kb)) == 0) {
		unsigned long n = strtoul(kb, NULL, 10);
		if (n && n <= 4096)
			*ret_page_len = n * 1024;
	}
	return 0;
}

static int open_cpu(struct kernel_state *k, int cpu, size_t page_len)
{
	struct kernel_cpu *c = &k->cpus[k->n_cpus];
	char name[32];

	int r = ring_open(&c->ring, tracing_dir(k->tracing), cpu, page_len,
			  k->rec->opts->map_rings);
	if (r == -ENOENT || r == -ENODEV)
		return 0; // no such CPU
	if (r < 0)
		return r;
	k->n_cpus++;
	(void)snprintf(name, sizeof(name), "kernel_%d", cpu);
	const struct writer_stream_opts opts = {
		.name = name,
		.id = RECORD_STREAM_KERNEL,
		.cpu = cpu,
	};
	r = writer_stream_new(k->rec->writer, &opts, &c->stream);
	return r < 0 ? r : recording_watch(k->rec, c->ring.fd);
}

static int open_cpus(struct kernel_state *k)
{
	const long n = sysconf(_SC_NPROCESSORS_CONF);
	size_t page_len;

	int r = check_page(k, &page_len);
	if (r < 0)
		return r;
	k->cpus = calloc((size_t)(n > 0 ? n : 1), sizeof(*k->cpus));
	k->scratch_len =
		kernel_rewrite_max(&(struct kernel_class){ .n_dyn = KERNEL_DYN_MAX }, page_len);
	k->scratch = malloc(k->scratch_len);
	if (!k->cpus || !k->scratch)
		return sonde_fail(-ENOMEM, "kernel events: out of memory");
	for (int cpu = 0; cpu < n && !r; cpu++)
		r = open_cpu(k, cpu, page_len);
	return r;
}

static int kernel_open(void *state, struct recording *rec)
{
	struct kernel_state *k = state;
	unsigned stale = 0;

	k->rec = rec;
	int r = tracing_open(&k->tracing, &stale);
	if (r < 0)
		return r;
	if (stale)
		recording_note(rec, "removed %u tracing instance%s of killed recorders", stale,
			       stale == 1 ? "" : "s");
	const char *top;
	r = tracing_mount(&top);
	if (!r)
		r = kernel_events_open(&k->kinds, top, rec);
	if (!r)
		r = set_up(k);
	for (size_t i = 0; i < k->kinds.list.n && !r; i++) {
		if (k->kinds.list.events[i].picked)
			r = enable_pick(k, &k->kinds.list.events[i]);
	}
	return r < 0 ? r : open_cpus(k);
}

static int kernel_start(void *state)
{
	struct kernel_state *k = state;

	k->running = true;
	return tracing_set(k->tracing, "tracing_on", "1");
}

static int kernel_stop(void *state)
{
	struct kernel_state *k = state;

	k->running = false;
	return tracing_set(k->tracing, "tracing_on", "0");
}

/* A record that cannot be copied as it is. */
static int take_odd(struct kernel_state *k, struct writer_stream *s, const struct kernel_class *c,
		    const struct page_record *rec, uint64_t ts)
{
	uint8_t common[KERNEL_COMMON_LEN] = { 0 };
	struct page_record whole = *rec;

	if (rec->len < KERNEL_COMMON_LEN) {
		memcpy(common, rec->data, rec->len);
		whole.data = common;
		whole.len = sizeof(common);
	}
	sonde_check(kernel_rewrite_max(c, whole.len) <= k->scratch_len);
	const size_t n = kernel_rewrite(c, whole.data, whole.len, k->scratch);
	uint8_t *p = writer_reserve(s, KERNEL_TIME_LEN + n);
	if (!p)
		return s->err;
	memcpy(p, &ts, sizeof(ts));
	memcpy(p + KERNEL_TIME_LEN, k->scratch, n);
	writer_commit(s, ts, KERNEL_TIME_LEN + n);
	return 0;
}

/* Notes the code that the record's addresses point to. Most were seen a moment ago. */
static int take_code(struct kernel_state *k, const struct kernel_class *c, const uint8_t *rec)
{
	int r = 0;

	for (unsigned i = 0; i < c->n_code && !r; i++) {
		uint64_t addr;

		memcpy(&addr, rec + c->code[i], sizeof(addr));
		uint64_t *seen = &k->seen_code[(addr ^ addr >> 12) % SEEN_CODE];
		if (addr >> 63 && *seen != addr) {
			*seen = addr;
			r = symbols_kernel(k->rec->symbols, addr);
		}
	}
	return r;
}

static const struct kernel_class no_class;

static inline int take(struct kernel_state *k, struct writer_stream *s,
		       const struct page_record *rec)
{
	// Clocks of nested contexts may be some ns apart; streams never go back.
	const uint64_t ts = rec->ts < s->last_ts ? s->last_ts : rec->ts;
	uint16_t id = KERNEL_RAW_ID;

	if (__builtin_expect(rec->len >= KERNEL_COMMON_LEN, 1))
		memcpy(&id, rec->data, sizeof(id));
	const struct kernel_class *c = id < k->kinds.n_classes ? &k->kinds.classes[id] : &no_class;
	const size_t n = kernel_copy_len(c, rec->data, rec->len);
	if (__builtin_expect(n == 0, 0))
		return take_odd(k, s, c, rec, ts);
	uint8_t *p = writer_reserve(s, KERNEL_TIME_LEN + n);
	if (__builtin_expect(!p, 0))
		return s->err;
	memcpy(p, &ts, sizeof(ts));
	memcpy(p + KERNEL_TIME_LEN, rec->data, n);
	writer_commit(s, ts, KERNEL_TIME_LEN + n);
	return c->n_code ? take_code(k, c, rec->data) : 0;
}

/* All that this CPU lost so far, by the kernel's own count. */
static uint64_t lost_total(struct kernel_state *k, const struct kernel_cpu *c)
{
	return tracing_stat(k->tracing, c->ring.cpu, "overrun") +
	       tracing_stat(k->tracing, c->ring.cpu, "commit overrun") +
	       tracing_stat(k->tracing, c->ring.cpu, "dropped events");
}

static int tell_lost(struct kernel_cpu *c, uint64_t n)
{
	if (!n)
		return 0;
	c->lost += n;
	return writer_lost(c->stream, n);
}

static int take_missed(struct kernel_state *k, struct kernel_cpu *c,
		       const struct page_missed *missed)
{
	uint64_t n = missed->n;

	if (!missed->any)
		return 0;
	if (!n) {
		// The page had no room for the number.
		uint64_t total = lost_total(k, c);
		n = total > c->lost ? total - c->lost : 0;
	}
	return tell_lost(c, n);
}

/* Leaves out what is left of the page; returns how many events that is. */
static uint64_t skip_page(struct kernel_cpu *c)
{
	struct page_record rec;
	uint64_t n = 0;

	while (page_next(&c->ring.cursor, &rec) > 0)
		n++;
	c->ring.cursor.at = c->ring.cursor.end;
	return n;
}

/* At most @pages pages of one ring. */
static int drain_cpu(struct kernel_state *k, struct kernel_cpu *c, size_t pages)
{
	struct page_missed missed;
	struct page_record rec;
	int r = 0;

	while (pages-- && (r = ring_fill(&c->ring, &missed)) > 0) {
		r = take_missed(k, c, &missed);
		if (r < 0)
			return r;
		while ((r = page_next(&c->ring.cursor, &rec)) > 0) {
			r = take(k, c->stream, &rec);
			if (r < 0) {
				c->dropped += 1 + skip_page(c);
				return r;
			}
		}
		if (r == -EBADMSG) {
			c->broken++;
			c->ring.cursor.at = c->ring.cursor.end;
		}
		// A page that is mostly empty is the newest. To read on would read of our reading.
		if (k->running && c->ring.cursor.end < c->ring.page_len / 2)
			return 0;
	}
	if (r == -EBADMSG)
		c->broken++;
	return r == -EBADMSG ? 0 : r;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* After the last drain: losses that no page told. */
static int settle(struct kernel_state *k, struct kernel_cpu *c)
{
	const uint64_t total = lost_total(k, c);
	int r = 0;

	if (total > c->lost)
		r = tell_lost(c, total - c->lost);
	if (c->broken)
		recording_note(k->rec,
			       "CPU %d: %llu pages of the ring made no sense: their events "
			       "are missing",
			       c->ring.cpu, (unsigned long long)c->broken);
	return r < 0 ? r : writer_finish(c->stream, now_ns());
}

static int kernel_drain(void *state, bool flush)
{
	struct kernel_state *k = state;
	// While it runs, no ring keeps us from the others for longer than its own size.
	const size_t pages = k->running ? ring_bytes(k->rec) / 4096 + 1 : SIZE_MAX;

	for (size_t i = 0; i < k->n_cpus; i++) {
		struct kernel_cpu *c = &k->cpus[i];
		int r = drain_cpu(k, c, pages);
		if (r >= 0 && flush)
			r = k->running ? writer_flush(c->stream) : settle(k, c);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A disk that is full ends the reading of all rings: what is still there is lost. */
static int kernel_finish(void *state)
{
	struct kernel_state *k = state;
	bool failed = false;

	for (size_t i = 0; i < k->n_cpus; i++)
		failed |= k->cpus[i].stream && k->cpus[i].stream->err;
	for (size_t i = 0; i < k->n_cpus && failed; i++) {
		struct kernel_cpu *c = &k->cpus[i];
		uint64_t left = c->dropped + tracing_stat(k->tracing, c->ring.cpu, "entries");

		c->lost += c->stream ? writer_give_up(c->stream, left) : left;
	}
	return 0;
}

static void kernel_close(void *state)
{
	struct kernel_state *k = state;

	for (size_t i = 0; i < k->n_cpus; i++)
		ring_fini(&k->cpus[i].ring);
	free(k->cpus);
	free(k->scratch);
	kernel_events_fini(&k->kinds);
	tracing_close(k->tracing);
}

static void kernel_count(const void *state, struct record_counts *ret)
{
	const struct kernel_state *k = state;

	for (size_t i = 0; i < k->n_cpus; i++) {
		const struct kernel_cpu *c = &k->cpus[i];

		ret->lost_events += c->lost;
		ret->events += c->stream ? c->stream->n_written : 0;
	}
}

const struct record_source source_kernel = {
	.name = "kernel",
	.state_size = sizeof(struct kernel_state),
	.open = kernel_open,
	.start = kernel_start,
	.drain = kernel_drain,
	.stop = kernel_stop,
	.finish = kernel_finish,
	.close = kernel_close,
	.count = kernel_count,
};
