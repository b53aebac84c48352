/* SPDX-License-Identifier: MIT */
/**
 * Events begin at multiples of WRITER_EVENT_ALIGN, and what they hold is laid out from there: whole
 * events can be moved within a packet.
 */
#include "ctf/late.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void late_fini(struct late *l)
{
	free(l->room);
	*l = (struct late){ 0 };
}

uint64_t late_time(struct late *l, const struct writer_stream *s, uint64_t ts)
{
	if (s->end == 0) { // an empty packet
		l->n = 0;
		l->begin = s->len;
		l->from = s->last_ts;
	}
	const uint64_t least =
		l->n == LATE_RECENT && l->recent[0].at != l->begin ? l->recent[0].ts : l->from;

	return ts < least ? least : ts;
}

/* Notes an event as number @i of the last ones. */
static void note(struct late *l, size_t i, size_t at, uint64_t ts)
{
	if (l->n == LATE_RECENT) {
		if (i == 0)
			return;
		memmove(l->recent, l->recent + 1, (LATE_RECENT - 1) * sizeof(l->recent[0]));
		l->n--;
		i--;
	}
	memmove(l->recent + i + 1, l->recent + i, (l->n - i) * sizeof(l->recent[0]));
	l->recent[i] = (struct late_event){ at, ts };
	l->n++;
}

int late_commit(struct late *l, struct writer_stream *s, uint64_t ts, size_t len)
{
	const size_t at = s->len, end = s->end;
	size_t i = l->n;

	while (i > 0 && l->recent[i - 1].ts > ts)
		i--;
	if (i == l->n) {
		writer_commit(s, ts, len);
		note(l, i, at, ts);
		return 0;
	}
	const size_t to = l->recent[i].at;
	const size_t room = (len + WRITER_EVENT_ALIGN - 1) & ~(size_t)(WRITER_EVENT_ALIGN - 1);
	int r = mem_grow(&l->room, &l->cap, room);
	if (r < 0)
		return r;
	writer_commit(s, s->last_ts, len);
	memset(s->buf + at + len, 0, room - len);
	memcpy(l->room, s->buf + at, room);
	memmove(s->buf + to + room, s->buf + to, at - to);
	memcpy(s->buf + to, l->room, room);
	s->end = end + room; // the last event is the one that was last before
	if (to == l->begin)
		s->first_ts = ts;
	for (size_t k = i; k < l->n; k++)
		l->recent[k].at += room;
	note(l, i, to, ts);
	return 0;
}
