/* SPDX-License-Identifier: MIT */
/** flt.limit: passes the first 'n' events, then ends the run. */
#include <errno.h>

#include <sonde/err.h>

#include "comp/all.h"
#include "graph/component.h"

struct flt_limit {
	int64_t left;
};

static int limit_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct flt_limit *f = c->state;

	f->left = -1;
	int r = param_i64(setup, "n", &f->left);
	if (r >= 0 && f->left < 0)
		r = sonde_fail(-EINVAL, "flt.limit wants a parameter 'n' of 0 or more");
	return r;
}

static int limit_filter(struct sonde_component *c, const struct sonde_batch *in,
			struct sonde_batch *ret)
{
	struct flt_limit *f = c->state;
	size_t n = 0;

	if (!f->left)
		return 1;
	while (n < in->n && f->left > 0)
		f->left -= in->events[n++].cls != NULL;
	*ret = (struct sonde_batch){ in->events, n };
	return 0;
}

const struct sonde_component_class flt_limit = {
	.abi = SONDE_ABI,
	.kind = SONDE_FILTER,
	.name = "flt.limit",
	.help = "Pass the first 'n' events and the gaps between them, then end.",
	.state_size = sizeof(struct flt_limit),
	.init = limit_init,
	.filter = limit_filter,
};
