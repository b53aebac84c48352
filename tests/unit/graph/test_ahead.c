/* SPDX-License-Identifier: MIT */
/** Tests reading ahead in a thread: the same batches' worth of events, and all that they lead to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "graph/component.h"
#include "graph/graph.h"
#include "test.h"

enum { LANES_MOST = 7, BATCH_MOST = 200, HELD_MOST = 64 };

/* What the source gives: made from the seed alone, whoever asks and when. */
static unsigned n_lanes, events_of[LANES_MOST], seed;
static unsigned fails_at; /* the batch that cannot be read; 0: none */
static uint64_t most;	  /* events that the sink wants; 0: all */
static bool can_hold;

struct lent {
	struct sonde_packet packet;
	struct sonde_gap gap;
};

struct lane {
	struct sonde_event batch[BATCH_MOST];
	struct lent first, held[HELD_MOST];
	unsigned seed, given, batches;
	int64_t ts;
};

struct source {
	struct lane lanes[LANES_MOST];
	size_t held; /* batches; 0: nobody asked for that */
};

static unsigned next_random(unsigned *s)
{
	*s = *s * 1103515245 + 12345;
	return *s >> 16;
}

static struct sonde_trace some_trace = { .name = "t" };
static struct sonde_stream_class some_stream_class = { .trace = &some_trace };
static const struct sonde_event_class some_class = { .name = "x",
						     .stream_class = &some_stream_class };
static const struct sonde_stream streams[LANES_MOST] = {
	{ .cls = &some_stream_class, .index = 0 }, { .cls = &some_stream_class, .index = 1 },
	{ .cls = &some_stream_class, .index = 2 }, { .cls = &some_stream_class, .index = 3 },
	{ .cls = &some_stream_class, .index = 4 }, { .cls = &some_stream_class, .index = 5 },
	{ .cls = &some_stream_class, .index = 6 },
};

static int source_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct source *s = c->state;

	(void)setup;
	for (unsigned i = 0; i < LANES_MOST; i++)
		s->lanes[i].seed = seed + i;
	return 0;
}

static void fill(struct lane *l, struct lent *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++, l->given++) {
		struct sonde_event *e = &l->batch[i];

		l->ts += next_random(&l->seed) % 3;
		*e = (struct sonde_event){ .ts_ns = l->ts, .cycles = l->given };
		if (i == 0 && l->batches % 5 == 0) {
			e->u.gap = &to->gap;
			continue;
		}
		e->cls = &some_class;
		e->u.pkt = &to->packet;
	}
}

static int source_next(struct sonde_component *c, size_t lane, struct sonde_batch *ret)
{
	struct source *s = c->state;
	struct lane *l = &s->lanes[lane];
	const unsigned left = events_of[lane] - l->given;
	unsigned n = 1 + next_random(&l->seed) % BATCH_MOST;
	struct lent *to = s->held ? &l->held[l->batches % s->held] : &l->first;

	if (!left)
		return 0;
	if (fails_at && l->batches == fails_at)
		return sonde_fail(-EIO, "lane %zu ends in a bad way", lane);
	n = n < left ? n : left;
	// What was lent before is gone now, as is what was held for long enough.
	memset(l->batch, 0xff, sizeof(l->batch));
	to->packet = (struct sonde_packet){ .stream = &streams[lane], .seq = l->batches };
	to->gap = (struct sonde_gap){ .stream = &streams[lane], .count = l->batches };
	fill(l, to, n);
	l->batches++;
	*ret = (struct sonde_batch){ l->batch, n };
	return 1;
}

static size_t source_lanes(struct sonde_component *c)
{
	(void)c;
	return n_lanes;
}

static int source_hold(struct sonde_component *c, size_t n)
{
	struct source *s = c->state;

	EXPECT(n > 0 && n <= HELD_MOST);
	EXPECT_EQ(s->held, 0);
	if (!can_hold)
		return -ENOTSUP;
	s->held = n;
	return 0;
}

