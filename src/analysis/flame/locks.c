/* SPDX-License-Identifier: MIT */
/** Folds the stacks in which threads waited for locks, by how long they did. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/flame/ask.h"
#include "analysis/flame/flame.h"
#include "analysis/flame/lock_stacks.h"
#include "analysis/kernel.h"
#include "base/ns.h"
#include "graph/component.h"

struct lock_flame {
	struct flame_ask ask;
	struct stacks stacks;
	struct frames frames;
	struct lock_stacks waits;
	int64_t waited_ns;
	uint64_t n, bare;
	int err;
};

static bool is_wanted(const struct lock_flame *l, const struct lock_wait *w)
{
	const struct kernel_thread *t = w->thread;

	return flame_asks_for(&l->ask, "cpu", w->cpu) &&
	       (flame_asks_for(&l->ask, "pid", t->pid) ||
		(t->pid < 0 && flame_asks_for(&l->ask, "pid", t->tid)));
}

static void on_ended(void *arg, const struct lock_wait *w)
{
	struct lock_flame *l = arg;
	const int64_t ns = ns_between(w->begin_ns, w->end_ns);
	const char *kind = lock_kind_name(w->kind);
	uint32_t name, node;

	if (!is_wanted(l, w) || l->err < 0)
		return;
	l->n++;
	l->bare += !w->stack;
	l->waited_ns = ns_after(l->waited_ns, ns);
	frames_clear(&l->frames);
	int r = frames_push_thread(&l->frames, w->thread->host->trace, w->thread->pid,
				   w->thread->tid, w->thread->name);
	if (w->stack)
		frames_push_node(&l->frames, w->stack);
	else
		frames_push(&l->frames, l->frames.unknown);
	// What it waited for is on top of all.
	if (!r)
		r = stacks_name(&l->stacks, FRAME_THREAD, kind, strlen(kind), &name);
	if (!r) {
		frames_push(&l->frames, name);
		r = stacks_find(&l->stacks, l->frames.stack, l->frames.depth, &node);
	}
	if (!r)
		stacks_weigh(&l->stacks, node, (uint64_t)ns);
	l->err = r;
}

static int locks_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct lock_flame *l = sonde_component_state(c);
	int r = flame_ask_init(&l->ask, setup);

	if (!r)
		r = stacks_init(&l->stacks);
	if (!r)
		r = frames_init(&l->frames, &l->stacks, setup->note, setup->note_arg);
	return r < 0 ? r
		     : lock_stacks_init(&l->waits, &l->frames, on_ended, l, l->ask.from_ns,
					l->ask.to_ns);
}

static void locks_fini(struct sonde_component *c)
{
	struct lock_flame *l = sonde_component_state(c);

	lock_stacks_fini(&l->waits);
	frames_fini(&l->frames);
	stacks_fini(&l->stacks);
}

static int locks_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct lock_flame *l = sonde_component_state(c);
	int r = lock_stacks_consume(&l->waits, in);

	return l->err < 0 ? sonde_wrap(l->err, "stacks of threads that waited for locks") : r;
}

static void make_subtitle(const struct lock_flame *l, const struct kernel *k, struct strbuf *b)
{
	int64_t begin = 0, end = 0;

	if (kernel_span(k, &begin, &end) == 0)
		strbuf_fmt(b, "%.3f s \xc2\xb7 ", (double)ns_between(begin, end) / 1e9);
	strbuf_str(b, "waited for locks for ");
	flame_amount(b, (uint64_t)l->waited_ns, FLAME_NS);
	strbuf_str(b, " in all, ");
	flame_count(b, l->n);
	strbuf_str(b, l->n == 1 ? " time \xc2\xb7 " : " times \xc2\xb7 ");
	flame_count(b, kernel_doubts(k)->lost_events);
	strbuf_str(b, " events lost");
}

static int locks_finish(struct sonde_component *c)
{
	struct lock_flame *l = sonde_component_state(c);
	struct kernel *k = lock_waits_kernel(l->waits.waits);
	struct strbuf what = { 0 };

	lock_waits_finish(l->waits.waits);
	const struct lock_doubts *d = lock_waits_doubts(l->waits.waits);
	if (!(kernel_recorded(k) & (KERNEL_HAS_LOCK | KERNEL_HAS_CALLS)))
		return sonde_fail(-ENODATA, "the trace has no contention_begin events and no "
					    "futex calls; to record them: sonde record --locks");
	if (!l->waited_ns)
		return sonde_fail(-ENODATA, "nothing that was asked for waited for a lock");
	if (l->bare == l->n)
		return sonde_fail(-ENODATA, "the trace has no stacks of threads that wait for "
					    "locks; to record them: sonde record --locks");
	if (l->bare)
		flame_note(&l->ask, "%" PRIu64 " of %" PRIu64 " times no stack was recorded",
			   l->bare, l->n);
	if (d->lost)
		flame_note(&l->ask, "the ends of %" PRIu64 " waits were lost: they are left out",
			   d->lost);
	make_subtitle(l, k, &what);
	int r = strbuf_ok(&what);
	if (!r)
		r = flame_write(&l->ask, &l->stacks, &l->frames, strbuf_text(&what), FLAME_NS);
	strbuf_fini(&what);
	return r;
}

const struct sonde_component_class sink_locks = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.locks",
	.help = "Fold the stacks of threads that wait for locks into a flame graph.",
	.state_size = sizeof(struct lock_flame),
	.init = locks_init,
	.fini = locks_fini,
	.consume = locks_consume,
	.finish = locks_finish,
};
