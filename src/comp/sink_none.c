/* SPDX-License-Identifier: MIT */
/** sink.none: takes all events and prints none; gaps are told of. */
#include "comp/all.h"
#include "comp/clock_text.h"
#include "comp/gap_note.h"
#include "graph/component.h"

struct sink_none {
	struct gap_notes gaps;
	struct clock_text clock;
};

static void none_fini(struct sonde_component *c)
{
	struct sink_none *s = c->state;

	gap_notes_fini(&s->gaps);
}

static int none_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink_none *s = c->state;

	for (size_t i = 0; i < in->n; i++) {
		if (in->events[i].cls)
			continue;
		int r = gap_notes_tell(&s->gaps, &c->setup, &s->clock, in->events[i].u.gap);
		if (r < 0)
			return r;
	}
	return 0;
}

static int none_finish(struct sonde_component *c)
{
	struct sink_none *s = c->state;

	gap_notes_finish(&s->gaps, &c->setup);
	return 0;
}

const struct sonde_component_class sink_none = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.none",
	.help = "Take all events and print none.",
	.state_size = sizeof(struct sink_none),
	.fini = none_fini,
	.consume = none_consume,
	.finish = none_finish,
};
