/* SPDX-License-Identifier: MIT */
/** Which kernel events a recording takes: globs against what this kernel has. */
#ifndef RECORD_EVENT_PICK_H
#define RECORD_EVENT_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "record/source.h"

/** One event of this kernel. */
struct event_pick {
	const char *system;
	const char *name;
	const char *shown;  /* its name in the trace: "system:name" where several systems have it */
	const char *filter; /* the kernel's filter text, or NULL */
	bool picked, whole;
};

/** All events of this kernel, ordered by system and name; names come from the arena. */
struct event_list {
	struct event_pick *events; /* owned */
	size_t n, cap;
};

void event_list_fini(struct event_list *l);

/** Reads which events there are below the tracefs folder @dir. */
SONDE_MUST_CHECK int event_list_read(struct event_list *l, const char *dir, struct arena *arena);

/**
 * Marks the events that @o names; where it names none what the analyses need and this kernel has.
 * Later filters replace earlier ones, but of what is wanted whole. An event that does not exist,
 * and has to: -EINVAL, sonde_fail() suggests near names.
 */
SONDE_MUST_CHECK int event_list_pick(struct event_list *l, const struct record_opts *o);

/**
 * Splits EVENT[:FILTER] as people write it, EVENT with or without its system: what follows the
 * second colon is the filter; after the first colon if it is no name. @text is cut in place.
 */
struct record_event event_split(char *text);

/**
 * Cuts the first EVENT[:FILTER] off a list with commas: *@list goes on behind it, NULL at the end.
 * A filter may have commas itself: it goes to the list's end.
 */
char *event_list_next(char **list);

#endif
