/* SPDX-License-Identifier: MIT */
/** Tests that events come out of their packing as they went in. */
#include "graph/packed.h"

#include <stdio.h>

#include "base/mem.h"
#include "test.h"

enum { CLASSES = 400, STREAMS = 80, BATCHES = 300 };

static unsigned seed;

static unsigned next_random(unsigned most)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % most;
}

static struct sonde_event_class classes[CLASSES];
static struct sonde_stream streams[STREAMS];
static struct sonde_packet packets[STREAMS];
static const struct sonde_packet no_stream;
static const struct sonde_gap gap;

static void make_world(void)
{
	for (unsigned i = 0; i < CLASSES; i++)
		classes[i].index = i;
	for (unsigned i = 0; i < STREAMS; i++) {
		streams[i].index = i;
		packets[i].stream = &streams[i];
	}
}

/* Events as traces have them, and now and then what none has. */
static struct sonde_event make(uint64_t cycles, unsigned oddity)
{
	const unsigned few = next_random(4) ? 3 : CLASSES, k = next_random(few);
	struct sonde_event e = {
		.cls = &classes[k],
		.u.pkt = &packets[next_random(4) ? 1 : next_random(STREAMS)],
		.cycles = cycles,
		.ts_ns = (int64_t)cycles + 5000,
		.at = next_random(1 << 15) * 8ULL,
		.context = 80,
		.event_context = 80 + k,
		.payload = 128,
		.end = 128 + next_random(1000),
	};

	switch (oddity ? next_random(oddity) : 99) {
	case 0: e.at += UINT64_C(1) << 40; break;
	case 1: e.end = UINT32_MAX - 3; break;
	case 2: e.cycles = UINT64_MAX - 2; break;
	case 3: e.cycles -= 1000000; break;
	case 4: e.ts_ns = INT64_MIN; break;
	case 5: e.payload = 7; break;
	case 6: e.u.pkt = &no_stream; break;
	case 7: e.u.pkt = NULL; break;
	case 8: e.context = 0; break;
	case 9:
		e.cls = NULL;
		e.u.gap = &gap;
		break;
	default: break;
	}
	return e;
}

static bool same(const struct sonde_event *a, const struct sonde_event *b)
{
	return a->cls == b->cls && a->u.pkt == b->u.pkt && a->ts_ns == b->ts_ns &&
	       a->cycles == b->cycles && a->at == b->at && a->context == b->context &&
	       a->event_context == b->event_context && a->payload == b->payload && a->end == b->end;
}

static struct packed_batch batch;
static struct packed_classes maker, user;
static struct sonde_event in[SONDE_BATCH_MAX], out[SONDE_BATCH_MAX];

/* One batch there and back; the number of events that went whole. */
static unsigned there_and_back(size_t n)
{
	unsigned whole = 0;

	memset(out, 0xee, sizeof(out));
	packed_put(&batch, &maker, in, n);
	packed_get(&batch, &user, out);
	EXPECT_EQ(batch.n, n);
	for (size_t i = 0; i < n; i++) {
		if (!same(&in[i], &out[i]))
			test_failed(__FILE__, __LINE__, "event %zu of %zu differs", i, n);
		whole += batch.events[i].whole != 0;
	}
	return whole;
}

TEST(any_events)
{
	make_world();
	for (unsigned s = 0; s < BATCHES; s++) {
		uint64_t cycles = s % 2 ? UINT64_MAX / 3 : 1000;

		seed = s;
		const size_t n = s % 5 ? next_random(SONDE_BATCH_MAX) : SONDE_BATCH_MAX;
		const unsigned oddity = (unsigned[]){ 0, 10, 1000 }[s % 3];
		for (size_t i = 0; i < n; i++)
			in[i] = make(cycles += next_random(1u << next_random(30)), oddity);
		(void)there_and_back(n);
	}
}

TEST(none_is_like_another)
{
	make_world();
	for (size_t i = 0; i < SONDE_BATCH_MAX; i++) {
		in[i] = make(i << 40, 0);
		in[i].cls = &classes[i % CLASSES];
	}
	EXPECT(there_and_back(SONDE_BATCH_MAX) > SONDE_BATCH_MAX / 2);
	EXPECT_EQ(there_and_back(0), 0);
}

/* Once their classes are known, no ordinary event is moved whole. */
TEST(ordinary_events_are_small)
{
	make_world();
	EXPECT_EQ(sizeof(struct packed_event), 16);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < SONDE_BATCH_MAX; i++) {
			in[i] = make(1000 * round + i, 0);
			in[i].cls = &classes[i % 3];
			in[i].event_context = 80;
			in[i].u.pkt = &packets[i % PACKED_PACKETS];
		}
		const unsigned whole = there_and_back(SONDE_BATCH_MAX);
		if (round)
			EXPECT_EQ(whole, 0);
	}
}
