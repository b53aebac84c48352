/* SPDX-License-Identifier: MIT */
/** Follows the system calls on files: what they open and close, read and write. */
#include "analysis/files/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/files/calls.h"
#include "analysis/files/told.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"
#include "model/field.h"
#include "sym/syscall_names.h"

enum { CELLS_MOST = 1 << 20 };

/* linux/sched.h, fcntl.h, ioctls.h, close_range.h */
enum {
	CLONE_SHARES = 0x400,
	FCNTL_DUP = 0,
	FCNTL_SETFD = 2,
	FCNTL_DUP_CLOEXEC = 1030,
	IOCTL_NCLEX = 0x5450,
	IOCTL_CLEX = 0x5451,
	RANGE_UNSHARE = 2,
	RANGE_CLOEXEC = 4,
};

/* The call that a thread is in, or came back from. */
struct open_call {
	bool is_open;
	const struct sonde_event_class *cls; /* of the event that told; NULL: none did */
	const struct fd_rule *rule;	     /* NULL: of none of these kinds */
	struct fd_call call;		     /* without its path, which is @file */
	int64_t begin_ns;
	int32_t file; /* of the path; FD_FILE_NONE: not told */
	bool has_path;
	/* It opened a file whose path a script may yet tell: to be counted then, or else later. */
	bool held;
	int64_t held_begin_ns, held_end_ns, held_ret;
};

struct fd_work {
	struct kernel *kernel; /* owned, as all below */
	struct fd_calls *calls;
	struct fd_tables *tables;
	struct fd_tolds *told;
	int64_t from_ns, to_ns; /* the window */
	struct open_call *open; /* by thread index */
	size_t cap_open;
	struct fd_cell *cells;
	size_t n_cells, cap_cells;
	struct u64map by_key;	/* thread and file -> cell */
	struct fd_use *threads; /* by thread index; a call of two files counts once */
	size_t cap_threads;
	struct fd_doubts doubts;
	int err; /* of a callback */
};

void fd_work_free(struct fd_work *s)
{
	if (!s)
		return;
	kernel_free(s->kernel);
	fd_calls_free(s->calls);
	fd_tables_free(s->tables);
	fd_tolds_free(s->told);
	free(s->open);
	free(s->cells);
	free(s->threads);
	u64map_fini(&s->by_key);
	free(s);
}
SONDE_DEFINE_AUTO(struct fd_work *, fd_work_free)

void fd_use_merge(struct fd_use *u, const struct fd_use *add)
{
	u->opens += add->opens;
	u->reads += add->reads;
	u->writes += add->writes;
	u->syncs += add->syncs;
	u->closes += add->closes;
	u->errors += add->errors;
	u->read_bytes = ns_after(u->read_bytes, add->read_bytes);
	u->written_bytes = ns_after(u->written_bytes, add->written_bytes);
	spread_merge(&u->took, &add->took);
}

/* Callbacks cannot fail: they note it, and fd_work_consume() tells. */
static bool failed(struct fd_work *s, int r)
{
	if (r < 0 && !s->err)
		s->err = r;
	return r < 0;
}

static int grow_zero(void *arr, size_t *cap, size_t n, size_t size)
{
	const size_t old = *cap;
	int r = mem_grow_(arr, cap, n, size);

	if (r >= 0)
		memset(*(char **)arr + old * size, 0, (*cap - old) * size);
	return r;
}

/* Counting. */

static struct fd_use *use_of_file(struct fd_work *s, const struct kernel_thread *t, int32_t file)
{
	const uint64_t key = (uint64_t)t->index << 32 | (uint32_t)file;
	uint32_t i;

	if (file < 0)
		return NULL;
	if (u64map_get(&s->by_key, key, &i))
		return &s->cells[i].use;
	if (s->n_cells >= CELLS_MOST) {
		s->doubts.over++;
		return NULL;
	}
	if (failed(s, mem_grow(&s->cells, &s->cap_cells, s->n_cells + 1)) ||
	    failed(s, u64map_put(&s->by_key, key, (uint32_t)s->n_cells)))
		return NULL;
	s->cells[s->n_cells] = (struct fd_cell){ .thread = t, .file = file };
	return &s->cells[s->n_cells++].use;
}

static struct fd_use *use_of_thread(struct fd_work *s, const struct kernel_thread *t)
{
	if (t->index >= s->cap_threads &&
	    failed(s, grow_zero(&s->threads, &s->cap_threads, (size_t)t->index + 1,
				sizeof(*s->threads))))
		return NULL;
	return &s->threads[t->index];
}

