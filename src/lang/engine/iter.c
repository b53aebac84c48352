/* SPDX-License-Identifier: MIT */
/**
 * Runs the programs of iterators. They go over all tasks or files in one go, so that a thread of
 * their own does it while the ring is being read.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"
#include "lang/world.h"

static int drop_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	return 0; // programs write to the ring
}

static bool is_iter(const struct script_prog *p)
{
	return p->probe->attach.kind == ATTACH_ITER;
}

static void *run_all(void *arg)
{
	struct engine *e = arg;
	const uint64_t one = 1;
	int r = 0;

	for (size_t i = 0; !r && i < e->script->n_progs; i++) {
		if (!is_iter(&e->script->progs[i]))
			continue;
		r = bpf_iter_run(e->progs[i], drop_text, NULL);
		if (r < 0)
			r = sonde_wrap(r, "probe '%s'", e->script->progs[i].probe->name);
	}
	e->iter.err = r;
	if (r < 0)
		(void)snprintf(e->iter.words, sizeof(e->iter.words), "%s", sonde_err_str());
	(void)!write(e->iter.done_fd, &one, sizeof(one));
	return NULL;
}

int engine_iter_start(struct engine *e)
{
	bool some = false;

	for (size_t i = 0; i < e->script->n_progs; i++)
		some |= is_iter(&e->script->progs[i]);
	if (!some)
		return 0;
	e->iter.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->iter.done_fd < 0)
		return sonde_fail_errno(-errno, "cannot run iterators");
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = e->iter.done_fd };
	if (epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->iter.done_fd, &ev) < 0)
		return sonde_fail_errno(-errno, "cannot wait for iterators");
	int r = -pthread_create(&e->iter.thread, NULL, run_all, e);
	if (r < 0)
		return sonde_fail_errno(r, "cannot run iterators");
	e->iter.runs = true;
	return 0;
}

bool engine_iter_done(struct engine *e)
{
	uint64_t n;

	(void)!read(e->iter.done_fd, &n, sizeof(n));
	engine_iter_end(e);
	return attachments_n(e->attachments) == 0;
}

void engine_iter_end(struct engine *e)
{
	if (e->iter.runs)
		(void)pthread_join(e->iter.thread, NULL);
	e->iter.runs = false;
	mem_closep(&e->iter.done_fd);
	e->iter.done_fd = -1;
}
