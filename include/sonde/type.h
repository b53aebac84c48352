/* SPDX-License-Identifier: MIT */
/**
 * What a trace is: field types, event classes, stream classes, clocks.
 *
 * The shapes follow CTF 1.8.3 (https://diamon.org/ctf/v1.8.3/), sections 4 to 7; other formats are
 * described with the same shapes. Everything here is read-only to those who did not build it and
 * lives as long as its trace. All offsets, sizes and alignments are in bits.
 */
#ifndef SONDE_TYPE_H
#define SONDE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

SONDE_BEGIN_DECLS

enum sonde_kind {
	SONDE_INT = 1,
	SONDE_ENUM,
	SONDE_FLOAT,
	SONDE_STRING,
	SONDE_STRUCT,
	SONDE_ARRAY,
	SONDE_SEQUENCE,
	SONDE_VARIANT,
};

enum sonde_encoding { SONDE_ENC_NONE, SONDE_ENC_UTF8, SONDE_ENC_ASCII };

struct sonde_type;

/** A member of a structure or an option of a variant. */
struct sonde_member {
	const char *name;  /* as the metadata has it, a leading '_' included */
	const char *shown; /* as people see it: without one leading '_' */
	const struct sonde_type *type;
};

/** One range of an enumeration; signed values are kept as two's complement. */
struct sonde_mapping {
	const char *label;
	uint64_t lo, hi; /* both included */
};

/** Tag values of a variant that choose option @option; the first range that holds the tag wins. */
struct sonde_choice {
	uint64_t lo, hi; /* both included; compared as signed if the tag is signed */
	uint32_t option;
};

/** Also the container of an enumeration. */
struct sonde_int {
	uint8_t len;  /* 1 .. 64 */
	uint8_t base; /* how people want it shown: 2, 8, 10 or 16 */
	bool is_signed;
	bool big_endian;
	enum sonde_encoding encoding;
	const struct sonde_clock *clock; /* NULL: no clock's value */
};

/**
 * One field type, at one place of one tree: types are never shared between places.
 *
 * Slots: a field that decides the length of a sequence or the option of a variant has a @save
 * number. Whoever decodes in order keeps an array of values by that number: store an integer's
 * value at @save when passing it, look up @ref at a sequence or variant. So a reference may reach
 * any earlier field of any scope, and the latest value counts (arrays of structures).
 */
struct sonde_type {
	enum sonde_kind kind;
	uint32_t align;	   /* 1 or more, a power of two; of a compound: the largest inside */
	uint32_t save;	   /* integers and enumerations: slot to save the value in; 0 none */
	uint32_t ref;	   /* sequences: slot of the length; variants: slot of the tag; else 0 */
	int64_t fixed_len; /* bits where the same everywhere but for first alignment; else -1 */
	union {
		struct sonde_int integer; /* SONDE_INT */
		struct {
			struct sonde_int integer;	  /* container; same place as SONDE_INT's */
			const struct sonde_mapping *maps; /* in the order of the metadata */
			size_t n_maps;
		} enumeration;
		struct {
			uint8_t len; /* 32 or 64; others are shown as unknown */
			bool big_endian;
			uint8_t exp_dig, mant_dig;
		} real;
		struct {
			enum sonde_encoding encoding;
		} string;
		struct {
			const struct sonde_member *members;
			size_t n_members;
		} structure;
		struct {
			const struct sonde_type *elem;
			uint64_t n;   /* arrays only */
			bool is_text; /* elements are bytes with an encoding: shown as a string */
		} array;	      /* SONDE_ARRAY and SONDE_SEQUENCE */
		struct {
			const struct sonde_member *options;
			size_t n_options;
			const struct sonde_choice *choices;
			size_t n_choices;
			bool tag_signed;
		} variant;
	} u;
};

/** How times of one clock become those of another: what is @from_ns here is @to_ns there. */
struct sonde_clock_map {
	int64_t from_ns;
	int64_t to_ns;
	int64_t to_frac; /* and so many 2^-60 ns more; less than 1 ns */
	int64_t rate;	 /* 2^-60 ns there for each ns here; above 0 */
};

/** A clock: value v stands for offset_s + (offset + v) / freq seconds after its origin. */
struct sonde_clock {
	const char *name;
	const char *description; /* or NULL */
	uint8_t uuid[16];
	bool has_uuid;
	bool absolute; /* the origin is shared with other clocks that say so */
	bool is_unix;  /* the origin is 1970-01-01 UTC */
	bool is_apart; /* its times say nothing to clocks of other hosts */
	uint64_t freq; /* Hz, never 0 */
	int64_t offset_s;
	uint64_t offset;		   /* cycles */
	uint64_t precision;		   /* cycles */
	const struct sonde_clock_map *map; /* its times are shown as another clock's; or NULL */
};

/** One entry of a trace's environment. */
struct sonde_env {
	const char *name;
	const char *str; /* NULL: an integer */
	int64_t num;
};

/** A kind of event. */
struct sonde_event_class {
	const struct sonde_stream_class *stream_class;
	const char *name; /* never NULL */
	const char *uri;  /* model.emf.uri or NULL */
	uint64_t id;
	int64_t loglevel;		  /* -1: none */
	const struct sonde_type *context; /* structure or NULL */
	const struct sonde_type *payload; /* structure or NULL */
	const struct plan *plan;	  /* how to walk its bytes; made when first needed */
	uint32_t index;			  /* dense over all classes of a graph; the graph sets it */
};

/** A kind of stream: what its packets and events have in common. */
struct sonde_stream_class {
	const struct sonde_trace *trace;
	uint64_t id;
	bool has_id;
	const struct sonde_clock *clock;	 /* the one its times are of; or NULL */
	const struct sonde_type *packet_context; /* structures or NULL */
	const struct sonde_type *event_header;
	const struct sonde_type *event_context;
	struct sonde_event_class **events; /* in the order of the metadata */
	size_t n_events;
};

/** A trace: everything its metadata says. */
struct sonde_trace {
	const char *path; /* its folder; or NULL */
	/* For people: the environment's hostname and, where the person named a folder above, "/"
	 * and the path from there; or NULL. What babeltrace2 calls it, and sorts equal times by. */
	const char *name;
	uint8_t uuid[16];
	bool has_uuid;
	bool big_endian;
	const struct sonde_env *env;
	size_t n_env;
	const struct sonde_clock *const *clocks;
	size_t n_clocks;
	const struct sonde_type *packet_header; /* structure or NULL */
	struct sonde_stream_class **streams;
	size_t n_streams;
	uint32_t n_slots;	  /* slots are 1 .. n_slots */
	uint32_t index;		  /* dense over all traces of a graph; the graph sets it */
	const char *const *parts; /* further folders that the same recording was put into */
	size_t n_parts;
};

/** The first member of that name (shown or as in the metadata), or NULL. @t may be NULL. */
SONDE_API const struct sonde_member *sonde_type_member(const struct sonde_type *t,
						       const char *name);

/** The trace's environment entry of that name, or NULL. */
SONDE_API const struct sonde_env *sonde_trace_env(const struct sonde_trace *t, const char *name);

/** Nanoseconds since the clock's origin at @cycles; saturates at the ends of int64_t. */
SONDE_API int64_t sonde_clock_ns(const struct sonde_clock *clock, uint64_t cycles);

SONDE_END_DECLS

#endif
