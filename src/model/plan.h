/* SPDX-License-Identifier: MIT */
/**
 * Decode plans: short programs, compiled once from types, that walk the bytes of a scope.
 *
 * A plan finds where things begin and end and saves the few values that decide it; it never makes
 * an object of a field. All positions are bits from the packet's first bit.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>
#include <sonde/type.h>

#include "base/arena.h"

enum plan_code {
	PLAN_END,     /* the walk is over */
	PLAN_MARK,    /* the scopes of the event in mask .slot begin here */
	PLAN_ALIGN,   /* to .n bits */
	PLAN_U8,      /* an integer of the machine's byte order at a whole byte, into .slot */
	PLAN_U16,     /* likewise */
	PLAN_U32,     /* likewise */
	PLAN_U64,     /* likewise */
	PLAN_INT,     /* any other integer, into .slot */
	PLAN_ID,      /* an integer that is the event's class id, into .slot too */
	PLAN_CLOCK,   /* an integer that is a clock's value, into .slot too */
	PLAN_STRING,  /* to behind the next 0 byte */
	PLAN_REPEAT,  /* .slot elements, .n bits apart; the last one is .last bits long */
	PLAN_LOOP,    /* body runs .slot times; its counters are locals .local and the next */
	PLAN_LOOP_N,  /* body runs .n times; likewise */
	PLAN_NEXT,    /* end of a loop's body, back to .jump */
	PLAN_VARIANT, /* to the option that .slot chooses */
	PLAN_JUMP,    /* to .jump */
	PLAN_BROKEN,  /* what is here cannot be read, whatever the bytes */
	/* Two ops in one; the second stands behind it all the same. */
	PLAN_U8_REPEAT,
	PLAN_U16_REPEAT,
	PLAN_U32_REPEAT,
	PLAN_U64_REPEAT,
};

struct plan_jump {
	uint64_t lo, hi; /* both included */
	uint32_t op;
};

/** First .pre bits are skipped, then the op is done, then its bits are skipped. */
struct plan_op {
	uint8_t code; /* of the single op */
	uint8_t hot;  /* of the op, or of it and the next in one */
	bool packet;  /* .slot is one of the packet's, not a local */
	bool tag_signed;
	uint32_t slot;
	uint32_t local;
	uint32_t jump, n_jumps;
	uint64_t pre;
	uint64_t n, last;
	union {
		const struct sonde_int *integer;
		const struct plan_jump *jumps;
	} u;
};

/** Where a member is: behind all ops before @op and @bits more, to be aligned for its type. */
struct plan_at {
	uint32_t op;
	uint64_t bits;
};

/** The members of one scope, as a program knows them. */
struct plan_scope {
	const struct plan_at *at; /* of each member; NULL: no such scope */
	uint32_t first;		  /* its first op .. */
	uint64_t before;	  /* .. which skips that many bits that lie before the scope */
	bool own;		  /* needs nothing that other scopes of the event saved */
};

/** Most values that the scopes of an event may save, loop counters included. */
enum { PLAN_LOCALS_MOST = 256 };

/** How the event header is laid out. */
enum plan_header_kind {
	PLAN_HEADER_GENERAL, /* as its ops say */
	PLAN_HEADER_PLAIN,   /* id and time at fixed bytes */
	PLAN_HEADER_COMPACT, /* LTTng's: 5 bits id + 27 bits time; 31: full id and time */
	PLAN_HEADER_LARGE,   /* LTTng's: 16 bits id + 32 bits time; 65535: full id and time */
};

/** A field of whole bytes at a fixed byte of the header. */
struct plan_byte_field {
	uint8_t at, len; /* bytes; len 0: there is none */
	bool swap;	 /* not of this machine's byte order */
};

/** A plan in whole bytes, of the few things that make up most events. */
enum plan_step_kind {
	PLAN_STEP_NONE,	  /* there is no such class */
	PLAN_STEP_OPS,	  /* something else: run the ops */
	PLAN_STEP_END,	  /* that was it */
	PLAN_STEP_STRING, /* to behind the next 0 */
	PLAN_STEP_ITEMS,  /* a length of .len bytes, then so many elements of .stride bytes */
	PLAN_STEP_ALIGN,  /* to .stride bytes */
};

/** First .pre bytes are skipped. */
struct plan_step {
	uint32_t pre, stride;
	uint8_t kind, len;
};