/* A call that came back. */
struct done {
	const struct kernel_thread *thread;
	int64_t begin_ns, end_ns, ret; /* @begin_ns may be KERNEL_NO_TIME */
};

/* One call, as @add says, which took its time and may have failed. */
static void count(const struct done *d, struct fd_use *u, const struct fd_use *add)
{
	if (!u)
		return;
	fd_use_merge(u, add);
	u->errors += syscall_failed(d->ret);
	if (d->begin_ns != KERNEL_NO_TIME && d->begin_ns <= d->end_ns)
		spread_add(&u->took, ns_between(d->begin_ns, d->end_ns), d->end_ns);
}

/* To the file and to the thread. */
static void count_both(struct fd_work *s, const struct done *d, int32_t file,
		       const struct fd_use *add)
{
	if (d->end_ns < s->from_ns || d->end_ns > s->to_ns)
		return;
	s->doubts.early += d->begin_ns == KERNEL_NO_TIME;
	count(d, use_of_file(s, d->thread, file), add);
	count(d, use_of_thread(s, d->thread), add);
}

static struct open_call *open_of(struct fd_work *s, const struct kernel_thread *t)
{
	if (t->index >= s->cap_open &&
	    failed(s, grow_zero(&s->open, &s->cap_open, (size_t)t->index + 1, sizeof(*s->open))))
		return NULL;
	return &s->open[t->index];
}

/* What each kind of call does. */

static bool is_open(int64_t ret)
{
	return ret != -EBADF;
}

/* The file of a descriptor of the call; where that is not known, one that is as unknown. */
static int32_t file_at(struct fd_work *s, const struct done *d, bool has, int32_t fd)
{
	int32_t file = FD_FILE_NONE;

	if (has)
		(void)failed(s, fd_tables_get(s->tables, d->thread, fd, is_open(d->ret), &file));
	else
		(void)failed(s, fd_tables_unnamed(s->tables, d->thread, NULL, -1, -1, &file));
	return file;
}

static void set_fd(struct fd_work *s, const struct done *d, int64_t fd, int32_t file, int cloexec)
{
	if (fd >= 0 && fd <= INT32_MAX)
		(void)failed(s, fd_tables_set(s->tables, d->thread, (int32_t)fd, file, cloexec));
}

static void do_open(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	int32_t file = o->file;
	const int32_t fd = d->ret >= 0 && d->ret <= INT32_MAX ? (int32_t)d->ret : -1;

	if (!o->has_path)
		(void)failed(s, fd_tables_unnamed(s->tables, d->thread, NULL, fd, -1, &file));
	set_fd(s, d, d->ret, file, fd_rule_cloexec(o->rule, o->call.has_flags, o->call.flags));
	struct open_call *last = o->has_path ? NULL : open_of(s, d->thread);
	if (!last) {
		count_both(s, d, file, &(struct fd_use){ .opens = 1 });
		return;
	}
	s->doubts.pathless++;
	last->held = true;
	last->file = file;
	last->held_begin_ns = d->begin_ns;
	last->held_end_ns = d->end_ns;
	last->held_ret = d->ret;
}

/* Counts what was held back, as no script told more of it. */
static void release_held(struct fd_work *s, const struct kernel_thread *t, struct open_call *o)
{
	const struct done d = { t, o->held_begin_ns, o->held_end_ns, o->held_ret };

	if (o->held)
		count_both(s, &d, o->file, &(struct fd_use){ .opens = 1 });
	o->held = false;
}

static void do_make(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	int32_t file = FD_FILE_NONE;

	if (d->ret < 0 || d->ret > INT32_MAX)
		return;
	// signalfd() of one that there is already changes that.
	if (o->call.has_fd && o->call.fd == d->ret)
		return;
	if (!failed(s, fd_tables_unnamed(s->tables, d->thread, fd_rule_word(o->rule),
					 (int32_t)d->ret, -1, &file)))
		set_fd(s, d, d->ret, file,
		       fd_rule_cloexec(o->rule, o->call.has_flags, o->call.flags));
}

static void do_pair(struct fd_work *s, const struct done *d, const struct open_call *o,
		    const struct sonde_event *e)
{
	int32_t fds[2], file = FD_FILE_NONE;

	if (d->ret != 0 || !fd_calls_pair(e, fds) ||
	    failed(s, fd_tables_unnamed(s->tables, d->thread, fd_rule_word(o->rule), fds[0], fds[1],
					&file)))
		return;
	for (unsigned i = 0; i < 2; i++)
		set_fd(s, d, fds[i], file,
		       fd_rule_cloexec(o->rule, o->call.has_flags, o->call.flags));
}

