/* SPDX-License-Identifier: MIT */
/**
 * What lies within fields of events: members of structures, elements of arrays and sequences, the
 * options of variants, at any depth.
 *
 * They are found by walking all of the event before them, by its types, as a sequence's length or a
 * variant's tag may be anywhere. Slower than model/field.h by far, and good for all shapes.
 */
#ifndef MODEL_PART_H
#define MODEL_PART_H

#include <stdbool.h>

#include <sonde/event.h>
#include <sonde/span.h>

enum { PART_STEPS_MOST = 16, PART_ELEMENT = UINT32_MAX, PART_DEPTH_MOST = 64 };

/** The way to a part; in the caller's storage, owns nothing. */
struct part_path {
	const struct sonde_event_class *cls;
	enum sonde_scope scope;
	const struct sonde_type *type; /* of what it leads to */
	uint32_t n;
	/** Number of a member or option, the first one of the scope's; PART_ELEMENT: an element. */
	uint32_t steps[PART_STEPS_MOST];
};

/** A place in an event's bytes, with all that was saved on the way to it. */
struct part_walk {
	const uint8_t *data;
	uint64_t pos, end; /* bits; @pos is the aligned begin of what was found */
	uint64_t *slots;   /* owned; by sonde_type.save */
	size_t n_slots;
	uint64_t budget; /* elements and members that may still be looked at */
};

/** @w all zero is an empty one, kept as room from event to event. */
void part_walk_fini(struct part_walk *w);

/**
 * Finds a part of @e, whose class is the path's; @at are the numbers of its elements, one for each
 * PART_ELEMENT. Gives its type, which is no variant's; NULL: it is not in this event.
 */
const struct sonde_type *part_find(struct part_walk *w, const struct sonde_event *e,
				   const struct part_path *path, const uint64_t *at);

/* What was found, and what is in it, from the place of the walk on. Those that return false, 0 or
 * NULL have come to bytes that make no sense. */

/** The chosen option of a variant @t (any other type is given back), aligned for it. */
const struct sonde_type *part_choose(struct part_walk *w, const struct sonde_type *t);
/** Elements of an array or sequence. */
uint64_t part_count(const struct part_walk *w, const struct sonde_type *t);
/** Goes behind a value of that type; numbers that others need are saved. */
bool part_skip(struct part_walk *w, const struct sonde_type *t);
/** The value of an integer or enumeration. */
bool part_int(const struct part_walk *w, const struct sonde_type *t, int64_t *ret);
bool part_real(const struct part_walk *w, const struct sonde_type *t, double *ret);
/** The bytes of a string or text, up to its first 0, without it. */
bool part_text(const struct part_walk *w, const struct sonde_type *t, struct sonde_span *ret);

#endif
