/* SPDX-License-Identifier: MIT */
/**
 * Folds the stacks in which threads blocked, by how long they did; for sink.wakeup with the stack
 * of who woke them on top, upside down:
 *
 *	waker
 *	its outermost frame ..
 *	.. its innermost one
 *	--
 *	innermost frame of the one that blocked ..
 *	.. its outermost one
 *	thread
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/flame/ask.h"
#include "analysis/flame/flame.h"
#include "analysis/kernel.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"

/* The stack that a thread has left a CPU with. */
struct left {
	const struct kernel_thread *thread;
	int64_t ts_ns;
	uint32_t node; /* of the stacks */
	int32_t cpu;
};

struct offcpu {
	struct flame_ask ask;
	struct frames frames;
	struct stacks stacks;
	struct kernel *kernel; /* owned */
	struct left *left;     /* owned; by index of thread */
	size_t cap_left;
	bool wants_waker;
	uint32_t separator;		    /* the name between the two stacks */
	uint32_t interrupt;		    /* the name of a waker that is none */
	const struct sonde_event *event;    /* at hand */
	const struct kernel_cpu *waker_cpu; /* where the event at hand wakes .. */
	const struct kernel_thread *woken;  /* .. that one; NULL: none */
	int64_t blocked_ns;		    /* in all */
	uint64_t blocks, bare, n_stacks;    /* without a stack; stacks that were seen */
	int err;
};

static bool failed(struct offcpu *o, int r)
{
	if (r < 0 && !o->err)
		o->err = r;
	return r < 0;
}

/* The thread's last stack; NULL: there is no memory. */
static struct left *left_of(struct offcpu *o, const struct kernel_thread *t)
{
	const size_t old = o->cap_left;

	if (t->index >= old) {
		if (failed(o, mem_grow(&o->left, &o->cap_left, (size_t)t->index + 1)))
			return NULL;
		memset(o->left + old, 0, (o->cap_left - old) * sizeof(*o->left));
	}
	return &o->left[t->index];
}

static bool is_wanted(const struct offcpu *o, const struct kernel_thread *t, int32_t cpu)
{
	return t->tid && flame_asks_for(&o->ask, "cpu", cpu) &&
	       (flame_asks_for(&o->ask, "pid", t->pid) ||
		(t->pid < 0 && flame_asks_for(&o->ask, "pid", t->tid)));
}

static int push_thread(struct offcpu *o, const struct kernel_thread *t)
{
	return frames_push_thread(&o->frames, t->host->trace, t->pid, t->tid, t->name);
}

/* @prev blocks: its stack is that of the event at hand. */
static void on_off(void *arg, const struct kernel_thread *prev, const struct sonde_event *e)
{
	struct offcpu *o = arg;
	const struct frames_class *c;

	if (!prev->tid || prev->state != KERNEL_BLOCKED)
		return;
	struct left *l = left_of(o, prev);
	if (!l)
		return;
	*l = (struct left){ .thread = prev, .ts_ns = e->ts_ns, .cpu = e->u.pkt->cpu };
	frames_clear(&o->frames);
	if (failed(o, push_thread(o, prev)) || failed(o, frames_class(&o->frames, e->cls, &c)))
		return;
	const size_t bare = o->frames.depth;
	if (frames_has(c) && failed(o, frames_push_event(&o->frames, e, c, prev->pid)))
		return;
	o->n_stacks += o->frames.depth > bare;
	if (o->frames.depth == bare)
		frames_push(&o->frames, o->frames.unknown);
	(void)failed(o, stacks_find(&o->stacks, o->frames.stack, o->frames.depth, &l->node));
}

static void on_roused(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      const struct sonde_event *e)
{
	struct offcpu *o = arg;

	(void)e;
	o->waker_cpu = c;
	o->woken = t;
}

static void turn_over(uint32_t *a, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		const uint32_t v = a[i];

		a[i] = a[n - 1 - i];
		a[n - 1 - i] = v;
	}
}

