/* SPDX-License-Identifier: MIT */
/**
 * Builds the description (struct sonde_trace) of a trace that is about to be written.
 *
 * All memory comes from one arena. Allocations may fail: then the functions return NULL, take NULL
 * as types, and describe_ok() tells, so that a whole description is built and checked once.
 */
#ifndef CTF_DESCRIBE_H
#define CTF_DESCRIBE_H

#include <sonde/type.h>

#include "base/arena.h"

/** A description that grows; in the caller's storage, all zero but for @arena to begin with. */
struct describe {
	struct arena *arena;	  /* borrowed */
	struct sonde_trace trace; /* what was described so far */
	struct sonde_clock *clock;
	bool failed;
};

/** 0, or -ENOMEM (sonde_fail()). */
SONDE_MUST_CHECK int describe_ok(const struct describe *d);

/**
 * Starts the description: byte order of this machine, the packet header that ctf/writer.h writes,
 * a clock called "monotonic" of 1 GHz, CLOCK_MONOTONIC, with its offset to the epoch measured now.
 */
void describe_trace(struct describe *d, const uint8_t uuid[16]);

/** Environment entries; strings are copied. */
void describe_env_str(struct describe *d, const char *name, const char *value);
void describe_env_int(struct describe *d, const char *name, int64_t value);

/**
 * The entries that every trace of this machine has: hostname, domain, sysname, kernel_release,
 * kernel_version, architecture, tracer_name, tracer_major, tracer_minor, product.
 */
void describe_env_host(struct describe *d);

/** An integer of @len bits aligned to its size (8 .. 64), shown in base 10. */
struct sonde_type *describe_int(struct describe *d, unsigned len, bool is_signed);
/** The same, unsigned and shown in base 16. */
struct sonde_type *describe_hex(struct describe *d, unsigned len);
/** A 64-bit value of the trace's clock. */
struct sonde_type *describe_time(struct describe *d);
/** A string that ends with a 0. */
struct sonde_type *describe_string(struct describe *d);
/** @n bytes of text, up to the first 0. */
struct sonde_type *describe_text(struct describe *d, uint64_t n);
/** @n elements; @elem is taken over. */
struct sonde_type *describe_array(struct describe *d, struct sonde_type *elem, uint64_t n);
/** As many elements as the earlier integer @length says; gives that a slot. */
struct sonde_type *describe_sequence(struct describe *d, struct sonde_type *elem,
				     struct sonde_type *length);
/** As many bytes of text as @length says. */
struct sonde_type *describe_text_sequence(struct describe *d, struct sonde_type *length);

/** A structure without members. */
struct sonde_type *describe_struct(struct describe *d);
/** Puts a member behind the others. @name is what people see; it gets its '_' for the metadata. */
void describe_member(struct describe *d, struct sonde_type *st, const char *name,
		     struct sonde_type *type);

/** The same with @name as the metadata has it: for headers and contexts that CTF knows by name. */
void describe_exact_member(struct describe *d, struct sonde_type *st, const char *name,
			   struct sonde_type *type);

/**
 * A stream class with the packet context that ctf/writer.h writes. @event_header must be a
 * structure with an integer of the class id called "id" and, of the clock, "timestamp";
 * @event_context may be NULL. Both are taken over.
 */
struct sonde_stream_class *describe_stream(struct describe *d, uint64_t id,
					   struct sonde_type *event_header,
					   struct sonde_type *event_context);
/** The usual event header: u64 timestamp, u16 id. */
struct sonde_type *describe_event_header(struct describe *d);
/** An event class of a stream class of this description. */
struct sonde_event_class *describe_event(struct describe *d, struct sonde_stream_class *stream,
					 const char *name, uint64_t id, struct sonde_type *payload);

#endif
