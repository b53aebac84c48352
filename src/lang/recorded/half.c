/* SPDX-License-Identifier: MIT */
/** A run over the later part of a trace, beside the one over the first part. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/run.h"

int recorded_half_new(struct recorded_run *first, struct recorded_run **ret)
{
	sonde_auto(recorded_run_freep) struct recorded_run *r = NULL;
	int e = recorded_run_new(&first->opt, &r);

	if (e < 0)
		return e;
	memcpy(r->globals, first->globals, first->script->bpf_maps[GLOBALS_MAP].val_len);
	r->has_begun = true;
	for (size_t i = 0; i < first->n_hosts && !e; i++)
		e = rec_threads_copy(&r->hosts[i], &first->hosts[i]);
	if (e < 0)
		return e;
	*ret = sonde_take(r);
	return 0;
}

int recorded_half_open(struct recorded_run *later, struct sonde_trace *const *traces, size_t n)
{
	int e = rec_world_twin(later->world, traces, n, &later->twin);

	if (!e)
		later->world = &later->twin;
	return e;
}

int recorded_half_learn(struct recorded_run *later, const struct sonde_batch *b)
{
	int e = 0;

	for (size_t i = 0; i < b->n && !e; i++) {
		const struct sonde_event *ev = &b->events[i];
		struct use *u = ev->cls ? rec_use_of(later, ev->cls) : NULL;

		if (u && !u->threads)
			e = rec_use_look_at(later, u, ev->cls);
		if (!u || e)
			continue;
		if (u->asks_who)
			(void)rec_threads_of(u->threads, u->teller, ev); // for what it notes itself
		if (u->teaches)
			e = rec_threads_learn(u->threads, u->teller, ev);
	}
	return e;
}

int recorded_half_begin(struct recorded_run *later)
{
	int e = 0;

	for (size_t i = 0; i < later->n_hosts && !e; i++)
		e = rec_guesses_begin(&later->hosts[i]);
	return e;
}

/* --- the end --- */

/* Losses, faults and the like, all of which are in there, would be told in another way. */
static bool is_clean(const struct recorded_run *first, const struct recorded_run *later)
{
	return !machine_cut_off(later->machine) && !later->outcome.err && !later->backward &&
	       !memcmp(later->globals, first->globals,
		       later->script->bpf_maps[GLOBALS_MAP].val_len);
}

struct joining {
	struct recorded_run *first;
	const struct script_map *m;
	size_t n_new;
};

static int count_new(void *arg, const void *key, const void *val)
{
	struct joining *j = arg;

	(void)val;
	j->n_new += !machine_map_find(j->first->machine, (size_t)j->m->bpf_map, key);
	return 0;
}

static bool has_room(struct recorded_run *first, struct recorded_run *later,
		     const struct script_map *m)
{
	struct joining j = { first, m, 0 };
	const size_t map = (size_t)m->bpf_map;

	if (machine_map_each(later->machine, map, count_new, &j) < 0)
		return false;
	return machine_map_len(first->machine, map) + j.n_new <=
	       first->script->bpf_maps[map].max_entries;
}

static int add_entry(void *arg, const void *key, const void *val)
{
	struct joining *j = arg;
	const size_t map = (size_t)j->m->bpf_map;
	const void *old = machine_map_find(j->first->machine, map, key);

	if (!old)
		return machine_map_update(j->first->machine, map, key, val);
	if (!agg_is_empty(j->m->val, val))
		// Lent by the machine, whose thread this is.
		agg_merge(j->m->val, (void *)(uintptr_t)old, val);
	return 0;
}

static bool is_joined(const struct script_map *m)
{
	return m->store == STORE_PERCPU || m->store == STORE_PERCPU_HASH;
}

static int join_maps(struct recorded_run *first, struct recorded_run *later)
{
	const struct script *s = first->script;
	int e = 0;

	for (size_t i = 0; i < s->n_maps && !e; i++) {
		struct joining j = { first, &s->maps[i], 0 };

		if (is_joined(j.m))
			e = machine_map_each(later->machine, (size_t)j.m->bpf_map, add_entry, &j);
	}
	return e < 0 ? sonde_fail(e, "out of memory for what two threads have found") : 0;
}

int recorded_half_join(struct recorded_run *first, struct recorded_run *later)
{
	const struct script *s = first->script;

	rec_repeats_end(first);
	rec_repeats_end(later);
	if (!is_clean(first, later))
		return 0;
	for (size_t i = 0; i < first->n_hosts; i++)
		if (first->asks_who && !rec_guesses_hold(&later->hosts[i], &first->hosts[i]))
			return 0;
	const struct machine_now last = *later->now;
	rec_put_off_end(later, first->hosts);
	*later->now = last;
	if (machine_cut_off(later->machine) || later->outcome.err)
		return 0;
	for (size_t i = 0; i < s->n_maps; i++)
		if (is_joined(&s->maps[i]) && !has_room(first, later, &s->maps[i]))
			return 0;
	const int e = join_maps(first, later);
	if (e < 0)
		return e;
	first->lost_events += later->lost_events;
	first->lost_packets += later->lost_packets;
	first->lost_unknown += later->lost_unknown;
	if (later->now->event)
		first->now->ts_ns = later->now->ts_ns;
	return 1;
}