/* Where an interrupt's stack begins, on that of whatever it interrupted. */
static bool is_interrupt(const struct frame_name *name)
{
	static const char *const begins[] = {
		"asm_sysvec_", "asm_common_interrupt", "asm_spurious_interrupt",
		"el1h_64_irq", "el0t_64_irq",	       "do_interrupt_handler"
	};

	for (size_t i = 0; name->kind == FRAME_KERNEL && i < MEM_LEN(begins); i++) {
		if (!strncmp(name->text, begins[i], strlen(begins[i])))
			return true;
	}
	return false;
}

/* A waker that was interrupted has nothing to do with it. */
static void leave_interrupted(struct offcpu *o, size_t begin)
{
	uint32_t *a = o->frames.stack;
	size_t at = begin;

	while (at < o->frames.depth && !is_interrupt(&o->stacks.names[a[at]]))
		at++;
	if (at == o->frames.depth)
		return;
	a[begin] = o->interrupt;
	memmove(a + begin + 1, a + at, (o->frames.depth - at) * sizeof(*a));
	o->frames.depth -= at - begin - 1;
}

/* Adds who woke, upside down: nothing more is known of wake-ups by other events. */
static int push_waker(struct offcpu *o, const struct kernel_thread *t)
{
	const struct kernel_cpu *c = o->woken == t ? o->waker_cpu : NULL;
	const struct kernel_thread *waker = c ? c->current : NULL;
	const struct frames_class *cls;

	if (!o->event) // not woken, when the trace ended
		return 0;
	frames_push(&o->frames, o->separator);
	if (!waker) {
		frames_push(&o->frames, o->frames.unknown);
		return 0;
	}
	const size_t begin = o->frames.depth;
	int r = push_thread(o, waker);
	if (!r)
		r = frames_class(&o->frames, o->event->cls, &cls);
	if (!r && frames_has(cls))
		r = frames_push_event(&o->frames, o->event, cls, waker->pid);
	if (!r)
		leave_interrupted(o, begin);
	turn_over(o->frames.stack + begin, o->frames.depth - begin);
	return r;
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct offcpu *o = arg;
	uint32_t node;

	if (state != KERNEL_BLOCKED)
		return;
	struct left *l = left_of(o, t);
	const bool has = l && l->thread == t && l->ts_ns == t->since_ns && l->node;
	if (!l || !is_wanted(o, t, has ? l->cpu : t->last_cpu))
		return;
	const int64_t ns = ns_between(begin_ns, end_ns);
	o->blocks++;
	o->bare += !has;
	o->blocked_ns = ns_after(o->blocked_ns, ns);
	frames_clear(&o->frames);
	if (has) {
		frames_push_node(&o->frames, l->node);
	} else {
		if (failed(o, push_thread(o, t)))
			return;
		frames_push(&o->frames, o->frames.unknown);
	}
	if (o->wants_waker && failed(o, push_waker(o, t)))
		return;
	if (!failed(o, stacks_find(&o->stacks, o->frames.stack, o->frames.depth, &node)))
		stacks_weigh(&o->stacks, node, (uint64_t)ns);
}

static const struct kernel_watch watch = {
	.state = on_state,
	.off = on_off,
	.roused = on_roused,
};

static int init(struct offcpu *o, const struct sonde_setup *setup)
{
	int r = flame_ask_init(&o->ask, setup);

	if (!r)
		r = stacks_init(&o->stacks);
	if (!r)
		r = frames_init(&o->frames, &o->stacks, setup->note, setup->note_arg);
	if (!r)
		r = stacks_name(&o->stacks, FRAME_UNKNOWN, "--", 2, &o->separator);
	if (!r)
		r = stacks_name(&o->stacks, FRAME_THREAD, "interrupt", 9, &o->interrupt);
	return r < 0 ? r : kernel_new(&watch, o, o->ask.from_ns, o->ask.to_ns, &o->kernel);
}

static int offcpu_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	return init(sonde_component_state(c), setup);
}

static int wakeup_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct offcpu *o = sonde_component_state(c);

	o->wants_waker = true;
	return init(o, setup);
}

static void offcpu_fini(struct sonde_component *c)
{
	struct offcpu *o = sonde_component_state(c);

	kernel_free(o->kernel);
	free(o->left);
	frames_fini(&o->frames);
	stacks_fini(&o->stacks);
}

