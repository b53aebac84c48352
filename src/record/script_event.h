/* SPDX-License-Identifier: MIT */
/** Events of scripts: how CTF describes them, and how their records are written. */
#ifndef RECORD_SCRIPT_EVENT_H
#define RECORD_SCRIPT_EVENT_H

#include <stdint.h>

#include "base/strbuf.h"
#include "ctf/describe.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"

/** A class of events; sites of one name share it. */
struct script_class {
	const char *name;
	struct strbuf shape; /* owned: of equal classes the same text */
	uint32_t id;
};

/** One step of what copies a record into an event. */
struct script_step {
	enum {
		STEP_ALIGN, /* to @align */
		STEP_BYTES, /* @len bytes, aligned to @align */
		STEP_BITS,  /* a bit field of a struct: a number of @len bytes */
		STEP_STR,   /* text up to its 0 */
		STEP_BUF,   /* u32 length and bytes, of a TYPE_BUF */
		STEP_STACK, /* u32 length and addresses */
		STEP_TEXT,  /* what print() shows of it */
	} kind;
	uint8_t align;
	uint8_t bit_off, n_bits; /* STEP_BITS: from the first bit of the byte at @off */
	uint32_t off;		 /* from the payload's begin */
	uint32_t len;
	const struct type *type;
};

/** How the records of one site become events. */
struct script_plan {
	struct script_step *steps; /* owned */
	size_t n, cap;
	uint32_t id;
	uint32_t align; /* of the fields */
	size_t most;	/* bytes of an event */
};

void script_plan_fini(struct script_plan *p);

/** The stream class of all scripts' events. */
struct sonde_stream_class *script_describe(struct describe *d);

/**
 * Describes the event of @site in @sc, unless it is among the @n classes at @all already; then
 * *@ret_new is false. -EEXIST: another script has an event of that name with other fields.
 */
SONDE_MUST_CHECK int script_describe_event(struct describe *d, struct sonde_stream_class *sc,
					   const struct site *site, const struct script_class *all,
					   size_t n, struct script_plan *ret,
					   struct script_class *ret_class, bool *ret_new);

/** The frames of a stack that a record has. */
typedef size_t (*script_stack_fn)(void *arg, const struct type *t, const struct stack_value *v,
				  uint64_t *ret);

/** What else is needed of a record. */
struct script_pack {
	struct printer *printer; /* for STEP_TEXT */
	struct strbuf *text;	 /* its room */
	script_stack_fn stack;
	void *stack_arg;
};

/** Writes the event at @ret, of at most @p->most bytes; how many it has. */
size_t script_pack(const struct script_plan *p, const struct script_pack *how, uint64_t ts_ns,
		   const void *payload, uint8_t *ret);

#endif
