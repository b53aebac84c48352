/* SPDX-License-Identifier: MIT */
/** All integers of an event's payload, those inside of structures and variants too. */
#ifndef MODEL_DEEP_H
#define MODEL_DEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

/** Hears of an integer or enumeration; @name is that of its member, without the path. */
typedef void deep_visit(void *arg, const char *name, int64_t v);

/** Hears of an array of at most DEEP_BYTES_MOST bytes, as they lie there. */
typedef void deep_bytes(void *arg, const char *name, const uint8_t *data, size_t len);

enum { DEEP_BYTES_MOST = 64 };

/**
 * Tells all integers in the order of the bytes, and short arrays of integers of whole bytes
 * (addresses of packets). @slots is memory for the trace's n_slots + 1 values. False: the bytes
 * end before, or make no sense.
 */
bool deep_fields(const struct sonde_event *e, uint64_t *slots, deep_visit *visit, deep_bytes *bytes,
		 void *arg);

#endif
