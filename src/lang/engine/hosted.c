/* SPDX-License-Identifier: MIT */
/** A run in steps, for who waits for more than a script. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"

/* Records come together for so long before they are read, as in engine.c. */
enum { GATHER_NS = 2000000, EVENTS_MOST = 8 };

int engine_new(const struct engine_options *opt, struct engine **ret)
{
	struct engine *e = malloc(sizeof(*e));

	if (!e)
		return sonde_fail(-ENOMEM, "out of memory");
	*e = engine_made(opt);
	e->is_hosted = true;
	int r = engine_set_up(e);
	if (!r) {
		e->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		r = e->timer_fd < 0 ? sonde_fail_errno(-errno, "no timer")
				    : engine_watch(e, e->timer_fd, EPOLLIN);
	}
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	engine_fini(e);
	free(e);
}

int engine_fd(const struct engine *e)
{
	return e->epoll_fd;
}

int engine_start(struct engine *e, pid_t cpid)
{
	e->globals->target_pid = (uint32_t)(cpid ? cpid : e->opt->pid);
	int r = engine_run_named(e, "BEGIN");
	if (!r && !e->globals->exiting)
		r = engine_attach(e);
	if (!r && !e->globals->exiting)
		r = engine_iter_start(e);
	return r;
}

/* Reads again so much later. */
static int arm(struct engine *e, long ns)
{
	const struct itimerspec once = { .it_value.tv_nsec = ns };

	return timerfd_settime(e->timer_fd, 0, &once, NULL) < 0
		       ? sonde_fail_errno(-errno, "cannot set a timer")
		       : 0;
}

int engine_step(struct engine *e, bool all)
{
	struct epoll_event events[EVENTS_MOST];
	const int n_events = epoll_wait(e->epoll_fd, events, EVENTS_MOST, 0);
	bool woken = false, due = all;
	uint64_t ticks;
	int r = 0, n = 0;

	for (int i = 0; i < n_events; i++) {
		const int fd = events[i].data.fd;

		woken |= fd == bpf_maps_fd(e->maps, RING_MAP);
		due |= fd == e->timer_fd && read(fd, &ticks, sizeof(ticks)) > 0;
		if (fd == e->iter.done_fd)
			(void)engine_iter_done(e); // others are recorded beside it, and go on
	}
	engine_look_at_signals(e);
	if (due)
		n = engine_read(e, all);
	if (n < 0)
		return n;
	if (n >= ENGINE_BATCH)
		r = arm(e, 1);
	else if (woken)
		r = arm(e, GATHER_NS);
	if (r < 0)
		return r;
	live_names_drain(e->names);
	engine_loss_now(e);
	e->ends |= __atomic_load_n(&e->globals->exiting, __ATOMIC_RELAXED) != 0;
	return e->ends;
}

int engine_stop(struct engine *e)
{
	engine_silence(e);
	return engine_run_end(e);
}

int engine_finish(struct engine *e, int *ret_status)
{
	int r = engine_tell_end(e);

	*ret_status = (int)e->globals->exit_status;
	return r;
}

uint64_t engine_emit_lost(const struct engine *e, uint32_t i)
{
	return __atomic_load_n(&e->emit_lost[i], __ATOMIC_RELAXED);
}

struct printer *engine_printer(struct engine *e)
{
	return &e->printer;
}
