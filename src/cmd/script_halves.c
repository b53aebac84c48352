/* SPDX-License-Identifier: MIT */
/** A script over a trace in two threads. */
#include "cmd/script_halves.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "cmd/interrupt.h"
#include "graph/component.h"

/* In parts of all bytes: where the other thread's begin, which starts later; from where on it reads
 * what comes before. */
enum { PARTS = 128, PARTS_FIRST = 65, PARTS_LEARN = 63, BINS = 1024 };

/** Goes along with events: their times may not step back, nor packets be broken. */
struct order {
	int64_t ts_ns; /* of the last one */
	bool is_odd;
};

struct halves {
	struct halves_of of;
	enum { HALVES_ALONE, HALVES_BOTH, HALVES_SINGLE } state;
	enum graph_ahead ahead; /* that the graph had */
	uint64_t n;		/* events of HALVES_ALONE */
	int64_t learn_ns, from_ns;
	struct order order;

	struct recorded_run *later; /* owned, as what follows the other thread's */
	pthread_t thread;
	atomic_bool stop;
	atomic_bool is_alone, is_done; /* it has a CPU more for itself; it leaves one */
	struct graph *later_graph;     /* borrowed while it runs */
	struct order later_order;
	bool has_begun;
	int result;
};

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static bool has_odd_gap(const struct sonde_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct sonde_event *e = &b->events[i];

		if (!e->cls &&
		    (e->u.gap->kind == SONDE_GAP_CUT || e->u.gap->kind == SONDE_GAP_BACKWARD))
			return true;
	}
	return false;
}

/* How many of the events come before @ts_ns, if all are in order. */
static size_t watch(struct order *o, const struct sonde_batch *b, int64_t ts_ns)
{
	bool odd = false, gap = false;
	int64_t last = o->ts_ns;
	size_t before = b->n && b->events[0].ts_ns >= ts_ns ? 0 : b->n;

	for (size_t i = 0; i < b->n; i++) {
		const struct sonde_event *e = &b->events[i];

		odd |= e->ts_ns < last;
		gap |= !e->cls;
		last = e->ts_ns;
	}
	while (before && b->events[before - 1].ts_ns >= ts_ns)
		before--;
	o->ts_ns = last;
	o->is_odd |= odd || (gap && has_odd_gap(b));
	return before;
}

/* --- the other thread --- */

static int later_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(struct halves **)sonde_component_state(c) = setup->note_arg;
	return 0;
}

static int take_later(struct halves *h, const struct sonde_batch *b)
{
	int r = 0;

	if (!b->n)
		return 0;
	if (!h->has_begun) {
		h->has_begun = true;
		r = recorded_half_begin(h->later);
	}
	return r < 0 ? r : recorded_run_take(h->later, b);
}

static int later_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct halves *h = *(struct halves **)sonde_component_state(c);
	const size_t before = watch(&h->later_order, in, h->from_ns);

	if (h->later_order.is_odd || atomic_load_explicit(&h->stop, memory_order_relaxed) ||
	    interrupt_came())
		return -ECANCELED;
	if (atomic_load_explicit(&h->is_alone, memory_order_relaxed))
		graph_set_ahead(h->later_graph, h->ahead);
	const struct sonde_batch early = { in->events, before };
	const struct sonde_batch own = { in->events + before, in->n - before };
	const int r = recorded_half_learn(h->later, &early);
	return r < 0 ? r : take_later(h, &own);
}

static const struct sonde_component_class sink_later = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.later",
	.help = "Run a script over the later events.",
	.state_size = sizeof(struct halves *),
	.init = later_init,
	.consume = later_consume,
};

static int run_later(struct halves *h)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	struct sonde_trace *const *traces;

	int r = graph_new(&g);
	if (!r)
		r = trace_args_add_quietly(h->of.traces, g);
	if (r < 0)
		return r;
	graph_set_ahead(g, GRAPH_AHEAD_NOT);
	h->later_graph = g;
	const size_t n = graph_traces(g, &traces);
	r = recorded_half_open(h->later, traces, n);
	if (!r)
		r = graph_seek(g, h->learn_ns, INT64_MAX);
	if (!r)
		r = graph_add(g, &sink_later, &(struct sonde_setup){ .note_arg = h });
	return r < 0 ? r : graph_run(g);
}

static void *thread_of_later(void *arg)
{
	struct halves *h = arg;

	h->result = run_later(h);
	atomic_store(&h->is_done, true);
	return NULL;
}

/* --- this one --- */