enum { PLAN_STEPS_MOST = 8 };

/** All that the decode loop wants of an event class, in two cache lines. */
struct plan_hot {
	const struct sonde_event_class *cls;
	const struct plan *plan;
	uint32_t mark[3]; /* as in struct plan */
	uint32_t id;
	struct plan_step steps[PLAN_STEPS_MOST];
};
_Static_assert(sizeof(struct plan_hot) == 128 || sizeof(void *) != 8, "two cache lines");

/** What all event classes of a stream class share: their header. */
struct plan_header {
	const struct sonde_stream_class *cls;
	enum plan_header_kind kind;
	uint32_t align;				 /* of the header, at least 1 */
	uint32_t len;				 /* bytes of PLAIN, and of the short forms */
	struct plan_byte_field id, time;	 /* PLAIN and LARGE */
	struct plan_byte_field ext_id, ext_time; /* COMPACT and LARGE: full ones */
	uint32_t ext_len;			 /* bytes with full ones */
	bool swap;				 /* COMPACT: not of this machine's byte order */
	const struct plan_op *ops;
	struct plan_scope scope;
	bool has_id;
	struct plan_hot *hot;			/* n_by_id, by id */
	const struct sonde_event_class **by_id; /* n_by_id, by id; NULL: no such class */
	size_t n_by_id;
	const struct sonde_event_class **sorted; /* those with ids behind the table */
	size_t n_sorted;
	const struct plan_packet *packet[2]; /* header and context; whoever has them sets it */
};

/** One event class. */
struct plan {
	const struct plan_header *header;
	const struct plan_op *ops; /* from the header's end */
	uint32_t n_ops;
	int64_t fixed;	  /* bits that all of it takes; -1: as the ops say */
	uint32_t mark[3]; /* begin of scopes, bits from the header's end, where not marked */
	bool marked[3];	  /* an op says where the scope begins */
	struct plan_scope scope[3]; /* stream context, event context, payload */
	uint32_t n_locals;	    /* that the ops use */
};

/** The packet header of a trace, or the packet context of a stream class. */
struct plan_packet {
	const struct sonde_type *type; /* NULL: there is none */
	const struct plan_op *ops;
	struct plan_scope scope;
	uint32_t n_locals; /* slots of the trace and loop counters */
};

/** A walk under way. */
struct plan_walk {
	const uint8_t *data;   /* the packet's */
	uint64_t end;	       /* bits that may be read */
	uint64_t clock;	       /* latest value */
	uint64_t id;	       /* latest class id */
	const uint64_t *slots; /* the packet's */
	uint64_t *locals;      /* PLAN_LOCALS_MOST, or plan_packet.n_locals */
	uint64_t mark[3];      /* begin of scopes that ops mark */
	const char *why;       /* what is wrong, where a walk failed */
};

/** Compiles a stream class' header and all its event classes. -EBADMSG: over a limit. */
SONDE_MUST_CHECK int plan_stream_class(struct arena *arena, const struct sonde_trace *trace,
				       struct sonde_stream_class *cls, struct plan_header **ret);

/** Compiles a packet header or context (NULL: an empty one); @tail is a field whose time waits. */
SONDE_MUST_CHECK int plan_packet(struct arena *arena, const struct sonde_trace *trace,
				 const struct sonde_type *type, const char *tail,
				 struct plan_packet **ret);

/**
 * Runs @ops from @from up to, not including, op @to (UINT32_MAX: to the end). False: the bytes end
 * before, or make no sense; else *@pos is behind what was walked.
 */
SONDE_MUST_CHECK bool plan_run(const struct plan_op *ops, uint32_t from, uint32_t to,
			       struct plan_walk *w, uint64_t *pos);

/** The same for the whole program, in a hurry. */
SONDE_MUST_CHECK bool plan_run_hot(const struct plan_op *ops, struct plan_walk *w, uint64_t *pos);

/** The class of that id, or NULL. */
const struct sonde_event_class *plan_class(const struct plan_header *h, uint64_t id);

/** The clock after a field of @len bits held @v: the low bits change, with a carry. */
static inline uint64_t plan_clock(uint64_t clock, uint64_t v, unsigned len)
{
	if (len >= 64)
		return v;
	uint64_t mask = (UINT64_C(1) << len) - 1;

	v &= mask;
	if (v < (clock & mask))
		clock += mask + 1;
	return (clock & ~mask) | v;
}

#endif
