/* SPDX-License-Identifier: MIT */
/**
 * Which of two events of equal time comes first: as in babeltrace2 2.0.4's merge, so that both
 * print the same. It compares the trace (uuid, then name), the stream class's id, the stream's id,
 * and then what the events are.
 */
#include "graph/order.h"

#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* What is there comes before what is not. */
static int compare_present(const void *a, const void *b)
{
	return (a == NULL) - (b == NULL);
}

static int compare_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : compare_present(a, b);
}

static const char *name_of(const struct sonde_trace *t)
{
	const struct sonde_env *host = t->name ? NULL : sonde_trace_env(t, "hostname");

	return host && host->str ? host->str : t->name ? t->name : "";
}

static int compare_traces(const struct sonde_trace *a, const struct sonde_trace *b)
{
	if (a == b)
		return 0;
	if (a->has_uuid != b->has_uuid)
		return a->has_uuid ? -1 : 1;

	int r = a->has_uuid ? memcmp(a->uuid, b->uuid, sizeof(a->uuid)) : 0;
	return r ? r : strcmp(name_of(a), name_of(b));
}

static int compare_streams(const struct sonde_stream *a, const struct sonde_stream *b)
{
	if (a == b)
		return 0;

	int r = compare_traces(a->cls->trace, b->cls->trace);
	if (!r)
		r = COMPARE(a->cls->id, b->cls->id);
	if (!r && a->has_id && b->has_id)
		r = COMPARE(a->id, b->id);
	// Streams without ids are numbered in the order in which they were found.
	return r ? r : COMPARE(a->index, b->index);
}

static int compare_classes(const struct sonde_event_class *a, const struct sonde_event_class *b)
{
	if (a == b)
		return 0;

	int r = COMPARE(a->id, b->id);
	if (!r)
		r = strcmp(a->name, b->name);
	if (!r && (a->loglevel < 0) != (b->loglevel < 0))
		r = a->loglevel < 0 ? 1 : -1;
	if (!r)
		r = COMPARE(a->loglevel, b->loglevel);
	// Here, and only here, what is not there comes first.
	return r ? r : a->uri && b->uri ? strcmp(a->uri, b->uri) : -compare_text(a->uri, b->uri);
}

static const struct sonde_stream *stream_of(const struct sonde_event *e)
{
	if (!e->cls)
		return e->u.gap ? e->u.gap->stream : NULL;
	return e->u.pkt ? e->u.pkt->stream : NULL;
}

int order_tie(const struct sonde_event *a, const struct sonde_event *b)
{
	const struct sonde_stream *x = stream_of(a), *y = stream_of(b);

	if (!x || !y)
		return compare_present(x, y); // made-up events need no packet
	int r = compare_streams(x, y);
	if (r || !(a->cls && b->cls))
		return r ? r : !a->cls - !b->cls; // events before gaps
	return compare_classes(a->cls, b->cls);
}