/* When @part of PARTS of all bytes have come. */
static int64_t time_of_part(const uint64_t *sums, int64_t begin, uint64_t span, unsigned part)
{
	const uint64_t goal = (uint64_t)((unsigned __int128)sums[BINS - 1] * part / PARTS);
	size_t i = 0;

	while (i < BINS - 1 && sums[i] < goal)
		i++;
	const uint64_t before = i ? sums[i - 1] : 0, here = sums[i] - before;
	const uint64_t into = here && goal > before ? (goal - before) * 1024 / here : 0;
	return begin + (int64_t)((unsigned __int128)span * (i * 1024 + into) / (BINS * 1024));
}

/* Where the trace is cut; nobody knows: in the middle of the time. False: it has no time. */
static bool find_cut(struct halves *h)
{
	struct graph *g = h->of.graph;
	uint64_t sums[BINS];
	int64_t begin, end;

	if (graph_span(g, &begin, &end) < 0 || begin >= end)
		return false;
	const uint64_t span = (uint64_t)end - (uint64_t)begin;
	if (graph_weigh(g, begin, end, BINS, sums) < 0)
		for (size_t i = 0; i < BINS; i++)
			sums[i] = i + 1;
	h->from_ns = time_of_part(sums, begin, span, PARTS_FIRST);
	h->learn_ns = time_of_part(sums, begin, span, PARTS_LEARN);
	return true;
}

int halves_new(const struct halves_of *of, struct halves **ret)
{
	struct halves *h = calloc(1, sizeof(*h));

	if (!h)
		return sonde_fail(-ENOMEM, "out of memory");
	h->of = *of;
	h->ahead = graph_ahead(of->graph);
	h->order.ts_ns = h->later_order.ts_ns = INT64_MIN;
	h->state = HALVES_SINGLE;
	if (h->ahead != GRAPH_AHEAD_NOT && find_cut(h)) {
		h->state = HALVES_ALONE;
		graph_set_ahead(of->graph, GRAPH_AHEAD_NOT);
	}
	*ret = h;
	return 0;
}

static void end_thread(struct halves *h)
{
	if (h->state == HALVES_BOTH)
		(void)pthread_join(h->thread, NULL);
}

/* This thread takes the rest, as all others do. */
static void go_on(struct halves *h)
{
	h->state = HALVES_SINGLE;
	graph_set_ahead(h->of.graph, h->ahead);
}

void halves_free(struct halves *h)
{
	if (!h)
		return;
	atomic_store(&h->stop, true);
	end_thread(h);
	recorded_run_free(h->later);
	free(h);
}

/* Signals are this thread's. */
static bool start_thread(struct halves *h)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	const int e = pthread_create(&h->thread, NULL, thread_of_later, h);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e == 0;
}

/* After some events: is there enough for two? */
static int may_start(struct halves *h)
{
	const enum graph_ahead now = graph_ahead(h->of.graph);

	graph_set_ahead(h->of.graph, h->ahead);
	const bool wants = graph_wants_thread(h->of.graph, h->n);
	graph_set_ahead(h->of.graph, now);
	if (!wants)
		return 0;
	if (h->order.is_odd || h->order.ts_ns >= h->learn_ns) {
		go_on(h);
		return 0;
	}
	const int r = recorded_half_new(h->of.run, &h->later);
	if (r < 0)
		return r;
	if (start_thread(h))
		h->state = HALVES_BOTH;
	else
		go_on(h);
	return 0;
}

/* All before the other one's events has been taken. 1: and these were, too. */
static int join(struct halves *h)
{
	atomic_store(&h->is_alone, true);
	end_thread(h);
	go_on(h);
	if (h->result < 0 || h->order.is_odd || h->later_order.is_odd)
		return 0;
	return recorded_half_join(h->of.run, h->later);
}

int halves_take(struct halves *h, const struct sonde_batch *b)
{
	if (h->state == HALVES_SINGLE)
		return recorded_run_take(h->of.run, b);
	const size_t before = watch(&h->order, b, h->from_ns);
	const struct sonde_batch own = { b->events, before };
	const struct sonde_batch rest = { b->events + before, b->n - before };
	int r = recorded_run_take(h->of.run, &own);

	// Where events are dense in one of the parts, a thread reads ahead there.
	if (h->state == HALVES_BOTH && atomic_load_explicit(&h->is_done, memory_order_relaxed))
		graph_set_ahead(h->of.graph, h->ahead);
	if (!r && h->state == HALVES_BOTH && rest.n)
		r = join(h);
	else if (!r && h->state == HALVES_ALONE && rest.n)
		go_on(h);
	if (!r && rest.n)
		r = recorded_run_take(h->of.run, &rest);
	h->n += b->n;
	return !r && h->state == HALVES_ALONE ? may_start(h) : r;
}