static void do_close(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	const int32_t file = file_at(s, d, o->call.has_fd, o->call.fd);

	count_both(s, d, file, &(struct fd_use){ .closes = 1 });
	// Whatever it says, but that there is none, it is closed then.
	if (o->call.has_fd && is_open(d->ret))
		(void)failed(s, fd_tables_close(s->tables, d->thread, (uint32_t)o->call.fd,
						(uint32_t)o->call.fd));
}

static void do_close_range(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	const struct fd_call *c = &o->call;

	if (d->ret != 0 || !c->has_fd || !c->has_fd2)
		return;
	if (c->has_flags && c->flags & RANGE_UNSHARE &&
	    failed(s, fd_tables_unshare(s->tables, d->thread)))
		return;
	if (c->has_flags && c->flags & RANGE_CLOEXEC)
		(void)failed(s, fd_tables_cloexec(s->tables, d->thread, (uint32_t)c->fd,
						  (uint32_t)c->fd2, 1));
	else
		(void)failed(s, fd_tables_close(s->tables, d->thread, (uint32_t)c->fd,
						(uint32_t)c->fd2));
}

static void do_dup(struct fd_work *s, const struct done *d, const struct open_call *o, int cloexec)
{
	if (d->ret < 0 || d->ret > INT32_MAX)
		return;
	if (o->call.has_fd)
		(void)failed(s, fd_tables_dup(s->tables, d->thread, o->call.fd, (int32_t)d->ret,
					      cloexec));
	else
		set_fd(s, d, d->ret, FD_FILE_NONE, cloexec);
}

static void do_fcntl(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	const struct fd_call *c = &o->call;

	if (d->ret < 0 || !c->has_fd2)
		return;
	if (c->fd2 == FCNTL_DUP || c->fd2 == FCNTL_DUP_CLOEXEC)
		do_dup(s, d, o, c->fd2 == FCNTL_DUP_CLOEXEC);
	else if (c->fd2 == FCNTL_SETFD && c->has_fd && c->has_flags)
		(void)failed(s, fd_tables_cloexec(s->tables, d->thread, (uint32_t)c->fd,
						  (uint32_t)c->fd, c->flags & 1));
}

static void do_ioctl(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	const struct fd_call *c = &o->call;

	if (d->ret == 0 && c->has_fd && c->has_fd2 &&
	    (c->fd2 == IOCTL_CLEX || c->fd2 == IOCTL_NCLEX))
		(void)failed(s, fd_tables_cloexec(s->tables, d->thread, (uint32_t)c->fd,
						  (uint32_t)c->fd, c->fd2 == IOCTL_CLEX));
}

static void do_transfer(struct fd_work *s, const struct done *d, const struct open_call *o)
{
	const struct fd_call *c = &o->call;
	const bool sized = fd_rule_sized(o->rule);
	const int64_t bytes = sized && d->ret > 0 ? d->ret : 0;
	struct fd_use in = { .reads = 1, .read_bytes = bytes };
	const struct fd_use out = { .writes = 1, .written_bytes = bytes };

	s->doubts.unsized += !sized && d->ret > 0;
	switch (fd_rule_kind(o->rule)) {
	case FD_READ: count_both(s, d, file_at(s, d, c->has_fd, c->fd), &in); return;
	case FD_WRITE: count_both(s, d, file_at(s, d, c->has_fd, c->fd), &out); return;
	default: break;
	}
	if (d->end_ns < s->from_ns || d->end_ns > s->to_ns)
		return;
	count(d, use_of_file(s, d->thread, file_at(s, d, c->has_fd, c->fd)), &in);
	count(d, use_of_file(s, d->thread, file_at(s, d, c->has_fd2, c->fd2)), &out);
	s->doubts.early += d->begin_ns == KERNEL_NO_TIME;
	fd_use_merge(&in, &out);
	count(d, use_of_thread(s, d->thread), &in);
}

