/* SPDX-License-Identifier: MIT */
/** The recording loop. */
#include "record/session.h"
#include "record/disks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/child.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "ctf/tsdl_print.h"
#include "record/guard.h"
#include "record/symbols.h"

enum {
	SOURCES_MOST = 8,
	FLUSH_MS = 1000,
	/* nothing that happened is longer in memory alone */ EVENTS_MOST = 16,
	RECORDER_NICE = -15,
};

struct session {
	struct recording rec;
	struct symbols symbols;
	struct arena arena;
	struct describe desc;
	const struct record_source *const *sources;
	void *states[SOURCES_MOST]; /* owned */
	size_t n;		    /* opened, also those that failed to */
	struct guard guard;
	struct child child;
	int signal_fd;
	sigset_t old_mask;
	int64_t begin_ms, flushed_ms;
	unsigned signals; /* that asked to end */
	bool ends, raised;
	int old_nice;
};

int recording_watch(struct recording *rec, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = rec->watching };

	if (epoll_ctl(rec->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return sonde_fail_errno(-errno, "cannot wait for descriptor %d", fd);
	return 0;
}

void recording_note(struct recording *rec, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	rec->note(rec->note_arg, line);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Signals that end the recording become readable instead. */
static int watch_signals(struct session *s)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	s->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return sonde_fail_errno(-errno, "cannot watch signals");
	return recording_watch(&s->rec, s->signal_fd);
}

static void describe_command(struct session *s)
{
	struct strbuf text = { 0 };

	for (char *const *a = s->rec.opts->argv; a && *a; a++) {
		strbuf_str(&text, a == s->rec.opts->argv ? "" : " ");
		strbuf_str(&text, *a);
	}
	if (text.len)
		describe_env_str(&s->desc, "command", strbuf_text(&text));
	strbuf_fini(&text);
}

/* Reports must know that the others' events are not there. */
static void describe_pids(struct session *s)
{
	const struct record_opts *o = s->rec.opts;
	struct strbuf text = { 0 };

	for (size_t i = 0; i < o->n_pids; i++)
		strbuf_fmt(&text, "%s%d", i ? " " : "", (int)o->pids[i]);
	if (text.len)
		describe_env_str(&s->desc, "only_pids", strbuf_text(&text));
	strbuf_fini(&text);
}

static int open_sources(struct session *s)
{
	for (uint32_t i = 0; i < SOURCES_MOST && s->sources[i]; i++) {
		s->rec.watching = i;
		s->states[i] = calloc(1, s->sources[i]->state_size);
		if (!s->states[i])
			return sonde_fail(-ENOMEM, "%s: out of memory", s->sources[i]->name);
		s->n = i + 1;
		int r = s->sources[i]->open(s->states[i], &s->rec);
		if (r < 0)
			return r;
	}
	s->rec.watching = SOURCES_MOST;
	return 0;
}

static int write_metadata(struct session *s)
{
	struct strbuf text = { 0 };

	int r = describe_ok(&s->desc);
	if (!r)
		r = tsdl_print(&s->desc.trace, &text);
	if (!r)
		r = strbuf_ok(&text);
	if (!r)
		r = writer_metadata(s->rec.writer, strbuf_text(&text), text.len);
	strbuf_fini(&text);
	return r;
}

/* Everything up to the moment when the recording could begin. */
static int set_up(struct session *s)
{
	const struct record_opts *o = s->rec.opts;

	int r = writer_open(o->dir, o->replace, &s->rec.writer);
	if (r < 0)
		return r;
	r = o->argv ? child_check(o->argv) : 0;
	if (r < 0) {
		// As shells tell it.
		s->child.ended = true;
		s->child.status = r == -ENOENT ? 127 : 126;
		return r;
	}
	r = guard_start(&s->guard, o->dir);
	if (r < 0)
		return r;
	s->rec.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->rec.epoll_fd < 0)
		return sonde_fail_errno(-errno, "cannot wait for events");
	s->desc.arena = s->rec.arena = &s->arena;
	s->rec.desc = &s->desc;
	describe_trace(&s->desc, writer_uuid(s->rec.writer));
	describe_env_host(&s->desc);
	describe_command(s);
	describe_pids(s);

	r = watch_signals(s);
	if (!r)
		r = open_sources(s);
	if (!r && o->argv)
		r = child_hold(&s->child, o->argv, &s->old_mask);
	// Reports begin with it.
	if (!r && o->argv)
		describe_env_int(&s->desc, "command_pid", s->child.pid);
	disks_describe(&s->desc);
	if (!r)
		r = write_metadata(s);
	if (!r && o->argv)
		r = recording_watch(&s->rec, s->child.pidfd);
	s->rec.command = s->child.pid;
	return r;
}

