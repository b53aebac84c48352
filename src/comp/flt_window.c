/* SPDX-License-Identifier: MIT */
/** flt.window: passes events from 'from' to 'to', both in ns and both included. */
#include <errno.h>

#include <sonde/err.h>

#include "comp/all.h"
#include "comp/chosen.h"
#include "graph/component.h"

struct flt_window {
	int64_t from, to;
	bool wanted[SONDE_BATCH_MAX];
	struct chosen room;
};

static int window_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct flt_window *f = c->state;

	f->from = INT64_MIN;
	f->to = INT64_MAX;
	int r = param_i64(setup, "from", &f->from);
	if (r >= 0)
		r = param_i64(setup, "to", &f->to);
	return r;
}

static bool is_inside(const struct flt_window *f, const struct sonde_event *e)
{
	if (e->cls)
		return e->ts_ns >= f->from && e->ts_ns <= f->to;
	return e->u.gap->end_ns >= f->from && e->u.gap->begin_ns <= f->to;
}

static int window_filter(struct sonde_component *c, const struct sonde_batch *in,
			 struct sonde_batch *ret)
{
	struct flt_window *f = c->state;

	// The end does not show here: a stream may step back in time. Sources know their packets.
	for (size_t i = 0; i < in->n; i++)
		f->wanted[i] = is_inside(f, &in->events[i]);
	chosen_take(&f->room, in, f->wanted, ret);
	return 0;
}

const struct sonde_component_class flt_window = {
	.abi = SONDE_ABI,
	.kind = SONDE_FILTER,
	.name = "flt.window",
	.help = "Pass events between the times 'from' and 'to' in ns.",
	.state_size = sizeof(struct flt_window),
	.init = window_init,
	.filter = window_filter,
};
