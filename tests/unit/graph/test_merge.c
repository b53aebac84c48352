/* SPDX-License-Identifier: MIT */
/** Tests the merge and the runner on a source made of arithmetic. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "graph/component.h"
#include "graph/graph.h"
#include "test.h"

enum { LANES_MOST = 9, BATCH_MOST = 300 };

/* Lane i has events_of[i] events; each event carries its lane and number in its cycles. */
static unsigned n_lanes, events_of[LANES_MOST], seed;
static uint64_t seen, lost_order;

struct source {
	struct sonde_event batch[LANES_MOST][BATCH_MOST];
	unsigned given[LANES_MOST];
	int64_t ts[LANES_MOST];
};

static unsigned next_random(void)
{
	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

static const struct sonde_event_class some_class = { .name = "x" };

static int source_next(struct sonde_component *c, size_t lane, struct sonde_batch *ret)
{
	struct source *s = c->state;
	unsigned left = events_of[lane] - s->given[lane];
	unsigned n = 1 + next_random() % BATCH_MOST;

	if (!left)
		return 0;
	n = n < left ? n : left;
	// What was lent before is gone now.
	memset(s->batch[lane], 0xff, sizeof(s->batch[lane]));
	for (unsigned i = 0; i < n; i++) {
		s->ts[lane] += next_random() % 3;
		s->batch[lane][i] = (struct sonde_event){
			.cls = &some_class,
			.ts_ns = s->ts[lane],
			.cycles = lane << 32 | s->given[lane]++,
		};
	}
	*ret = (struct sonde_batch){ s->batch[lane], n };
	return 1;
}

static size_t source_lanes(struct sonde_component *c)
{
	(void)c;
	return n_lanes;
}

static const struct sonde_component_class source = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.test",
	.state_size = sizeof(struct source),
	.lanes = source_lanes,
	.next = source_next,
};

struct sink {
	int64_t ts;
	uint64_t next[LANES_MOST];
};

static int sink_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink *s = c->state;

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];
		uint64_t lane = e->cycles >> 32;

		seen++;
		if (lane >= LANES_MOST || e->ts_ns < s->ts ||
		    (uint32_t)e->cycles != s->next[lane]++)
			lost_order++;
		s->ts = e->ts_ns;
	}
	return 0;
}

static const struct sonde_component_class sink = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.test",
	.state_size = sizeof(struct sink),
	.consume = sink_consume,
};

static int run(void)
{
	struct graph *g = NULL;
	struct sonde_setup setup = { 0 };

	int r = graph_new(&g);
	if (r >= 0)
		r = graph_add(g, &source, &setup);
	if (r >= 0)
		r = graph_add(g, &sink, &setup);
	if (r >= 0)
		r = graph_run(g);
	graph_free(g);
	return r;
}

TEST(any_number_of_lanes)
{
	for (unsigned s = 1; s < 40; s++) {
		uint64_t want = 0;

		seed = s;
		n_lanes = s % (LANES_MOST + 1);
		for (unsigned i = 0; i < n_lanes; i++) {
			events_of[i] = next_random() % 4 ? next_random() % 5000 : 0;
			want += events_of[i];
		}
		seen = lost_order = 0;
		EXPECT_EQ(run(), 0);
		EXPECT_EQ(seen, want);
		EXPECT_EQ(lost_order, 0);
		if (lost_order || seen != want)
			printf("# seed %u\n", s);
	}
}

TEST(out_of_memory)
{
	seed = 3;
	n_lanes = 5;
	for (unsigned i = 0; i < n_lanes; i++)
		events_of[i] = 10;
	test_oom(run);
}
