/* SPDX-License-Identifier: MIT */
/**
 * Single fields of events by name: found once per event class, then read from each event.
 *
 * A field whose offset is fixed costs one load; the others a short program of skips.
 */
#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H

#include <stdbool.h>
#include <string.h>

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
	bool is_number; /* plain, and an integer */
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

/** Where a plain field of @e is, and how many bytes there are up to the packet's end. */
static inline const uint8_t *field_plain(const struct sonde_event *e, const struct field_ref *f,
					 uint64_t *ret_room)
{
	const struct sonde_packet *pkt = e->u.pkt;
	uint32_t begin;

	memcpy(&begin, (const char *)e + f->begin_at, sizeof(begin));
	const uint64_t at = (e->at + begin + f->off) / 8, n = pkt->n_bits / 8;
	*ret_room = at < n ? n - at : 0;
	return pkt->data + at;
}

/**
 * field_int() of an is_number of the class of @e. False, *ret untouched: it is so near to the
 * packet's end that eight bytes cannot be read; field_int() can.
 */
static inline bool field_number(const struct sonde_event *e, const struct field_ref *f,
				int64_t *ret)
{
	uint64_t room, v;
	const uint8_t *p = field_plain(e, f, &room);

	if (room < sizeof(v))
		return false;
	memcpy(&v, p, sizeof(v));
	v <<= f->shift;
	*ret = f->is_signed ? (int64_t)v >> f->shift : (int64_t)(v >> f->shift);
	return true;
}

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
