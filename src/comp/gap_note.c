/* SPDX-License-Identifier: MIT */
/** Tells a person of gaps. */
#include "comp/gap_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "comp/clock_text.h"

struct gap_seen {
	const struct sonde_stream *stream;
	uint64_t gaps[GAP_KINDS], lost[GAP_KINDS];
};

static const struct {
	const char *name, *one, *many;
} kinds[GAP_KINDS] = {
	[SONDE_GAP_LOST_EVENTS] = { "lost_events", "event lost", "events lost" },
	[SONDE_GAP_LOST_PACKETS] = { "lost_packets", "packet lost", "packets lost" },
	[SONDE_GAP_CUT] = { "cut", "packet cut short", "packets cut short" },
	[SONDE_GAP_BACKWARD] = { "backward", "step back in time", "steps back in time" },
};

const char *gap_kind_name(enum sonde_gap_kind kind)
{
	return kinds[kind].name;
}

void gap_notes_fini(struct gap_notes *g)
{
	free(g->seen);
	*g = (struct gap_notes){ 0 };
}

static const char *path_of(const struct sonde_gap *gap)
{
	if (gap->path)
		return gap->path;
	return gap->stream && gap->stream->path ? gap->stream->path : "a stream";
}

/* " between .. and ..", as far as it is known. */
static void put_span(char *text, size_t size, struct clock_text *clock, const struct sonde_gap *gap)
{
	const bool has_begin = gap->begin_ns != INT64_MIN, has_end = gap->end_ns != INT64_MAX;
	char begin[CLOCK_TEXT_MOST + 1], end[CLOCK_TEXT_MOST + 1];

	// What is not shown must not be the first time before the origin: see clock_text_put().
	*(has_begin ? clock_text_put(clock, begin, gap->begin_ns) : begin) = '\0';
	*(has_end ? clock_text_put(clock, end, gap->end_ns) : end) = '\0';
	if (has_begin && has_end)
		snprintf(text, size, " between %s and %s", begin, end);
	else if (has_end)
		snprintf(text, size, " before %s", end);
	else if (has_begin)
		snprintf(text, size, " after %s", begin);
	else
		snprintf(text, size, " at an unknown time");
}

static void tell(const struct sonde_setup *setup, struct clock_text *clock,
		 const struct sonde_gap *gap)
{
	char span[2 * CLOCK_TEXT_MOST + 32], line[4400];

	put_span(span, sizeof(span), clock, gap);
	switch (gap->kind) {
	case SONDE_GAP_LOST_EVENTS:
	case SONDE_GAP_LOST_PACKETS:
		if (gap->has_count)
			snprintf(line, sizeof(line), "%s: %" PRIu64 " %s%s", path_of(gap),
				 gap->count,
				 gap->count == 1 ? kinds[gap->kind].one : kinds[gap->kind].many,
				 span);
		else
			snprintf(line, sizeof(line), "%s: an unknown number of %s%s", path_of(gap),
				 kinds[gap->kind].many, span);
		break;
	case SONDE_GAP_CUT:
		snprintf(line, sizeof(line),
			 "%s: byte %" PRIu64 ": %s; the rest of this packet is "
			 "left out",
			 path_of(gap), gap->off,
			 gap->words ? gap->words : "the packet is cut short");
		break;
	case SONDE_GAP_BACKWARD:
		snprintf(line, sizeof(line), "%s: byte %" PRIu64 ": time steps back%s; going on",
			 path_of(gap), gap->off, span);
		break;
	}
	setup->note(setup->note_arg, line);
}

int gap_notes_tell(struct gap_notes *g, const struct sonde_setup *setup, struct clock_text *clock,
		   const struct sonde_gap *gap)
{
	const size_t index = gap->stream ? gap->stream->index : 0;

	if (!setup->note || (unsigned)gap->kind >= GAP_KINDS)
		return 0;
	int r = mem_grow(&g->seen, &g->cap, index + 1);
	if (r < 0)
		return r;
	while (g->n <= index)
		g->seen[g->n++] = (struct gap_seen){ .stream = NULL };

	struct gap_seen *seen = &g->seen[index];
	seen->stream = gap->stream;
	if (seen->gaps[gap->kind]++ < GAP_NOTES_MOST)
		tell(setup, clock, gap);
	else
		seen->lost[gap->kind] += gap->has_count ? gap->count : 0;
	return 0;
}

void gap_notes_finish(struct gap_notes *g, const struct sonde_setup *setup)
{
	char line[4400];

	for (size_t i = 0; i < g->n; i++) {
		const struct gap_seen *s = &g->seen[i];
		const char *path = s->stream && s->stream->path ? s->stream->path : "a stream";

		for (size_t k = 0; k < GAP_KINDS; k++) {
			if (s->gaps[k] <= GAP_NOTES_MOST)
				continue;
			uint64_t more = s->gaps[k] - GAP_NOTES_MOST;
			if (s->lost[k])
				snprintf(line, sizeof(line),
					 "%s: %" PRIu64 " more gaps like these, with %" PRIu64
					 " %s",
					 path, more, s->lost[k], kinds[k].many);
			else
				snprintf(line, sizeof(line), "%s: %" PRIu64 " more %s", path, more,
					 more == 1 ? kinds[k].one : kinds[k].many);
			setup->note(setup->note_arg, line);
		}
	}
}
