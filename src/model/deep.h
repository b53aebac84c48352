/* SPDX-License-Identifier: MIT */
/** All integers of an event's payload, those inside of structures and variants too. */
#ifndef MODEL_DEEP_H
#define MODEL_DEEP_H

#include <stdbool.h>

#include <sonde/event.h>

/** Hears of an integer or enumeration; @name is that of its member, without the path. */
typedef void deep_visit(void *arg, const char *name, int64_t v);

/**
 * Tells all integers in the order of the bytes; elements of arrays are left out. @slots is memory
 * for the trace's n_slots + 1 values. False: the bytes end before, or make no sense.
 */
bool deep_ints(const struct sonde_event *e, uint64_t *slots, deep_visit *visit, void *arg);

#endif
