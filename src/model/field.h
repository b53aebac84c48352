/* SPDX-License-Identifier: MIT */
/**
 * Single fields of events by name: found once per event class, then read from each event.
 *
 * A field whose offset is fixed costs one load; the others a short program of skips.
 */
#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H

#include <stdbool.h>

#include <sonde/event.h>
#include <sonde/span.h>

/** Where a field of one event class is; in the caller's storage, owns nothing. */
struct field_ref {
	const struct sonde_type *type; /* NULL: the class has no such field */
	const struct sonde_event_class *cls;
	enum sonde_scope scope;
	bool fixed;	 /* @off is all there is to it */
	uint32_t off;	 /* bits from the scope's aligned begin, where fixed */
	uint32_t member; /* number of the top-level member of the scope */
	/** A fixed integer of whole bytes in the machine's order, or an array of characters. */
	bool is_plain;
	bool is_signed;
	uint8_t shift;	  /* of a plain integer: all but its bits of 64 */
	uint8_t begin_at; /* of the scope's begin in struct sonde_event, where plain */
};

/**
 * Finds the top-level member @name (shown name, or as in the metadata) of a scope.
 * Returns false, and a ref that reads as absent, where there is none.
 */
bool field_find(const struct sonde_event_class *cls, enum sonde_scope scope, const char *name,
		struct field_ref *ret);

/** Looks in payload, event context, stream context, packet context, in this order. */
bool field_find_any(const struct sonde_event_class *cls, const char *name, struct field_ref *ret);

/**
 * The value of an integer or enumeration, sign-extended where its type is signed. A variant is
 * looked through to its chosen option. False, *ret untouched: absent, or not an integer.
 */
bool field_int(const struct sonde_event *e, const struct field_ref *f, int64_t *ret);

/** The value of a real. */
bool field_real(const struct sonde_event *e, const struct field_ref *f, double *ret);

/** The bytes of a string or text array or text sequence, up to its first 0, without it. */
bool field_text(const struct sonde_event *e, const struct field_ref *f, struct sonde_span *ret);

/**
 * An array or sequence of integers, each of whole bytes: its elements' bytes as they lie in the
 * packet (lent as the event is), and how many.
 */
bool field_ints(const struct sonde_event *e, const struct field_ref *f, struct sonde_span *ret,
		const struct sonde_int **ret_type, size_t *ret_n);

/** Element @i of field_ints()'s result. */
int64_t field_ints_at(struct sonde_span ints, const struct sonde_int *type, size_t i);

#endif