static const struct sonde_component_class source = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.test",
	.state_size = sizeof(struct source),
	.init = source_init,
	.lanes = source_lanes,
	.next = source_next,
	.hold = source_hold,
};

/* What came, mixed into one number in the order in which it came. */
static uint64_t seen, sum, consumed;
static bool is_slow; /* the sink, so that all is read ahead that can be */

static void mix(uint64_t v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15u;
	sum ^= sum >> 29;
}

static int sink_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	(void)c;
	if (is_slow && consumed++ % 16 == 0)
		usleep(2000);
	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];

		if (most && seen == most)
			return 1;
		seen++;
		mix((uint64_t)e->ts_ns);
		mix(e->cycles);
		mix(e->cls ? e->u.pkt->stream->index : ~e->u.gap->stream->index);
		mix(e->cls ? e->u.pkt->seq : e->u.gap->count);
	}
	return 0;
}

static int sink_finish(struct sonde_component *c)
{
	(void)c;
	mix(seen);
	return 0;
}

static const struct sonde_component_class sink = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.test",
	.consume = sink_consume,
	.finish = sink_finish,
};

static int run(enum graph_ahead how)
{
	struct graph *g = NULL;
	struct sonde_setup setup = { 0 };

	seen = sum = 0;
	int r = graph_new(&g);
	if (r >= 0)
		r = graph_add(g, &source, &setup);
	if (r >= 0)
		r = graph_add(g, &sink, &setup);
	if (r >= 0) {
		graph_set_ahead(g, how);
		r = graph_run(g);
	}
	graph_free(g);
	return r;
}

/* The same comes out with a thread from the begin, and with one that starts on the way. */
static void compare(void)
{
	char words[64] = "";
	const int r = run(GRAPH_AHEAD_NOT);
	const uint64_t want = sum, want_seen = seen;

	if (r < 0)
		snprintf(words, sizeof(words), "%s", sonde_err_str());
	for (int how = 0; how < 2; how++) {
		EXPECT_EQ(run(how ? GRAPH_AHEAD_MUST : GRAPH_AHEAD_MAY), r);
		EXPECT_EQ(seen, want_seen);
		EXPECT(sum == want);
		if (r < 0)
			EXPECT_STR(sonde_err_str(), words);
		if (sum != want || seen != want_seen)
			printf("# seed %u\n", seed);
	}
}

static void make(unsigned s)
{
	seed = s;
	n_lanes = s % (LANES_MOST + 1);
	for (unsigned i = 0; i < n_lanes; i++) {
		unsigned random = s * 31 + i;

		next_random(&random);
		events_of[i] = next_random(&random) % 4 ? next_random(&random) % 20000 : 0;
	}
}

TEST(same_events_and_what_they_lead_to)
{
	can_hold = true;
	fails_at = 0;
	most = 0;
	for (unsigned s = 1; s < 60; s++) {
		make(s);
		compare();
	}
}

TEST(nothing_goes_before_its_time)
{
	can_hold = is_slow = true;
	for (unsigned s = 1; s < 6; s++) {
		make(s);
		compare();
	}
	is_slow = false;
}

TEST(failures_come_over)
{
	can_hold = true;
	most = 0;
	for (unsigned s = 1; s < 30; s++) {
		make(s);
		fails_at = 1 + s * 7 % 100;
		compare();
	}
	fails_at = 0;
}

TEST(the_sink_has_enough)
{
	can_hold = true;
	for (unsigned s = 1; s < 30; s++) {
		make(s);
		most = 1 + s * 701 % 30000;
		compare();
	}
	most = 0;
}

TEST(sources_that_cannot)
{
	can_hold = false;
	for (unsigned s = 1; s < 9; s++) {
		make(s);
		compare();
	}
}

static int run_ahead(void)
{
	return run(GRAPH_AHEAD_MUST);
}

TEST(out_of_memory)
{
	can_hold = true;
	make(5);
	test_oom(run_ahead);
}