static int offcpu_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct offcpu *o = sonde_component_state(c);

	for (size_t i = 0; i < in->n; i++) {
		struct sonde_batch one = { in->events + i, 1 };
		int r = 0;

		o->event = &in->events[i];
		o->woken = NULL;
		if (o->event->cls)
			r = frames_note(&o->frames, o->event);
		if (!r)
			r = kernel_consume(o->kernel, &one);
		if (o->err < 0)
			return sonde_wrap(o->err, "stacks of threads that blocked");
		if (r)
			return r;
	}
	return 0;
}

static void make_subtitle(const struct offcpu *o, struct strbuf *b)
{
	const struct kernel_doubts *d = kernel_doubts(o->kernel);
	int64_t begin = 0, end = 0;

	if (kernel_span(o->kernel, &begin, &end) == 0)
		strbuf_fmt(b, "%.3f s \xc2\xb7 ", (double)ns_between(begin, end) / 1e9);
	strbuf_str(b, "blocked for ");
	flame_amount(b, (uint64_t)o->blocked_ns, FLAME_NS);
	strbuf_str(b, " in all, ");
	flame_count(b, o->blocks);
	strbuf_str(b, o->blocks == 1 ? " time \xc2\xb7 " : " times \xc2\xb7 ");
	flame_count(b, d->lost_events);
	strbuf_str(b, " events lost");
}

static void tell_doubts(const struct offcpu *o)
{
	const struct kernel_doubts *d = kernel_doubts(o->kernel);

	if (d->lost_events)
		flame_note(&o->ask,
			   "%" PRIu64 " events were lost: what is unknown around them is left out",
			   d->lost_events);
	if (d->lost_packets)
		flame_note(&o->ask,
			   "%" PRIu64 " packets were lost: what is unknown around them is left out",
			   d->lost_packets);
	if (d->mismatches)
		flame_note(&o->ask,
			   "%" PRIu64
			   " switches of threads are missing from the trace: some of the "
			   "time is, too",
			   d->mismatches);
	if (o->bare)
		flame_note(&o->ask, "%" PRIu64 " of %" PRIu64 " times no stack was recorded",
			   o->bare, o->blocks);
	if (o->wants_waker && !(kernel_recorded(o->kernel) & KERNEL_HAS_WAKING))
		flame_note(&o->ask, "the trace has no sched_waking events: who woke is not known; "
				    "'sonde record --off-cpu' records them");
}

static int offcpu_finish(struct sonde_component *c)
{
	struct offcpu *o = sonde_component_state(c);
	struct strbuf what = { 0 };

	o->event = NULL;
	o->woken = NULL;
	kernel_finish(o->kernel);
	if (o->err < 0)
		return sonde_wrap(o->err, "stacks of threads that blocked");
	if (!(kernel_recorded(o->kernel) & KERNEL_HAS_SWITCH))
		return sonde_fail(-ENODATA, "the trace has no sched_switch events; to record them "
					    "and their stacks: sonde record --off-cpu");
	if (!(kernel_sources(o->kernel) & KERNEL_HAS_SWITCH))
		return sonde_fail(-ENODATA, "there are no sched_switch events in that time");
	if (!o->n_stacks)
		return sonde_fail(-ENODATA, "the trace's sched_switch events have no stacks; to "
					    "record them: sonde record --off-cpu");
	if (!o->blocked_ns)
		return sonde_fail(-ENODATA, "nothing that was asked for blocked");
	tell_doubts(o);
	make_subtitle(o, &what);
	int r = strbuf_ok(&what);
	if (!r)
		r = flame_write(&o->ask, &o->stacks, &o->frames, strbuf_text(&what), FLAME_NS);
	strbuf_fini(&what);
	return r;
}

const struct sonde_component_class sink_offcpu = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.offcpu",
	.help = "Fold the stacks of blocked threads into a flame graph.",
	.state_size = sizeof(struct offcpu),
	.init = offcpu_init,
	.fini = offcpu_fini,
	.consume = offcpu_consume,
	.finish = offcpu_finish,
};

const struct sonde_component_class sink_wakeup = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.wakeup",
	.help = "Fold the stacks of blocked threads and of who woke them into a flame graph.",
	.state_size = sizeof(struct offcpu),
	.init = wakeup_init,
	.fini = offcpu_fini,
	.consume = offcpu_consume,
	.finish = offcpu_finish,
};
