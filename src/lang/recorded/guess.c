/* SPDX-License-Identifier: MIT */
/**
 * What a run that begins in the middle of a trace takes for granted.
 *
 * It knows who ran at the trace's begin and what a few events before its own told. Most often that,
 * and what its own events tell, is all that is ever used. What is used of the rest is noted here,
 * and compared when all that came before has been seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/parts.h"

/** Who runs on a CPU, as long as no event since has told it. */
struct cpu_guess {
	struct rec_thread *th; /* NULL: nobody knows */
	bool is_used;
};

struct rec_guesses {
	struct rec_thread *used; /* owned; as they were guessed, .guessed says what of them */
	size_t n, cap;
	struct cpu_guess cpus[REC_CPUS_MOST];
	bool had_forks, are_forks_used;
	bool failed; /* out of memory, or threads with odd numbers */
};

void rec_guesses_free(struct rec_guesses *g)
{
	if (!g)
		return;
	free(g->used);
	free(g);
}

static bool is_own_number(const struct rec_threads *t, uint32_t i)
{
	uint32_t at;

	return u64map_get(&t->by_tid, t->all[i]->tid, &at) && at == i;
}

int rec_threads_copy(struct rec_threads *to, const struct rec_threads *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct rec_thread *th = from->all[i];
		struct rec_thread *copy = rec_thread_get(to, th->tid);

		if (!copy)
			return sonde_fail(-ENOMEM, "out of memory");
		*copy = *th;
	}
	for (size_t cpu = 0; cpu < from->n_cpus; cpu++) {
		struct rec_thread *th = from->on_cpu[cpu];
		int r = th ? rec_threads_set_current(to, (int32_t)cpu, rec_thread_get(to, th->tid))
			   : 0;

		if (r < 0)
			return r;
	}
	to->has_forks = from->has_forks;
	return 0;
}

int rec_guesses_begin(struct rec_threads *t)
{
	struct rec_guesses *g = calloc(1, sizeof(*g));

	if (!g)
		return sonde_fail(-ENOMEM, "out of memory");
	for (uint32_t i = 0; i < t->n; i++) {
		t->all[i]->guessed = REC_GUESS_PID | REC_GUESS_COMM;
		g->failed = g->failed || !is_own_number(t, i);
	}
	for (size_t cpu = 0; cpu < t->n_cpus && cpu < REC_CPUS_MOST; cpu++) {
		g->cpus[cpu].th = t->on_cpu[cpu];
		t->on_cpu[cpu] = NULL;
	}
	g->had_forks = t->has_forks;
	t->guesses = g;
	return 0;
}

void rec_guess_used(struct rec_threads *t, struct rec_thread *th)
{
	struct rec_guesses *g = t->guesses;

	if (!g || mem_grow(&g->used, &g->cap, g->n + 1) < 0) {
		if (g)
			g->failed = true;
		return;
	}
	g->used[g->n++] = *th;
	th->guessed = 0;
}

struct rec_thread *rec_guess_of_cpu(struct rec_threads *t, int32_t cpu)
{
	if (cpu < 0 || cpu >= REC_CPUS_MOST)
		return NULL; // of these nothing is ever known
	struct cpu_guess *c = &t->guesses->cpus[cpu];
	c->is_used = true;
	if (c->th && rec_threads_set_current(t, cpu, c->th) < 0)
		t->guesses->failed = true;
	return c->th;
}

bool rec_guess_forks(struct rec_threads *t)
{
	if (t->guesses && !t->has_forks)
		t->guesses->are_forks_used = true;
	return t->has_forks;
}

struct rec_thread rec_guess_of(const struct rec_thread *th, const struct rec_threads *real)
{
	struct rec_thread fresh = { .tid = th->tid, .pid = th->tid }, ret = *th;
	const struct rec_thread *known = &fresh;
	uint32_t at;

	if (!th->tid)
		memcpy(fresh.comm, "swapper", 8);
	if (u64map_get(&real->by_tid, th->tid, &at))
		known = real->all[at];
	if (th->guessed & REC_GUESS_PID)
		ret.pid = known->pid;
	if (th->guessed & REC_GUESS_COMM)
		memcpy(ret.comm, known->comm, sizeof(ret.comm));
	return ret;
}

static bool holds(const struct rec_thread *guess, const struct rec_threads *real)
{
	const struct rec_thread th = rec_guess_of(guess, real);

	return guess->pid == th.pid && !memcmp(guess->comm, th.comm, sizeof(th.comm));
}

static bool cpu_holds(const struct cpu_guess *c, const struct rec_thread *real)
{
	return !c->is_used || (c->th && real ? c->th->tid == real->tid : !c->th && !real);
}

/* Threads of numbers that no thread has, as broken traces name them, are not compared. */
bool rec_guesses_hold(const struct rec_threads *t, const struct rec_threads *real)
{
	const struct rec_guesses *g = t->guesses;

	if (!g || g->failed || t->n >= REC_THREADS_MOST / 2 || real->n >= REC_THREADS_MOST / 2 ||
	    (g->are_forks_used && g->had_forks != real->has_forks))
		return false;
	for (uint32_t i = 0; i < t->n; i++)
		if (!is_own_number(t, i))
			return false;
	for (size_t i = 0; i < g->n; i++)
		if (!holds(&g->used[i], real))
			return false;
	for (size_t cpu = 0; cpu < REC_CPUS_MOST; cpu++)
		if (!cpu_holds(&g->cpus[cpu], cpu < real->n_cpus ? real->on_cpu[cpu] : NULL))
			return false;
	return true;
}