static int start(struct session *s)
{
	int r;

	// Whoever is recorded must not keep the recorder from its rings. The command, forked
	// already, has its own priority.
	errno = 0;
	s->old_nice = getpriority(PRIO_PROCESS, 0);
	if (!errno)
		s->raised = setpriority(PRIO_PROCESS, 0, RECORDER_NICE) == 0;
	s->begin_ms = s->flushed_ms = now_ms();
	r = symbols_begin(s->rec.opts->dir);
	// Names of what runs already are told first: then they are known to all that comes.
	for (size_t i = s->n; i > 0 && !r; i--)
		r = s->sources[i - 1]->start(s->states[i - 1]);
	if (!r && s->rec.opts->argv)
		r = child_go(&s->child);
	return r;
}

/* Those that have something to read; with @flush all. */
static int drain(struct session *s, bool flush, const struct epoll_event *events, int n)
{
	bool ready[SOURCES_MOST + 1] = { 0 };
	int r = 0;

	for (int i = 0; i < n; i++)
		ready[events[i].data.u32] = true;
	// To read a ring makes events: others' wake-ups are no reason to.
	for (size_t i = 0; i < s->n && !r; i++)
		if (flush || ready[i])
			r = s->sources[i]->drain(s->states[i], flush);
	return r;
}

/* The command gets the first signal and may end in its own way; the second ends the recording. */
static void take_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		const bool runs = s->child.pid && !s->child.ended;

		if (!runs || s->signals++ > 0) {
			s->ends = true;
			continue;
		}
		// From the terminal it came to the command as well.
		if (info.ssi_code != SI_KERNEL)
			child_signal(&s->child, (int)info.ssi_signo);
	}
}

/* Milliseconds until something is to be done without being woken. */
static int wait_ms(const struct session *s)
{
	int64_t now = now_ms();
	int64_t ms = s->flushed_ms + FLUSH_MS - now;

	if (s->rec.opts->seconds > 0) {
		int64_t left = s->begin_ms + (int64_t)(s->rec.opts->seconds * 1000) - now;
		ms = left < ms ? left : ms;
	}
	return ms > 0 ? (int)ms : 0;
}

static int loop(struct session *s)
{
	struct epoll_event events[EVENTS_MOST];

	while (!s->ends) {
		int n = epoll_wait(s->rec.epoll_fd, events, EVENTS_MOST, wait_ms(s));
		if (n < 0 && errno != EINTR)
			return sonde_fail_errno(-errno, "cannot wait for events");
		take_signals(s);
		child_reap(&s->child, /* wait= */ false);

		const int64_t now = now_ms();
		const bool flush = now - s->flushed_ms >= FLUSH_MS;
		s->ends |= s->child.ended;
		s->ends |= s->rec.opts->seconds > 0 &&
			   (double)(now - s->begin_ms) >= s->rec.opts->seconds * 1000;
		if (s->ends)
			break;
		int r = drain(s, flush, events, n);
		if (r < 0)
			return r;
		s->ends |= s->rec.ends;
		if (flush)
			s->flushed_ms = now;
	}
	return 0;
}

