/* SPDX-License-Identifier: MIT */
/** Gives each wait for a lock the stack of its thread. */
#include "analysis/flame/lock_stacks.h"

#include "analysis/kernel.h"

static uint32_t stack_of(void *arg, const struct kernel_thread *t, const struct sonde_event *e)
{
	struct lock_stacks *s = arg;
	const struct frames_class *c = NULL;
	uint32_t node = 0;

	int r = s->err ? s->err : frames_class(s->frames, e->cls, &c);
	if (r < 0 || !frames_has(c)) {
		s->err = r;
		return 0;
	}
	frames_clear(s->frames);
	r = frames_push_event(s->frames, e, c, t->pid);
	if (!r && s->frames->depth)
		r = stacks_find(s->frames->stacks, s->frames->stack, s->frames->depth, &node);
	s->has_stacks |= node != 0;
	s->err = r;
	return r < 0 ? 0 : node;
}

static void on_ended(void *arg, const struct lock_wait *w)
{
	const struct lock_stacks *s = arg;

	s->ended(s->arg, w);
}

static const struct lock_watch watch = { .ended = on_ended, .stack = stack_of };

int lock_stacks_init(struct lock_stacks *s, struct frames *frames,
		     void (*ended)(void *arg, const struct lock_wait *w), void *arg,
		     int64_t from_ns, int64_t to_ns)
{
	*s = (struct lock_stacks){ .frames = frames, .ended = ended, .arg = arg };
	return lock_waits_new(&watch, s, from_ns, to_ns, &s->waits);
}

void lock_stacks_fini(struct lock_stacks *s)
{
	lock_waits_free(s->waits);
}

int lock_stacks_consume(struct lock_stacks *s, const struct sonde_batch *b)
{
	int r = 0;

	for (size_t i = 0; !r && i < b->n; i++) {
		const struct sonde_batch one = { b->events + i, 1 };

		if (b->events[i].cls)
			r = frames_note(s->frames, &b->events[i]);
		if (!r)
			r = lock_waits_consume(s->waits, &one);
		if (s->err < 0)
			return s->err;
	}
	return r;
}