static void do_call(struct fd_work *s, const struct done *d, const struct open_call *o,
		    const struct sonde_event *e)
{
	const struct fd_call *c = &o->call;

	switch (fd_rule_kind(o->rule)) {
	case FD_OPEN: do_open(s, d, o); break;
	case FD_MAKE: do_make(s, d, o); break;
	case FD_PAIR: do_pair(s, d, o, e); break;
	case FD_CLOSE: do_close(s, d, o); break;
	case FD_CLOSE_RANGE: do_close_range(s, d, o); break;
	case FD_DUP:
	case FD_DUP_TO: do_dup(s, d, o, fd_rule_cloexec(o->rule, c->has_flags, c->flags)); break;
	case FD_FCNTL: do_fcntl(s, d, o); break;
	case FD_IOCTL: do_ioctl(s, d, o); break;
	case FD_READ:
	case FD_WRITE:
	case FD_COPY: do_transfer(s, d, o); break;
	case FD_SYNC:
		count_both(s, d, file_at(s, d, c->has_fd, c->fd), &(struct fd_use){ .syncs = 1 });
		break;
	case FD_EXEC:
		if (d->ret == 0)
			(void)failed(s, fd_tables_exec(s->tables, d->thread));
		break;
	case FD_UNSHARE:
		if (d->ret == 0 && c->has_flags && c->flags & CLONE_SHARES)
			(void)failed(s, fd_tables_unshare(s->tables, d->thread));
		break;
	case FD_CHDIR:
		if (d->ret == 0)
			(void)failed(s, fd_tables_chdir(s->tables, d->thread, o->file));
		break;
	case FD_FCHDIR:
		if (d->ret == 0)
			(void)failed(s, fd_tables_chdir(s->tables, d->thread,
							file_at(s, d, c->has_fd, c->fd)));
		break;
	case FD_ASYNC: s->doubts.async++; break;
	case FD_FORK:
	case FD_EXIT:
	case FD_NONE: break;
	}
}

/* What the kernel model tells. */

static void on_entered(void *arg, const struct kernel_thread *t, uint32_t call,
		       const struct sonde_event *e)
{
	struct fd_work *s = arg;
	struct open_call *o = open_of(s, t);
	const struct fd_rule *rule = NULL;

	if (!o || failed(s, fd_calls_rule(s->calls, s->kernel, call, &rule)))
		return;
	// The second of two events of one call, where both kinds were recorded, tells no more.
	if (o->is_open && o->rule == rule && o->cls != e->cls)
		return;
	release_held(s, t, o);
	*o = (struct open_call){
		.rule = rule,
		.is_open = true,
		.cls = e->cls,
		.begin_ns = e->ts_ns,
		.file = FD_FILE_NONE,
	};
	if (!rule || failed(s, fd_calls_read(s->calls, rule, e, &o->call)))
		return;
	const struct sonde_span path = o->call.path;
	o->has_path = path.data && path.len;
	if (o->has_path)
		(void)failed(s, fd_tables_path(s->tables, t, o->call.has_fd ? o->call.fd : AT_FDCWD,
					       path, &o->file));
	o->call.path = (struct sonde_span){ .data = NULL };
	if (fd_rule_kind(rule) == FD_EXIT)
		fd_tables_exit(s->tables, t);
}

static void on_returned(void *arg, const struct kernel_thread *t, uint32_t call, int64_t ret,
			const struct sonde_event *e)
{
	struct fd_work *s = arg;
	struct done d = { t, KERNEL_NO_TIME, e->ts_ns, ret };
	struct open_call *o = open_of(s, t);
	struct open_call seen = { .file = FD_FILE_NONE };

	if (!o || (call && failed(s, fd_calls_rule(s->calls, s->kernel, call, &seen.rule))))
		return;
	if (o->is_open && t->call && (!call || seen.rule == o->rule)) {
		seen = *o;
		d.begin_ns = o->begin_ns;
	} else if (o->cls && !o->is_open && o->cls != e->cls && o->rule == seen.rule) {
		return; // the second event of one return
	}
	release_held(s, t, o);
	*o = (struct open_call){ .rule = seen.rule, .cls = e->cls };
	s->doubts.met |= 1U << fd_rule_kind(seen.rule);
	do_call(s, &d, &seen, e);
}

static void on_born(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct fd_work *s = arg;
	const struct open_call *o = t->parent ? open_of(s, t->parent) : NULL;
	const bool shares = o && o->is_open && fd_rule_kind(o->rule) == FD_FORK &&
			    o->call.has_flags && o->call.flags & CLONE_SHARES;

	(void)at_ns;
	(void)failed(s, fd_tables_born(s->tables, t, shares));
}

static void on_joined(void *arg, const struct kernel_thread *t)
{
	struct fd_work *s = arg;

	(void)failed(s, fd_tables_joined(s->tables, t));
}

static void on_gone(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct fd_work *s = arg;

	(void)at_ns;
	if (t->index < s->cap_open)
		release_held(s, t, &s->open[t->index]);
	fd_tables_gone(s->tables, t);
}