/* Stops all sources, takes what is left. The first failure counts; the others go on regardless. */
static int stop(struct session *s)
{
	char first[512] = "";
	int err = 0;
	for (int step = 0; step < 3; step++) {
		if (step == 2 && s->raised)
			(void)setpriority(PRIO_PROCESS, 0, s->old_nice);
		for (size_t i = 0; i < s->n; i++) {
			const struct record_source *src = s->sources[i];
			int r = 0;

			if (step == 0)
				r = src->stop(s->states[i]);
			else if (step == 1)
				r = src->drain(s->states[i], /* flush= */ true);
			else if (src->finish)
				r = src->finish(s->states[i]);
			if (r < 0 && !err) {
				err = r;
				(void)snprintf(first, sizeof(first), "%s", sonde_err_str());
			}
		}
	}
	return err ? sonde_fail(err, "%s", first) : 0;
}

/* Puts the names of the code that was hit beside the streams. */
static int save_names(struct session *s)
{
	bool hidden = false;
	int r = symbols_save(&s->symbols, s->rec.opts->dir, &hidden);

	if (hidden)
		recording_note(&s->rec, "no names of kernel functions: the kernel hides its "
					"addresses; be root, or 'sysctl kernel.kptr_restrict=0'");
	if (s->symbols.full)
		recording_note(&s->rec, "more code was hit than names are kept for");
	return r;
}

static void fini(struct session *s)
{
	while (s->n) {
		s->n--;
		s->sources[s->n]->close(s->states[s->n]);
		free(s->states[s->n]);
	}
	child_fini(&s->child);
	writer_close(s->rec.writer);
	mem_closep(&s->signal_fd);
	mem_closep(&s->rec.epoll_fd);
	guard_end(&s->guard);
	(void)sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	arena_fini(&s->arena);
	symbols_fini(&s->symbols);
}

/* Bytes of all files in a folder, down to @depth more levels. */
static uint64_t bytes_of(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint64_t sum = 0;

	while (dir && (e = readdir(dir))) {
		struct stat st;
		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
		else if (S_ISDIR(st.st_mode) && depth)
			sum += bytes_of(fd, e->d_name, depth - 1);
	}
	if (dir)
		(void)closedir(dir);
	else
		mem_closep(&fd);
	return sum;
}

/* From the first event to the last, then the results. */
static int record(struct session *s, struct session_result *ret)
{
	ret->recorded = true;
	int r = start(s);
	if (!r)
		r = loop(s);
	const int64_t end_ms = now_ms();
	char words[512];
	(void)snprintf(words, sizeof(words), "%s", r < 0 ? sonde_err_str() : "");
	int stopped = stop(s);
	if (!stopped)
		stopped = save_names(s);
	if (r < 0)
		r = sonde_fail(r, "%s", words);
	else
		r = stopped;

	for (size_t i = 0; i < s->n; i++)
		s->sources[i]->count(s->states[i], &ret->counts);
	ret->seconds = (double)(end_ms - s->begin_ms) / 1000;
	return r;
}

int session_run(const struct record_opts *opts, const struct record_source *const *sources,
		void (*note)(void *arg, const char *line), void *note_arg,
		struct session_result *ret)
{
	struct session s = {
		.rec = { .watching = SOURCES_MOST,
			 .opts = opts,
			 .epoll_fd = -1,
			 .note = note,
			 .note_arg = note_arg },
		.sources = sources,
		.guard = { .fd = -1 },
		.child = { .pidfd = -1, .go_fd = -1, .error_fd = -1 },
		.signal_fd = -1,
	};

	*ret = (struct session_result){ 0 };
	symbols_init(&s.symbols);
	s.rec.symbols = &s.symbols;
	(void)sigprocmask(SIG_SETMASK, NULL, &s.old_mask);
	int r = set_up(&s);
	if (!r)
		r = record(&s, ret);
	if (ret->recorded && s.child.pid && s.child.go_fd < 0 && s.signals < 2)
		child_reap(&s.child, /* wait= */ true); // -d may end before the command
	ret->asked_status = s.rec.exit_status;
	ret->has_status = s.child.ended;
	ret->status = s.child.status;
	fini(&s);
	if (ret->recorded)
		ret->bytes = bytes_of(AT_FDCWD, opts->dir, 4);
	return r;
}
