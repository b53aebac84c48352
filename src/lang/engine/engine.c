/* SPDX-License-Identifier: MIT */
/** One run of a script: load, BEGIN, attach, read, END, maps. */
#include "lang/engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"
#include "lang/world.h"

enum {
	IDLE_MS = 100, /* losses are looked at, and what processes did */
	SOON_MS = 20,  /* the same while records come */
	/*
	 * The kernel wakes the reader when a record comes into an empty ring. It reads this much
	 * later, so that a flood of records wakes it some hundred times a second, not at each.
	 */
	GATHER_MS = 2,
	EVENTS_MOST = 8,
	READER_NICE = -15,
};

uint64_t engine_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int engine_watch(struct engine *e, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return sonde_fail_errno(-errno, "cannot wait for descriptor %d", fd);
	return 0;
}

/* The signal that a probe is for; 0: it is another probe. */
static int signal_of(const struct probe *p)
{
	return p->attach.kind == ATTACH_NONE && !strcmp(p->name, "self:signal:SIGUSR1") ? SIGUSR1
											: 0;
}

/* From here on signals wait until they are looked at: none is lost while things are set up. */
static int hold_signals(struct engine *e)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction old;
	sigset_t mask;

	(void)sigemptyset(&mask);
	for (size_t i = 0; i < MEM_LEN(ending) && !e->is_hosted; i++) {
		// What nohup set stays so.
		if (ending[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		(void)sigaddset(&mask, ending[i]);
	}
	for (size_t i = 0; i < e->script->n_progs; i++) {
		const int number = signal_of(e->script->progs[i].probe);

		if (number)
			(void)sigaddset(&mask, number);
	}
	if (e->is_hosted && sigisemptyset(&mask))
		return 0;
	if (sigprocmask(SIG_BLOCK, &mask, &e->old_mask) < 0)
		return sonde_fail_errno(-errno, "cannot hold signals");
	e->has_mask = true;
	e->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (e->signal_fd < 0)
		return sonde_fail_errno(-errno, "cannot watch signals");
	return engine_watch(e, e->signal_fd, EPOLLIN);
}

/* A signal that the script has a probe for. */
static void run_signal_probe(struct engine *e, int number)
{
	for (size_t i = 0; i < e->script->n_progs; i++) {
		uint32_t ignored;
		const struct probe *p = e->script->progs[i].probe;

		if (signal_of(p) == number && bpf_run_once(e->progs[i], NULL, 0, &ignored) < 0)
			print_note(&e->printer, "warning", "%s: %s", p->name, sonde_err_str());
	}
}

void engine_look_at_signals(struct engine *e)
{
	struct signalfd_siginfo info;

	while (read(e->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		const int number = (int)info.ssi_signo;

		if (number == SIGINT || number == SIGTERM || number == SIGHUP)
			e->ends = true;
		else
			run_signal_probe(e, number);
	}
}

static int watch_process(struct engine *e)
{
	const struct engine_options *o = e->opt;

	if (e->is_hosted)
		return 0;
	if (o->child)
		return engine_watch(e, o->child->pidfd, EPOLLIN);
	if (!o->pid)
		return 0;
	e->pid_fd = pidfd_open(o->pid, 0);
	if (e->pid_fd < 0)
		return sonde_fail_errno(-errno, "process %d", o->pid);
	return engine_watch(e, e->pid_fd, EPOLLIN);
}

static void tell_attaching(struct engine *e)
{
	if (e->opt->quiet || e->script->d)
		return;
	print_attached(&e->printer, engine_places(e->script));
	if (e->opt->is_terminal)
		(void)out_flush(e->opt->out); // a failure is told by the next one
}

/* As dtrace does; its scripts print what they have to say on standard output. */
static void tell_matched(struct engine *e)
{
	const uint32_t n = e->script->n_matched;

	if (!e->opt->quiet && !e->script->d->quiet)
		print_note(&e->printer, "matched", "dtrace: script '%s' matched %u probe%s",
			   e->script->name ? e->script->name : "-", n, n == 1 ? "" : "s");
}

static void tell_attached(struct engine *e, uint64_t begin_ns)
{
	print_note(&e->printer, "attached",
		   "programs: %zu, maps: %zu, ring: %u KiB; places: %zu, "
		   "attached in %.1f ms",
		   e->script->n_progs, e->script->n_maps, e->script->ring_len >> 10,
		   engine_places(e->script), (double)(engine_now_ns() - begin_ns) / 1e6);
}

int engine_set_up(struct engine *e)
{
	const struct engine_options *o = e->opt;

	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0)
		return sonde_fail_errno(-errno, "cannot wait for events");
	int r = hold_signals(e);
	if (!r)
		r = watch_process(e);
	if (!r)
		r = engine_load(e);
	if (!r)
		r = engine_maps_init(e);
	if (!r)
		r = engine_watch(e, bpf_maps_fd(e->maps, RING_MAP), EPOLLIN | EPOLLET);
	if (!r)
		r = live_names_new(e->script, e->maps, o->child ? o->child->pid : o->pid,
				   &e->names);
	if (!r)
		r = attachments_new(&e->attachments);
	if (!r)
		r = speculations_init(&e->specs, e->script);
	if (r < 0)
		return r;
	e->told = calloc(e->script->n_sites + 1, sizeof(*e->told));
	if (!e->told)
		return sonde_fail(-ENOMEM, "out of memory");
	e->told_ns = engine_now_ns();
	e->printer = (struct printer){
		.script = e->script,
		.names = live_names(e->names),
		.out = o->out,
		.format = o->format,
	};
	return 0;
}

/* The process of -p, or the command's. */
static void process_ended(struct engine *e)
{
	const struct engine_options *o = e->opt;

	if (!e->ends && e->script->d && !o->quiet && !e->script->d->quiet)
		print_note(&e->printer, "exited", "dtrace: pid %d has exited",
			   o->child ? (int)o->child->pid : (int)o->pid);
	e->ends = true;
}

/* Waits for records, signals, the end of a process, or some time. */
static int wait_some(struct engine *e, int timeout_ms)
{
	const int ring_fd = bpf_maps_fd(e->maps, RING_MAP);
	bool gather = false;

	for (;;) {
		struct epoll_event events[EVENTS_MOST];
		int n = epoll_wait(e->epoll_fd, events, EVENTS_MOST, timeout_ms);

		if (n < 0 && errno != EINTR)
			return sonde_fail_errno(-errno, "cannot wait for events");
		bool woken = false;
		for (int i = 0; i < n; i++) {
			const int fd = events[i].data.fd;

			woken |= fd == ring_fd;
			if (fd == e->pid_fd || (e->opt->child && fd == e->opt->child->pidfd))
				process_ended(e);
			if (fd == e->iter.done_fd)
				e->ends |= engine_iter_done(e);
		}
		engine_look_at_signals(e);
		if (e->ends || gather || !woken || !timeout_ms)
			return 0;
		gather = true; // woken again meanwhile, the ring is filling: no more waiting
		timeout_ms = GATHER_MS;
	}
}

static int loop(struct engine *e)
{
	int n = 0;

	while (!e->ends && n >= 0) {
		n = engine_read(e, /* all= */ false);
		live_names_drain(e->names);
		engine_loss_now(e);
		e->ends |= __atomic_load_n(&e->globals->exiting, __ATOMIC_RELAXED) != 0;
		if (n < 0 || e->ends)
			break;
		// A full batch: there is more. Else a writer will wake us.
		int r = wait_some(e, n >= ENGINE_BATCH ? 0 : n ? SOON_MS : IDLE_MS);
		if (r < 0)
			return r;
	}
	return n < 0 ? n : 0;
}

/* Whoever is looked at must not keep the reader from its ring. The command has been forked. */
static void raise_priority(struct engine *e)
{
	errno = 0;
	e->old_nice = getpriority(PRIO_PROCESS, 0);
	e->raised = !errno && setpriority(PRIO_PROCESS, 0, READER_NICE) == 0;
}

void engine_lower_priority(struct engine *e)
{
	if (e->raised)
		(void)setpriority(PRIO_PROCESS, 0, e->old_nice);
	e->raised = false;
}

/* From the first program that runs to the last. */
static int run(struct engine *e)
{
	const uint64_t begin_ns = engine_now_ns();

	tell_attaching(e);
	raise_priority(e);
	int r = engine_run_named(e, "BEGIN");
	if (r < 0)
		return r;
	e->ends |= e->globals->exiting != 0;
	if (!e->ends)
		r = engine_attach(e);
	if (!r && !e->ends)
		r = engine_iter_start(e);
	if (!r && e->opt->verbose)
		tell_attached(e, begin_ns);
	if (!r && e->script->d)
		tell_matched(e);
	if (!r) // who reads a file may take the first line as a sign that all is attached
		r = out_flush(e->opt->out);
	if (!r && !e->ends && e->opt->child)
		r = child_go(e->opt->child);
	return r < 0 ? r : loop(e);
}

void engine_silence(struct engine *e)
{
	// Programs that are called while others are being detached return at once.
	if (e->globals)
		__atomic_store_n(&e->globals->exiting, 1, __ATOMIC_RELEASE);
	if (e->attachments)
		attachments_stop(e->attachments);
	engine_iter_end(e);
}

int engine_run_end(struct engine *e)
{
	if (e->iter.err < 0)
		return sonde_fail(e->iter.err, "%s", e->iter.words);
	int r = engine_read(e, /* all= */ true);
	if (r >= 0)
		r = engine_run_named(e, "END"); // alone of all it runs while exiting is set
	if (r >= 0)
		r = engine_read(e, /* all= */ true);
	return r < 0 ? r : 0;
}

int engine_tell_end(struct engine *e)
{
	int r = 0;

	live_names_drain(e->names);
	e->ends = false; // a further Ctrl-C now ends the printing
	if (e->script->print_maps_on_exit)
		r = e->script->d ? engine_aggs_print(e) : engine_maps_print(e);
	const int closed = packet_close(&e->packets);
	if (!r)
		r = closed;
	engine_loss_end(e);
	return r < 0 ? r : out_flush(e->opt->out);
}

/* What comes after the last event: all that waits, END, the maps, the losses. */
static int finish(struct engine *e)
{
	engine_silence(e);
	int r = engine_run_end(e);
	if (r < 0)
		return r;
	if (e->opt->format == PRINT_TEXT)
		out_str(e->opt->out, e->script->d ? "\n" : "\n\n");
	return engine_tell_end(e);
}

void engine_fini(struct engine *e)
{
	engine_lower_priority(e);
	engine_silence(e);
	attachments_free(e->attachments);
	for (size_t i = 0; e->progs && i < e->script->n_progs; i++)
		mem_closep(&e->progs[i]);
	free(e->progs);
	bpf_ring_free(e->ring);
	printer_fini(&e->printer);
	speculations_fini(&e->specs);
	if (packet_close(&e->packets) < 0)
		e->ends = true; // after a failure that was told already
	live_names_free(e->names);
	engine_maps_fini(e);
	bpf_maps_free(e->maps);
	free(e->told);
	mem_closep(&e->kept_fd);
	mem_closep(&e->timer_fd);
	mem_closep(&e->pid_fd);
	mem_closep(&e->signal_fd);
	mem_closep(&e->epoll_fd);
	if (e->has_mask)
		(void)sigprocmask(SIG_SETMASK, &e->old_mask, NULL);
}

struct engine engine_made(const struct engine_options *opt)
{
	return (struct engine){
		.opt = opt,
		.script = opt->script,
		.epoll_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
		.pid_fd = -1,
		.iter.done_fd = -1,
		.kept_fd = -1,
	};
}

int engine_run(const struct engine_options *opt, int *ret_status)
{
	struct engine e = engine_made(opt);

	int r = engine_set_up(&e);
	if (!r)
		r = run(&e);
	if (!r)
		r = finish(&e);
	if (!r)
		*ret_status = (int)e.globals->exit_status;
	engine_fini(&e);
	return r;
}