static const struct kernel_watch watch = {
	.entered = on_entered,
	.returned = on_returned,
	.joined = on_joined,
	.born = on_born,
	.gone = on_gone,
};

int fd_work_new(int64_t from_ns, int64_t to_ns, struct fd_work **ret)
{
	sonde_auto(fd_work_freep) struct fd_work *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for files");
	s->from_ns = from_ns;
	s->to_ns = to_ns;
	int r = fd_calls_new(&s->calls);
	if (r >= 0)
		r = fd_tables_new(&s->tables);
	if (r >= 0)
		r = fd_tolds_new(&s->told);
	if (r >= 0)
		r = kernel_new(&watch, s, from_ns, to_ns, &s->kernel);
	if (r < 0)
		return r;
	*ret = sonde_take(s);
	return 0;
}

/* Events that are no calls. */

/* A script tells what the thread's call opens, or just has opened; or there are no such calls. */
static void on_opened(struct fd_work *s, const struct kernel_thread *t, const struct fd_told *told,
		      int64_t now)
{
	struct open_call *o = open_of(s, t);
	int32_t file = FD_FILE_NONE;

	if (!o || !told->path.len ||
	    failed(s, fd_tables_path(s->tables, t, AT_FDCWD, told->path, &file)))
		return;
	if (o->is_open && fd_rule_kind(o->rule) == FD_OPEN) {
		if (!o->has_path)
			o->file = file;
		o->has_path = true;
		return;
	}
	if (o->held && o->held_ret == told->fd) {
		o->file = file;
		s->doubts.pathless--;
		release_held(s, t, o);
	} else if (!(s->doubts.met & 1U << FD_OPEN)) {
		const int64_t begin = told->took_ns >= 0 ? now - told->took_ns : KERNEL_NO_TIME;
		const struct done d = { t, begin, now, told->fd };

		count_both(s, &d, file, &(struct fd_use){ .opens = 1 });
	}
	if (told->fd >= 0)
		(void)failed(s, fd_tables_set(s->tables, t, told->fd, file, told->cloexec));
}

/* Takes what other events than calls tell, behind the model. */
static void take_told(struct fd_work *s, const struct sonde_event *e)
{
	const struct kernel_thread *t = NULL;
	struct fd_told told;
	const int r = fd_told_read(s->told, e, &told);

	if (!failed(s, r) && r)
		t = kernel_thread_met(s->kernel, e->cls->stream_class->trace, told.tid, told.pid);
	if (!t)
		return;
	s->doubts.told++;
	switch (told.kind) {
	case FD_TOLD_HAS:
		(void)failed(s, fd_tables_told(s->tables, t, told.fd, told.path, told.cloexec));
		break;
	case FD_TOLD_OPEN: on_opened(s, t, &told, e->ts_ns); break;
	case FD_TOLD_CLOSE:
		if (!(s->doubts.met & 1U << FD_CLOSE) && told.fd >= 0)
			(void)failed(s, fd_tables_close(s->tables, t, (uint32_t)told.fd,
							(uint32_t)told.fd));
		break;
	}
}

int fd_work_consume(struct fd_work *s, const struct sonde_batch *in)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++) {
		const struct sonde_event *e = &in->events[i];

		r = kernel_consume(s->kernel, &(struct sonde_batch){ e, 1 });
		if (r == 0 && e->cls)
			take_told(s, e);
		if (s->err)
			return sonde_fail(s->err, "out of memory for files");
	}
	return r;
}

int fd_work_finish(struct fd_work *s)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(s->kernel, &threads);

	for (size_t i = 0; i < n && i < s->cap_open; i++)
		release_held(s, threads[i], &s->open[i]);
	kernel_finish(s->kernel);
	return s->err ? sonde_fail(s->err, "out of memory for files") : 0;
}

struct kernel *fd_work_kernel(const struct fd_work *s)
{
	return s->kernel;
}

const struct fd_tables *fd_work_tables(const struct fd_work *s)
{
	return s->tables;
}

const struct fd_doubts *fd_work_doubts(const struct fd_work *s)
{
	return &s->doubts;
}

size_t fd_work_cells(const struct fd_work *s, const struct fd_cell **ret)
{
	*ret = s->cells;
	return s->n_cells;
}

const struct fd_use *fd_work_thread(const struct fd_work *s, const struct kernel_thread *t)
{
	return t->index < s->cap_threads ? &s->threads[t->index] : NULL;
}
