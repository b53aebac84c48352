/* SPDX-License-Identifier: MIT */
/** Traces of several hosts on one clock. */
#include "cmd/sync_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/host.h"

SONDE_DEFINE_AUTO(struct graph *, graph_free)
SONDE_DEFINE_AUTO(struct sync *, sync_free)

enum { LINE_MOST = 2 * DECIMAL_TEXT_MOST + HOST_KEY_MOST + 4 };

/* Hands events to the struct sync that was the setup's note_arg. */
static int find_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(void **)sonde_component_state(c) = setup->note_arg;
	return 0;
}

static int find_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	return sync_consume(*(struct sync **)sonde_component_state(c), in);
}

static const struct sonde_component_class sink_sync = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.sync",
	.help = "Finds how the clocks of several hosts go",
	.state_size = sizeof(struct sync *),
	.init = find_init,
	.consume = find_consume,
};

int sync_arg_find(const struct trace_args *a, struct sync **ret, struct sync_hosts *ret_hosts)
{
	sonde_auto(sync_freep) struct sync *s = NULL;
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = sync_new(&s);

	if (r >= 0)
		r = graph_new(&g);
	if (r >= 0)
		r = trace_args_add(a, g);
	if (r >= 0)
		r = graph_add(g, &sink_sync, &(struct sonde_setup){ .note_arg = s });
	if (r >= 0)
		r = graph_run(g);
	if (r >= 0)
		r = sync_solve(s, ret_hosts);
	if (r < 0)
		return r;
	*ret = sonde_take(s);
	return 0;
}

bool sync_arg_has_hosts(const struct graph *g)
{
	struct sonde_trace *const *traces;
	const size_t n = graph_traces(g, &traces);
	char first[HOST_KEY_MOST] = "", key[HOST_KEY_MOST] = "";

	for (size_t i = 0; i < n; i++) {
		if (!traces[i]->n_clocks)
			continue;
		host_key(traces[i], key);
		if (*first && strcmp(key, first) != 0)
			return true;
		memcpy(first, key, sizeof(first));
	}
	return false;
}

static int apply_host(struct trace_args *a, const struct sync_host *h, const char *reference)
{
	char slope[DECIMAL_TEXT_MOST], offset[DECIMAL_TEXT_MOST], line[LINE_MOST];

	if (h->is_reference)
		return 0;
	if (!h->synced) {
		fprintf(stderr,
			"sonde: %s: unsynchronised, its times are shown as its own clock had "
			"them\n",
			h->name);
		return trace_args_param(a, "apart", h->key);
	}
	decimal_text(h->slope, slope);
	decimal_text(h->offset_ns, offset);
	(void)snprintf(line, sizeof(line), "%s %s %s", slope, offset, h->key);
	fprintf(stderr,
		"sonde: %s: times are shown by the clock of %s (%s, from %" PRIu64 " packets)\n",
		h->name, reference, hull_quality_name(h->quality), h->n_matches);
	return trace_args_param(a, "clock", line);
}

int sync_arg_apply(struct trace_args *a, struct graph **g)
{
	sonde_auto(sync_freep) struct sync *s = NULL;
	struct sync_hosts hosts;
	const size_t before = a->n;

	if (!sync_arg_has_hosts(*g))
		return 0;
	int r = sync_arg_find(a, &s, &hosts);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	for (size_t i = 0; i < hosts.n && r >= 0; i++)
		r = apply_host(a, &hosts.all[i], hosts.reference->name);
	if (r < 0 || a->n == before)
		return r < 0 ? r : 0;
	graph_free(sonde_take(*g));
	r = graph_new(g);
	return r < 0 ? r : trace_args_add(a, *g);
}
